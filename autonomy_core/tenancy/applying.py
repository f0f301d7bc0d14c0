"""Takes a draft of an organisation's file into service: checked first, compared, and written as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autonomy_core.tenancy.directory import load_directory
from autonomy_core.tenancy.domain import LoadedFile, Problem
from autonomy_core.tenancy.editing import EditError, replace_file
from autonomy_core.tenancy.files import Signature, signature, write_whole
from autonomy_core.tenancy.loader import SUFFIX, PluginSchemas, TenantLoader, read_text
from autonomy_core.tenancy.parser import parse
from autonomy_core.tenancy.secrecy import is_secret
from autonomy_core.tenancy.secrets import MASK, shown
from autonomy_core.tenancy.settling import Rules

Said = Mapping[tuple[str, str], str]
"""By section and key, what a file says."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that may become an organisation's.

    Attributes:
        target: the organisation's file, whether there is one already or not.
        loaded: what it would give in the target's place: relative references begin there.
        problems: with the draft's name and lines, also those with other organisations' files.
        before: what is at the target now, or None.
        seen: the target's signature then.
    """

    path: Path
    target: Path
    text: str
    loaded: LoadedFile
    problems: tuple[Problem, ...]
    before: str | None
    seen: Signature | None


def read_draft(
    path: Path, organisation_id: str | None, directory: Path, schemas: PluginSchemas, rules: Rules
) -> Draft:
    """Read and check a draft as if it were in the directory already.

    Args:
        path: anywhere.
        organisation_id: whose it is; by default what the draft's name says.
        directory: of the organisations' files.
    """
    target = directory / f"{organisation_id or path.stem}{SUFFIX}"
    seen = signature(target)
    before = read_text(target) if seen else None
    text = read_text(path)
    if isinstance(text, Problem):
        nothing = LoadedFile(path, None, (text,))
        return Draft(path, target, "", nothing, (text,), None, seen)
    loaded = TenantLoader(schemas).load_text(target, text)
    among_all = load_directory(directory, schemas, rules, replaced={target.stem: loaded})
    problems = tuple(_of_draft(each, path) for each in among_all.problems if each.file == target)
    # What cannot be read now has nothing to compare with.
    known = before if isinstance(before, str) else None
    return Draft(path, target, text, loaded, problems, known, seen)


def _of_draft(problem: Problem, path: Path) -> Problem:
    if problem.code in ("malformed_id", "reserved_id"):
        problem = replace(problem, remedy=f"{problem.remedy}; or say whose it is with --id")
    return replace(problem, file=path)


def write_draft(draft: Draft) -> None:
    """Put a draft in the place of the organisation's file; mode and owner of that stay. A new one is for its owner alone.

    Raises:
        EditError: the file was changed since the draft was compared with it.
        OSError: it cannot be written; it is as it was.
    """
    if signature(draft.target) != draft.seen:
        raise EditError(f"{draft.target} was changed by somebody else just now; run the command again")
    content = f"{draft.text.rstrip()}\n".encode()
    if draft.seen:
        replace_file(draft.target, content)
        return
    # Root may act for the server's user, whose directory it is.
    owner = draft.target.parent.stat() if os.geteuid() == 0 else None
    write_whole(draft.target, content, mode=0o600, owner=owner)


def differences(draft: Draft, schemas: PluginSchemas) -> Iterator[str]:
    """Tell, setting by setting, what the draft changes. Secrets are masked; comments are left out."""
    before = _said(draft.target, draft.before or "")
    after = _said(draft.target, draft.text)
    for key in dict.fromkeys((*before, *after)):
        if before.get(key) == after.get(key):
            continue
        for sign, said in (("-", before), ("+", after)):
            if key in said:
                yield f"{sign} [{key[0]}] {key[1]} = {_shown(schemas, key, said[key])}"


def _said(path: Path, text: str) -> Said:
    sections = parse(path, text).sections.items()
    return {(name, key): value for name, section in sections for key, value in section.values().items()}


def _shown(schemas: PluginSchemas, key: tuple[str, str], value: str) -> str:
    if is_secret(schemas, *key):
        return shown(value) or MASK
    return " ".join(value.split())
