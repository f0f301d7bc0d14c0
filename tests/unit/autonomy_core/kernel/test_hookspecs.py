"""Every hook is documented, and its example runs."""

import doctest
import inspect
import re

import pytest

from autonomy_core.kernel import hookspecs

HOOKS = {
    name: function
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
    if hasattr(function, "autonomy_spec")
}
PROMISES = ("Fires:", "Transaction:", "Raising:", "Twice:")


def test_all_functions_of_the_module_are_hooks():
    defined_here = {
        name
        for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
        if function.__module__.startswith(f"{hookspecs.__name__}.")
    }
    assert HOOKS.keys() == defined_here
    assert len(HOOKS) >= 10


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_documents_time_transaction_errors_and_repetition(name):
    text = inspect.getdoc(HOOKS[name])
    missing = [promise for promise in PROMISES if not re.search(rf"{promise}\s+\S", text)]
    assert missing == []


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_s_example_implements_it_and_runs(name):
    (example,) = (
        found
        for found in doctest.DocTestFinder(recurse=False).find(HOOKS[name], name, globs={})
        if found.examples
    )
    source = "".join(step.source for step in example.examples)
    assert "@hookimpl" in source
    assert f"def {name}(" in source
    report = []
    doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert report == []


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_named_for_what_it_is(name):
    parameters = list(inspect.signature(HOOKS[name]).parameters)
    if name.startswith("on_"):
        assert re.fullmatch(r"on_[a-z_]+(ed|ing)|on_login|on_download|on_track_ready", name)
        assert parameters == ["event"]
    else:
        assert name.startswith("register_")


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_s_arguments_and_answer_are_typed(name):
    signature = inspect.signature(HOOKS[name])
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(one.annotation is not inspect.Parameter.empty for one in signature.parameters.values())
