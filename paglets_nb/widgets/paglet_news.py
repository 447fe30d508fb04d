"""What paglets have to tell at a glance: where a task stands, how many events a drain holds.

Plain Python; it asks in rounds, at most so many paglets, and waits for nobody. It knows no widget.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paglets_nb.core.messages import FutureReply
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import CursorGapError, PagletError
from paglets_nb.host.protocol import PagletInfo
from paglets_nb.patterns.cursor_drain import CursorDrainMixin, CursorDrainReply, CursorDrainRequest
from paglets_nb.patterns.tasks import TASK_STATUS, TaskPaglet, TaskStatus, TaskStatusReply
from paglets_nb.services.contracts import ServiceOperation

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["MAX_ASKED", "News", "PagletNews", "tasks_run"]

MAX_ASKED = 50
"""Paglets of one host that are asked."""
_PATIENCE = 0.3
"""Seconds that a round waits for the replies."""
_LONGEST = 3600.0
"""Seconds after which what is not answered is asked anew; earlier, questions would pile up at a hung paglet."""
_KINDS = 1000
Cursors = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class News:
    """What one paglet told last.

    Attributes:
        task: where its task stands; None where it is none, or has not told.
        events: how many events it holds behind the cursor; None where it keeps none, or has not told.
        cursor: the last event that the notebook has read.
        busy: it was asked and has not answered.
        lost: events behind the cursor were trimmed.
    """

    task: TaskStatusReply | None = None
    events: int | None = None
    cursor: int = 0
    busy: bool = False
    lost: bool = False

    @property
    def running(self) -> bool:
        """Whether it is a task that runs."""
        return self.task is not None and self.task.status is TaskStatus.RUNNING

    def __str__(self) -> str:
        parts = []
        if self.task is not None:
            share = f"{100 * self.task.progress:.0f}%" if self.running and self.task.progress else ""
            note = self.task.note if self.running else self.task.error
            parts.append(" ".join(f"{self.task.status.value} {share} {note}".split()))
        if self.lost:
            parts.append(f"events after {self.cursor} were trimmed")
        elif self.events is not None:
            behind = f" after {self.cursor}" if self.cursor else ""
            parts.append(f"{self.events} {'new ' if self.cursor else ''}event{'s' * (self.events != 1)}{behind}")
        return ", ".join([*parts, "busy"] if self.busy else parts)


@dataclass
class _Question:
    future: FutureReply
    since: float
    cursor: int = 0


def tasks_run(count: int) -> str:
    """How many tasks run, e.g. ``2 tasks running``; empty for none."""
    return f"{count} task{'s' * (count != 1)} running" if count else ""


class PagletNews:
    """Asks the tasks and drains among paglets; rounds are one at a time, whoever asks for them.

    A drain is asked as the next reader would ask it, for one event and without waiting; what does
    not answer is asked once, and is busy meanwhile.

    Args:
        mesh: the mesh.
        cursors: the last event that was read, by paglet's id and operation; looked at in each round.
    """

    def __init__(self, mesh: Mesh, cursors: Cursors) -> None:
        self._mesh = mesh
        self._cursors = cursors
        self._lock = threading.Lock()
        self._kinds: dict[str, tuple[bool, ServiceOperation | None]] = {}
        self._asked: dict[tuple[str, str], _Question] = {}
        self.news: dict[str, News] = {}

    def round(
        self,
        hosts: Mapping[str, Sequence[PagletInfo]],
        drains: bool = True,
        patience: float = _PATIENCE,
    ) -> dict[str, News]:
        """Ask the first ``MAX_ASKED`` tasks and drains of each host, and collect what has come.

        Args:
            hosts: the paglets of each; those asleep are left alone.
            drains: ask those too; else only tasks.
            patience: seconds to wait for the replies.

        Returns:
            What is known of each paglet that was asked, by its id.
        """
        with self._lock:
            wanted = self._wanted(hosts, drains)
            for key in [key for key in self._asked if key not in wanted]:
                if self._asked[key].future.wait_for_reply(0.0):
                    del self._asked[key]
            known = {key[0] for key in wanted}
            news = {agent: told for agent, told in self.news.items() if agent in known}
            for key, (info, operation) in wanted.items():
                if key not in self._asked:
                    self._ask(key, info, operation)
            self._collect(news, known, time.monotonic() + patience)
            self.news = news
            return dict(news)

    def _wanted(
        self, hosts: Mapping[str, Sequence[PagletInfo]], drains: bool
    ) -> dict[tuple[str, str], tuple[PagletInfo, ServiceOperation]]:
        found: dict[tuple[str, str], tuple[PagletInfo, ServiceOperation]] = {}
        for paglets in hosts.values():
            left = MAX_ASKED
            for info in paglets:
                if not left:
                    break
                is_task, drain = self._kind(info) if info.active else (False, None)
                if is_task:
                    found[info.agent_id, ""] = info, TASK_STATUS
                if drains and drain is not None:
                    found[info.agent_id, drain.name] = info, drain
                left -= is_task or (drains and drain is not None)
        return found

    def _proxy(self, info: PagletInfo) -> PagletProxy:
        client = self._mesh.client
        return PagletProxy(info.host_url, info.agent_id, client, name=info.name, class_name=info.class_name)

    def _kind(self, info: PagletInfo) -> tuple[bool, ServiceOperation | None]:
        """Whether a paglet's class is a task, and its drain."""
        if info.class_name not in self._kinds:
            try:
                cls: Any = self._mesh.class_of(self._proxy(info))
            except (PagletError, OSError):  # then nobody here can read what it tells
                cls = object
            drain = cls.Drain if issubclass(cls, CursorDrainMixin) else None
            if drain is not None and not issubclass(drain.request_type, CursorDrainRequest):
                drain = None
            if len(self._kinds) >= _KINDS:
                self._kinds.clear()
            self._kinds[info.class_name] = issubclass(cls, TaskPaglet), drain
        return self._kinds[info.class_name]

    def _ask(self, key: tuple[str, str], info: PagletInfo, operation: ServiceOperation) -> None:
        cursor = self._cursors.get(key, 0)
        reply_type: type = TaskStatusReply
        message = operation.to_message(priority=0) if not key[1] else None
        if message is None:
            message = operation.to_message(operation.request_type(cursor, 1, 0.0), priority=1)
            reply_type = operation.reply_type
        try:
            future = self._proxy(info).send_future(
                message, timeout=_LONGEST, reply_type=reply_type, activate_if_inactive=False
            )
        except (PagletError, OSError):  # its host is going down, as its row says
            return
        self._asked[key] = _Question(future, time.monotonic(), cursor)

    def _collect(self, news: dict[str, News], known: set[str], deadline: float) -> None:
        """Put the replies into ``news``."""
        busy, told = set(), {key: news.get(key[0], News()) for key in self._asked if key[0] in known}
        for key, before in told.items():
            asked, agent = self._asked[key], key[0]
            if not asked.future.wait_for_reply(max(0.0, deadline - time.monotonic())):
                busy.add(agent)
                if time.monotonic() > asked.since + _LONGEST:
                    del self._asked[key]
                continue
            del self._asked[key]
            former = news.get(agent, before)
            try:
                news[agent] = _told(former, asked.future.get_reply(0.0), asked.cursor)
            except CursorGapError:
                news[agent] = News(former.task, None, asked.cursor, lost=True)
            except TimeoutError:
                busy.add(agent)
            except Exception:  # it has gone, or is no such thing any more
                news.pop(agent, None)
        for agent in {key[0] for key in told}:
            former = news.get(agent, News())
            if former.busy != (agent in busy):
                news[agent] = News(former.task, former.events, former.cursor, agent in busy, former.lost)


def _told(former: News, reply: object, cursor: int) -> News:
    """What is known with one more reply."""
    if isinstance(reply, TaskStatusReply):
        return News(reply, former.events, former.cursor, lost=former.lost)
    if isinstance(reply, CursorDrainReply):
        last = reply.last_cursor if reply.last_cursor is not None else reply.cursor
        return News(former.task, max(0, last - max(cursor, reply.first_cursor - 1)), cursor)
    return former
