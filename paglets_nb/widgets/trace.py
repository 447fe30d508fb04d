"""What passed between the notebook, hosts and paglets, as a sequence that can be read and drawn.

Owns which events become steps and between which lifelines each goes. How it is drawn is
left to its pictures.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.host.event_pages import DELIVERED, FAILED
from paglets_nb.mesh.events import GAP, MeshEvent
from paglets_nb.mesh.history import MeshHistory
from paglets_nb.mesh.history_feed import HistoryFeed
from paglets_nb.widgets.map_layout import NOTEBOOK, plain
from paglets_nb.widgets.pictures import class_label
from paglets_nb.widgets.trace_picture import Lifeline, Step, trace_html, trace_png, trace_text

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["Trace", "trace"]

LIMIT = 60
MAX_LIMIT = 1000
MAX_LIFELINES = 12
_MARKS = {
    "create": "created",
    "deactivate": "asleep",
    "activate": "awake",
    "dispose": "disposed",
    "quarantine": "quarantined",
    "upgrade": "upgraded",
    "transfer-failed": "transfer failed",
    "failure": "failure",
}
_MOVES = ("dispatch", "retract", "clone")


@dataclass(frozen=True)
class _Names:
    """What paglets and hosts are called."""

    history: MeshHistory

    def of(self, agent_id: str) -> str:
        class_name, name = self.history.names.of(agent_id)
        return plain(name or f"{class_label(class_name)} {agent_id[:4]}", 40)

    def host(self, url: str) -> str:
        found = self.history.now().host_of(url)
        return found or plain(url.rpartition("/")[2].removesuffix(".sock"), 40)


class Trace(Sequence[Step]):
    """A sequence of steps between lifelines; it shows as a diagram.

    Args:
        steps: what happened, in the order of time.
        lifelines: between whom, from left to right.
        left_out: how many earlier steps are not shown.
        cursor: the number of the last event that was looked at; a later trace goes on ``since`` there.
    """

    def __init__(self, steps: Sequence[Step], lifelines: Sequence[Lifeline], left_out: int, cursor: int) -> None:
        self.steps = tuple(steps)
        self.lifelines = tuple(lifelines)
        self.left_out = left_out
        self.cursor = cursor

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: Any) -> Any:
        return self.steps[index]

    def __repr__(self) -> str:
        return trace_text(self.steps, self.left_out)

    def png(self) -> bytes:
        """The diagram as a PNG; empty where vl-convert is not installed."""
        return trace_png(self.steps, self.lifelines)

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, Any]:
        html = trace_html(self.steps, self.lifelines, self.left_out) if self.steps else "nothing has passed"
        return {"text/plain": repr(self), "text/html": html}


def trace(
    mesh: Mesh,
    paglets: Collection[PagletProxy | str] = (),
    *,
    since: int | None = None,
    seconds: float | None = None,
    until: int | None = None,
    limit: int = LIMIT,
) -> Trace:
    """What passed between the notebook, hosts and paglets.

    Args:
        mesh: the mesh; its hosts are asked for what is new.
        paglets: only what concerns these: proxies or ids; all when empty.
        since: only events numbered above this one, as ``mesh.events`` counts; all that are held when None.
        seconds: only what happened in the last so many seconds.
        until: only events up to this number.
        limit: at most so many steps, the latest.

    Raises:
        ValueError: ``limit`` is not between 1 and 1000.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError(f"limit wants a number from 1 to {MAX_LIMIT}, got {limit}")
    wanted = {proxy if isinstance(proxy, str) else proxy.agent_id for proxy in paglets}
    history = MeshHistory()
    feed = HistoryFeed(mesh, history, lambda: None)
    feed.read()
    events = mesh.events(since or 0)
    begun = 0.0 if seconds is None else time.time() - seconds
    last = until if until is not None else float("inf")
    events = [event for event in events if event.timestamp >= begun and event.number <= last]
    cursor = events[-1].number if events else since or 0
    maker = _Maker(_Names(history), wanted)
    steps = [step for event in events if (step := maker.step(event)) is not None]
    steps.sort(key=lambda step: step.timestamp)
    shown = steps[-limit:]
    lifelines = maker.lifelines(shown)
    return Trace(shown, lifelines, len(steps) - len(shown), cursor)


class _Maker:
    """Makes steps of events.

    Args:
        names: what everybody is called.
        wanted: the paglets that steps must concern; all when empty.
    """

    def __init__(self, names: _Names, wanted: Collection[str]) -> None:
        self._names = names
        self._wanted = wanted

    def step(self, event: MeshEvent) -> Step | None:
        """What an event is in the diagram; None for what is not shown."""
        told, kind, agent_id = event.details, event.kind, event.agent_id
        others = {told.get("sender", ""), told.get("clone_id", "")}
        if self._wanted and agent_id not in self._wanted and not others & set(self._wanted):
            return None
        if kind in (DELIVERED, FAILED):
            sender = told.get("sender", "")
            source = f"paglet:{sender}" if sender else NOTEBOOK
            label = plain(told.get("message", ""), 40)
            error = plain(told.get("error", ""), 40)
            began = event.timestamp - told.get("seconds", 0.0)
            return self._of(event, label, source, f"paglet:{agent_id}", began, told.get("seconds"), error)
        if kind in _MOVES:
            target = f"host:{self._names.host(told.get('target', ''))}"
            who = self._names.of(agent_id)
            return self._of(event, f"{kind} {who}", f"host:{event.host_name}", target, event.timestamp)
        if kind in _MARKS and agent_id:
            error = plain(str(told.get("error", "")), 60) if "fail" in kind else ""
            label = f"{_MARKS[kind]} on {event.host_name}"
            return self._of(event, label, "", f"paglet:{agent_id}", event.timestamp, None, error)
        if kind == GAP:
            return self._of(event, "events that are no longer held", "", "", event.timestamp)
        return None

    def _of(
        self,
        event: MeshEvent,
        label: str,
        source: str,
        target: str,
        began: float,
        seconds: float | None = None,
        error: str = "",
    ) -> Step:
        return Step(
            event.number,
            event.kind,
            began,
            label,
            source,
            target,
            seconds,
            error,
            self._name(source),
            self._name(target),
        )

    def _name(self, key: str) -> str:
        kind, _colon, rest = key.partition(":")
        return self._names.of(rest) if kind == "paglet" else rest or kind

    def lifelines(self, steps: Sequence[Step]) -> list[Lifeline]:
        """Those of some steps: the notebook, hosts, then paglets as they come in."""
        keys = dict.fromkeys(key for step in steps for key in (step.source, step.target) if key)
        order = sorted(keys, key=lambda key: (key != NOTEBOOK, not key.startswith("host:")))
        shown, rest = order[:MAX_LIFELINES], order[MAX_LIFELINES:]
        found = [Lifeline(key, self._name(key), key.partition(":")[0], (key,)) for key in shown]
        if rest:
            found.append(Lifeline("others", f"{len(rest)} others", "others", tuple(rest)))
        return found
