"""The ``autonomy`` command: one module for each group, imported when it is used."""

from __future__ import annotations

import warnings


def main() -> None:
    """Run the command; what ``autonomy`` in the shell calls."""
    # Pyramid 2.1 imports pkg_resources, which says so to everybody.
    warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
    from autonomy_core.cli.commands import autonomy

    autonomy(prog_name="autonomy")
