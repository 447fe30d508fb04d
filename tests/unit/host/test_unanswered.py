"""Time-outs, as they are told."""

from __future__ import annotations

import pytest

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import MAY_BE_DONE, MAY_COME, CallTimeoutError, PagletBusyError, TransferError
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host, create_request
from paglets_nb.host.unanswered import explained, unanswered
from tests.unit.host.scripted import Script, Scripted
from tests.unit.silent import silent_host


def test_a_message_is_told_by_its_kind() -> None:
    """What a user sent is what was waited for."""
    assert str(unanswered("add", "alpha", 1.5)) == "'add' on alpha: no answer within 1.5 s; it may still be done"


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("@info", "it is stopped, or busy in one long step: wait, or %paglet restart alpha"),
        ("@create", "it is stopped, or busy in one long step: wait, or %paglet restart alpha"),
        ("@dispatch", "the movement goes on .* the paglet's proxy finds it .* stopped: %paglet restart alpha"),
        ("@retract", "the movement goes on .* the paglet's proxy finds it .* stopped: %paglet restart alpha"),
        ("@clone", "the clone is made all the same .* %paglet ls shows it, .* stopped: %paglet restart alpha"),
    ],
)
def test_a_host_is_told_by_its_name_and_what_to_do(verb: str, said: str) -> None:
    """No verb of its own is named, and a clone has no proxy that finds it."""
    error = unanswered(verb, "alpha", 3.0)
    with pytest.raises(CallTimeoutError, match=f"^host alpha: no answer within 3 s; {said}$"):
        raise error
    assert "@" not in str(error)
    assert explained(error, verb, "alpha") is error


def test_what_is_explained_already_stays() -> None:
    """A busy paglet says so itself; a time-out that only says what any does is told by its host."""
    busy = PagletBusyError("box", 3.0, step="moved")
    assert explained(busy, "@dispatch", "alpha") is busy
    for hint in ("", MAY_BE_DONE, MAY_COME):
        bare = CallTimeoutError("@info", 3.0, hint=hint)
        assert str(explained(bare, "@info", "alpha")).startswith("host alpha: no answer within 3 s; it is stopped")


@pytest.mark.parametrize("way", ["info", "create", "move"])
def test_a_host_that_does_not_answer(way: str, script: Script) -> None:
    """Whatever it was asked, it is named, with the time waited."""
    client = HostClient()
    with silent_host() as url:
        proxy = PagletProxy(url, "p1", client)
        ways = {
            "info": lambda: proxy.info(timeout=0.05),
            "create": lambda: client.create(url, create_request(Scripted, None), timeout=0.05),
            "move": lambda: proxy.dispatch(url, timeout=0.05),
        }
        with pytest.raises(CallTimeoutError, match=r"^host silent: no answer within [\d.]+ s; ") as caught:
            ways[way]()
        assert "@" not in str(caught.value)
    client.close()


@pytest.mark.parametrize("step", ["dispatch", "clone"])
def test_a_target_that_does_not_answer(
    step: str, alpha: Host, paglet: PagletProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source says in time that the target did not take the paglet, which stays."""
    monkeypatch.setattr("paglets_nb.host.settlement._ASK", 60.0)
    monkeypatch.setattr("paglets_nb.host.controls._MARGIN", 20.0)
    with silent_host() as url:
        with pytest.raises(TransferError, match="did not take the paglet: host silent: no answer within 0.05 s; it is"):
            getattr(paglet, step)(url, timeout=0.05)
        assert paglet.host_url == alpha.address
        assert paglet.send("echo", {"a": 1}) == {"a": 1}
