"""What the views of one mesh share: one round of questions a second, however many look.

Owns when hosts are asked and who is told of it; it must not know how anything looks.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from paglets_nb.mesh.figures import HostFigures, MeshFigures
from paglets_nb.widgets.background import Poller

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["DOWN", "MeshWatch"]

DOWN = "down"
"""The state of every host of a mesh that does not run any more."""
_INTERVAL = 1.0


class MeshWatch:
    """A mesh as its views see it; ``MeshWatch.of`` gives the one that they share.

    Hosts are asked while somebody has joined, and not otherwise.

    Args:
        mesh: the mesh.
        interval: seconds from the end of a round to the beginning of the next.

    Attributes:
        figures: of each host, as of the last round or the last change.
        read: the number of the last notification that the user has seen in a list.
    """

    _all: ClassVar[weakref.WeakKeyDictionary[Mesh, MeshWatch]] = weakref.WeakKeyDictionary()
    _all_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, mesh: Mesh, interval: float = _INTERVAL) -> None:
        self._mesh = weakref.ref(mesh)
        self._interval = interval
        self._lock = threading.Lock()
        self._members: dict[Callable[[], None], Callable[[], Collection[str]]] = {}
        self._sampler: MeshFigures | None = None
        self._poller: Poller | None = None
        self._unhook: Callable[[], None] | None = None
        self.figures: list[HostFigures] = []
        self.read = 0

    @classmethod
    def of(cls, mesh: Mesh) -> MeshWatch:
        """The one of a mesh."""
        with cls._all_lock:
            found = cls._all.get(mesh)
            if found is None:
                found = cls._all[mesh] = cls(mesh)
            return found

    # ---- who looks

    def join(self, listener: Callable[[], None], listed: Callable[[], Collection[str]] = tuple) -> Callable[[], None]:
        """Have ``listener`` called after each round and each change of a host.

        Args:
            listener: called on threads of this project; must not block.
            listed: names the hosts whose paglets it wants, too.

        Returns:
            Leaves again; harmless when repeated. The last one to leave ends the rounds.

        Raises:
            MeshError: the mesh is not running.
        """
        mesh = self._mesh()
        with self._lock:
            if not self._members and mesh is not None:
                self._unhook = mesh.on_change(self._changed)
                self._sampler = MeshFigures(mesh)
                self.figures = self._sampler.latest()
                self._poller = Poller(self.look, self._interval)
                self._poller.start()
            self._members[listener] = listed

        def leave() -> None:
            with self._lock:
                self._members.pop(listener, None)
                if not self._members:
                    self._end()

        return leave

    def _end(self) -> None:
        """Ask no more; called with the lock held."""
        poller, self._poller = self._poller, None
        sampler, self._sampler = self._sampler, None
        unhook, self._unhook = self._unhook, None
        if poller is not None:
            poller.close()
        if unhook is not None:
            unhook()
        if sampler is not None:
            sampler.close()

    # ---- what is seen

    @property
    def running(self) -> bool:
        """Whether the mesh is."""
        mesh = self._mesh()
        return mesh is not None and mesh.running

    def unread(self) -> int:
        """How many of the notifications that are kept have not been seen in a list."""
        mesh = self._mesh()
        return 0 if mesh is None else len(mesh.notifications.list(self.read))

    def mark_read(self) -> None:
        """The user has seen the notifications that there are."""
        mesh = self._mesh()
        kept = [] if mesh is None else mesh.notifications.list(self.read)
        if kept:
            self.read = kept[-1].number

    def look(self) -> None:
        """Ask the hosts now; blocks for half a second at most."""
        with self._lock:
            sampler, listed = self._sampler, {name for names in self._members.values() for name in names()}
        if sampler is not None:
            self._tell(sampler.sample(paglets=listed))

    def _changed(self) -> None:
        sampler = self._sampler
        if sampler is not None:
            self._tell(sampler.latest())

    def _tell(self, figures: list[HostFigures]) -> None:
        if self.running:
            self.figures = figures
        else:
            self.figures = [replace(host, state=DOWN, reason="", silent=0.0) for host in self.figures]
        for listener in list(self._members):
            listener()
