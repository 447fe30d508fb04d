"""Notifications, live: a view of what the paglets of a mesh told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from paglets_nb.errors import MeshError
from paglets_nb.widgets.background import Coalesced
from paglets_nb.widgets.mesh_watch import MeshWatch
from paglets_nb.widgets.notices import SEVERITIES, Notices, entry, whole
from paglets_nb.widgets.records import NotificationTable
from paglets_nb.widgets.shown import Shown, close_widgets

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh
    from paglets_nb.mesh.notifications import Notification
    from paglets_nb.widgets.display import Showing

__all__ = ["LiveNotifications", "NotificationList"]

_PER_SECOND = 5.0


class NotificationList(Shown):
    """A live list of a mesh's notifications, newest first, to be filtered by severity and read whole.

    Args:
        mesh: the mesh; must be running.
        severity: shown at first: ``info``, ``warning`` or ``error``; empty for all.
        since: only those numbered above it.

    Raises:
        ValueError: there is no such severity.
        MeshError: the mesh is not running.
    """

    def __init__(self, mesh: Mesh, severity: str = "", since: int = 0) -> None:
        if severity and severity not in SEVERITIES:
            raise ValueError(f"no severity {severity!r} (there are {', '.join(SEVERITIES)})")
        from paglets_nb.widgets.list_widget import ListWidget

        super().__init__()
        self._mesh = mesh
        self._paint = Coalesced(self._send, _PER_SECOND)
        self._hooks: list[Callable[[], None]] = [mesh.on_change(self._mesh_changed)]
        self._notices = Notices(lambda number: mesh.notifications.list(max(number, since)))
        self._widget = ListWidget(lambda: [entry(one) for one in self._notices.list()], severity=severity)
        self._widget.on_msg(self._asked)
        self._widget.observe(lambda _change: self.changed(), "severity")
        self._hooks.append(mesh.notifications.add_listener(lambda _notification: self._paint()))
        self._paint()

    def show(self) -> Showing | None:
        """Display it in the cell that runs now; what it shows has been seen then."""
        MeshWatch.of(self._mesh).mark_read()
        return super().show()

    def __repr__(self) -> str:
        return self.text()

    @property
    def widget(self) -> Any:
        """The widget."""
        return self._widget

    @property
    def notices(self) -> Notices:
        """What it shows."""
        return self._notices

    def table(self) -> NotificationTable:
        """What it shows now, as a list."""
        return self._notices.table(self._widget.severity)

    def text(self) -> str:
        """The notifications as text."""
        return repr(self.table())

    def html(self) -> str:
        """The notifications as HTML."""
        return self.table()._repr_html_()

    def _send(self) -> None:
        before = self._notices.refresh()
        fresh = [entry(one) for one in self._notices.list(before)]
        if fresh:
            self._widget.send({"add": fresh})
            self.changed()

    def _asked(self, _widget: Any, content: Any, _buffers: Any) -> None:
        asked = content if isinstance(content, dict) else {}
        number, since = asked.get("whole"), asked.get("since")
        found = self._notices.find(number) if isinstance(number, int) else None
        if found is not None:
            self._widget.send({"whole": whole(found)})
        if isinstance(since, int) and (missed := self._notices.list(since)):
            self._widget.send({"add": [entry(one) for one in missed]})

    def _mesh_changed(self) -> None:
        if not self._mesh.running:
            self.leave_soon()

    def close(self) -> None:
        """Stop listening and take the widget away; harmless when repeated."""
        self._closed = True
        hooks, self._hooks = self._hooks, []
        for remove in hooks:
            remove()
        self._paint.close()
        close_widgets(self._widget)


class LiveNotifications(NotificationTable):
    """Notifications as they were when they were listed; displayed as the value of a cell they are live.

    Args:
        found: the notifications.
        live: displays them live.
    """

    def __init__(self, found: Iterable[Notification], live: Callable[[], object]) -> None:
        super().__init__(found)
        self._live = live

    def _ipython_display_(self) -> None:
        from IPython.display import display

        try:
            self._live()
        except MeshError:  # it is down by now
            display(NotificationTable(self))  # type: ignore[no-untyped-call]
