"""What a notebook's magics share: its mesh, and how words become its objects."""

from __future__ import annotations

import dataclasses
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.codec.modules import module_store
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.turns import default_origin
from paglets_nb.errors import HostDiedError, PagletError
from paglets_nb.magics.boundary import did_you_mean
from paglets_nb.magics.deadline import Deadline
from paglets_nb.magics.paglet_words import paglet_of
from paglets_nb.magics.progress import waiting
from paglets_nb.magics.tokens import NO_VALUE, Word
from paglets_nb.mesh.sinks import remember_cell

if TYPE_CHECKING:
    from paglets_nb.host.protocol import PagletInfo
    from paglets_nb.mesh.mesh import HostHandle, Mesh
    from paglets_nb.patterns.task_client import TaskHandle
    from paglets_nb.services.contracts import ServiceOperation
    from paglets_nb.widgets.shown import Shown
    from paglets_nb.widgets.task_view import ShownTask

__all__ = ["Session"]

_MOST_VIEWS = 32
"""Views that are alive at once; beyond that the oldest becomes its last picture."""
_POLL = 0.05
_RESTARTING = 10.0
"""Seconds for which a host that is being restarted is waited for."""
_PATIENCE = 10.0
"""Seconds in which a host tells of itself or of a paglet, also while it is held up for a moment."""


