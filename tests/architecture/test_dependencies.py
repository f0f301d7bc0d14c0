"""Dependencies: they install on every Python 3.11, and none is under the GPL."""

import re
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
OLDEST_PYTHON = "3.11.0"
COPYLEFT = re.compile(r"GPL|General Public", re.IGNORECASE)
LESSER = re.compile(r"LGPL|Lesser General Public", re.IGNORECASE)


def pinned():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def needed_to_run(name="autonomy-server", known=None):
    """The distributions that an installation without extras needs, by name."""
    known = {} if known is None else known
    try:
        found = distribution(name)
    except PackageNotFoundError:  # of another platform
        return known
    if found.name not in known:
        known[found.name] = found
        wanted = map(Requirement, found.requires or ())
        for requirement in wanted:
            # Only psycopg's extras matter; their distributions are installed and listed.
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed_to_run(requirement.name, known)
                for extra in requirement.extras:
                    needed_to_run(f"{requirement.name}-{extra}", known)
    return known


def licence(found):
    named = found.metadata.get("License-Expression") or found.metadata.get("License") or ""
    classifiers = [one for one in found.metadata.get_all("Classifier") or () if one.startswith("License ::")]
    return " ".join([named.partition("\n")[0], *classifiers])


def test_the_pinned_versions_support_every_promised_python():
    pins = {requirement.name.lower(): requirement for requirement in pinned()}
    installed = [one for one in distributions() if one.name.lower() in pins]
    assert len(installed) > 80
    refused = {
        f"{one.name} {one.version}"
        for one in installed
        if one.version in pins[one.name.lower()].specifier
        and OLDEST_PYTHON not in SpecifierSet(one.metadata.get("Requires-Python") or "")
    }
    assert not refused


def test_no_dependency_is_under_the_gpl():
    found = needed_to_run().values()
    assert len(found) > 40
    bound = {one.name for one in found if COPYLEFT.search(LESSER.sub("", licence(one)))}
    assert not bound


def test_the_documents_name_the_dependencies_under_the_lgpl():
    lesser = {one.name for one in needed_to_run().values() if LESSER.search(licence(one))}
    documented = (ROOT / "docs" / "plugin-authors.md").read_text("utf-8")
    assert lesser == {"psycopg", "psycopg-binary", "psycopg-pool"}
    assert all(f"`{name}`" in documented for name in lesser)
