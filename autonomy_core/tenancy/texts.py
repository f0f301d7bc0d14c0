"""The texts of an organisation: the files of the directory ``<id>/mail`` beside its ini file.

They belong to the version of the organisation. A change of the ini file and the texts takes effect as a
whole, and a problem of one of them keeps the last good version of all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autonomy_core.tenancy.domain import Problem
from autonomy_core.tenancy.files import Signature, signature
from autonomy_core.tenancy.reading import UNFINISHED_NS, is_unfinished, read_text, remedy_of

TEXTS_SUFFIX = ".md"
MAX_TEXTS = 500
"""The maximum number of files, because each check of the directory looks at all of them."""

TextCheck = Callable[[Path, str], Iterable[Problem]]
"""Takes the path of a file and its content, and returns the problems."""


def accept(_: Path, __: str) -> Iterable[Problem]:
    """Find no problem."""
    return ()


@dataclass(frozen=True, slots=True)
class MailChecks:
    """What the organisations' files are checked against, beside the schemas of their sections.

    Attributes:
        text: finds the problems of a text.
        mailers: the ways to hand over mail that ``url`` in ``[mail]`` may name; None accepts every name.
        theme: finds the problems of a file of a theme.
    """

    text: TextCheck = accept
    mailers: Collection[str] | None = None
    theme: TextCheck = accept


ACCEPT_MAIL = MailChecks()


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of an organisation.

    Attributes:
        contents: the contents by file name.
        problems: their problems.
        files: the directory and the files, with their signatures before they were read. Empty if the
            organisation has no directory.
        is_unfinished: whether an editor may still be writing one of the files.
    """

    contents: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    files: tuple[tuple[Path, Signature | None], ...] = ()
    is_unfinished: bool = False

    @property
    def is_unreadable(self) -> bool:
        """Whether a file or the directory exists but cannot be read."""
        return any(problem.code == "unreadable_file" for problem in self.problems)


def texts_directory(ini: Path) -> Path:
    """Return the directory of the texts that belong to an ini file."""
    return ini.parent / ini.stem / "mail"


def read_texts(ini: Path, check: TextCheck, unfinished_ns: int = UNFINISHED_NS) -> Texts:
    """Read and check the texts that belong to an ini file.

    Args:
        ini: the ini file.
        check: finds the problems of a text.
        unfinished_ns: see `reading.UNFINISHED_NS`.
    """
    directory = texts_directory(ini)
    if not directory.parent.is_dir():
        return Texts()
    # Before the directory and the files are read, so that a concurrent change is detected later.
    files: list[tuple[Path, Signature | None]] = [(directory, signature(directory))]
    try:
        paths = sorted(_texts_in(directory))
    except FileNotFoundError:
        return Texts(files=tuple(files))
    except OSError as error:
        message = f"the directory {directory} cannot be read: {error.strerror or error}"
        is_file = isinstance(error, NotADirectoryError)
        remedy = "put a directory in its place, or remove it" if is_file else remedy_of(error)
        problem = Problem(ini, 1, "unreadable_file", message, remedy)
        return Texts({}, (problem,), tuple(files))
    if len(paths) > MAX_TEXTS:
        message = f"the directory {directory} has more than {MAX_TEXTS} files"
        problem = Problem(ini, 1, "invalid_value", message, "remove those that are not needed")
        return Texts({}, (problem,), tuple(files))
    files += [(path, signature(path)) for path in paths]
    read = {path: read_text(path) for path in paths}
    contents = {path: text for path, text in read.items() if isinstance(text, str)}
    problems = [problem for problem in read.values() if isinstance(problem, Problem)]
    problems += [problem for path, text in contents.items() for problem in check(path, text)]
    return Texts(
        {path.name: text for path, text in contents.items()},
        tuple(problems),
        tuple(files),
        any(is_unfinished(path, text, unfinished_ns) for path, text in contents.items()),
    )


def _texts_in(directory: Path) -> Iterator[Path]:
    """The files with texts, without those that editors make beside them."""
    return (
        path
        for path in directory.iterdir()
        if path.name.endswith(TEXTS_SUFFIX) and not path.name.startswith(".")
    )
