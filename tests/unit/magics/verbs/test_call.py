from __future__ import annotations

import re

import pytest

from tests.unit.magics.notebook import Notebook


def test_a_call_converts_fields_and_returns_the_typed_reply(meshed: Notebook, counter: str) -> None:
    """Fields become the request's types; the reply is an instance of the notebook's class."""
    reply = meshed.run("%paglet call counter add by=2 colour=BLUE note='two words'")
    assert type(reply) is meshed.variable("Total")
    assert (reply.count, reply.note) == (2, "blue two words")


def test_json_and_fields_go_together(meshed: Notebook, counter: str) -> None:
    """``--json`` gives the request, fields beside it win."""
    reply = meshed.run("""%paglet call counter add by=5 --json '{"by": 1, "note": "n"}'""")
    assert (reply.count, reply.note) == (5, "red n")


def test_a_semicolon_silences_the_reply(meshed: Notebook, counter: str) -> None:
    """A line and a cell have no value where they end in ``;``, but what they say is done."""
    assert meshed.run("%paglet call counter add;") is None
    assert meshed.run("%%paglet call counter add\nby = 1;\n") is None
    assert meshed.run("%paglet call counter add").count == 3


def test_variables_of_the_notebook_are_filled_in(meshed: Notebook, counter: str) -> None:
    """``{expr}`` and ``$var`` work, also for the paglet itself."""
    meshed.run("step = 3")
    assert meshed.run("%paglet call {_counter} add by={step * 2}").count == 6
    assert meshed.run("%paglet call $_counter add by=$step").count == 9


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nobody add", "no paglet 'nobody' in the mesh (paglets: counter)"),
        ("counter subtract", "counter has no operation 'subtract' (operations: add, fail, sleep)"),
        ("counter add bye=1", "operation 'add' has no field 'bye' (fields: by, colour, note, loud)"),
        ("counter add by=five", "operation 'add': field 'by' wants int, got 'five'"),
        ("counter add colour=green", "operation 'add': field 'colour' wants Colour (red, blue), got 'green'"),
        ("counter add --json '[1]'", "--json wants an object with fields by name, got list"),
        ("counter sleep by=1 --timeout 0.1", "'sleep' on alpha: no answer within 0.1 s; it may still be done"),
        ("counter add by=1 by=2", "by= is given twice"),
        ("co add", "no paglet 'co' in the mesh (paglets: counter)"),
        ("counter", "the following arguments are required: OPERATION"),
    ],
)
def test_mistakes_are_one_line_and_the_mesh_goes_on(meshed: Notebook, counter: str, line: str, said: str) -> None:
    """Each mistake is a UsageError; the paglet answers the next call."""
    assert said in meshed.refused(f"%paglet call {line}")
    assert meshed.run("%paglet call counter add").count == 1


@pytest.mark.parametrize("note", ["(", "[1,", "a ]", ")", "''''", '"'])
def test_text_that_no_python_has_is_quoted(meshed: Notebook, counter: str, note: str) -> None:
    """Quotes make a text of what opens or closes brackets and quotes; its reply is there."""
    quote = '"' if "'" in note else "'"
    assert meshed.run(f"%paglet call counter add note={quote}{note}{quote}").note == f"red {note}"


@pytest.mark.parametrize("fields", ["note=(", "by=1 note=[1,2", "note={'a'", "note='("])
def test_a_line_that_is_not_closed_does_nothing(meshed: Notebook, counter: str, fields: str) -> None:
    """A bracket or a quote that is not closed is told before anything is done."""
    assert meshed.refused(f"%paglet call counter add {fields}").startswith("no closing ")
    assert meshed.run("%paglet call counter add").count == 1


def test_a_handlers_exception_comes_as_itself(meshed: Notebook, counter: str) -> None:
    """User code's error keeps its type and carries the remote traceback."""
    with pytest.raises(KeyError, match="broken on purpose") as caught:
        meshed.run("%paglet call counter fail")
    assert "raise KeyError" in caught.value.remote_traceback  # type: ignore[attr-defined]
    assert meshed.run("%paglet call counter add").count == 1


def test_a_name_that_the_class_was_sent_without_is_told(meshed: Notebook) -> None:
    """Where the notebook has it by now, the error says what to do."""
    meshed.run(
        "class _Early(OperationPaglet[CounterState]):\n"
        "    def operation_handlers(self):\n        return {ADD: self.add}\n"
        "    def add(self, request):\n        return Total(came_later)"
    )
    meshed.run("_early = %paglet create _Early")
    error, _ours = meshed.failed("%paglet call _early add")
    assert not getattr(error, "__notes__", [])
    meshed.run("came_later = 3")
    error, _ours = meshed.failed("%paglet call _early add")
    assert isinstance(error, NameError)
    assert error.__notes__[0].startswith("came_later is defined in this notebook, but was not when")
    assert error._render_traceback_()[-1] == error.__notes__[0]  # type: ignore[attr-defined]
    meshed.run("%paglet dispose _early\ndel came_later")


def test_a_disposed_paglet_is_told(meshed: Notebook, counter: str) -> None:
    """A variable that holds a proxy of what is gone leads to one line."""
    meshed.run("%paglet dispose counter")
    assert re.match(r"no paglet 'counter' on alpha \(.*disposed", meshed.refused("%paglet call _counter add"))


def test_a_task_is_started_otherwise(meshed: Notebook, worker: str) -> None:
    """Who calls the start of a task is told how it is started."""
    said = meshed.refused("%paglet call worker start steps=2")
    assert said == "worker is a task; use: %paglet start worker steps=2"
    assert not meshed.run("%paglet call worker status").done


def test_a_paglet_without_operations_points_to_send(meshed: Notebook) -> None:
    """A raw paglet cannot be called, only sent to."""
    meshed.run("_echo = %paglet create Echo --name echo")
    try:
        assert meshed.refused("%paglet call echo add") == "echo has no typed operations; use: %paglet send"
    finally:
        meshed.run("%paglet dispose echo")


ERRORS = """
from paglets_nb.errors import HostError, PagletError

class _Refused(PagletError):
    pass

class _Refusing(Counter):
    def add(self, request):
        raise _Refused("not today") if request.by == 1 else HostError("nor ever")

    def sleep(self, request):
        return None
"""


def test_an_error_that_a_handler_makes_of_ours_comes_as_any_other(meshed: Notebook) -> None:
    """Its class, host and line are shown, whether the class is the user's or the project's."""
    meshed.run(ERRORS)
    meshed.run("_refusing = %paglet create _Refusing --on alpha --name refusing")
    for by, name in ((1, "_Refused"), (2, "HostError")):
        error, ours = meshed.failed(f"%paglet call refusing add by={by}")
        shown = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(error._render_traceback_()))  # type: ignore[attr-defined]
        assert (type(error).__name__, ours) == (name, [])
        assert "on alpha, _Refusing:" in shown
        assert "raise _Refused" in shown
    said = meshed.refused("%paglet call refusing sleep")
    assert said == "operation 'sleep': its reply must be a Total, not None"
    meshed.run("%paglet dispose refusing")
