"""What a word of a magic's line may be: hosts, paglets, operations, classes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import PagletError
from paglets_nb.magics.grids import function_names
from paglets_nb.magics.parser import Arguments
from paglets_nb.magics.session import Session

if TYPE_CHECKING:
    from paglets_nb.host.protocol import PagletInfo

__all__ = ["Candidates"]

T = TypeVar("T")
_FRESH = 2.0
_PATIENCE = 0.06
_MOST = 256


class Candidates:
    """Knows what words may stand for; what hosts tell is fetched in threads and kept.

    Args:
        session: what the magics share.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._known: dict[Hashable, tuple[float, Any]] = {}
        self._asking: dict[Hashable, threading.Event] = {}

    def ask(self, key: Hashable, fetch: Callable[[], T], default: T) -> T:
        """What ``fetch`` answers, or last answered; ``default`` while it is not known.

        Args:
            key: what is asked for.
            fetch: asks; may block or raise.
            default: stands for an answer that did not come within 60 ms.
        """
        mesh = self._session.mesh
        key = (mesh.name if mesh is not None else "", key)
        with self._lock:
            known: tuple[float, T] = self._known.get(key, (0.0, default))
            if time.monotonic() - known[0] < _FRESH:
                return known[1]
            asked = self._asking.get(key)
            if asked is None:
                asked = self._asking[key] = threading.Event()
                threading.Thread(target=self._fetch, args=(key, fetch, asked), daemon=True).start()
        asked.wait(_PATIENCE)
        with self._lock:
            found: T = self._known.get(key, (0.0, default))[1]
        return found

    def _fetch(self, key: Hashable, fetch: Callable[[], Any], asked: threading.Event) -> None:
        try:
            value = fetch()
            with self._lock:
                while len(self._known) >= _MOST:
                    self._known.pop(next(iter(self._known)))
                self._known[key] = (time.monotonic(), value)
        except Exception:  # a host that is gone, a paglet that is none: then there is nothing to offer
            with self._lock:
                self._known.pop(key, None)
        finally:
            with self._lock:
                self._asking.pop(key, None)
            asked.set()

    def of(self, metavar: str, arguments: Arguments) -> list[str]:
        """The words that an argument may be.

        Args:
            metavar: how the argument is called in the help.
            arguments: those that stand before it.
        """
        if metavar == "CLASS":
            return self._session.class_names()
        if metavar == "HOST":
            return self._hosts()
        if metavar == "MESH":
            from paglets_nb.mesh.runtime_files import detached_meshes

            return detached_meshes()
        if metavar == "STOPPED":
            from paglets_nb.mesh.known import known_meshes

            return [mesh.name for mesh in known_meshes() if mesh.state == "stopped"]
        if metavar == "PAGLET":
            return self._paglets()
        if metavar == "TASK":
            return self._tasks()
        if metavar == "EVENT_KIND":
            from paglets_nb.magics.verbs.events import event_kinds

            return list(event_kinds())
        if metavar == "PAGLET_OR_CLASS":
            return [*self._paglets(), *self._session.class_names()]
        if metavar == "TARGET":
            namespace = self._session.shell.user_ns
            return [*self._paglets(), *self._session.class_names(), *function_names(namespace)]
        if metavar.startswith("HOST:"):
            return [f"{name}:" for name in self._hosts()]
        if metavar == "OPERATION":
            return self._operations(str(arguments.paglet))
        return []

    def _hosts(self) -> list[str]:
        mesh = self._session.mesh
        return [handle.name for handle in mesh.hosts()] if mesh is not None and mesh.running else []

    def _proxies(self) -> dict[str, PagletProxy]:
        """What paglets may be called: variables, names and ids."""
        mesh = self._session.mesh
        found = {
            name: getattr(value, "proxy", value)
            for name, value in list(self._session.shell.user_ns.items())
            if isinstance(getattr(value, "proxy", value), PagletProxy) and not name.startswith("_")
        }
        if mesh is not None and mesh.running:
            listing: list[PagletInfo] = self.ask("paglets", mesh.listing, [])
            known = [
                (info.name, PagletProxy(info.host_url, info.agent_id, mesh.client, class_name=info.class_name))
                for info in listing
            ]
            found = {name: proxy for name, proxy in known if name} | found
            found |= {proxy.agent_id: proxy for _name, proxy in known}
        return found

    def _paglets(self) -> list[str]:
        return list(self._proxies())

    def _tasks(self) -> list[str]:
        """The paglets that are tasks; all where that is not known yet."""
        proxies, mesh = self._proxies(), self._session.mesh
        if mesh is None or not mesh.running:
            return list(proxies)

        def fetch() -> list[str]:
            from paglets_nb.patterns.tasks import TaskPaglet

            tasks: dict[str, bool] = {}
            for proxy in proxies.values():
                if proxy.class_name not in tasks:
                    with suppress(PagletError):
                        tasks[proxy.class_name] = issubclass(mesh.class_of(proxy), TaskPaglet)
            return [word for word, proxy in proxies.items() if tasks.get(proxy.class_name, True)]

        return self.ask(("tasks", *proxies), fetch, list(proxies))

    def _operations(self, paglet: str) -> list[str]:
        def fetch() -> list[str]:
            session = self._session
            if paglet in session.class_names():
                from paglets_nb.experiments.targets import operations_of

                return [operation.name for operation in operations_of(session.paglet_class(paglet))]
            return [operation.name for operation in session.require_mesh().operations(session.paglet(paglet))]

        return self.ask(("operations", paglet), fetch, [])
