"""Going back to what was so at a moment."""

from __future__ import annotations

from typing import Any

from paglets_nb.mesh.events import MeshEvent
from paglets_nb.mesh.history import MeshHistory
from paglets_nb.mesh.whereabouts import HOST_CHANGED, LISTED


def event(kind: str, agent_id: str, host: str, at: float, **details: Any) -> MeshEvent:
    """An event of a mesh."""
    return MeshEvent(0, kind, agent_id, host, at, details)


def started(kept: int = 100) -> MeshHistory:
    """A history that begins with two hosts."""
    history = MeshHistory(kept)
    history.begin_with(
        event(HOST_CHANGED, "", name, 0.0, state="up", url=f"unix:///{name}.sock") for name in ("alpha", "beta")
    )
    return history


def message(agent_id: str, at: float, sender: str = "") -> MeshEvent:
    """A message that was handled."""
    return event("message-delivered", agent_id, "alpha", at, message="add", sender=sender)


def test_every_held_moment_can_be_gone_back_to() -> None:
    """Each with everything where it was then; what was so at the beginning is so at each."""
    history = started()
    history.begin_with([event(LISTED, "old", "beta", -0.5, class_name="m:Old", name="")])
    history.add([event("create", "a", "alpha", 1.0), event("create", "b", "beta", 2.0)])
    history.add([event("arrival", "a", "beta", 3.0), event("dispose", "b", "beta", 4.0)])
    where = [{key: spot.host_name for key, spot in history.at(number).paglets.items()} for number in range(5)]
    assert where == [
        {"old": "beta"},
        {"old": "beta", "a": "alpha"},
        {"old": "beta", "a": "alpha", "b": "beta"},
        {"old": "beta", "a": "beta", "b": "beta"},
        {"old": "beta", "a": "beta"},
    ]
    assert history.now().paglets == history.at(history.last).paglets
    assert (history.first, history.last) == (0, 4)


def test_what_is_not_held_any_more_has_happened_before_the_first_moment() -> None:
    """The history is bounded, and where everything is stays right."""
    history = started(kept=10)
    history.add(event("create", f"p{number}", "alpha", float(number)) for number in range(25))
    assert (history.first, history.last) == (15, 25)
    assert len(history.at(0).paglets) == len(history.at(15).paglets) == 15
    assert len(history.at(20).paglets) == 20
    assert len(history.now().paglets) == 25
    assert history.moment(15) is None
    moment = history.moment(16)
    assert moment is not None
    assert moment.event.agent_id == "p15"


def test_messages_that_follow_each_other_closely_are_one_moment() -> None:
    """Of one kind, sender and target, within a tenth of a second, and nothing else between."""
    history = started()
    history.add(message("a", 1.0 + number / 1000) for number in range(50))
    history.add([message("a", 1.06, sender="b"), message("a", 1.07)])
    assert [(moment.count, moment.event.details["sender"]) for moment in history.since(0, 10)] == [(51, ""), (1, "b")]
    history.add([message("a", 1.5), event("create", "c", "alpha", 1.51), message("a", 1.52)])
    assert [moment.count for moment in history.since(2, 10)] == [1, 1, 1]


def test_messages_change_no_places() -> None:
    """So nothing is drawn anew for them."""
    history = started()
    version = history.version
    history.add([message("a", 1.0)])
    assert history.version == version


def test_the_latest_moments_after_a_number() -> None:
    """In their order, and no more than are wanted."""
    history = started()
    history.add(event("create", f"p{number}", "alpha", float(number)) for number in range(9))
    assert [moment.number for moment in history.since(6, 10)] == [7, 8, 9]
    assert [moment.number for moment in history.since(0, 2)] == [8, 9]
    assert history.since(9, 5) == []
