import json
from pathlib import Path
from types import ModuleType

from click.testing import CliRunner
from marshmallow import EXCLUDE, Schema, fields

from autonomy_core.cli.commands import autonomy as command
from autonomy_core.cli.context import CliContext
from autonomy_core.cli.plugin_checks import problems_of
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.manager import Plugins
from autonomy_core.plugin_api.migrations import plugin_migrations
from autonomy_core.testing import stand_ins


def problems_with(*functions):
    module = ModuleType("bonus_track.plugin")
    for function in functions:
        function.__module__ = module.__name__
        setattr(module, function.__name__, function)
    return problems_of(Plugins({"bonus_track": module}), "bonus_track")


def test_the_list_says_which_organisations_have_enabled_a_plugin(unmigrated):
    (row,) = json.loads(unmigrated.run("plugins", "list", "--json").stdout)
    assert row["plugin"] == "stand_ins"
    assert row["enabled_by"] == ["acme", "zenith"]
    assert "stand_ins" in unmigrated.run("plugins", "list").stdout


def test_the_list_needs_no_ini_file_where_a_plugin_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    context = CliContext()
    context.plugins = Plugins({"stand_ins": stand_ins})
    result = CliRunner().invoke(command, ["plugins", "list", "--json"], obj=context)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == [{"plugin": "stand_ins", "distribution": None, "version": None}]


def test_an_ini_file_that_is_named_has_to_be_there_for_the_list_too(unmigrated, tmp_path):
    assert unmigrated.run("plugins", "list", config=tmp_path / "nowhere.ini").exit_code == 2


def test_a_plugin_in_order_is_said_to_be(unmigrated):
    result = unmigrated.run("plugins", "check")
    assert (result.exit_code, result.stdout) == (0, "stand_ins: in order\n")


def test_a_plugin_with_a_problem_makes_status_1(unmigrated):
    unmigrated.plugins = Plugins({"empty": ModuleType("empty")})
    result = unmigrated.run("plugins", "check", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"empty": ["it implements no hook"]}


def test_a_hook_that_is_not_marked_is_found():
    def on_payment_completed(event): ...

    (first, _) = problems_with(on_payment_completed)
    assert "on_payment_completed() has a hook's name and is not marked with @hookimpl" in first


def test_settings_that_are_not_described_or_take_anything_are_found():
    class Careless(Schema):
        class Meta:
            unknown = EXCLUDE

        product_id = fields.UUID()

    @hookimpl
    def register_settings():
        return PluginSettings(organisation=Careless)

    lenient, undescribed = problems_with(register_settings)
    assert "let unknown keys pass" in lenient
    assert "setting product_id has no metadata" in undescribed


def test_migrations_that_a_wheel_would_lack_are_found(tmp_path):
    @hookimpl
    def register_migrations():
        return plugin_migrations("bonus_track", Path(tmp_path))

    (problem,) = problems_with(register_migrations)
    assert "has no __init__.py" in problem


def test_jobs_and_commands_with_others_names_are_found():
    import click

    @hookimpl
    def register_jobs():
        return [Job("thanks", print)]

    @hookimpl
    def register_commands():
        return [click.Command("serve")]

    job, command = problems_with(register_jobs, register_commands)
    assert "must be called bonus_track." in job
    assert "has the name of one of the core's" in command
