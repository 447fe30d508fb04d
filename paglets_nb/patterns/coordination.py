"""A parent that clones itself over the hosts of a mesh and collects what its children say.

Owns the fan-out's bookkeeping: who is a child, which hosts are pending, done or failed,
until when. What the children do, and how they report, is the paglet's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.references import HostRef, PagletProxyRef
from paglets_nb.core.state import PagletState
from paglets_nb.core.tickets import TransferTicket
from paglets_nb.errors import InvalidAgentError
from paglets_nb.patterns.cursor_drain import (
    CURSOR_DRAIN,
    CursorDrainMixin,
    CursorDrainReply,
    CursorDrainRequest,
    CursorDrainState,
)

__all__ = [
    "CURSOR_DRAIN",
    "ChildRoleState",
    "CursorDrainMixin",
    "CursorDrainReply",
    "CursorDrainRequest",
    "CursorDrainState",
    "MeshFanoutMixin",
    "MeshFanoutState",
]

NOT_ONLINE = "target host is not online or not visible in the mesh"
_AT_ONCE = 16
_ROLE_FIELDS = ("role", "parent_host_url", "parent_agent_id", "target_host_name", "target_host_url")

if TYPE_CHECKING:
    _Base = Paglet[Any]
else:
    _Base = object


@dataclass
class ChildRoleState(PagletState):
    """Whether a paglet is a parent or one of its children, and whose.

    Attributes:
        role: ``parent`` or ``child``.
        parent_host_url: where a child's parent lived when it was cloned.
        parent_agent_id: a child's parent.
        target_host_name: the host a child was made for.
        target_host_url: its address.
    """

    role: str = "parent"
    parent_host_url: str = ""
    parent_agent_id: str = ""
    target_host_name: str = ""
    target_host_url: str = ""


@dataclass
class MeshFanoutState(ChildRoleState):
    """What a parent knows of its children, by host name.

    Attributes:
        deadline: monotonic seconds of the parent's host; 0 for none.
        pending_hosts: whose child has not reported yet.
        done_hosts: whose child has reported.
        child_proxies: the children that are to be disposed of, in wire form.
        errors: what went wrong.
        cleanup_errors: what went wrong when children were disposed of.
    """

    deadline: float = 0.0
    pending_hosts: list[str] = field(default_factory=list)
    done_hosts: list[str] = field(default_factory=list)
    child_proxies: dict[str, dict[str, str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    cleanup_errors: dict[str, str] = field(default_factory=dict)


def _said(error: BaseException | str) -> str:
    if isinstance(error, str):
        return error
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


class MeshFanoutMixin(_Base):
    """A fan-out over the mesh; the state is a ``MeshFanoutState`` or has its fields.

    Put it before the paglet's class. A parent resets, selects hosts, clones itself to each,
    and waits in one operation for what the children report in another; past the deadline
    it expires the rest, and it cleans up in any case.

    Class attributes:
        fanout_clone_timeout: seconds for making one child; never more than half of what is left
            to the deadline, so that a host that does not answer leaves time for the others.
        fanout_cleanup_timeout: seconds for disposing of one child.
    """

    fanout_clone_timeout: ClassVar[float] = 10.0
    fanout_cleanup_timeout: ClassVar[float] = 5.0
    _fanout_parent: dict[str, Any] | None = None

    def fanout_reset(self, *, timeout: float) -> None:
        """Begin a fan-out: forget the last one and set the deadline ``timeout`` seconds from now."""
        with self.locked():
            state = self.state
            state.role = "parent"
            state.target_host_name = state.target_host_url = ""
            state.deadline = time.monotonic() + timeout
            state.pending_hosts, state.done_hosts = [], []
            state.child_proxies, state.errors, state.cleanup_errors = {}, {}, {}
            self.notify_all_state_changed()

    # ---- where to

    def fanout_available_hosts(self, *, include_self: bool = True) -> list[HostRef]:
        """The hosts of the mesh that are online."""
        hosts = self.context.available_hosts(online_only=True, include_self=include_self)
        return [host for host in hosts if host.online]

    def fanout_select_hosts(self, targets: Iterable[str] | None, *, include_self: bool = True) -> list[HostRef]:
        """The hosts to clone to.

        Args:
            targets: names or addresses; all hosts that are online where there are none. One
                that is unknown or offline becomes an error of the fan-out and is skipped.
            include_self: whether the parent's own host is among them.
        """
        available = self.fanout_available_hosts(include_self=include_self)
        wanted = list(targets or ())
        if not wanted:
            return available
        known = {**{host.url: host for host in available}, **{host.name: host for host in available}}
        chosen: dict[str, HostRef] = {}
        for target in wanted:
            host = known.get(target)
            if host is None:
                self.fanout_record_error(target, NOT_ONLINE)
            else:
                chosen[host.name] = host
        return list(chosen.values())

    # ---- cloning

    def fanout_prepare_clone(self, host: HostRef) -> None:
        """Make the state that of a child for ``host``, for the snapshot of the clone; the host is pending now."""
        with self.locked():
            state = self.state
            if self._fanout_parent is None:
                self._fanout_parent = {name: getattr(state, name) for name in _ROLE_FIELDS}
            if host.name not in state.pending_hosts:
                state.pending_hosts.append(host.name)
            state.role = "child"
            state.parent_agent_id = self.agent_id
            state.parent_host_url = "" if self._context is None else self._context.address
            state.target_host_name, state.target_host_url = host.name, host.url
            self.notify_all_state_changed()

    def fanout_is_child(self) -> bool:
        """Whether this is a child; the state of a parent that is about to clone itself says so of the parent too."""
        with self.locked():
            return bool(self.state.role == "child" and self.state.parent_agent_id != self.agent_id)

    def fanout_finish_clone_prepare(self) -> None:
        """Give the parent its own role back, whether the clone was made or not."""
        with self.locked():
            parent, self._fanout_parent = self._fanout_parent, None
            for name, value in (parent or {"role": "parent", "target_host_name": "", "target_host_url": ""}).items():
                setattr(self.state, name, value)
            self.notify_all_state_changed()

    def fanout_clone_to(self, host: HostRef) -> PagletProxy | None:
        """Make the child for ``host``: prepare, clone, finish and record, in one.

        Returns:
            The child's proxy; None where the clone failed, which is an error of the fan-out.
        """
        left = self._fanout_left()
        limit = self.fanout_clone_timeout
        ticket = TransferTicket(host.url, timeout=limit if left is None else max(min(limit, left / 2), 0.05))
        self.fanout_prepare_clone(host)
        try:
            proxy = self.clone(ticket)
        except Exception as error:
            self.fanout_record_error(host.name, _said(error))
            return None
        finally:
            self.fanout_finish_clone_prepare()
        self.fanout_record_child_proxy(host.name, proxy)
        return proxy

    def fanout_record_child_proxy(
        self, host_name: str, proxy: PagletProxy | PagletProxyRef | Mapping[str, str]
    ) -> None:
        """Remember a child, to speak to it and to dispose of it."""
        if isinstance(proxy, Mapping):
            wired = {"host_url": proxy["host_url"], "agent_id": proxy["agent_id"]}
        else:
            wired = {"host_url": proxy.host_url, "agent_id": proxy.agent_id}
        with self.locked():
            self.state.child_proxies[host_name] = wired
            self.notify_all_state_changed()

    # ---- what became of them

    def fanout_record_error(self, host_name: str, error: BaseException | str) -> None:
        """A host has failed: it is pending no longer."""
        with self.locked():
            self._fanout_settle(host_name)
            self.state.errors[host_name] = _said(error)
            self.notify_all_state_changed()

    def fanout_record_done(self, host_name: str) -> None:
        """A host's child has reported; an empty name, or one recorded already, changes nothing."""
        if not host_name:
            return
        with self.locked():
            self._fanout_settle(host_name)
            if host_name not in self.state.done_hosts:
                self.state.done_hosts.append(host_name)
            self.notify_all_state_changed()

    def _fanout_settle(self, host_name: str) -> None:
        if host_name in self.state.pending_hosts:
            self.state.pending_hosts.remove(host_name)

    def _fanout_left(self) -> float | None:
        """Seconds to the deadline; None where there is none."""
        deadline = float(self.state.deadline)
        return deadline - time.monotonic() if deadline else None

    def fanout_expire_pending(self, error: BaseException | str) -> list[str]:
        """Past the deadline, and only then, every pending host fails with ``error``; their names."""
        with self.locked():
            left = self._fanout_left()
            if left is None or left > 0:
                return []
            expired = list(self.state.pending_hosts)
            for host_name in expired:
                self.fanout_record_error(host_name, error)
            return expired

    def fanout_wait_for(self, ready: Callable[[], bool], *, wait_timeout: float) -> bool:
        """Wait for a condition, with the turn given up, so that children can report meanwhile.

        Args:
            ready: looked at under the state lock after each change.
            wait_timeout: seconds; the wait ends at the deadline in any case.

        Returns:
            Whether it holds.
        """
        with self.locked():
            left = self._fanout_left()
        return self.wait_state(ready, max(0.0, wait_timeout if left is None else min(wait_timeout, left)))

    def fanout_cleanup_children(self) -> None:
        """Dispose of every child, all at once; failures go to ``cleanup_errors``, and those children stay known."""
        with self.locked():
            children = {name: dict(wired) for name, wired in self.state.child_proxies.items()}
        if not children:
            return
        with ThreadPoolExecutor(min(_AT_ONCE, len(children)), "paglets-cleanup") as pool:
            ends = {
                name: pool.submit(copy_context().run, self._fanout_dispose, wired) for name, wired in children.items()
            }
        with self.locked():
            for name, end in ends.items():
                if error := end.result():
                    self.state.cleanup_errors[name] = error
                else:
                    self.state.cleanup_errors.pop(name, None)
                    if self.state.child_proxies.get(name) == children[name]:
                        del self.state.child_proxies[name]
            self.notify_all_state_changed()

    def _fanout_dispose(self, wired: Mapping[str, str]) -> str:
        """Dispose of one child; what went wrong, or nothing."""
        try:
            child = self.context.get_proxy(wired["agent_id"], wired["host_url"])
            child.dispose(timeout=self.fanout_cleanup_timeout)
        except InvalidAgentError:
            return ""
        except Exception as error:  # whatever its on_disposing raised
            return _said(error)
        return ""
