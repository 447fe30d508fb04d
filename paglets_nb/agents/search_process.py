"""One run of ripgrep: its command line, its process, its output in whole records.

Owns the process: it is a group of its own, killed by ``stop``, at the end of the block and
when the host's process dies. What the records say is not known here.
"""

from __future__ import annotations

import fcntl
import os
import re
import selectors
import shutil
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from paglets_nb.agents.search_types import SearchMode, SearchRequest
from paglets_nb.errors import SearchError
from paglets_nb.platform import dying_with_us

__all__ = ["Ripgrep", "check_command", "command_line", "find_ripgrep", "present_paths"]

MAX_RECORD = 32 << 20
"""Bytes of one line of ripgrep's output; a longer one is left out."""
MAX_ERRORS = 100
_CHUNK = 1 << 18
_PIPE = 1 << 20
_MESSAGE = 500
_SHOWN = 200
"""Characters shown of a pattern."""
_REGEX_ERROR = re.compile(r"regex parse error: .*error: (.*)")
_CHECK_TIMEOUT = 10.0
_END_TIMEOUT = 5.0
_INSTALL = "ripgrep (rg) was not found on this host; install it with: pip install 'ripgrep>=14.1,<15'"
_MODES = {
    SearchMode.LINES: ["--json"],
    SearchMode.COUNT: ["--count", "--null", "--with-filename"],
    SearchMode.FILES_WITH: ["--json", "--max-count=1"],  # --files-with-matches --null comes late: rg flushes by line
    SearchMode.FILES_WITHOUT: ["--files-without-match", "--null"],
    SearchMode.FIND: ["--files", "--null"],
}


def find_ripgrep() -> str:
    """The program: the one that came with this package, else the one on the PATH; SearchError where there is none."""
    beside = shutil.which("rg", path=sysconfig.get_path("scripts"))
    found = beside or shutil.which("rg")
    if found is None:
        raise SearchError(_INSTALL)
    return found


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _name_globs(request: SearchRequest) -> list[str]:
    """The pattern of a search for files as ripgrep's options."""
    pattern = request.pattern
    if not any(char in pattern for char in "*?["):
        pattern = f"*{pattern}*"
    either_case = request.ignore_case or (request.smart_case and pattern == pattern.lower())
    return [] if pattern == "*" else [f"{'--iglob' if either_case else '--glob'}={pattern}"]


def command_line(request: SearchRequest) -> list[str]:
    """Ripgrep's options for a request, without the program and the paths."""
    options = ["--no-config", "--color=never", *_MODES[request.mode]]
    find, lines = request.mode is SearchMode.FIND, request.mode is SearchMode.LINES
    flags = {
        "--ignore-case": request.ignore_case and not find,
        "--smart-case": request.smart_case and not find,
        "--fixed-strings": request.literal and not find,
        "--word-regexp": request.word and not find,
        "--hidden": request.hidden,
        "--no-ignore": request.no_ignore,
        "--follow": request.follow,
        "--sort=path": request.sort,
    }
    numbers = {
        "--before-context": (request.before or None) if lines else None,
        "--after-context": (request.after or None) if lines else None,
        "--max-depth": request.max_depth,
        "--max-filesize": request.max_size_bytes,
        "--max-count": request.max_per_file if lines or request.mode is SearchMode.COUNT else None,
        # With one thread results would wait in a buffer until it is full, with several for the end of their file.
        "--threads": None if request.sort else min(max(2, _cores()), 12),
    }
    options += [flag for flag, wanted in flags.items() if wanted]
    options += [f"{option}={value}" for option, value in numbers.items() if value is not None]
    options += [f"--type={name}" for name in request.types] + [f"--type-not={name}" for name in request.types_not]
    options += _name_globs(request) if find else []
    options += [f"--glob={glob}" for glob in request.globs]
    return options if find else [*options, f"--regexp={request.pattern}"]


def _is_plain(request: SearchRequest) -> bool:
    """Whether there is nothing that ripgrep could refuse: letters, digits and blanks to search for, everywhere."""
    chosen = request.types or request.types_not or request.globs
    return not chosen and all(char.isalnum() or char in " _" for char in request.pattern)


def check_command(request: SearchRequest) -> None:
    """Have ripgrep look at the pattern, the types and the globs; SearchError says what it does not take."""
    program = find_ripgrep()
    if _is_plain(request):
        return
    command = [
        program,
        *command_line(request),
        *(["--", os.devnull] if request.mode is SearchMode.FIND else ["-"]),
    ]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_CHECK_TIMEOUT, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SearchError(f"ripgrep could not be run: {error}") from error
    if done.returncode not in (0, 1):
        said = _said(done.stderr) or f"ripgrep ended with status {done.returncode}"
        wrapped = _REGEX_ERROR.fullmatch(said)  # it shows the pattern as it has wrapped it
        raise SearchError(f"regex parse error in {_short(request.pattern)}: {wrapped[1]}" if wrapped else said)


