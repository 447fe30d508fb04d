"""Lists of what happened: events, notifications, replies, tasks; each shows as a table."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.widgets.markup import Markup, bar, clipped, muted, table, text_table
from paglets_nb.widgets.pictures import LOST, elapsed, host_label, status_label

if TYPE_CHECKING:
    from paglets_nb.mesh.events import MeshEvent
    from paglets_nb.mesh.known import KnownMesh
    from paglets_nb.mesh.notifications import Notification
    from paglets_nb.patterns.task_client import TaskHandle, TaskSnapshot

__all__ = [
    "DrainedEvents",
    "EventTable",
    "LogText",
    "MeshTable",
    "NotificationTable",
    "Reply",
    "ReplyTable",
    "RowList",
    "TaskEntry",
    "TaskTable",
    "Upgrade",
    "UpgradeTable",
]

T = TypeVar("T")
MAX_ROWS = 50
"""Rows shown of a longer list: its last ones."""


def clock_time(timestamp: float) -> str:
    """The time of day of POSIX seconds; the day before it where that is another one."""
    moment, today = time.localtime(timestamp), time.localtime()
    shape = "%H:%M:%S" if moment[:3] == today[:3] else "%Y-%m-%d %H:%M:%S"
    return time.strftime(shape, moment) + f".{int(timestamp % 1 * 1000):03d}"


class RowList(list[T]):
    """A list that shows as a table of its last entries.

    Class attributes:
        headers: of the columns.
        nothing: what an empty list shows.
    """

    headers: ClassVar[Sequence[str]] = ()
    nothing: ClassVar[str] = "nothing"

    def row(self, entry: T) -> Sequence[object]:
        """The cells of one entry."""
        raise NotImplementedError

    def text_row(self, entry: T) -> Sequence[object]:
        """The cells of one entry where only text can be shown."""
        return self.row(entry)

    def _earlier(self) -> str:
        left = len(self) - MAX_ROWS
        return f"{left} earlier ones, and" if left > 0 else ""

    def __repr__(self) -> str:
        if not self:
            return self.nothing
        shown = text_table(self.headers, [self.text_row(entry) for entry in self[-MAX_ROWS:]])
        return "\n".join(part for part in (self._earlier(), shown) if part)

    def _repr_html_(self) -> str:
        if not self:
            return self.nothing
        shown = table(self.headers, [self.row(entry) for entry in self[-MAX_ROWS:]]).html
        earlier = self._earlier()
        return (muted(earlier).html if earlier else "") + shown


def _detail(value: Any) -> str:
    """A value; of a host's address the host's name."""
    return host_label(value) if isinstance(value, str) and "://" in value[:8] else clipped(value, 80)


def _details(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_detail(value)}" for name, value in values.items() if value not in ("", None))


class EventTable(RowList["MeshEvent"]):
    """Events of a mesh."""

    headers = ("number", "time", "host", "event", "paglet", "details")
    nothing = "no events"

    def row(self, entry: MeshEvent) -> Sequence[object]:
        """The cells of one event."""
        at = clock_time(entry.timestamp)
        told = {name: value for name, value in entry.details.items() if name not in ("cell", "seconds") and value != {}}
        return entry.number, at, entry.host_name, entry.kind, entry.agent_id, _details(told)


class NotificationTable(RowList["Notification"]):
    """Notifications of a mesh."""

    headers = ("number", "time", "host", "severity", "title", "message", "job")
    nothing = "no notifications"

    def row(self, entry: Notification) -> Sequence[object]:
        """The cells of one notification."""
        at = clock_time(entry.timestamp)
        return entry.number, at, entry.host_name, entry.severity, entry.title, entry.message, entry.job_id


class DrainedEvents(RowList[dict[str, Any]]):
    """Events that were drained from a paglet.

    Args:
        events: the events, each with its number under ``"cursor"``.
        cursor: of the last event that was looked at, for the next drain.
    """

    headers = ("cursor", "event")
    nothing = "no events"

    def __init__(self, events: Iterable[dict[str, Any]] = (), cursor: int = 0) -> None:
        super().__init__(events)
        self.cursor = cursor

    def row(self, entry: dict[str, Any]) -> Sequence[object]:
        """The cells of one event."""
        return entry.get("cursor", ""), _details({name: value for name, value in entry.items() if name != "cursor"})


@dataclass(frozen=True)
class Reply:
    """What one paglet answered.

    Attributes:
        proxy: who.
        label: the paglet as messages call it.
        value: the reply; None where there is an error.
        error: why there is none; None where there is one.
        seconds: until it came.
    """

    proxy: PagletProxy
    label: str
    value: Any
    error: BaseException | None
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it is a reply."""
        return self.error is None


