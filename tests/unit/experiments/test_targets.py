from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.core.messages import Message
from paglets_nb.errors import ExperimentError, ServiceContractError
from paglets_nb.experiments.targets import operations_of, proxies_of, target_of
from paglets_nb.experiments.workers import CALL, FUNCTION
from paglets_nb.host.host import Host
from paglets_nb.patterns.task_client import TaskClient
from paglets_nb.services.contracts import ServiceOperation
from tests.unit.experiments.conftest import ADD, Add, Adder, Chore, LocalMesh, Tally, Total
from tests.unit.host.scripted import Scripted


def test_operations_of_a_class_need_no_paglet() -> None:
    """They are asked for without making one; a class without any has none."""
    assert operations_of(Adder) == [ADD]
    assert operations_of(Scripted) == []


def test_proxies_are_found_in_what_stands_for_them(hosts: list[Host]) -> None:
    """A proxy, what has one, and a list of them; nothing else."""
    proxy = hosts[0].create(Chore)
    client = TaskClient.for_paglet(proxy, Chore)
    assert proxies_of(proxy) == proxies_of(client) == [proxy]
    assert proxies_of([proxy, client]) == [proxy, proxy]
    for other in (Adder, "alpha", [], [proxy, 1], {"a": proxy}, len):
        assert proxies_of(other) is None


def test_messages_carry_what_the_target_wants(mesh: LocalMesh, hosts: list[Host]) -> None:
    """A paglet gets the message itself, a worker a timed call with it."""
    proxy = hosts[0].create(Adder)
    direct = target_of(mesh, proxy, "add")
    message = direct.message(direct.request({"by": 2}))
    assert (message.kind, message.body) == ("add", Add(2))
    assert direct.outcome({"total": 2, "host": ""}) == (Total(2), None)
    made = target_of(mesh, Adder, ADD)
    message = made.message(Add(2))
    assert (message.kind, message.body) == (CALL, {"kind": "add", "content": Add(2)})
    assert made.outcome({"reply": {"total": 2, "host": "x"}, "seconds": 0.5}) == (Total(2, "x"), 0.5)
    function = target_of(mesh, len, None)
    assert function.message({"n": 1}).body == {"kind": FUNCTION, "content": {"n": 1}}
    raw = target_of(mesh, Scripted, "echo")
    assert raw.message(raw.request({"n": 1})).body["content"] == {"n": 1}
    assert isinstance(target_of(mesh, Chore, None).cancelling(), Message)


def test_kinds_that_need_no_turn_stay_such(mesh: LocalMesh) -> None:
    """An interleaved kind is sent so that the worker's turn is not needed either."""
    assert target_of(mesh, Scripted, "peek").message({}).priority == 0
    assert target_of(mesh, Scripted, "echo").message({}).priority == 5


@pytest.mark.parametrize(
    ("target", "operation", "options", "said"),
    [
        (Adder, "subtract", {}, "Adder has no operation 'subtract' \\(operations: add\\)"),
        (Adder, None, {}, "Adder: which operation\\? \\(operations: add\\)"),
        (len, "add", {}, "a function has no operations, so not 'add'$"),
        (len, {"a": [1]}, {}, "; its arguments' values are grid="),
        (5, "add", {}, "a paglet class, a function or paglets, not 5"),
        (dict, "add", {}, "not <class 'dict'>"),
    ],
)
def test_what_cannot_be_called_is_told(
    mesh: LocalMesh, target: Any, operation: Any, options: dict[str, Any], said: str
) -> None:
    """Each mistake is an ExperimentError that says what there is."""
    with pytest.raises(ExperimentError, match=said):
        target_of(mesh, target, operation, **options)


def test_state_is_for_workers(mesh: LocalMesh, hosts: list[Host]) -> None:
    """Paglets that are there have their own."""
    with pytest.raises(ExperimentError, match="have been made already"):
        target_of(mesh, hosts[0].create(Adder), ADD, state=Tally(3))


def test_requests_that_do_not_fit_are_told(mesh: LocalMesh) -> None:
    """An unknown field, a missing one, a request of another type."""
    need = ServiceOperation("need", Total, Total)
    with pytest.raises(ExperimentError, match="operation 'add' has no field 'bye' \\(fields: by, fail, gate\\)"):
        target_of(mesh, Adder, ADD).request({"bye": 1})
    with pytest.raises(ExperimentError, match="operation 'need' needs more than host"):
        target_of(mesh, Adder, need).request({"host": "x"})
    with pytest.raises(ServiceContractError, match="must be a Add, not Total"):
        target_of(mesh, Adder, ADD).message(Total(1))
    with pytest.raises(ServiceContractError, match="task Chore wants a Add"):
        target_of(mesh, Chore, None).message(Total(1))
