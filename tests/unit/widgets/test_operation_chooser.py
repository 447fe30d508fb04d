from __future__ import annotations

from typing import Any

import pytest
from ipywidgets.widgets import widget

from paglets_nb import Host, TaskPaglet, TaskState
from paglets_nb.errors import ServiceContractError
from paglets_nb.patterns.task_client import TaskClient
from paglets_nb.patterns.tasks import TASK_START, TASK_STATUS
from paglets_nb.testing import ADD, TOTAL, Counter
from paglets_nb.widgets.operation_chooser import OperationChooser
from tests.unit.widgets.conftest import Worker


def test_the_form_of_the_chosen_operation_is_shown(host: Host) -> None:
    """What was typed into another stays there."""
    before = set(widget._instances)
    chooser = OperationChooser(host.create(Counter, name="counter"), [ADD, TOTAL], timeout=5.0)
    assert chooser.chosen.options == ("add", "total")
    first = chooser.form
    assert first is not None
    first.page.values = {"amount": "5"}
    changes: list[None] = []
    chooser.on_change = lambda: changes.append(None)
    chooser.chosen.value = "total"
    assert chooser.form is not None
    assert chooser.widget.children == (chooser.chosen, chooser.form.widget)
    assert chooser.text() == "counter total: not sent yet"
    assert "not sent yet" in chooser.html()
    call = chooser.form.send()
    assert call is not None
    assert call.wait(10)
    chooser.chosen.value = "add"
    assert chooser.form is first
    assert first.page.values == {"amount": "5"}
    assert changes
    chooser.close()
    chooser.close()
    assert set(widget._instances) == before


def test_a_task_is_started_with_its_own_request(client: TaskClient[Any]) -> None:
    """Its other operations are as they are; one that says nothing of its request is told."""
    chooser = OperationChooser(client.proxy, [TASK_START, TASK_STATUS], task=Worker)
    assert chooser.form is not None
    assert chooser.form.request_type is Worker.Request
    chooser.close()

    class Vague(TaskPaglet[Any, Any, TaskState]):
        """Says nothing."""

    vague = OperationChooser(client.proxy, [TASK_START, TASK_STATUS], task=Vague)
    assert vague.form is None
    assert "Vague" in vague.html()
    assert vague.text() == ""
    vague.chosen.value = "status"
    assert vague.form is not None
    vague.close()


def test_without_operations_there_is_no_choice(client: TaskClient[Any]) -> None:
    """It says so."""
    with pytest.raises(ServiceContractError, match="without typed operations"):
        OperationChooser(client.proxy, [])
