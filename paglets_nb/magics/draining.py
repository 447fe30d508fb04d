"""Which operation of a paglet is its drain, and the cursor that a session keeps for it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import CursorGapError
from paglets_nb.magics.boundary import did_you_mean
from paglets_nb.magics.parser import Arguments, VerbParser, natural, seconds
from paglets_nb.magics.session import Session

if TYPE_CHECKING:
    from paglets_nb.patterns.drains import Drain
    from paglets_nb.services.contracts import ServiceOperation
    from paglets_nb.widgets.drain_buffer import Row
    from paglets_nb.widgets.drain_follower import EventSource

__all__ = ["batches_of", "configure_drain", "cursor_key", "drain_of", "follow_live", "is_drain"]

_BATCH = 1000
_WAIT = 1.0


def configure_drain(parser: VerbParser, default_after: str) -> None:
    """Add the arguments that line and cell share."""
    parser.add_argument("paglet", metavar="PAGLET", help="a name, an id or its start, or a variable")
    parser.add_argument("operation", nargs="?", metavar="OPERATION", help="which drain, where it has several")
    parser.add_argument("--after", metavar="N", type=natural, help=f"only events behind cursor N ({default_after})")
    parser.add_argument("--limit", metavar="N", type=natural, help="end after N events")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="end after so long")


def is_drain(operation: ServiceOperation) -> bool:
    """Whether an operation takes a cursor and answers with events."""
    takes, answers = (
        {field.name for field in dataclasses.fields(cls)} for cls in (operation.request_type, operation.reply_type)
    )
    return "after_cursor" in takes and answers >= {"events", "cursor", "more"}


def _drains(session: Session, proxy: PagletProxy) -> dict[str, ServiceOperation]:
    """A paglet's drains by name: among its typed operations, or what a ``CursorDrainMixin`` serves."""
    from paglets_nb.patterns.cursor_drain import CursorDrainMixin

    mesh = session.require_mesh()
    drains = {operation.name: operation for operation in session.operations(proxy) if is_drain(operation)}
    cls = mesh.class_of(proxy)
    if issubclass(cls, CursorDrainMixin) and cls.Drain is not None:
        drains.setdefault(cls.Drain.name, cls.Drain)
    return drains


def _operation(session: Session, proxy: PagletProxy, name: str | None) -> ServiceOperation:
    """The drain that is meant.

    Raises:
        UsageError: there is none, or several and none was named, or the one named is none.
    """
    from paglets_nb.patterns.cursor_drain import CURSOR_DRAIN

    drains = _drains(session, proxy)
    label, listed = session.label(proxy), ", ".join(drains)
    if name is not None and name not in drains:
        if not drains:
            raise UsageError(f"{label} keeps no events to drain")
        raise UsageError(f"{label} has no drain {str(name)!r} (drains: {listed}){did_you_mean(name, drains)}")
    if name is None and len(drains) > 1 and CURSOR_DRAIN.name not in drains:
        raise UsageError(f"{label} has several drains: {listed}; name one")
    if not drains:
        raise UsageError(f"{label} keeps no events to drain (its class has no CursorDrainMixin, or no Drain)")
    return drains[name] if name is not None else drains.get(CURSOR_DRAIN.name) or next(iter(drains.values()))


def drain_of(session: Session, arguments: Arguments, after: int | None, *, follow: bool) -> Drain:
    """What iterates over the events.

    Args:
        session: what the magics share.
        arguments: as ``configure_drain`` adds them.
        after: the cursor to begin behind; None for the one that the session keeps.
        follow: wait for events that are still to come.
    """
    from paglets_nb.patterns.drains import drain

    proxy = session.paglet(arguments.paglet)
    operation = _operation(session, proxy, arguments.operation)
    if after is None:
        after = session.cursors.get((proxy.agent_id, operation.name), 0)
    batch = _BATCH if arguments.limit is None else max(1, min(_BATCH, arguments.limit))
    return drain(proxy, operation, after, limit=batch, follow=follow, timeout=arguments.timeout)


def batches_of(events: Drain, limit: int | None) -> Iterator[list[dict[str, Any]]]:
    """The events by the list, at least ``limit`` of them if there are so many; none where it is 0.

    Raises:
        UsageError: while iterating: some were trimmed; says with which ``--after`` to go on.
    """
    if limit == 0:
        return
    try:
        yield from events.batches()
    except CursorGapError as gap:
        raise UsageError(str(gap).replace("after_cursor=", "--after ")) from None


def cursor_key(events: Drain) -> tuple[str, str]:
    """Under what the session keeps the cursor of a drain."""
    return events.proxy.agent_id, events.operation.name


def follow_live(
    session: Session, source: EventSource, arguments: Arguments, take: Callable[[Sequence[Row]], int]
) -> None:
    """Read a source in a list that is shown in the cell, until it ends or the cell is stopped.

    The list stays: its user can scroll in it, and read on.

    Args:
        session: what the magics share.
        source: the events.
        arguments: their ``limit`` and ``timeout`` end it too.
        take: keeps what was read; how many of them count.
    """
    from paglets_nb.widgets.drain_view import DrainView

    view = DrainView(source, follow=False)
    session.show_view(view)
    deadline = None if arguments.timeout is None else time.monotonic() + arguments.timeout
    left = arguments.limit
    try:
        while not source.ended and left != 0:
            wait = _WAIT if deadline is None else min(_WAIT, deadline - time.monotonic())
            if wait <= 0:
                break
            count = take(view.follower.read(wait, _BATCH if left is None else min(_BATCH, left)))
            left = None if left is None else left - count
    except KeyboardInterrupt:
        session.say("stopped")  # which is how it is meant to end
    finally:
        view.settle()
