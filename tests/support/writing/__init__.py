"""The package that has the texts of the kinds of mail that tests send."""
