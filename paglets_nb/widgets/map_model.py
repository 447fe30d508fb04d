"""A map of a mesh without its page: what is drawn now or at an earlier moment, and what has changed.

Owns the history, the moment that is looked at, and the differences that a page is sent. It
must not know how a page draws or how anything travels there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from paglets_nb.mesh.history import MeshHistory, Moment
from paglets_nb.mesh.history_feed import HistoryFeed
from paglets_nb.mesh.whereabouts import HOST_CHANGED, LISTED, LOST, Whereabouts
from paglets_nb.widgets.map_layout import NOTEBOOK, Classes, Scene, lay_out, plain
from paglets_nb.widgets.pictures import class_label, mesh_label
from paglets_nb.widgets.records import clock_time

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["MapModel"]

MAX_PULSES = 32
"""Messages shown in one frame: the most frequent ones."""
_SEEN = 2000
"""Moments looked at for the messages of one frame."""
_WORDS = {
    HOST_CHANGED: "host",
    LISTED: "found",
    LOST: "lost",
    "message-delivered": "message",
    "message-failed": "error",
}


class MapModel:
    """What a map of a mesh shows.

    Args:
        mesh: the mesh.
        on_news: called when there is something new to draw; must not block.

    Attributes:
        history: what it knows; can be asked for any moment it holds.
        position: the moment that is looked at; None for now.
        playing: whether ``step`` goes on through the moments.
    """

    def __init__(self, mesh: Mesh, on_news: Callable[[], None]) -> None:
        self.mesh = mesh
        self.history = MeshHistory()
        self.feed = HistoryFeed(mesh, self.history, on_news)
        self.position: int | None = None
        self.playing = False
        self._lock = threading.Lock()
        self._classes = Classes()
        self._where = Whereabouts(self.history.names)
        self._scene = Scene()
        self._drawn: tuple[int | None, int] = (None, -1)
        self._shown = 0
        self._sent: dict[str, list[object]] = {}
        self._told: Scene | None = None
        self._number = 0
        self.feed.open()
        self._look_from_now_on()
        self._draw()

    def close(self) -> None:
        """Follow the mesh no more."""
        self.feed.close()

    # ---- where it looks

    def seek(self, number: int | None) -> None:
        """Look at a moment, by its number; None for what is so now."""
        with self._lock:
            if number is None:
                self.position, self.playing = None, False
                self._look_from_now_on()
            else:
                self.position = max(self.history.first, min(number, self.history.last))

    def play(self) -> None:
        """Go on through the moments from where it looks, or from the first."""
        with self._lock:
            if self.position is None or self.position >= self.history.last:
                self.position = self._shown = self.history.first
            self.playing = True

    def pause(self) -> None:
        """Stay at the moment that is looked at."""
        with self._lock:
            self.playing = False

    def step(self, steps: int) -> bool:
        """While it plays, go on so many moments; whether anything changed."""
        with self._lock:
            if not self.playing or self.position is None:
                return False
            left = self.history.last - self.position
            # what is long is played in larger steps
            self.position = max(self.position, self.history.first) + min(left, max(1, left // 100) * steps)
            self.playing = self.position < self.history.last
            return True

    # ---- what is drawn

    def _draw(self) -> None:
        """Lay out what is so where it looks, unless that is done."""
        # an older version of what follows makes one more drawing, never one too few
        version = self.history.version
        position = self.position
        if self._drawn == (position, version if position is None else 0):
            return
        self._where = self.history.now() if position is None else self.history.at(position)
        self._scene = lay_out(self._where, self._classes)
        self._drawn = (position, version if position is None else 0)

    def scene(self) -> tuple[Whereabouts, Scene]:
        """What is so where it looks, and its layout."""
        with self._lock:
            self.feed.take_in()
            self._draw()
            return self._where, self._scene

    def title(self) -> str:
        """What the map is of, in a line."""
        hosts, paglets = len(self._where.hosts), len(self._where.paglets)
        past = "" if self.mesh.running else ", as it was last"
        words = f"{hosts} host{'s' * (hosts != 1)}, {paglets} paglet{'s' * (paglets != 1)}"
        return f"{plain(mesh_label(self.mesh.name))}{past}: {words}"

    def keyframe(self) -> dict[str, Any]:
        """All that the page shows."""
        with self._lock:
            return {**self._head(), "nodes": dict(self._sent)}

    def frame(self) -> dict[str, Any]:
        """What has changed since the last frame."""
        with self._lock:
            self.feed.take_in()
            self._draw()
            pulses = self._pulses()
            fresh: dict[str, list[object]] = {}
            gone: list[str] = []
            if self._told is not self._scene:  # where nothing moved there is nothing to compare
                nodes = {key: node.wire() for key, node in self._scene.nodes.items()}
                fresh = {key: wire for key, wire in nodes.items() if self._sent.get(key) != wire}
                gone = [key for key in self._sent if key not in nodes]
                self._sent, self._told = nodes, self._scene
            self._number += 1
            return {**self._head(), "set": fresh, "gone": gone, "pulses": pulses}

    def _head(self) -> dict[str, Any]:
        scene = self._scene
        return {
            "number": self._number,
            "size": [scene.width, scene.height],
            "legend": [list(entry) for entry in scene.legend],
            "title": self.title(),
            "replay": self._replay(),
        }

    def _replay(self) -> dict[str, Any]:
        at = self.history.last if self.position is None else self.position
        moment = self.history.moment(at) or self.history.moment(at + 1)
        return {
            "first": self.history.first,
            "last": self.history.last,
            "at": at,
            "live": self.position is None,
            "playing": self.playing,
            "time": clock_time(moment.event.timestamp) if moment is not None else "",
            "what": self._words(moment) if moment is not None and moment.number == at else "",
        }

    def _words(self, moment: Moment) -> str:
        """A moment in a few words."""
        event = moment.event
        class_name, name = self.history.names.of(event.agent_id)
        called = name or class_label(class_name)
        word = str(event.details.get("message", "")) if moment.is_message else str(event.details.get("state", ""))
        times = f"x{moment.count}" if moment.count > 1 else ""
        parts = (_WORDS.get(event.kind, event.kind), word, times, called if event.agent_id else "", event.host_name)
        return plain(" ".join(part for part in parts if part))

    # ---- messages

    def _look_from_now_on(self) -> None:
        """The next frame's messages are those that come after this; none is counted to an earlier moment."""
        self._shown = self.history.seal()

    def _pulses(self) -> list[list[object]]:
        """The messages since the last frame: from which node to which, how many, of which kind, and failed or not."""
        before = self._shown
        if self.position is None:
            self._look_from_now_on()
            at = self._shown
        else:
            at = self._shown = self.position
        if at <= before:
            return []
        found: dict[tuple[str, str, bool], list[object]] = {}
        for moment in self.history.since(before, _SEEN):
            if not moment.is_message or moment.number > at:
                continue
            sender, target = moment.event.details.get("sender", ""), self._node(moment.event.agent_id)
            source = self._node(sender) if sender else NOTEBOOK
            failed = "error" in moment.event.details
            key = source, target, failed
            if target and key in found:
                found[key][2] = int(str(found[key][2])) + moment.count
            elif target:
                found[key] = [source, target, moment.count, plain(moment.event.details.get("message", "")), failed]
        most = sorted(found.values(), key=lambda pulse: -int(str(pulse[2])))
        return most[:MAX_PULSES]

    def _node(self, agent_id: str) -> str:
        """The node that stands for a paglet; empty where there is none."""
        return agent_id if agent_id in self._scene.nodes else self._scene.node_of.get(agent_id, "")
