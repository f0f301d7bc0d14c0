"""`api_view`: a view that declares its input and output."""

from __future__ import annotations

from autonomy_core.web.operations import PUBLIC, Details, Method, Operation, api_view, expect_large_body

__all__ = [
    "PUBLIC",
    "Details",
    "Method",
    "Operation",
    "api_view",
    "expect_large_body",
]