def _short(pattern: str) -> str:
    return repr(pattern if len(pattern) <= _SHOWN else f"{pattern[:_SHOWN]}...")


def _said(text: bytes) -> str:
    """A message of ripgrep's in one line; of those about a pattern, which span several, what matters."""
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    if not lines:
        return ""
    kept = [lines[0], *(line for line in lines[1:] if not set(line) <= set("^~ "))]
    return " ".join(kept).removeprefix("rg: ")[:_MESSAGE]


def present_paths(paths: list[str]) -> tuple[list[str], list[str]]:
    """The paths as ripgrep is given them, and those that do not exist."""
    expanded = [os.path.expanduser(path) for path in paths]
    there = [path for path in expanded if os.path.lexists(path)]
    given = ["./" if path in (".", "./") else path if os.path.isabs(path) else f"./{path}" for path in there]
    return given, [path for path in expanded if not os.path.lexists(path)]


class Ripgrep:
    """A running ripgrep; a context manager.

    Args:
        request: what to search for.
        paths: as ``present_paths`` gives them.
        whole: where in bytes the last whole record ends; 0 where there is none.

    Attributes:
        errors: what it wrote about paths that it could not read; the first hundred.
        error_count: how many there were.
        left_out: records that were longer than ``MAX_RECORD``.
    """

    def __init__(self, request: SearchRequest, paths: list[str], whole: Callable[[bytes | bytearray], int]) -> None:
        lone_file = len(paths) == 1 and not os.path.isdir(paths[0])
        options = [*command_line(request), *(["--line-buffered"] if lone_file else [])]
        self._whole = whole
        self._pending = bytearray()
        self._skipping = False
        self._stderr = b""
        self.errors: list[str] = []
        self.error_count = 0
        self.left_out = 0
        self._process = subprocess.Popen(
            [*dying_with_us(), find_ripgrep(), *options, "--", *paths],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
            bufsize=0,
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self._out, self._err = self._process.stdout.fileno(), self._process.stderr.fileno()
        with suppress(OSError, AttributeError):  # a larger pipe lets it search on while results are sent
            fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, _PIPE)
        self._selector = selectors.DefaultSelector()
        for descriptor in (self._out, self._err):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def read(self, timeout: float) -> bytes | None:
        """The records that have come, whole ones; nothing where none comes in ``timeout`` seconds, None at the end."""
        deadline = time.monotonic() + timeout
        while self._selector.get_map():
            ready = self._selector.select(max(0.0, deadline - time.monotonic()))
            for key, _events in ready:
                piece = os.read(key.fd, _CHUNK)
                if not piece:
                    self._selector.unregister(key.fd)
                    if key.fd == self._out and (end := self._whole(self._pending)):
                        return bytes(self._pending[:end])
                elif key.fd == self._err:
                    self._take_errors(piece)
                elif records := self._take(piece):
                    return records
            if not ready and time.monotonic() >= deadline:
                return b""
        return None

    def _take(self, piece: bytes) -> bytes:
        """The whole records that a piece completes; what is behind them waits for the next piece."""
        end = self._whole(piece)
        if not end:
            self._pending += piece
            if len(self._pending) > MAX_RECORD:
                self._pending.clear()
                self.left_out += not self._skipping
                self._skipping = True
            return b""
        records = bytes(self._pending) + piece[:end]
        self._pending[:] = piece[end:]
        if self._skipping:  # the first of them is the end of one that was too long
            self._skipping = False
            records = records[self._first_end(records) :]
        return records

    def _first_end(self, records: bytes) -> int:
        found = [at for at in (records.find(b"\n"), records.find(b"\0")) if at >= 0]
        return min(found) + 1 if found else len(records)

    def _take_errors(self, piece: bytes) -> None:
        lines = (self._stderr + piece).split(b"\n")
        self._stderr = lines.pop()[-_CHUNK:]
        for line in lines:
            if line.startswith(b"rg: "):
                self.error_count += 1
                if len(self.errors) < MAX_ERRORS:
                    self.errors.append(_said(line))

    def stop(self) -> None:
        """Kill it, if it still runs."""
        if self._process.poll() is None:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit status, once its output has ended: 0 with results, 1 without, 2 after errors."""
        return self._process.wait(_END_TIMEOUT)

    def __enter__(self) -> Ripgrep:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        self._selector.close()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._process.wait(_END_TIMEOUT)
