from __future__ import annotations

import pytest

from paglets_nb.magics.completion import LineCompleter
from paglets_nb.testing import wait_until
from paglets_nb.widgets.operation_chooser import OperationChooser
from paglets_nb.widgets.operation_form import OperationForm
from tests.unit.magics.notebook import Notebook


def test_a_form_is_shown_once_and_returned(meshed: Notebook, counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Fields given beforehand are filled in; without a kernel the form is text."""
    form = meshed.run("""%paglet form counter add by=2 --json '{"colour": "blue"}' --timeout 3""")
    assert isinstance(form, OperationForm)
    assert capsys.readouterr().out.count("counter add: not sent yet") == 1
    assert form.page.values == {"by": "2", "colour": "BLUE", "note": None, "loud": False}
    assert form.page.timeout == "3"


def test_a_form_calls_as_the_magic_does(meshed: Notebook, counter: str) -> None:
    """Its reply is of the notebook's class."""
    form = meshed.run("_form = %paglet form counter add by=2\n_form")
    call = OperationForm(form.asker.proxy, form.asker.operation, values={"by": 4}).send()
    assert call is not None
    assert call.wait(10)
    assert type(call.reply) is meshed.variable("Total")
    assert call.reply.count == 4


def test_a_tasks_form_takes_the_tasks_request(meshed: Notebook, worker: str) -> None:
    """Under ``start``; its other operations are as they are."""
    form = meshed.run("%paglet form worker start steps=3")
    assert form.page.values == {"steps": "3", "fail": False}
    assert meshed.run("%paglet form worker wait").page.values == {"wait_timeout": "0.5"}


def test_without_an_operation_there_is_a_choice(meshed: Notebook, counter: str) -> None:
    """Of all the paglet's operations."""
    chooser = meshed.run("%paglet form counter")
    assert isinstance(chooser, OperationChooser)
    assert chooser.chosen.options == ("add", "fail", "sleep")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nobody", "no paglet 'nobody' in the mesh (paglets: counter)"),
        ("counter subtract", "counter has no operation 'subtract' (operations: add, fail, sleep)"),
        (
            "counter add bye=1",
            "operation 'add' has no field 'bye' (fields: by, colour, note, loud); did you mean 'by'?",
        ),
        ("counter add by=five", "operation 'add': field 'by' wants int, got 'five'"),
        ("counter add --json '[1]'", "--json wants an object with fields by name, got list"),
        ("counter add --timeout 0", "wants seconds above 0, got '0'"),
        ("counter by=1", "fields want an OPERATION before them, got by=..."),
        ("", "the following arguments are required: PAGLET"),
    ],
)
def test_mistakes_are_one_line(meshed: Notebook, counter: str, line: str, said: str) -> None:
    """Each is a UsageError, and nothing is shown."""
    assert said in meshed.refused(f"%paglet form {line}")


def test_a_paglet_without_operations_has_no_form(meshed: Notebook) -> None:
    """It says what to use."""
    meshed.run("_echo = %paglet create Echo --on alpha --name echo")
    assert "echo has no typed operations; use: %paglet send" in meshed.refused("%paglet form echo")
    meshed.variable("_echo").dispose()


def test_views_end_with_the_mesh_and_are_bounded(meshed: Notebook, counter: str) -> None:
    """The oldest becomes its last picture when there are too many."""
    session = meshed.session
    forms = [meshed.run("%paglet form counter add") for _form in range(40)]
    assert len(session._views) == 32
    assert forms[-1] is session._views[-1]
    assert forms[0] not in session._views


def test_operations_and_fields_are_completed(meshed: Notebook, counter: str) -> None:
    """As for a call."""
    completer = LineCompleter(meshed.session)
    wait_until(lambda: ("add", "function") in completer.complete("form counter ", cell=False)[1])
    wait_until(lambda: ("by=", "param") in completer.complete("form counter add ", cell=False)[1])
