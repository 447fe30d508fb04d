from __future__ import annotations

import pytest

from tests.unit.magics.notebook import Notebook


def test_create_takes_host_name_and_state(meshed: Notebook) -> None:
    """The paglet is made where, as what and with the state that was asked for."""
    proxy = meshed.run("_made = %paglet create Counter --on beta --name made count=4 anything=[1]\n_made")
    try:
        info = proxy.info()
        assert (info["host_name"], info["name"]) == ("beta", "made")
        assert info["state"] == {"count": 4, "anything": [1]}
        said = meshed.refused("%paglet create Counter --name made")
        assert "the name 'made' is taken by a paglet on beta: `%paglet dispose made` ends that one" in said
    finally:
        proxy.dispose()


def test_create_goes_to_the_emptiest_host(meshed: Notebook, counter: str) -> None:
    """Without a host the one with the fewest paglets is taken."""
    proxy = meshed.run("%paglet create Counter")
    try:
        assert proxy.info()["host_name"] == "beta"
    finally:
        proxy.dispose()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Countr", "no class 'Countr' here"),
        ("Counter count=many", "CounterState: field 'count' wants int, got 'many'"),
        ("Counter cuont=1", "CounterState has no field 'cuont' (fields: count, anything); did you mean 'count'?"),
        ("Counter --on gamma", "no host 'gamma' in the mesh (hosts: alpha, beta)"),
        ("Counter --onn alpha", "%paglet create: no option --onn; did you mean '--on'?"),
        ("Counter anything={object()}", "CounterState.anything: <object object"),
        ("Add", "Add is no paglet class: it does not subclass Paglet"),
        ("ADD", "ADD is no paglet class but a ServiceOperation"),
        ("", "the following arguments are required: CLASS"),
    ],
)
def test_mistakes_are_one_line(meshed: Notebook, line: str, said: str) -> None:
    """Wrong classes, fields, values and hosts are told, and nothing is made."""
    before = len(meshed.run("%paglet ls"))
    assert said in meshed.refused(f"%paglet create {line}")
    assert len(meshed.run("%paglet ls")) == before


WRONG = """
class _NamedByText(Counter):
    def operation_handlers(self):
        return {"add": self.add}

class _Bare(Counter):
    def __init__(self):
        super().__init__()
"""


def test_a_class_that_is_wrong_is_told_when_it_is_made(meshed: Notebook) -> None:
    """Handlers by text and a constructor without the arguments are one line each, and nothing is made."""
    meshed.run(WRONG)
    before = len(meshed.run("%paglet ls"))
    said = meshed.refused("%paglet create _NamedByText")
    assert said.startswith("_NamedByText.operation_handlers: wants ServiceOperations as keys")
    assert said.endswith("not 'add'")
    said = meshed.refused("%paglet create _Bare")
    assert said.startswith("_Bare.__init__ must take (state=None, *, agent_id=None) and hand both to super().__init__")
    assert len(meshed.run("%paglet ls")) == before
