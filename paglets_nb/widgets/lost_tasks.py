"""Tasks that ended with their host: which they are, and why, in plain words.

Plain Python over what was seen last; nothing is asked of a host here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from paglets_nb.errors import HostDiedError, InvalidAgentError
from paglets_nb.mesh.detaching import DETACHED
from paglets_nb.mesh.handles import HostHandle
from paglets_nb.patterns.task_client import TaskSnapshot
from paglets_nb.widgets.pictures import host_label
from paglets_nb.widgets.records import TaskEntry

__all__ = ["LostTasks", "Run", "ended_at", "loss_of", "lost_with", "run_of"]

Run = tuple[str, int]
"""One run of a host, by its address and its process; started again it is another."""
_MOST = 50
"""Lost tasks that are remembered, the last ones."""


def run_of(host: HostHandle) -> Run:
    """The run that a host is in."""
    return host.url, host.pid


def loss_of(error: BaseException | None) -> str:
    """Why a task is lost; empty where the error says nothing of the kind."""
    if isinstance(error, HostDiedError):
        if error.reason == DETACHED:  # its host goes on
            return ""
        return f"its host {host_label(error.host)} is gone: {error.reason}"
    return "it was lost with its host, or disposed" if isinstance(error, InvalidAgentError) else ""


def ended_at(snapshot: TaskSnapshot[Any], moment: float) -> TaskSnapshot[Any]:
    """The last snapshot of a task that was lost then, whose time does not go on."""
    return replace(snapshot, completed_at=snapshot.completed_at or moment)


def lost_with(entry: TaskEntry, gone: str) -> TaskEntry:
    """A task once its mesh does not run any more.

    Args:
        entry: as it was last.
        gone: why the mesh does not run.
    """
    why = loss_of(HostDiedError(entry.proxy.host_url, gone))
    if entry.snapshot is None or not entry.running or not why:
        return entry
    return replace(entry, snapshot=ended_at(entry.snapshot, time.time()), reason=why, lost=True)


@dataclass(frozen=True)
class _Seen:
    """A task that ran when it was heard of last."""

    entry: TaskEntry
    run: Run


class LostTasks:
    """Tells the tasks that are lost from those that are not listed for another reason.

    Args:
        hosts: gives the hosts of the mesh.
    """

    def __init__(self, hosts: Callable[[], Iterable[HostHandle]]) -> None:
        self._hosts = hosts
        self._ran: dict[str, _Seen] = {}
        self._lost: dict[str, TaskEntry] = {}

    def saw(self, entry: TaskEntry, run: Run) -> None:
        """A task is listed by a host in this run."""
        key = entry.proxy.agent_id
        self._lost.pop(key, None)
        if entry.running:
            self._ran[key] = _Seen(entry, run)
        elif entry.snapshot is not None or entry.reason == "asleep":
            self._ran.pop(key, None)

    def unlisted(self, listed: Collection[str], runs: Collection[Run]) -> dict[str, TaskEntry]:
        """Tasks to be shown though no host lists them: those that are lost, and those of which it is not known yet.

        Args:
            listed: the ids of those that are listed.
            runs: the runs whose lists are known.
        """
        hosts = {host.url: host for host in self._hosts()}
        open_still: dict[str, TaskEntry] = {}
        for key in self._ran.keys() - set(listed):
            seen = self._ran[key]
            host = hosts.get(seen.run[0])
            if host is not None and host.state == "up" and seen.run in runs:
                del self._ran[key]  # its host goes on without it
                continue
            why = self._why(seen.run, host, runs)
            if not why:
                open_still[key] = seen.entry
                continue
            del self._ran[key]
            snapshot = seen.entry.snapshot
            ended = None if snapshot is None else ended_at(snapshot, time.time())
            self._lost[key] = replace(seen.entry, snapshot=ended, reason=why, lost=True)
        for key in list(self._lost)[:-_MOST]:
            del self._lost[key]
        return {**open_still, **self._lost}

    @staticmethod
    def _why(run: Run, host: HostHandle | None, runs: Collection[Run]) -> str:
        """Why a task of this run is lost; empty while that is not known."""
        if host is None:
            return f"its host {host_label(run[0])} was removed"
        if host.state == "dead":
            return f"its host {host.name} is dead: {host.reason}"
        if host.state == "up" and run_of(host) != run and run_of(host) in runs:
            return f"its host {host.name} was restarted{f' ({host.reason})' if host.reason else ''}"
        return ""
