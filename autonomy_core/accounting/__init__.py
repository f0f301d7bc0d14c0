"""The ledger: what providers say of fees, figures of days and months, and the export of payments."""
