"""Looks into an uploaded file. Runs in a limited child process, so it imports little."""

from __future__ import annotations

import re
from pathlib import Path

_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")


def examine(path: Path) -> dict[str, object]:
    """Count the pages of a PDF. Returns the values of `PdfFacts`."""
    content = path.read_bytes()
    is_pdf = content.startswith(b"%PDF-") and b"%%EOF" in content[-1024:]
    return {"is_pdf": is_pdf, "pages": len(_PAGE.findall(content))}