class Session:
    """The state of the magics in one IPython shell.

    Args:
        shell: the shell.

    Attributes:
        mesh: the notebook's mesh; None while there is none.
        namespace: where the line that runs now looks names up.
        register_picture: shows values of a dataclass as pictures from then on.
        cursors: the last event that a cell was run for, by paglet's id and operation.
        spoke: a magic was run in this cell.
        deadline: what the line that runs now has left of its ``--timeout``.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.mesh: Mesh | None = None
        self.namespace: Mapping[str, Any] = shell.user_ns
        self.register_picture: Callable[[type], None] = lambda _cls: None
        self.cursors: dict[tuple[str, str], int] = {}
        self.spoke = False
        self.deadline = Deadline()
        self._cell_number = 0
        self._sent: weakref.WeakKeyDictionary[Mesh, int] = weakref.WeakKeyDictionary()
        self._followers: weakref.WeakSet[ShownTask] = weakref.WeakSet()
        self._views: deque[Shown] = deque()
        self._seen: deque[tuple[Any, Callable[[], bool]]] = deque(maxlen=_MOST_VIEWS)
        self._tasks_shown: weakref.WeakKeyDictionary[TaskHandle[Any], int] = weakref.WeakKeyDictionary()

    # ---- the cell that runs now

    def parent(self) -> dict[str, Any]:
        """The header of the message whose cell runs now; empty outside a kernel."""
        get_parent = getattr(self.shell, "get_parent", None)
        return dict(get_parent() or {}) if get_parent is not None else {}

    def on_cell(self, info: Any = None) -> None:
        """Before each cell: what is sent from now on speaks for it, and its output goes there."""
        self._cell_number += 1
        self._seen.clear()
        parent = self.parent()
        default_origin.cell = parent.get("header", {}).get("msg_id", "")
        if default_origin.cell:
            remember_cell(parent)

    def after_cell(self, _result: Any = None) -> None:
        """After each cell: what the hosts printed and told for it comes before it ends, if they are quick."""
        spoke, self.spoke = self.spoke, False
        meshes = sys.modules.get("paglets_nb.mesh.mesh")  # imported with the first mesh, and costly
        for mesh in meshes.running_meshes() if meshes is not None else ():
            sent = mesh.client.sent
            if spoke or self._sent.get(mesh, 0) != sent:
                with suppress(PagletError):
                    mesh.sync_output()
                    mesh.notifications.sync()
                self._sent[mesh] = mesh.client.sent

    def show_task(self, handle: TaskHandle[Any]) -> ShownTask | None:
        """Show a task's progress, once in a cell however often it is displayed there."""
        if self._tasks_shown.get(handle) == self._cell_number:
            return None
        self._tasks_shown[handle] = self._cell_number
        from paglets_nb.widgets.task_view import show_task

        follower = show_task(handle)
        if follower is not None:
            self._followers.add(follower)
        return follower

    @property
    def live(self) -> bool:
        """Whether there may be a page in which views live."""
        return hasattr(self.shell, "set_thread_parent")

    def show_live(self, shown: Any) -> None:
        """Display an object by its live view, which its ``live()`` makes."""
        self.show_view(shown.live())

    def show_view(self, view: Shown) -> None:
        """Display a view in the cell that runs now; its last picture stays when the mesh is stopped."""
        self._views.append(view)
        while len(self._views) > _MOST_VIEWS:
            self._views.popleft().leave()
        view.show()

    def seen(self, value: Any, show: Callable[[], bool] = lambda: True) -> None:
        """Have a value not displayed a second time in the cell that runs now, in which a view shows it.

        Args:
            value: what a verb returns.
            show: called when it would be displayed; whether the view shows all of it then.
        """
        self._seen.append((value, show))

    def show_unless_seen(self, value: Any) -> None:
        """Leave the display of a value to the view of this cell that shows it.

        Raises:
            NotImplementedError: there is none, so IPython shows it in its other ways.
        """
        if not any(entry is value and show() for entry, show in self._seen):
            raise NotImplementedError

    def close_views(self) -> None:
        """Leave the last pictures of the views in their places."""
        while self._views:
            self._views.popleft().leave()

    def say(self, text: str) -> None:
        """Write a line to the cell's output."""
        sys.stdout.write(f"{text}\n")

    def remember_cursor(self, key: tuple[str, str], cursor: int) -> None:
        """A cell was run for an event; noted for the next notebook too where the mesh outlives this one."""
        self.cursors[key] = cursor
        if self.mesh is not None and self.mesh.outlives and self.mesh.running:
            self.mesh.keep_cursors(self.cursors)

    # ---- the mesh and its hosts

    def require_mesh(self) -> Mesh:
        """The mesh; UsageError when there is none."""
        if self.mesh is None or not self.mesh.running:
            raise UsageError("no mesh is up; start one with: %paglet up")
        return self.mesh

    def stop_mesh(self, *, forget: bool = False) -> None:
        """Stop the mesh, if there is one, and all that watches its tasks; see ``Mesh.stop``."""
        self._end_mesh(lambda mesh: mesh.stop(forget=forget))

    def detach_mesh(self) -> None:
        """Let go of the mesh, which goes on; MeshError where it cannot, and nothing has changed."""
        mesh = self.require_mesh()
        mesh.keep_cursors(self.cursors)
        mesh.detach()
        self._end_mesh(lambda _mesh: None)

    def release_mesh(self) -> None:
        """Let go of the mesh where it may go on, else stop it, and say which."""
        mesh = self.mesh
        count = len(mesh) if mesh is not None else 0
        self._end_mesh(lambda mesh: mesh.release())
        if mesh is not None and count:
            from paglets_nb.widgets.pictures import mesh_label

            hosts = f"{count} host{'s' * (count != 1)}"
            goes_on = f"goes on without the notebook ({hosts}); see: %paglet attach {mesh.name}"
            said = goes_on if mesh.detached else f"is down ({hosts}), and its paglets with it"
            self.say(f"{mesh_label(mesh.name)} {said}")

    def _end_mesh(self, end: Callable[[Mesh], None]) -> None:
        if self.mesh is not None:
            end(self.mesh)
        self.mesh = None
        for follower in list(self._followers):
            follower.close()
        self.close_views()

    def host(self, name: str) -> HostHandle:
        """A host by name; UsageError lists the known ones."""
        known = {handle.name: handle for handle in self.require_mesh().hosts()}
        if name not in known:
            listed = ", ".join(known) or "none"
            raise UsageError(f"no host {str(name)!r} in the mesh (hosts: {listed}){did_you_mean(name, known)}")
        return known[name]

    def hosts(self, words: Iterable[str]) -> list[HostHandle]:
        """Hosts by names, also comma-separated ones; ``all`` stands for every host, and none is called so."""
        names = [name for word in words for name in str(word).split(",") if name]
        if "all" in names:
            names = [handle.name for handle in self.require_mesh().hosts()]
        return [self.host(name) for name in dict.fromkeys(names)]

    def tell_asleep(self) -> None:
        """Say which paglets wait for hosts that are not up."""
        for name, count in self.require_mesh().supervisor.asleep().items():
            many = "1 paglet sleeps" if count == 1 else f"{count} paglets sleep"
            self.say(f"{many} on {name}, which is not up: %paglet add {name}")

    def await_host(self, *urls: str) -> bool:
        """Wait up to 10 s while one of these hosts, or any, is being restarted; whether one was."""
        handles = [handle for handle in self.require_mesh().hosts() if not urls or handle.url in urls]
        restarting = [handle for handle in handles if handle.state == "restarting"]
        deadline = time.monotonic() + self.deadline.patience(_RESTARTING)
        if restarting:
            with waiting(self.shell, f"{restarting[0].name} is being restarted: waiting for it"):
                while any(handle.state == "restarting" for handle in restarting) and time.monotonic() < deadline:
                    time.sleep(_POLL)
        return bool(restarting)

    def await_answer(self, *urls: str) -> None:
        """Wait until the hosts at these addresses answer; CallTimeoutError says what to do about one that does not."""
        from paglets_nb.host.protocol import HostInfo, Nothing

        client, limit = self.require_mesh().client, self.deadline.patience(_PATIENCE)
        for url in dict.fromkeys(filter(None, urls)):
            with waiting(self.shell, "waiting for a host's answer"), suppress(HostDiedError):
                client.ask(url, "@health", Nothing(), HostInfo, timeout=limit)

    # ---- paglets

    def listing(self, on: str = "", *, quiet: bool = False) -> list[PagletInfo]:
        """The paglets there are; says which hosts do not answer, so that theirs are missing.

        Args:
            on: only those of the host of this name.
            quiet: say nothing.
        """
        from paglets_nb.mesh.asking import ANSWER, list_paglets

        mesh = self.require_mesh()
        hosts = [host for host in mesh.hosts() if on in ("", host.name)]
        listed = list_paglets(mesh.client, hosts, self.deadline.patience(ANSWER))
        if listed.silent and not quiet:
            self.say(f"paglets are missing: {listed.unknown()}")
        return listed.paglets

    def paglet(self, word: str) -> PagletProxy:
        """A paglet by variable, name, id or unique start of an id; UsageError where there is none, or more than one."""
        return paglet_of(self, word)

    def paglets(self, words: Iterable[str]) -> list[PagletProxy]:
        """Paglets as ``paglet`` takes them, also comma-separated, or by variables that hold lists of them."""
        found: list[PagletProxy] = []
        for word in words:
            value = self.namespace.get(str(word))
            if isinstance(value, list | tuple) and value:
                found += [self.paglet(Word(str(entry), entry)) for entry in value]
            elif "," in word and getattr(word, "value", NO_VALUE) is NO_VALUE:
                found += [self.paglet(part) for part in str(word).split(",") if part]
            else:
                found.append(self.paglet(word))
        return found

    def require_there(self, proxy: PagletProxy) -> None:
        """Raise InvalidAgentError for a paglet that its host, which answers, does not have."""
        from paglets_nb.mesh.asking import ANSWER

        with suppress(HostDiedError, TimeoutError):
            proxy.info(timeout=self.deadline.patience(ANSWER))

    def paglet_class(self, word: str) -> type[Paglet[Any]]:
        """A paglet class by name in the notebook, or by ``module:Class``.

        Raises:
            UsageError: there is no such class, or it is no paglet.
        """
        value = word.value if isinstance(word, Word) and isinstance(word.value, type) else self._look_up_class(word)
        if isinstance(value, type) and issubclass(value, Paglet) and value is not Paglet:
            return value
        if isinstance(value, type):
            raise UsageError(f"{word} is no paglet class: it does not subclass Paglet")
        kind = type(value).__name__
        raise UsageError(f"{word} is no paglet class but {'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}")

    def _look_up_class(self, word: str) -> Any:
        if word.isidentifier():
            if word in self.namespace:
                return self.namespace[word]
            known = self.class_names()
            listed = ", ".join(known) or "none"
            raise UsageError(f"no class {str(word)!r} here (paglet classes: {listed}){did_you_mean(word, known)}")
        from paglets_nb.codec.names import resolve_qualified_name

        name = str(word) if ":" in word else ":".join(word.rpartition(".")[::2])
        try:
            return resolve_qualified_name(name)
        except PagletError as error:
            raise UsageError(f"{error}") from None

    def class_names(self) -> list[str]:
        """The paglet classes of the notebook that a person may want to create."""
        defined = [module.name for module in module_store.all()]
        scopes = {f"{name}.": vars(sys.modules[name]) for name in defined if name in sys.modules}
        return sorted(
            {
                *self._classes_in(self.namespace),
                *(f"{prefix}{name}" for prefix, scope in scopes.items() for name in self._classes_in(scope)),
            }
        )

    @staticmethod
    def _classes_in(scope: Mapping[str, Any]) -> list[str]:
        return [
            name
            for name, value in list(scope.items())
            if isinstance(value, type)
            and issubclass(value, Paglet)
            and value.__module__.partition(".")[0] != "paglets_nb"
            and not name.startswith("_")
        ]

    def operations(self, proxy: PagletProxy) -> list[ServiceOperation]:
        """The typed operations of a paglet."""
        mesh, limit = self.require_mesh(), self.deadline.patience(_PATIENCE)
        with waiting(self.shell, f"waiting for the host of {self.label(proxy)}"):
            return mesh.operations(proxy, timeout=limit)

    def operation(self, proxy: PagletProxy, name: str) -> ServiceOperation:
        """A typed operation of a paglet; UsageError lists those it has."""
        operations = {operation.name: operation for operation in self.operations(proxy)}
        if name not in operations:
            owner = self.label(proxy)
            if not operations:
                raise UsageError(f"{owner} has no typed operations; use: %paglet send")
            listed = ", ".join(operations)
            raise UsageError(
                f"{owner} has no operation {str(name)!r} (operations: {listed}){did_you_mean(name, operations)}"
            )
        return operations[name]

    def task_class(self, proxy: PagletProxy) -> Any:
        """The class of a task; UsageError for a paglet that is none."""
        from paglets_nb.patterns.tasks import TaskPaglet

        cls = self.require_mesh().class_of(proxy, timeout=self.deadline.patience(_PATIENCE))
        if not issubclass(cls, TaskPaglet):
            raise UsageError(f"{self.label(proxy)} is no task but a {cls.__name__} (tasks subclass TaskPaglet)")
        return cls

    def label(self, proxy: PagletProxy) -> str:
        """A paglet as messages call it: its name, or class and id."""
        kind = proxy.class_name.partition("#")[0].rpartition(":")[2].rpartition(".")[2]
        return proxy.name or f"{kind or 'paglet'} {proxy.agent_id}"

    def shown(self, value: Any) -> Any:
        """A reply, whose type has a picture from now on."""
        self.show_type(type(value))
        return value

    def show_type(self, cls: type) -> None:
        """Show instances of a reply's dataclass as pictures from now on."""
        if dataclasses.is_dataclass(cls) and not hasattr(cls, "_repr_html_"):
            self.register_picture(cls)
