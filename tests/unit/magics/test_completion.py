from __future__ import annotations

import threading

import pytest
from IPython.core.completer import CompletionContext, provisionalcompleter

from paglets_nb.magics import candidates
from paglets_nb.magics.cells import CELL_VERBS
from paglets_nb.magics.completion import LineCompleter
from paglets_nb.magics.verbs import LINE_VERBS
from tests.unit.magics.notebook import Notebook


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hosts tell is there, however busy they are."""
    monkeypatch.setattr(candidates, "_PATIENCE", 20.0)


def _complete(notebook: Notebook, code: str) -> list[str]:
    """What IPython's own completer offers at the end of the code."""
    with provisionalcompleter():
        return [entry.text for entry in notebook.shell.Completer.completions(code, len(code))]


def _of_line(notebook: Notebook, text: str, *, cell: bool = False) -> list[str]:
    """What the line behind the magic's name may continue with."""
    return [word for word, _kind in LineCompleter(notebook.session).complete(text, cell=cell)[1]]


def test_verbs_come_from_ipythons_completer_alone(notebook: Notebook) -> None:
    """The matcher is called through the shell, and suppresses every other one."""
    assert sorted(_complete(notebook, "%paglet ")) == sorted(LINE_VERBS)
    assert sorted(_complete(notebook, "%%paglet ")) == sorted(CELL_VERBS)
    assert sorted(_complete(notebook, "p = %paglet d")) == [
        "deactivate",
        "detach",
        "dispatch",
        "dispose",
        "down",
        "drain",
    ]
    assert sorted(_complete(notebook, "x = 1\n%paglet hos")) == ["hosts"]


@pytest.mark.parametrize("code", ["%paglet", "import o", "%%paglet on alpha\nimport o", "paglet ", "1\n%%paglet "])
def test_other_code_is_left_alone(notebook: Notebook, code: str) -> None:
    """Outside the magics' lines nothing is offered and nothing suppressed."""
    lines = code.split("\n")
    context = CompletionContext(
        token="", full_text=code, cursor_position=len(lines[-1]), cursor_line=len(lines) - 1, limit=None
    )
    assert LineCompleter(notebook.session).match(context) == {"completions": [], "suppress": False}


def test_a_second_cell_after_nothing_found_still_completes(notebook: Notebook) -> None:
    """What IPython writes into one answer does not leak into the next."""
    for code in ("%pagl", "print(1)\n%%paglet ", "%pagl"):
        assert _complete(notebook, code)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("create Co", ["Counter"]),
        ("search ", ["grep", "find"]),
        ("search grep x --files", ["--files-with", "--files-without"]),
        ("search grep x . --hosts alpha,b", ["beta"]),
        ("create ", ["Counter", "Echo", "Feed", "Herald", "Worker"]),
        ("create Counter ", ["count=", "anything="]),
        ("create Counter count=1 ", ["anything="]),
        ("create Counter --", ["--help", "--on", "--name"]),
        ("create Counter --on alpha --", ["--help", "--name"]),
        ("create Counter --on ", ["alpha", "beta"]),
        ("create Counter --on b", ["beta"]),
        ("call counter ", ["add", "fail", "sleep"]),
        ("call counter a", ["add"]),
        ("call counter add ", ["by=", "colour=", "note=", "loud="]),
        ("call counter add by=1 n", ["note="]),
        ("call counter add colour=", ["red", "blue"]),
        ("call counter add colour=b", ["blue"]),
        ("call counter add loud=", ["true", "false"]),
        ("call counter add note=", ["none"]),
        ("call _counter add b", ["by="]),
        ("dispatch counter ", ["alpha", "beta"]),
        ("clone counter alpha ", ["alpha", "beta"]),
        ("clone counter --a", ["--all"]),
        ("ls --on a", ["alpha"]),
        ("up --engine ", ["local"]),
        ("retract counter --to b", ["beta"]),
        ("restart ", ["alpha", "beta", "all"]),
        ("interrupt alpha,b", ["beta"]),
        ("remove a", ["alpha"]),
        ("deactivate counter --f", ["--for"]),
        ("activate cou", ["counter"]),
        ("upgrade Cou", ["Counter"]),
        ("upgrade cou", ["counter"]),
        ("multicast ", []),
        ("multicast hello cou", ["counter"]),
        ("drain cou", ["counter"]),
        ("drain counter a", ["add"]),
        ("events --on b", ["beta"]),
        ("events --kind d", ["dispatch", "deactivate", "dispose"]),
        ("events --paglet cou", ["counter"]),
        ("notifications --severity w", ["warning"]),
        ("log al", ["alpha"]),
        ("tasks --f", ["--follow"]),
        ("push CHANGE", ["CHANGELOG.md"]),
        ("push CHANGELOG.md b", ["beta:"]),
        ("pull al", ["alpha:"]),
        ("bench ", ["alpha", "beta"]),
        ("bench --q", ["--quick"]),
        ("bench --volumes do", ["docs/"]),
        ("bench --volumes docs do", ["docs/"]),
        ("bench --volumes docs --qu", ["--quick"]),
        ("bench --volumes docs --quick al", ["alpha"]),
        ("hops alpha --r", ["--repeat"]),
        ("hops --repeat 2 be", ["beta"]),
        ("fanout Cou", ["Counter"]),
        ("fanout cou", ["counter"]),
        ("fanout Counter a", ["add"]),
        ("fanout counter s", ["sleep"]),
        ("fanout Counter add b", ["by="]),
        ("fanout Counter add colour=r", ["red"]),
        ("fanout Counter add --hosts alpha,b", ["beta"]),
        ("fanout Counter add --placement s", ["spread"]),
        ("call strange ", []),
        ("zzz ", []),
        ("down ", []),
    ],
)
def test_each_argument_offers_what_fits(meshed: Notebook, counter: str, line: str, words: list[str]) -> None:
    """Classes, hosts, operations, fields, values and options are offered where they belong."""
    assert _of_line(meshed, line) == words


