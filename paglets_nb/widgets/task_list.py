"""The tasks of a mesh and where they stand, kept up to date by one thread for all of them.

Plain Python: a script may listen to it as the table in the notebook does.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from paglets_nb.core.messages import FutureReply, Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import MeshError, PagletError
from paglets_nb.host.protocol import Listing, Nothing, PagletInfo
from paglets_nb.mesh.mesh import Mesh
from paglets_nb.patterns.task_client import TaskSnapshot
from paglets_nb.patterns.tasks import TaskPaglet
from paglets_nb.widgets.background import Poller
from paglets_nb.widgets.lost_tasks import LostTasks, Run, lost_with, run_of
from paglets_nb.widgets.pictures import LOST, class_label
from paglets_nb.widgets.records import TaskEntry
from paglets_nb.widgets.task_status import StatusAsker

__all__ = ["TaskList", "sorted_tasks", "task_list"]

_INTERVAL = 0.25
_PATIENCE = 0.5
"""Seconds that a round waits for what the hosts list."""
_ORDER = ("RUNNING", "WAITING_FOR_ARRIVAL", "NEW", LOST, "FAILED", "CANCELLED", "COMPLETED")
_BUSY = frozenset(_ORDER[:2])


def sorted_tasks(entries: list[TaskEntry]) -> list[TaskEntry]:
    """Those that run first, the longest first; those that are done last, the latest of them first."""

    def place(entry: TaskEntry) -> tuple[int, float, str]:
        snapshot = entry.snapshot
        if snapshot is None:
            return len(_ORDER), 0.0, entry.label
        state = LOST if entry.lost else snapshot.status.value
        time_of = snapshot.started_at if state in _BUSY else -(snapshot.completed_at or snapshot.started_at)
        return _ORDER.index(state), time_of, entry.label

    return sorted(entries, key=place)


class TaskList:
    """The tasks of a mesh.

    Args:
        mesh: the mesh.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._asker = StatusAsker()
        self._listed: dict[Run, FutureReply] = {}
        self._hosts: dict[Run, list[PagletInfo]] = {}
        self._lost = LostTasks(mesh.hosts)
        self._kinds: dict[str, type | None] = {}
        self._entries: dict[str, TaskEntry] = {}
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._poller: Poller | None = None

    def entries(self) -> list[TaskEntry]:
        """The tasks as they were in the last round, those that run first."""
        with self._lock:
            return sorted_tasks(list(self._entries.values()))

    def add_listener(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Keep the list up to date, and call ``listener`` after each round that changed it; it must not block.

        Returns:
            Takes it off again; without listeners nobody is asked.
        """
        with self._lock:
            self._listeners.append(listener)
            if self._poller is None:
                self._poller = Poller(self.refresh, _INTERVAL)
                self._poller.start()

        def remove() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)
                if not self._listeners and self._poller is not None:
                    self._poller.close()
                    self._poller = None

        return remove

    def refresh(self) -> None:
        """Ask the hosts and the tasks once.

        What does not answer stays as it was. Tasks that ran when the mesh was stopped are lost with it.
        """
        self.settle()
        with suppress(MeshError):  # it is down, or going down
            self._round()

    def settle(self) -> None:
        """Once the mesh does not run any more, neither does what ran there, unless it was detached."""
        if self._mesh.running:
            return
        with self._lock:
            settled = {key: lost_with(entry, self._mesh.gone) for key, entry in self._entries.items()}
            if settled == self._entries:
                return
            self._entries = settled
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def _round(self) -> None:
        runs = {info.agent_id: run for run, infos in self._list_hosts().items() for info in infos}
        infos = {info.agent_id: info for infos in self._hosts.values() for info in infos}
        tasks = {key: info for key, info in infos.items() if self._result_type(info) is not None}
        with self._lock:
            known = dict(self._entries)
        entries = {key: known.get(key) or self._new(info) for key, info in tasks.items()}
        told = self._asker.round({key: entries[key].proxy for key, info in tasks.items() if info.active})
        for key, info in tasks.items():
            entries[key] = self._entry(replace(entries[key], lost=False), info, told.get(key))
            self._lost.saw(entries[key], runs[key])
        entries |= self._lost.unlisted(entries, self._hosts)
        with self._lock:
            if entries == self._entries or not self._mesh.running:
                return
            self._entries = entries
        self._tell()

    def _new(self, info: PagletInfo) -> TaskEntry:
        proxy = PagletProxy(info.host_url, info.agent_id, self._mesh.client, name=info.name, class_name=info.class_name)
        return TaskEntry(proxy, info.name or f"{class_label(info.class_name)} {info.agent_id}", None)

    def _entry(self, entry: TaskEntry, info: PagletInfo, reply: Any) -> TaskEntry:
        if not info.active:
            return replace(entry, snapshot=None, reason="asleep")
        if isinstance(reply, Exception):
            return replace(entry, snapshot=None, reason=str(reply))
        result_type = self._result_type(info)
        if reply is None or result_type is None:
            return entry
        try:
            return replace(entry, snapshot=TaskSnapshot.from_reply(reply, result_type), reason="")
        except PagletError as error:  # its result cannot be read here
            return replace(entry, snapshot=None, reason=str(error))

    def _list_hosts(self) -> dict[Run, list[PagletInfo]]:
        """What lives on each host; of one that does not answer what lived there last."""
        client = self._mesh.client
        up = {run_of(host) for host in self._mesh.hosts() if host.state == "up"}
        self._listed = {run: asked for run, asked in self._listed.items() if run in up}
        for run in up - self._listed.keys():
            with suppress(PagletError, OSError):
                message = Message("@list", Nothing(), priority=0)
                self._listed[run] = client.submit(PagletProxy(run[0], "", client), message, CallOptions(60.0, Listing))
        deadline = time.monotonic() + _PATIENCE
        for run, asked in list(self._listed.items()):
            if asked.wait_for_reply(max(0.0, deadline - time.monotonic())):
                del self._listed[run]
                with suppress(PagletError, OSError):
                    self._hosts[run] = asked.get_reply(0.0).paglets
        self._hosts = {run: infos for run, infos in self._hosts.items() if run in up}
        return self._hosts

    def _result_type(self, info: PagletInfo) -> type | None:
        """The type of a task's result; None for a paglet that is no task, or whose class cannot be loaded here."""
        if info.class_name not in self._kinds:
            try:
                cls: Any = self._mesh.class_of(self._new(info).proxy)
            except (PagletError, OSError):
                cls = None
            is_task = isinstance(cls, type) and issubclass(cls, TaskPaglet)
            self._kinds[info.class_name] = cls.result_class() if is_task else None
        return self._kinds[info.class_name]


_lists: weakref.WeakKeyDictionary[Mesh, TaskList] = weakref.WeakKeyDictionary()


def task_list(mesh: Mesh) -> TaskList:
    """The list of a mesh's tasks, which all that look at them share."""
    found = _lists.get(mesh)
    if found is None:
        found = _lists[mesh] = TaskList(mesh)
    return found
