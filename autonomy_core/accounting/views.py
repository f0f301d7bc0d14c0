"""The ledger over HTTP: figures of days and months, and the export of payments."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.accounting import schemas
from autonomy_core.accounting.export import MEDIA_TYPE, export, record_export
from autonomy_core.accounting.figures import TooManyFigures, report
from autonomy_core.accounting.resources import AdminFigures
from autonomy_core.kernel.identity import Permission
from autonomy_core.payments.resources import AdminPayments
from autonomy_core.payments.schemas import PaymentFilters
from autonomy_core.traversal.resources import Admin
from autonomy_core.web.operations import api_view


@api_view(
    context=AdminFigures,
    method="GET",
    summary="Get the figures of days or months",
    permission=Permission.READ_PAYMENTS,
    query=schemas.FiguresQuery,
    returns=schemas.FiguresSchema,
    errors=(TooManyFigures,),
)
def get_figures(context: AdminFigures, request: Request) -> dict[str, Any]:
    """Collected, refunded, disputed and returned money, fees and what remains, by product and currency.

    The figures of past days stay the same. Only what the payment provider reports later is added. An answer
    has at most 10,000 of them.
    """
    return report(context.scope, **request.query)


@api_view(
    context=AdminPayments,
    name="export",
    method="GET",
    summary="Export payments as CSV",
    permission=Permission.READ_PAYMENTS,
    query=PaymentFilters,
    media={MEDIA_TYPE: "one line for each payment, newest first"},
    headers={"Content-Disposition": "`attachment`, with a file name"},
    transaction="none",
)
def export_payments(context: AdminPayments, request: Request) -> Response:
    """Returns all payments that the filters select, with fees where the provider reported them.

    The table has personal data, so the audit log notes each export.
    """
    record_export(context.scope, request.query, actor=request.actor)
    answer = Response(app_iter=export(context.scope, request.query), content_type=MEDIA_TYPE, charset="utf-8")
    answer.content_disposition = f'attachment; filename="payments-{context.organisation.id}.csv"'
    answer.cache_control = "no-store"
    return answer


def includeme(config: Any) -> None:
    """Add the figures to the tree."""
    config.add_child(Admin, "figures", AdminFigures)
    config.scan(__name__)