class ReplyTable(RowList[Reply]):
    """Replies in the order in which they came."""

    headers = ("paglet", "host", "reply", "seconds")
    nothing = "no replies"

    def row(self, entry: Reply) -> Sequence[object]:
        """The cells of one reply."""
        shown: object = clipped(entry.value)
        if entry.error is not None:
            shown = f"{type(entry.error).__name__}: {entry.error}"
        return entry.label, host_label(entry.proxy.host_url), shown, f"{entry.seconds:.3f}"

    @property
    def values(self) -> list[Any]:
        """The replies themselves, without those that failed."""
        return [reply.value for reply in self if reply.ok]

    @property
    def failed(self) -> list[Reply]:
        """Those that failed."""
        return [reply for reply in self if not reply.ok]


@dataclass(frozen=True)
class TaskEntry:
    """One task of a listing.

    Attributes:
        proxy: the task.
        label: as messages call it.
        snapshot: where it stands; None where it does not say.
        reason: why it does not, or why it is lost.
        handle: waits for it and cancels it; None where its class is not known.
        lost: it ended with its host, and ``snapshot`` is the last one.
    """

    proxy: PagletProxy
    label: str
    snapshot: TaskSnapshot[Any] | None
    reason: str = ""
    handle: TaskHandle[Any] | None = None
    lost: bool = False

    @property
    def running(self) -> bool:
        """Whether it runs, or is on its way."""
        return (
            self.snapshot is not None
            and not self.lost
            and self.snapshot.status.value in ("RUNNING", "WAITING_FOR_ARRIVAL")
        )


class TaskTable(RowList[TaskEntry]):
    """Tasks and where they stood when they were asked."""

    headers = ("task", "host", "status", "progress", "note", "seconds")
    nothing = "no tasks"

    def row(self, entry: TaskEntry) -> Sequence[object]:
        """The cells of one task, its progress as a bar."""
        cells = list(self.text_row(entry))
        if entry.snapshot is not None:
            cells[3] = Markup(f"{bar(entry.snapshot.progress, '#1565c0').html} {entry.snapshot.progress:.0%}")
        return cells

    def text_row(self, entry: TaskEntry) -> Sequence[object]:
        """The cells of one task as text."""
        snapshot = entry.snapshot
        if snapshot is None:
            return entry.label, host_label(entry.proxy.host_url), entry.reason, "", "", ""
        status = LOST if entry.lost else status_label(snapshot)
        note = entry.reason if entry.lost else snapshot.error or snapshot.note
        return entry.label, snapshot.host_name, status, f"{snapshot.progress:.0%}", note, f"{elapsed(snapshot):.1f}"


@dataclass(frozen=True)
class Upgrade:
    """What became of one paglet that was to be upgraded.

    Attributes:
        label: as messages call it.
        changed: False where it was of that version already, or it failed.
        error: why it stayed as it was; None where it did not fail.
    """

    proxy: PagletProxy
    label: str
    changed: bool
    error: BaseException | None


class UpgradeTable(RowList[Upgrade]):
    """Paglets that were to be upgraded."""

    headers = ("paglet", "host", "outcome")
    nothing = "no paglets of that class"

    def row(self, entry: Upgrade) -> Sequence[object]:
        """The cells of one paglet."""
        outcome = "upgraded" if entry.changed else "is of this version already"
        if entry.error is not None:
            outcome = f"stayed as it was: {type(entry.error).__name__}: {entry.error}"
        return entry.label, host_label(entry.proxy.host_url), outcome


class MeshTable(RowList["KnownMesh"]):
    """Meshes, and who holds each."""

    headers = ("mesh", "state", "hosts", "stored in")
    nothing = "no meshes"

    def row(self, entry: KnownMesh) -> Sequence[object]:
        """The cells of one mesh."""
        return entry.name, entry.standing, ", ".join(entry.hosts), str(entry.data or "")


class LogText(str):
    """Lines of a log; shows as they are."""

    __slots__ = ()

    def __repr__(self) -> str:
        return self.rstrip("\n") or "nothing was written"
