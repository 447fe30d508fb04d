from __future__ import annotations

import gc
import tempfile
import threading
from typing import Any

import pytest

from paglets_nb import Mesh
from paglets_nb.magics import extension
from paglets_nb.magics.cells import CELL_VERBS, load_cell_verb
from paglets_nb.magics.parser import VerbParser
from paglets_nb.magics.verbs import LINE_VERBS, load_line_verb
from tests.unit.magics.notebook import Notebook


def _installed(shell: Any) -> dict[str, Any]:
    """Everything the extension could leave in a shell."""
    formatters = {
        name: (dict(formatter.type_printers), dict(formatter.deferred_printers))
        for name, formatter in shell.display_formatter.formatters.items()
    }
    whole = shell.display_formatter.ipython_display_formatter
    return {
        "line": set(shell.magics_manager.magics["line"]),
        "cell": set(shell.magics_manager.magics["cell"]),
        "user_magics": set(vars(shell.magics_manager.user_magics)),
        "matchers": list(shell.Completer.custom_matchers),
        "hooks": {name: list(hooks) for name, hooks in shell.events.callbacks.items()},
        "formatters": formatters,
        "whole": (dict(whole.type_printers), dict(whole.deferred_printers)),
    }


def test_unloading_leaves_nothing_behind(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Magics, matcher, hooks, formatters, mesh and threads are gone after an unload."""
    before, threads = _installed(shell), set(threading.enumerate())
    shell.run_cell("%load_ext paglets_nb").raise_error()
    assert _installed(shell) != before
    shell.run_cell("mesh = %paglet up 1").raise_error()
    shell.run_cell("mesh").raise_error()
    mesh = shell.user_ns.pop("mesh")
    capsys.readouterr()
    shell.run_cell("%unload_ext paglets_nb").raise_error()
    assert capsys.readouterr().out == f"{mesh.name} is down (1 host), and its paglets with it\n"
    assert _installed(shell) == before
    assert not mesh.running
    assert Mesh.list() == []
    gc.collect()
    kept = {thread.name for thread in set(threading.enumerate()) - threads}
    assert not {name for name in kept if name.startswith("paglets-task")}
    assert shell not in extension._loaded


def test_loading_again_says_what_became_of_the_mesh(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that may go on does, and is taken up by its name; without a mesh nothing is said."""
    with tempfile.TemporaryDirectory(prefix="pn-") as folder:
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", folder)
        notebook.run("%paglet up 1 --detach --name going_on")
        capsys.readouterr()
        notebook.run("%reload_ext paglets_nb")
        said = "mesh going_on goes on without the notebook (1 host); see: %paglet attach going_on\n"
        assert capsys.readouterr().out == said
        notebook.run("%reload_ext paglets_nb")
        assert capsys.readouterr().out == ""
        Mesh.attach("going_on").stop()


def test_loading_twice_installs_once(notebook: Notebook) -> None:
    """A second load changes nothing."""
    before = _installed(notebook.shell)
    extension.load(notebook.shell)
    assert _installed(notebook.shell) == before


def test_unloading_what_is_not_loaded_is_harmless(shell: Any) -> None:
    """An unload without a load does nothing."""
    before = _installed(shell)
    extension.unload(shell)
    assert _installed(shell) == before


@pytest.mark.parametrize("cell", ["%paglet", "%paglet --help", "%%paglet --help\npass", "%paglet help"])
def test_help_lists_every_verb(notebook: Notebook, capsys: pytest.CaptureFixture[str], cell: str) -> None:
    """Without a verb, or with --help, every verb is named with what it does."""
    notebook.run(cell)
    shown = capsys.readouterr().out
    for name, summary in {**LINE_VERBS, **CELL_VERBS}.items():
        assert name in shown
        assert summary in shown


@pytest.mark.parametrize("verb", LINE_VERBS)
def test_every_line_verb_has_help(notebook: Notebook, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    """``--help`` shows usage and summary, and does nothing."""
    notebook.run(f"%paglet {verb} --help")
    shown = capsys.readouterr().out
    assert f"usage: %paglet {verb}" in shown
    assert LINE_VERBS[verb] in shown


@pytest.mark.parametrize("verb", CELL_VERBS)
def test_every_cell_verb_has_help(notebook: Notebook, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    """The same for cells."""
    notebook.run(f"%%paglet {verb} --help\npass")
    shown = capsys.readouterr().out
    assert f"usage: %%paglet {verb}" in shown
    assert CELL_VERBS[verb] in shown


@pytest.mark.parametrize("name", [*LINE_VERBS, *CELL_VERBS])
def test_every_argument_is_explained(name: str) -> None:
    """No argument of any verb is without a help text."""
    for load in (load_line_verb, load_cell_verb):
        if name in (LINE_VERBS if load is load_line_verb else CELL_VERBS):
            parser = VerbParser(name, "")
            load(name).configure(parser)
            assert [action.dest for action in parser._actions if not action.help] == []


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%paglet crate X", "unknown verb 'crate'; did you mean 'create'? (%paglet --help lists them)"),
        ("%paglet zzzz", "unknown verb 'zzzz' (%paglet --help lists them)"),
        ("%%paglet om all\n1", "unknown verb 'om'; did you mean 'on'?"),
        ("%%paglet ls\n1", "'ls' takes no cell; write %paglet ls"),
        ("%paglet on alpha", "'on' takes a cell: write %%paglet on"),
        ("%paglet ls 'x", "no closing '"),
    ],
)
def test_unknown_verbs_are_one_line(notebook: Notebook, cell: str, said: str) -> None:
    """A wrong verb is a UsageError with the nearest right one."""
    assert said in notebook.refused(cell)


@pytest.mark.parametrize("verb", sorted(set(LINE_VERBS) - {"attach", "meshes", "up"}))
def test_without_a_mesh_every_verb_says_how_to_get_one(notebook: Notebook, verb: str) -> None:
    """No verb but ``up``, ``attach`` and ``meshes`` does anything without a mesh."""
    words = {"create": "int", "call": "c add", "send": "c kind", "dispatch": "c beta"}
    words |= {"push": "c beta:", "pull": "beta:c", "search": "grep c"}
    meshed = ("detach", "down", "hosts", "panel", "ls", "tasks", "events", "notifications", "map")
    words |= dict.fromkeys(meshed, "")
    argument = words.get(verb, "c")
    assert notebook.refused(f"%paglet {verb} {argument}") == "no mesh is up; start one with: %paglet up"


def test_a_semicolon_silences(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """A line that ends in ``;`` works, as it does elsewhere in a notebook."""
    assert notebook.refused("%paglet ls;").startswith("no mesh is up")


@pytest.mark.parametrize("verb", CELL_VERBS)
def test_help_of_a_cell_verb_is_shown_by_a_line_too(
    notebook: Notebook, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    """Its help is shown by a line, too."""
    notebook.run(f"%paglet {verb} --help")
    assert f"%paglet {verb} " in capsys.readouterr().out
