"""Puts a draft of an organisation's file into service: checks it, shows the differences, and writes it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autonomy_core.tenancy.directory import load_directory
from autonomy_core.tenancy.domain import LoadedFile, Problem, Version
from autonomy_core.tenancy.editing import EditError, replace_file
from autonomy_core.tenancy.files import Signature, signature, write_whole
from autonomy_core.tenancy.loader import PluginSchemas, TenantLoader
from autonomy_core.tenancy.parser import parse
from autonomy_core.tenancy.reading import SUFFIX, read_text
from autonomy_core.tenancy.secrecy import is_secret
from autonomy_core.tenancy.secrets import MASK, shown
from autonomy_core.tenancy.settling import Rules
from autonomy_core.tenancy.texts import ACCEPT_MAIL, MailChecks

Values = Mapping[tuple[str, str], str]
"""The values of a file, by section and key."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that may become an organisation's file.

    Attributes:
        path: the draft.
        target: the organisation's file, which need not exist yet.
        text: the content of the draft.
        loaded: the result of loading the content at the target's path, where relative references start.
        problems: problems of the draft, including conflicts with other organisations' files.
        before: the current content of the target; None if there is none.
        seen: the signature of the target at that time.
    """

    path: Path
    target: Path
    text: str
    loaded: LoadedFile
    problems: tuple[Problem, ...]
    before: str | None
    seen: Signature | None


def read_draft(
    path: Path,
    organisation_id: str | None,
    directory: Path,
    schemas: PluginSchemas,
    rules: Rules,
    *,
    mail_checks: MailChecks = ACCEPT_MAIL,
) -> Draft:
    """Read a draft and check it as if it were in the directory.

    Args:
        path: the draft, anywhere.
        organisation_id: the organisation; by default the stem of the draft's name.
        directory: the directory of the organisations' files.
        schemas: the schemas of the installed plugins.
        rules: the rules that decide what is in service.
        mail_checks: what mail adds to the schemas.
    """
    target = directory / f"{organisation_id or path.stem}{SUFFIX}"
    seen = signature(target)
    before = read_text(target) if seen else None
    text = read_text(path)
    if isinstance(text, Problem):
        nothing = LoadedFile(path, None, (text,))
        return Draft(path, target, "", nothing, (text,), None, seen)
    loaded = TenantLoader(schemas, mail_checks).load_text(target, text)
    replaced = {target.stem: loaded}
    among_all = load_directory(directory, schemas, rules, replaced, mail_checks=mail_checks)
    named = organisation_id is not None or seen is not None
    likely = None if named else _owner_of_its_hosts(loaded, among_all.settled.versions)
    own = (each for each in among_all.problems if each.organisation_id == target.stem)
    problems = tuple(_reported_for(each, path, likely) for each in own)
    # An unreadable target cannot be compared.
    known = before if isinstance(before, str) else None
    return Draft(path, target, text, loaded, problems, known, seen)


def _owner_of_its_hosts(loaded: LoadedFile, versions: Mapping[str, Version]) -> str | None:
    """Return the only other organisation that has a host of the draft, None if there is not exactly one."""
    own = loaded.organisation
    if own is None:
        return None
    owners = [each.id for each in versions.values() if each.id != own.id and {*each.hosts} & {*own.hosts}]
    return owners[0] if len(owners) == 1 else None


def _reported_for(problem: Problem, path: Path, likely: str | None) -> Problem:
    if problem.file.suffix != SUFFIX:
        return problem
    if problem.code in ("malformed_id", "reserved_id"):
        problem = replace(problem, remedy=f"{problem.remedy}; or say whose it is with --id")
    if problem.code == "duplicate_host" and likely is not None:
        remedy = f"{problem.remedy}; or, if this is a draft of {likely}, check it with --id {likely}"
        problem = replace(problem, remedy=remedy)
    return replace(problem, file=path)


def write_draft(draft: Draft) -> None:
    """Replace the organisation's file by the draft. Mode and owner stay. Only the owner can read a new file.

    Args:
        draft: the draft, as read and checked.

    Raises:
        EditError: the file changed since the draft was compared with it.
        OSError: it cannot be written. The old file is unchanged.
    """
    if signature(draft.target) != draft.seen:
        raise EditError(f"{draft.target} was changed by another program just now; run the command again")
    content = f"{draft.text.rstrip()}\n".encode()
    if draft.seen:
        replace_file(draft.target, content)
        return
    # Root may act for the server's user, who owns the directory.
    owner = draft.target.parent.stat() if os.geteuid() == 0 else None
    write_whole(draft.target, content, mode=0o600, owner=owner)


def differences(draft: Draft, schemas: PluginSchemas) -> Iterator[str]:
    """Yield the changes of the draft, one line per value. Secrets are masked; comments are ignored."""
    before = _values(draft.target, draft.before or "")
    after = _values(draft.target, draft.text)
    for key in dict.fromkeys((*before, *after)):
        if before.get(key) == after.get(key):
            continue
        for sign, values in (("-", before), ("+", after)):
            if key in values:
                yield f"{sign} [{key[0]}] {key[1]} = {_shown(schemas, key, values[key])}"


def _values(path: Path, text: str) -> Values:
    sections = parse(path, text).sections.items()
    return {(name, key): value for name, section in sections for key, value in section.values().items()}


def _shown(schemas: PluginSchemas, key: tuple[str, str], value: str) -> str:
    if is_secret(schemas, *key):
        return shown(value) or MASK
    return " ".join(value.split())
