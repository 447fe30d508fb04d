"""A live map of a mesh in a notebook: hosts, paglets as they move, messages as they pass.

Owns the widget and what its page asks for; what is drawn is the model's. Nothing here
starts, moves or ends a paglet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.widgets.background import Coalesced, Poller, post
from paglets_nb.widgets.map_layout import COLOURS, MARKS, plain
from paglets_nb.widgets.map_model import MapModel
from paglets_nb.widgets.map_picture import map_html, map_text
from paglets_nb.widgets.markup import clipped
from paglets_nb.widgets.pictures import class_label
from paglets_nb.widgets.shown import Shown, close_widgets

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["MeshMap"]

_STATIC = Path(__file__).parent / "static"
_FRAMES, _KEYFRAMES, _ANSWERS, _STILLS = 12.0, 0.2, 1.0, 0.2
"""In a second, at most: changes, the whole without being asked (a page may have missed some), asked, pictures."""
_LOOK = 0.3
_ASK = 3.0
_FIELDS = 12


class _MapWidget(anywidget.AnyWidget):
    """The page's side of a map.

    Args:
        keyframe: all that the page is to show; asked whenever the page wants the whole state.
    """

    _esm = _STATIC / "mesh_map.js"
    _css = _STATIC / "mesh_map.css"
    scene = traitlets.Dict().tag(sync=True, to_json=lambda _value, widget: widget.keyframe())
    looks = traitlets.Dict({"colours": list(COLOURS), "marks": list(MARKS)}).tag(sync=True)

    def __init__(self, keyframe: Callable[[], dict[str, Any]]) -> None:
        self.keyframe = keyframe
        super().__init__()


class MeshMap(Shown):
    """A map of a mesh that follows its events.

    It is displayed by being the last value of a cell, by ``display`` or by ``%paglet map``.
    ``seek``, ``play``, ``pause`` and ``live`` do what its buttons do; ``history`` can be
    asked where everything was at any moment it holds.

    Args:
        mesh: the mesh; it must be running.

    Attributes:
        widget: the widget to display.
        history: the moments that are held.
    """

    def __init__(self, mesh: Mesh) -> None:
        mesh.supervisor  # noqa: B018 - says that it is not running
        super().__init__()
        self._mesh = mesh
        self._lock = threading.Lock()
        self._ready = self._down = False
        self._frame = Coalesced(self._send_frame, _FRAMES)
        self._keyframe = Coalesced(lambda: self.widget.send_state("scene"), _KEYFRAMES)
        self._asked = Coalesced(lambda: self.widget.send_state("scene"), _ANSWERS)
        self._still = Coalesced(self.changed, _STILLS)
        self._model = MapModel(mesh, self._frame)
        self.history = self._model.history
        self._model.frame()
        self.widget = _MapWidget(self._model.keyframe)
        self.widget.on_msg(self._on_message)
        self._looker = Poller(self._look, _LOOK)
        self._looker.start()
        self._ready = True
        self._frame()

    # ---- looking back

    def seek(self, number: int) -> None:
        """Show the moment of a number, between ``history.first`` and ``history.last``."""
        self._model.seek(number)
        self._frame()

    def live(self) -> None:
        """Show what is so now, and go on showing it."""
        self._model.seek(None)
        self._frame()

    def play(self) -> None:
        """Show one moment after the other, to the last."""
        self._model.play()
        self._frame()

    def pause(self) -> None:
        """Stay where it is."""
        self._model.pause()
        self._frame()

    # ---- as a view

    def text(self) -> str:
        """The map as text."""
        where, _scene = self._model.scene()
        return map_text(where, self._model.title())

    def html(self) -> str:
        """The map as a picture."""
        _where, scene = self._model.scene()
        return map_html(scene, self._model.title())

    def close(self) -> None:
        """Follow the mesh no more and take the widget away; harmless when repeated."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._looker.close()
        self._frame.close()
        self._keyframe.close()
        self._asked.close()
        self._still.close()
        self._model.close()
        close_widgets(self.widget)

    def __repr__(self) -> str:
        return self.text()

    # ---- what goes to the page

    def _send_frame(self) -> None:
        if not self._ready:
            return
        self.widget.send(self._model.frame())
        self._keyframe()
        self._still()

    def _look(self) -> None:
        if self._mesh.running:
            self._model.feed.look()
        elif not self._down:
            self._down = True
            self._model.close()
            self._frame()
        if self._model.step(1):
            self._frame()

    # ---- what the page asks for

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Do what the page asks for; what makes no sense is left alone."""
        told = content if isinstance(content, dict) else {}
        kind, number, key = told.get("type"), told.get("number"), told.get("id")
        if kind == "seek" and isinstance(number, int):
            self._model.pause()
            self.seek(number)
        elif kind in ("live", "play", "pause"):
            getattr(self, kind)()
        elif kind == "all":
            self._asked()
        elif kind == "details" and isinstance(key, str):
            post(lambda: self._tell(key, self.details(key)), lambda error: self._tell(key, [("error", str(error))]))

    def _tell(self, key: str, rows: list[tuple[str, str]]) -> None:
        self.widget.send({"details": [list(row) for row in rows], "id": key})

    def details(self, key: str) -> list[tuple[str, str]]:
        """What there is to know of a host or a paglet; asks its host.

        Args:
            key: a paglet's id, or ``host:NAME``.
        """
        if key.startswith("host:"):
            handle = self._mesh[key.removeprefix("host:")]
            facts = {"host": handle.name, "state": handle.state, "pid": handle.pid, "address": handle.url}
            facts |= {"restarts": handle.restarts, "reason": handle.reason, "paglets": handle.paglet_count()}
            return [(name, clipped(value, 200)) for name, value in facts.items() if value != ""]
        spot = self.history.now().paglets.get(key)
        host = None if spot is None else self.history.now().hosts.get(spot.host_name)
        if spot is None or host is None:
            return [("paglet", plain(key)), ("state", "it is not in the mesh any more")]
        info = PagletProxy(host.url, key, self._mesh.client).info(timeout=_ASK)
        rows = [("paglet", spot.name or key), ("class", class_label(info["class_name"])), ("id", key)]
        rows += [("host", f"{info['host_name']}, pid {info['pid']}")]
        rows += [("waiting", f"{info.get('waiting', 0)} messages" if info.get("active", True) else "asleep")]
        state = list(info.get("state", {}).items())
        rows += [(f"state.{name}", clipped(value, 120)) for name, value in state[:_FIELDS]]
        return rows + ([("state", f"and {len(state) - _FIELDS} more fields")] if len(state) > _FIELDS else [])