def test_paglets_are_offered_by_variable_name_and_id(meshed: Notebook, counter: str) -> None:
    """Whatever a paglet may be called is offered."""
    meshed.shell.user_ns["mine"] = meshed.variable("_counter")
    words = _of_line(meshed, "call ")
    assert {"mine", "counter", meshed.variable("_counter").agent_id} <= set(words)


def test_a_tasks_fields_are_those_of_its_request(meshed: Notebook, worker: str) -> None:
    """``start`` completes the request's fields."""
    assert _of_line(meshed, "start worker ") == ["steps=", "fail="]


def test_tasks_are_offered_where_only_a_task_will_do(meshed: Notebook, worker: str, counter: str) -> None:
    """By variable, name and id; a verb for any paglet offers all."""
    task, other = meshed.variable("_worker").agent_id, meshed.variable("_counter").agent_id
    for verb in ("status", "wait", "start"):
        words = set(_of_line(meshed, f"{verb} "))
        assert {"worker", task} <= words
        assert not {"counter", other} & words
    assert {"worker", "counter"} <= set(_of_line(meshed, "cancel "))


@pytest.mark.parametrize(
    "line", ["down ", "zzz ", "call strange ", "multicast ", "log imp", "create Counter count=imp"]
)
def test_ipython_adds_nothing_of_its_own(meshed: Notebook, counter: str, line: str) -> None:
    """Where a line has nothing to offer, neither keywords nor files nor magics are."""
    assert _complete(meshed, f"%paglet {line}") == []


def test_names_of_the_notebook_are_left_to_ipython(meshed: Notebook, counter: str) -> None:
    """In braces and behind a dollar sign."""
    meshed.run("named_here = 1")
    assert "named_here" in _complete(meshed, "%paglet call counter add by={named_h")


def test_a_cells_first_line_names_hosts(meshed: Notebook) -> None:
    """``%%paglet on`` completes hosts, also behind a comma."""
    assert _of_line(meshed, "on ", cell=True) == ["alpha", "beta", "all"]
    assert _of_line(meshed, "on alpha,b", cell=True) == ["beta"]
    assert _of_line(meshed, "drain feed --a", cell=True) == ["--after"]
    assert sorted(_complete(meshed, "%%paglet on alpha,")) == ["all", "alpha", "beta"]


def test_completion_never_waits_for_hosts(meshed: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where hosts do not answer, what is known is offered all the same."""
    monkeypatch.setattr(candidates, "_PATIENCE", 0.06)
    real, go_on = meshed.session.mesh, threading.Event()
    assert real is not None
    answered: list[bool] = []

    class Slow:
        name = "slow"
        running = True

        def listing(self) -> list[object]:
            answered.append(go_on.wait(20.0))
            return []

    meshed.session.mesh = Slow()  # type: ignore[assignment]
    try:
        _of_line(meshed, "call ")
        assert not answered
    finally:
        go_on.set()
        meshed.session.mesh = real
