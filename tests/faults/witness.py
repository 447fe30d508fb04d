"""The oracle for movement: a paglet that holds a lock on a file while it is active.

Each activation takes an exclusive ``flock`` on the paglet's own file and adds a line to
its log; two at a time would show as a line that says so.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paglets_nb import OperationPaglet, PagletState, ServiceOperation
from paglets_nb.host import failpoints

__all__ = ["ARM", "TOUCH", "Arm", "Armer", "Touched", "Witness", "WitnessState", "overlaps"]


@dataclass
class WitnessState(PagletState):
    """Where the witness files are, and what the paglet carries."""

    folder: str = ""
    files: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    moves: int = 0


@dataclass(frozen=True)
class Touch:
    """Say that you are there."""


@dataclass(frozen=True)
class Touched:
    """Who is there, and whether its files are whole."""

    agent_id: str = ""
    pid: int = 0
    moves: int = 0
    whole: bool = True


@dataclass(frozen=True)
class Arm:
    """A failpoint to arm, and whom it is to kill."""

    name: str = ""
    pid: int = 0


TOUCH = ServiceOperation("touch", Touch, Touched)
ARM = ServiceOperation("arm", Arm, Touch)


class Witness(OperationPaglet[WitnessState]):
    """Holds a lock while it is active."""

    durability = "lifecycle"

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """touch."""
        return {TOUCH: self.touch}

    def _hold(self, what: str) -> None:
        if self.__dict__.get("_held") is not None:
            return
        path = Path(self.state.folder) / self.agent_id
        handle = open(path, "a")  # noqa: SIM115 - held while the paglet is active
        line = {"what": what, "host": self.context.name, "pid": os.getpid(), "moves": self.state.moves}
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            line["overlap"] = True
        handle.write(json.dumps(line) + "\n")
        handle.flush()
        self._held = handle
        self.resources.callback(self._let_go)

    def _let_go(self) -> None:
        self._held.close()
        del self.__dict__["_held"]

    def on_creation(self, event: Any) -> None:
        """Make and register the files, and hold the lock."""
        for number in range(int(event.init or 0)):
            content = os.urandom(8 << 20)
            path = Path(self.state.folder) / f"{self.agent_id}-{number}.bin"
            path.write_bytes(content)
            self.register_file(path, name=f"file{number}")
            self.state.files.append(f"file{number}")
            self.state.digests.append(hashlib.sha256(content).hexdigest())
        self._hold("creation")

    def on_arrival(self, event: Any) -> None:
        """Hold the lock over here."""
        self.state.moves += 1
        self._hold("arrival")

    def on_clone(self, event: Any) -> None:
        """Hold a lock of its own."""
        self._hold("clone")

    def on_activation(self, event: Any) -> None:
        """Hold the lock again."""
        self._hold("activation")

    def touch(self, _request: Touch) -> Touched:
        """Hold the lock if it is not held (a dispatch that failed gave it up), and look at the files."""
        self._hold("touch")
        found = [hashlib.sha256(self.file_path(name).read_bytes()).hexdigest() for name in self.state.files]
        return Touched(self.agent_id, os.getpid(), self.state.moves, found == self.state.digests)


class Armer(OperationPaglet[PagletState]):
    """Arms failpoints in its host."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """arm."""
        return {ARM: self.arm}

    def arm(self, request: Arm) -> Touch:
        """Arm one."""
        failpoints.arm(request.name, "kill", request.pid)
        return Touch()


def overlaps(folder: Path) -> list[str]:
    """The lines that say that two were active at a time."""
    return [
        f"{path.name}: {line}"
        for path in folder.iterdir()
        if path.suffix != ".bin"
        for line in path.read_text().splitlines()
        if "overlap" in line
    ]
