from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import ipywidgets
import pytest
from IPython.core.error import UsageError

from paglets_nb.core.turns import default_origin
from paglets_nb.magics.session import _MOST_VIEWS, Session
from paglets_nb.magics.tokens import Word
from paglets_nb.mesh import asking
from paglets_nb.widgets.shown import Shown, close_tree
from tests.unit.magics.notebook import Notebook


def test_a_paglet_is_found_by_name_id_start_and_variable(meshed: Notebook, counter: str) -> None:
    """Whatever a person may call a paglet leads to its proxy."""
    session, proxy = meshed.session, meshed.variable("_counter")
    for word in (counter, proxy.agent_id, proxy.agent_id[:6], "_counter", Word("text", proxy)):
        assert session.paglet(word) == proxy


def test_a_handle_stands_for_its_paglet(meshed: Notebook, worker: str) -> None:
    """A variable that holds a task's handle can be used as the task."""
    meshed.shell.user_ns["_handle"] = SimpleNamespace(proxy=meshed.variable("_worker"))
    assert meshed.session.paglet("_handle").agent_id == meshed.variable("_worker").agent_id


def test_a_name_and_a_variable_that_differ(meshed: Notebook, counter: str) -> None:
    """Neither wins silently; each can be said; a variable whose paglet has gone gives way to the name."""
    meshed.run("bag = %paglet create Counter --name one")
    meshed.run("_named = %paglet create Counter --name bag")
    held, named = meshed.variable("bag"), meshed.variable("_named")
    try:
        refused = rf"'bag' is the name of a paglet on \w+, and .* one: say {named.agent_id} for the one, \$bag for"
        for line in ("%paglet dispose bag", "%paglet call bag add by=1", "%paglet fanout bag add by=1"):
            assert re.match(refused, meshed.refused(line))
        assert meshed.run("%paglet call $bag add by=1").count == 1
        assert meshed.run(f"%paglet call {named.agent_id} add by=2").count == 2
    finally:
        held.dispose()
    assert meshed.session.paglet("bag") == named
    named.dispose()
    assert meshed.session.paglet("bag") == held
    del meshed.shell.user_ns["bag"]


def test_a_variable_of_a_paglet_that_is_made_anew(meshed: Notebook) -> None:
    """The notebook's own style, variables called as what they hold, goes on where the paglet is another one."""
    meshed.run("again = %paglet create Counter --name again")
    meshed.run("%paglet dispose again")
    anew = meshed.run("_anew = %paglet create Counter --name again\n_anew")
    try:
        assert meshed.variable("again") != anew
        assert meshed.session.paglet("again") == anew
    finally:
        anew.dispose()
        del meshed.shell.user_ns["again"]


def test_an_unknown_paglet_lists_the_known_ones(meshed: Notebook, counter: str) -> None:
    """A wrong name is answered with the right ones."""
    with pytest.raises(UsageError, match=r"no paglet 'countr' .*\(paglets: counter\); did you mean 'counter'\?"):
        meshed.session.paglet("countr")


def test_paglets_without_a_name_are_counted(meshed: Notebook, counter: str) -> None:
    """Their ids say nothing to a reader; the list has them."""
    unnamed = meshed.run("_unnamed = %paglet create Counter\n_unnamed")
    try:
        with pytest.raises(
            UsageError, match=r"\(paglets: counter and 1 without a name, by their ids; %paglet ls shows"
        ):
            meshed.session.paglet("countr")
    finally:
        unnamed.dispose()


def test_an_ambiguous_start_of_an_id_is_told(meshed: Notebook, counter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that several ids share names them."""
    session, proxy = meshed.session, meshed.variable("_counter")
    infos: list[Any] = [SimpleNamespace(agent_id=f"abc{n}", name="") for n in range(2)]
    monkeypatch.setattr(asking, "list_paglets", lambda *_asked: asking.Listed(infos))
    with pytest.raises(UsageError, match="'abc' begins 2 paglets' ids: abc0, abc1"):
        session.paglet("abc")
    assert proxy.is_valid()


def test_a_class_is_found_in_the_notebook_or_by_module(meshed: Notebook) -> None:
    """A name of the notebook, ``module:Class`` and ``module.Class`` all work."""
    session = meshed.session
    assert session.paglet_class("Counter") is meshed.variable("Counter")
    for name in ("tests.integration.sample:Counter", "tests.integration.sample.Counter"):
        assert session.paglet_class(name).__module__ == "tests.integration.sample"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Countr", r"no class 'Countr' here \(paglet classes: .*Counter.*\); did you mean 'Counter'\?"),
        ("Add", "Add is no paglet class"),
        ("Paglet", "Paglet is no paglet class"),
        ("no.such.Class", "module 'no.such' .* cannot be imported"),
        ("tests.integration.sample:Nothing", "has no 'Nothing'"),
    ],
)
def test_what_is_no_paglet_class_is_explained(meshed: Notebook, name: str, said: str) -> None:
    """Each way to name the wrong class is one line."""
    with pytest.raises(UsageError, match=said):
        meshed.session.paglet_class(name)


def test_hosts_and_operations_suggest_the_nearest(meshed: Notebook, counter: str) -> None:
    """Unknown hosts and operations list the known ones."""
    session = meshed.session
    with pytest.raises(UsageError, match=r"no host 'alfa' in the mesh \(hosts: alpha, beta\); did you mean 'alpha'\?"):
        session.host("alfa")
    with pytest.raises(UsageError, match=r"counter has no operation 'ad' \(operations: add, fail, sleep\)"):
        session.operation(session.paglet(counter), "ad")


class _Kernel:
    """What the session uses of a kernel's shell."""

    user_ns: dict[str, Any]

    def __init__(self) -> None:
        self.user_ns = {}

    def get_parent(self) -> dict[str, Any]:
        return {"header": {"msg_id": "cell-1"}}


def test_messages_speak_for_the_cell_that_runs() -> None:
    """Before each cell its id becomes the origin of what is sent; a terminal has none."""
    try:
        Session(_Kernel()).on_cell()
        assert default_origin.cell == "cell-1"
        Session(SimpleNamespace(user_ns={})).on_cell()
        assert default_origin.cell == ""
    finally:
        default_origin.cell = ""


def test_views_are_bounded_and_end_with_the_mesh(shell: Any, page: list[dict[str, Any]]) -> None:
    """The oldest becomes its picture; stopping the mesh leaves the pictures of all."""

    class View(Shown):
        def __init__(self) -> None:
            super().__init__()
            self.widget = ipywidgets.Label()
            self.closed = False

        def text(self) -> str:
            return "text"

        html = text

        def close(self) -> None:
            self.closed = True
            close_tree(self.widget)

    session, views = Session(shell), [View() for _ in range(_MOST_VIEWS + 1)]
    for view in views:
        session.show_view(view)
    assert [view.closed for view in views] == [True] + [False] * _MOST_VIEWS
    session.stop_mesh()
    assert all(view.closed for view in views)
    assert len([data for data in page if "<i class='paglets-none" in data["text/html"]]) == len(views)
