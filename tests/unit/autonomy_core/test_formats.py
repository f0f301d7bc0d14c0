import pytest
from babel import Locale

from autonomy_core.formats import as_money


@pytest.mark.parametrize(
    ("amount", "currency", "english", "german"),
    [
        (1250, "eur", "€12.50", "12,50 €"),
        (123456789, "usd", "$1,234,567.89", "1.234.567,89 $"),
        (1250, "jpy", "¥1,250", "1.250 ¥"),
        (1250, "kwd", "KWD1.250", "1,250 KWD"),
        (-5, "eur", "-€0.05", "-0,05 €"),
        # By custom without decimal places, but ISO 4217 has two.
        (100000, "huf", "HUF1,000.00", "1.000,00 HUF"),
    ],
)
def test_an_amount_has_the_decimal_places_of_its_currency(amount, currency, english, german):
    shown = [as_money(amount, currency, Locale(language)).replace("\xa0", " ") for language in ("en", "de")]
    assert shown == [english, german]


@pytest.mark.parametrize(
    ("amount", "currency"), [(12.5, "eur"), (True, "eur"), ("12", "eur"), (1, "EUR"), (1, None)]
)
def test_what_is_no_amount_is_not_formatted(amount, currency):
    with pytest.raises((TypeError, KeyError)):
        as_money(amount, currency, Locale("en"))
