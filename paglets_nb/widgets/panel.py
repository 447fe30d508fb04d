"""The mesh panel: the hosts of a mesh, live, with what a person may want to do to them.

A view of a ``Mesh``: what it shows comes from ``MeshFigures`` and from the supervisor, what
its buttons do is done by the mesh's own methods, in the background.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from paglets_nb.errors import CallTimeoutError, HostDiedError
from paglets_nb.widgets.background import Coalesced, Poller, post
from paglets_nb.widgets.mesh_watch import MeshWatch
from paglets_nb.widgets.notification_list import NotificationList
from paglets_nb.widgets.paglet_news import News, PagletNews, tasks_run
from paglets_nb.widgets.panel_rows import (
    headline,
    host_row,
    interrupted,
    paglet_rows,
    panel_html,
    panel_text,
    restart_question,
)
from paglets_nb.widgets.pictures import mesh_label
from paglets_nb.widgets.shown import Shown, close_widgets

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["MeshPanel"]

_PER_SECOND = 10.0
_INTERVAL = 1.0
_EVERY = 3
"""Rounds from one in which the tasks of all hosts are asked to the next; others ask those that are opened."""
_TOLD = 6.0
"""Seconds for which the panel says what came of an interrupt."""
_TASKS = "; a task is ended by its own Cancel"
_COUNTED = 500
"""Paglets of a host up to which its tasks are looked for while it is not opened."""
_ANSWER = 2.0
"""Seconds that a host has to say what a restart would lose."""
_DOING = {"add": "starting", "interrupt": "interrupting", "restart": "restarting", "remove": "moving its paglets away"}


class MeshPanel(Shown):
    """The hosts of a mesh with their figures, paglets and buttons; displays itself as the value of a cell.

    Args:
        mesh: the mesh; must be running.
        cursors: the last event that was read, by paglet's id and operation; what the mesh has noted
            where not given.

    Raises:
        MeshError: the mesh is not running.
    """

    def __init__(self, mesh: Mesh, cursors: Mapping[tuple[str, str], int] | None = None) -> None:
        import ipywidgets

        from paglets_nb.widgets.panel_widget import PanelWidget

        super().__init__()
        self._mesh = mesh
        self._watch = MeshWatch.of(mesh)
        self._lock = threading.Lock()
        self._doing: dict[str, str] = {}
        self._looking: set[str] = set()
        self._drains = PagletNews(mesh, mesh.kept_cursors() if cursors is None else cursors)
        self._tasks = PagletNews(mesh, {})
        self._rounds = 0
        self._told_until = 0.0
        self._notices = NotificationList(mesh)
        self._root = PanelWidget(mesh=mesh.name)
        self._paint = Coalesced(self._show, _PER_SECOND)
        self._root.on_msg(self._asked)
        self._root.observe(self._opened, "opened")
        self._root.observe(self._read, "reading")
        self._box = ipywidgets.VBox([self._root, self._notices.widget])
        self._box.add_class("paglets-panel")
        self._notices.widget.add_class("paglets-panel-notices")
        self._hooks: list[Callable[[], None]] = [
            self._watch.join(self._paint, self._wanted),
            mesh.notifications.add_listener(lambda _notification: self._paint()),
        ]
        self._poller = Poller(self._ask, _INTERVAL)
        self._poller.start()
        self._paint.paint()  # not beside the painter, which may be at it already

    @property
    def widget(self) -> Any:
        """The widget."""
        return self._box

    @property
    def error(self) -> str:
        """What went wrong last, in one line; empty when nothing did."""
        return str(self._root.error)

    # ---- what it shows

    def _title(self) -> str:
        if not self._watch.running:
            return f"{mesh_label(self._mesh.name)} is down"
        return f"{mesh_label(self._mesh.name)}: {self._headline()}"

    def _headline(self) -> str:
        """The sums, with the tasks that run as far as they are known."""
        told = {**self._tasks.news, **self._drains.news}
        running = tasks_run(sum(news.running for news in told.values()))
        return ", ".join(part for part in (headline(self._watch.figures), running) if part)

    def __repr__(self) -> str:
        return self.text()

    def _rows(self) -> list[dict[str, Any]]:
        with self._lock:
            doing = dict(self._doing)
        return [host_row(host, doing.get(host.name, "")) for host in self._watch.figures]

    def _listed(self) -> dict[str, dict[str, Any]]:
        opened = set(map(str, self._root.opened))
        found = [host for host in self._watch.figures if host.name in opened and host.paglets is not None]
        return {host.name: paglet_rows(host.paglets or (), self._drains.news) for host in found}

    def text(self) -> str:
        """The hosts as text."""
        return panel_text(self._title(), self._rows(), self._listed())

    def html(self) -> str:
        """The hosts as HTML."""
        return panel_html(self._title(), self._rows(), self._listed())

    def _show(self) -> None:
        """Bring the page up to date with what is known."""
        root = self._root
        running = self._watch.running
        if root.reading:
            self._watch.mark_read()
        root.running = running
        root.headline = self._headline() if running else "is down"
        root.hosts = self._rows()
        root.listed = self._listed()
        root.unread = self._watch.unread()
        root.adding = self._doing.get("", "")
        self.changed()
        if not running:
            self.leave_soon()

    # ---- what it asks, in the background

    def _wanted(self) -> tuple[str, ...]:
        """The hosts whose paglets are listed: those opened, and those with few for the count of tasks."""
        opened = set(map(str, self._root.opened))
        small = {host.name for host in self._watch.figures if host.info and host.info.paglets <= _COUNTED}
        return tuple(opened | small)

    def _ask(self) -> None:
        """One round of questions to tasks and drains."""
        if self._root.told and time.monotonic() > self._told_until:
            self._root.told = ""
        opened = set(map(str, self._root.opened))
        answering = [host for host in self._watch.figures if host.state == "up" and not host.silent]
        known = {host.name: host.paglets for host in answering if host.paglets is not None}
        before: tuple[dict[str, News], ...] = (self._tasks.news, self._drains.news)
        if self._rounds % _EVERY == 0:
            self._tasks.round({name: found for name, found in known.items() if name not in opened}, drains=False)
        self._drains.round({name: found for name, found in known.items() if name in opened})
        self._rounds += bool(known)
        if before != (self._tasks.news, self._drains.news):
            self._paint()

    # ---- what its user did

    def _read(self, _change: Any) -> None:
        """The list of notifications was opened or closed: what stood in it has been seen."""
        self._watch.mark_read()
        self._paint()

    def _opened(self, _change: Any) -> None:
        self._paint()
        post(self._watch.look, self._failed)

    # ---- what it does

    def _asked(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """The page wants something done; nothing is asked of a host here."""
        asked = content if isinstance(content, dict) else {}
        action, name = asked.get("do"), str(asked.get("host", ""))
        if action == "dismiss":
            self._root.error = ""
        elif action == "restart" and not asked.get("sure"):
            with self._lock:
                free = name not in self._doing and name not in self._looking
                if free:
                    self._looking.add(name)
            if free:
                post(lambda: self._restart(name), lambda error: self._failed(error, f"restart {name}"))
                return
        elif isinstance(action, str) and action in _DOING:
            self.do(action, "" if action == "add" else name)
        self._handled()

    def _handled(self) -> None:
        """The page's wish is on its way, or answered."""
        with self._lock:
            self._root.handled += 1

    def _restart(self, host: str) -> None:
        """Restart a host, unless paglets would be lost: then the page asks first. May block."""
        question = ""
        try:
            handle = self._mesh[host]
            if handle.state in ("up", "silent"):
                question = restart_question(host, handle.listing(timeout=_ANSWER))
        except HostDiedError:
            pass  # there is nothing left to lose
        except CallTimeoutError:
            question = restart_question(host, None)
        finally:
            with self._lock:
                self._looking.discard(host)
            self._handled()
        if question:
            self._root.send({"ask": "restart", "host": host, "text": question})
        else:
            self.do("restart", host)

    def do(self, action: str, host: str = "") -> None:
        """Do something in the background, as the buttons have it done; ``error`` says what went wrong.

        Nothing is asked before: a restart loses the paglets of the host that are not durable.

        Args:
            action: ``add``, ``interrupt``, ``restart`` or ``remove``; a host that is removed has its
                paglets moved away first.
            host: its name; empty to add one.
        """
        with self._lock:
            if host in self._doing:
                return
            self._doing[host] = _DOING[action]
        self._root.error = self._root.told = ""
        self._paint()

        def work() -> None:
            try:
                if action == "add":
                    self._mesh.add_host()
                elif action == "remove":
                    self._mesh.remove_host(host)
                elif action == "interrupt":
                    cells = self._mesh[host].interrupt()
                    silent = any(known.name == host and known.silent for known in self._watch.figures)
                    self._tell(f"{interrupted(host, cells, silent=silent)}{'' if cells or silent else _TASKS}")
                else:
                    self._mesh[host].restart()
            finally:
                with self._lock:
                    self._doing.pop(host, None)
                self._paint()

        post(work, lambda error: self._failed(error, f"{action} {host}".rstrip()))

    def _tell(self, line: str) -> None:
        """Say for some seconds what came of what was asked for."""
        self._told_until = time.monotonic() + _TOLD
        self._root.told = line

    def _failed(self, error: Exception, what: str = "look at the hosts") -> None:
        line = " ".join(str(error).split()) or type(error).__name__
        self._root.error = f"{what}: {line[:400]}"

    def close(self) -> None:
        """Stop looking and take the widgets away; harmless when repeated."""
        self._closed = True
        hooks, self._hooks = self._hooks, []
        for remove in hooks:
            remove()
        self._poller.close()
        self._paint.close()
        self._notices.close()
        close_widgets(self._root, self._box)
