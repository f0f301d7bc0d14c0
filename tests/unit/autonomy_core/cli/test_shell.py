"""Every ini file that the project offers gives ``pshell`` the names that the documents use."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

import pytest
from pyramid.util import DottedNameResolver

from autonomy_core.cli.shell import setup
from demo.places import ROOT, Places


def _setup_of(ini: Path) -> object:
    parser = ConfigParser(interpolation=None)
    parser.read_string(ini.read_text("utf-8"))
    return DottedNameResolver().resolve(parser["pshell"]["setup"])


@pytest.mark.parametrize("name", ["development.ini", "production.ini"])
def test_an_ini_file_of_the_project_names_the_setup_of_pshell(name: str):
    assert _setup_of(ROOT / name) is setup


def test_the_ini_file_of_the_demonstration_names_the_setup_of_pshell(tmp_path: Path):
    places = Places(port=6543, simulator_port=12111, mail_port=2525, directory=tmp_path)
    places.write_ini()
    assert _setup_of(places.ini) is setup
