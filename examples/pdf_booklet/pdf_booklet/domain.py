"""What counts as a booklet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """What an examination found.

    Attributes:
        is_pdf: whether the file begins and ends as a PDF does.
        pages: how many page objects were found.
    """

    is_pdf: bool
    pages: int

    @property
    def problem(self) -> str | None:
        """Why the file is no booklet, in a sentence for staff; None if it is one."""
        if not self.is_pdf:
            return "The file is not a complete PDF."
        if self.pages == 0:
            return "The PDF has no pages that can be counted; export it without object streams (PDF 1.4)."
        return None
