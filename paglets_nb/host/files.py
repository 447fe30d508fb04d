"""The files of a host's paglets: what is registered, scratch folders, arrivals and departures.

Owns ``data_dir/files``: ``<agent_id>/work`` and ``<agent_id>/registered.json`` for each
paglet that has any, ``.incoming/<operation_id>`` of the same shape for those on their
way. An arrival is made ready in full and then becomes the paglet's folder by one rename.
It knows no paglet and no message; a call for a paglet without files touches the disk at
most once.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Literal

from paglets_nb.core.paglet_files import COPY, MOVE, RegisteredFile
from paglets_nb.errors import TransferError
from paglets_nb.host.file_protocol import FileEntry
from paglets_nb.host.file_transfer import Fetch, Tell, place_file
from paglets_nb.host.folders import (
    discard,
    file_name,
    folders_in,
    holds,
    is_file,
    is_text,
    keep_only,
    private_folder,
    remove,
    sync_folder,
    sync_tree,
    write_file,
)
from paglets_nb.host.registered import WORK, load_registered, save_registered

__all__ = ["HostFiles"]

_STAGE_TIMEOUT = 600.0
"""Seconds a repeated request waits for the first."""


class HostFiles:
    """Keeps the files of the paglets of one host.

    Args:
        data_dir: the host's folder.
        host_name: for errors.
    """

    def __init__(self, data_dir: Path, host_name: str) -> None:
        self._host_name = host_name
        self._root = Path(os.path.realpath(data_dir)) / "files"
        self._used = self._root.exists()
        self._incoming = self._root / ".incoming"
        self._trash = self._root / ".trash"
        self._leaving = self._root / ".leaving"
        self._lock = threading.Lock()
        self._settled = threading.Condition(threading.Lock())
        self._staging: dict[str, bool] = {}

    def _home(self, agent_id: str) -> Path:
        if agent_id[:1] == ".":
            raise ValueError(f"{agent_id!r} is not a paglet's id")
        return self._root / file_name(agent_id, "a paglet's id")

    def _has(self, agent_id: str) -> bool:
        """Whether the paglet has a folder; where none ever had one, the disk is not asked."""
        return self._used and holds(self._root, agent_id)

    # ---- where the paglet lives

    def work_dir(self, agent_id: str) -> Path:
        """The paglet's scratch folder, made where it is missing."""
        self._used = True
        return private_folder(self._home(agent_id) / WORK)

    def register(
        self,
        agent_id: str,
        path: str | os.PathLike[str],
        name: str | None = None,
        mode: str = COPY,
        *,
        durable: bool = False,
    ) -> RegisteredFile:
        """Have a file travel with the paglet; see ``PagletFiles.register_file``."""
        resolved = Path(os.path.realpath(path, strict=True))
        if not is_file(resolved):
            raise ValueError(f"{os.fspath(path)} is not a regular file")
        if mode not in (COPY, MOVE):
            raise ValueError(f"{mode!r} is not a mode of a registered file (copy, move)")
        if not is_text(str(resolved)):
            raise ValueError(f"the path {str(resolved)!r} is not Unicode text and cannot be named to another host")
        file = RegisteredFile(file_name(resolved.name if name is None else name), resolved, mode)
        with self._lock:
            self._used = True
            home = private_folder(self._home(agent_id))
            files = load_registered(home) | {file.name: file}
            save_registered(home, files.values(), durable=durable)
        return file

    def registered(self, agent_id: str) -> list[RegisteredFile]:
        """The files that travel with the paglet, by name."""
        with self._lock:
            return sorted(load_registered(self._home(agent_id)).values(), key=lambda file: file.name)

    def unregister(self, agent_id: str, name: str, *, durable: bool = False) -> None:
        """Have a file travel no longer; FileNotFoundError for an unknown name."""
        with self._lock:
            home = self._home(agent_id)
            files = load_registered(home)
            del files[self._known(files, name).name]
            save_registered(home, files.values(), durable=durable)

    def path(self, agent_id: str, name: str) -> Path:
        """Where a registered file is; FileNotFoundError for an unknown name."""
        with self._lock:
            return self._known(load_registered(self._home(agent_id)), name).path

    @staticmethod
    def _known(files: dict[str, RegisteredFile], name: str) -> RegisteredFile:
        found = files.get(name)
        if found is None:
            raise FileNotFoundError(f"no registered file {name!r} (registered: {', '.join(sorted(files)) or 'none'})")
        return found

    # ---- the side a paglet leaves

    def manifest(self, agent_id: str, mode: Literal["dispatch", "clone"]) -> list[FileEntry]:
        """What is to travel with the paglet, as it is now.

        Registered for moving or in the work folder, a file goes for good with a dispatch.

        Raises:
            TransferError: a registered file is gone.
        """
        if not self._has(agent_id):
            return []
        work = self._home(agent_id) / WORK
        entries: list[FileEntry] = []
        for file in self.registered(agent_id):
            try:
                found = os.lstat(file.path)
            except OSError as error:
                raise TransferError(f"the registered file {file.name!r} is gone: {file.path}") from error
            if not stat.S_ISREG(found.st_mode):
                raise TransferError(f"the registered file {file.name!r} is no regular file any more: {file.path}")
            leaves = mode == "dispatch" and (file.mode == MOVE or file.path.is_relative_to(work))
            identity = (found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)
            entries.append(FileEntry(file.name, str(file.path), *identity, MOVE if leaves else COPY, file.mode))
        return entries

    def leaving(self, operation_id: str, agent_id: str, entries: Sequence[FileEntry], *, durable: bool = False) -> None:
        """Note before a movement commits what ``left`` will do, for a host that dies in between."""
        if entries:
            listed = {"agent_id": agent_id, "entries": [dataclasses.asdict(entry) for entry in entries]}
            write_file(private_folder(self._leaving) / self._note(operation_id), json.dumps(listed).encode())
            if durable:
                sync_tree(self._leaving)

    def _note(self, operation_id: str) -> str:
        return self._ready(operation_id).name

    def left(self, agent_id: str, entries: Sequence[FileEntry], operation_id: str = "") -> list[str]:
        """The paglet lives elsewhere for good: delete moved files and its folder. Harmless when repeated.

        A source that was changed since is kept, but where the target has the very same file.

        Args:
            agent_id: the paglet.
            entries: the manifest it left with.
            operation_id: given to ``leaving`` before.

        Returns:
            What could not be deleted, and why.
        """
        if not entries and not self._used:
            return []
        kept: list[str] = []
        for entry in entries:
            if entry.mode == MOVE and (reason := self._drop(entry)):
                kept.append(f"{entry.path}: {reason}")
        try:
            self.clear(agent_id)
        except OSError as error:
            kept.append(f"{self._home(agent_id)}: {error.strerror}")
        if entries and operation_id:
            self.stayed(operation_id)
        return kept

    def stayed(self, operation_id: str) -> None:
        """The movement did not commit, or is done with: forget what ``leaving`` noted."""
        remove(self._leaving / self._note(operation_id))

    @staticmethod
    def _drop(entry: FileEntry) -> str:
        try:
            found = os.lstat(entry.path)
            if (found.st_dev, found.st_ino) != (entry.device, entry.inode):
                return ""
            unchanged = (found.st_size, found.st_mtime_ns) == (entry.size_bytes, entry.mtime_ns)
            if not unchanged and found.st_nlink == 1:
                return "changed after the paglet had left"
            os.unlink(entry.path)
        except FileNotFoundError:
            return ""
        except OSError as error:
            return str(error.strerror)
        return ""

    def clear(self, agent_id: str) -> None:
        """Delete the paglet's folder; registered files elsewhere stay."""
        if self._has(agent_id):
            discard(self._home(agent_id), self._trash)

    # ---- the side a paglet comes to

    def stage(
        self,
        operation_id: str,
        entries: Sequence[FileEntry],
        fetch: Fetch | None = None,
        tell: Tell | None = None,
        *,
        durable: bool = False,
    ) -> None:
        """Have the files of an arrival here, whole, before it is acknowledged. Harmless when repeated.

        Args:
            operation_id: of the movement.
            entries: the source's manifest.
            fetch: brings bytes from another machine; None where the source's paths are readable here.
            tell: tells the source how far it is; None where it sees that itself.
            durable: have them survive a loss of power when this returns.

        Raises:
            TransferError: one changed, vanished, arrived damaged or does not fit; nothing is left here.
            ValueError: a name that would escape.
        """
        if not entries:
            return
        self._check(operation_id, entries)
        with self._alone(operation_id):
            if self._ready(operation_id).exists():
                return
            part = self._incoming / f".{token_hex(8)}"
            try:
                self._fill(part, operation_id, entries, fetch, tell)
                if durable:
                    sync_tree(part)
                with self._settled:
                    self._refuse_abandoned(operation_id)
                    part.rename(self._ready(operation_id))
                if durable:
                    sync_folder(self._incoming)
            except OSError as error:
                raise TransferError(f"the files did not come to {self._host_name}: {error.strerror}") from error
            finally:
                shutil.rmtree(part, ignore_errors=True)

    def _ready(self, operation_id: str) -> Path:
        if operation_id[:1] == ".":
            raise ValueError(f"{operation_id!r} is not a movement's id")
        return self._incoming / file_name(operation_id, "a movement's id")

    def _check(self, operation_id: str, entries: Sequence[FileEntry]) -> None:
        self._ready(operation_id)
        names = [file_name(entry.name) for entry in entries]
        if len(set(names)) != len(names):
            raise TransferError(f"two files of one name: {', '.join(sorted(names))}")
        for entry in entries:
            if entry.mode not in (COPY, MOVE) or entry.registered not in (COPY, MOVE) or entry.size_bytes < 0:
                raise TransferError(f"not a file that can travel: {entry}")

    def _fill(
        self, part: Path, operation_id: str, entries: Sequence[FileEntry], fetch: Fetch | None, tell: Tell | None
    ) -> None:
        work = private_folder(part / WORK)
        part.chmod(0o700)
        for entry in entries:
            self._refuse_abandoned(operation_id)
            watch = partial(self._is_wanted, operation_id, tell, entry.name)
            place_file(entry, work / entry.name, fetch, self._host_name, watch)
        files = [RegisteredFile(entry.name, work / entry.name, entry.registered) for entry in entries]
        save_registered(part, files, durable=False)

    def _is_wanted(self, operation_id: str, tell: Tell | None, name: str, done: int) -> bool:
        """Whether to go on with a file; its source is told of the first step and all that follow."""
        return not self._staging[operation_id] and (tell is None or not done or tell(name, done))

    def _refuse_abandoned(self, operation_id: str) -> None:
        if self._staging[operation_id]:
            raise TransferError("the transfer was given up")

    @contextmanager
    def _alone(self, operation_id: str) -> Iterator[None]:
        """One thread at a time stages one movement; a repeated request waits for the first."""
        with self._settled:
            if not self._settled.wait_for(lambda: operation_id not in self._staging, _STAGE_TIMEOUT):
                raise TransferError(f"an earlier request for {operation_id} still stages its files")
            self._staging[operation_id] = False
        try:
            yield
        finally:
            with self._settled:
                del self._staging[operation_id]
                self._settled.notify_all()

    def adopt(self, operation_id: str, agent_id: str, *, durable: bool = False) -> None:
        """The arrival lives here now: its staged files become the paglet's. Harmless when repeated."""
        ready, home = self._ready(operation_id), self._home(agent_id)
        self._used = True
        while True:
            try:
                ready.rename(home)
            except FileNotFoundError:
                return
            except OSError as error:
                if not home.exists():
                    raise TransferError(f"the files cannot be given to {agent_id}: {error.strerror}") from error
                self.clear(agent_id)  # left over from an earlier stay
            else:
                break
        if durable:
            sync_folder(self._incoming)
            sync_folder(self._root)

    def abandon(self, operation_id: str) -> None:
        """The arrival will not come: stop staging it and delete what is here. Harmless when repeated."""
        with self._settled:
            if operation_id in self._staging:
                self._staging[operation_id] = True
        discard(self._ready(operation_id), self._trash)

    # ---- the host starts

    def clear_start(
        self,
        known_operation_ids: Iterable[str],
        agent_ids: Iterable[str] = (),
        committed: Callable[[str], bool] = lambda _operation_id: False,
    ) -> list[str]:
        """Finish departures and delete what an earlier run of the host left over.

        Args:
            known_operation_ids: arrivals whose outcome is still open; their files stay.
            agent_ids: paglets that live on; of their work folders the registered files stay.
            committed: whether a movement that began here was committed.

        Returns:
            What could not be deleted, and why.
        """
        shutil.rmtree(self._trash, ignore_errors=True)
        kept = self._finish_departures(committed)
        known, living = set(known_operation_ids), set(agent_ids)
        for folder in folders_in(self._incoming):
            if folder.name not in known:
                discard(folder, self._trash)
        for home in folders_in(self._root):
            if home.name in living:
                keep_only(home / WORK, {file.path for file in load_registered(home).values()})
            elif not home.name.startswith("."):
                discard(home, self._trash)
        return kept

    def _finish_departures(self, committed: Callable[[str], bool]) -> list[str]:
        kept: list[str] = []
        for note in self._leaving.glob("*"):
            if is_file(note) and not note.name.startswith(".") and committed(note.name):
                listed = json.loads(note.read_bytes())
                kept += self.left(listed["agent_id"], [FileEntry(**entry) for entry in listed["entries"]])
            remove(note)
        return kept
