from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from paglets_nb.agents import machines
from paglets_nb.agents.machines import lock_folder, machine_name, machine_turn
from paglets_nb.errors import CallTimeoutError, HostError, LifecycleError
from paglets_nb.testing import wait_until


def test_one_turn_at_a_time(tmp_path: Path) -> None:
    """A second one waits, says so once, and has it when the first is over."""
    waits: list[str] = []
    had: list[float] = []

    def second() -> None:
        with machine_turn(
            timeout=10, stop=threading.Event(), on_wait=lambda: waits.append("waiting"), folder=tmp_path
        ) as waited:
            had.append(waited)

    with machine_turn(timeout=1, stop=threading.Event(), folder=tmp_path) as waited:
        thread = threading.Thread(target=second)
        thread.start()
        wait_until(lambda: waits)
        assert not had
    thread.join(5)
    assert waits == ["waiting"]
    assert had[0] > waited


def test_the_wait_has_an_end(tmp_path: Path) -> None:
    """By its time-out, or when it is told to stop."""
    stop = threading.Event()
    with machine_turn(timeout=1, stop=stop, folder=tmp_path):
        with pytest.raises(CallTimeoutError, match="the turn of this machine"):
            _try(tmp_path, stop, 0.1)
        stop.set()
        with pytest.raises(LifecycleError, match="stopped"):
            _try(tmp_path, stop, 10)
    _try(tmp_path, stop, 0.1)


def _try(folder: Path, stop: threading.Event, timeout: float) -> None:
    with machine_turn(timeout=timeout, stop=stop, folder=folder):
        pass


def test_a_turn_is_over_with_an_error(tmp_path: Path) -> None:
    """Whatever ends it frees the lock."""
    with pytest.raises(ZeroDivisionError), machine_turn(timeout=1, stop=threading.Event(), folder=tmp_path):
        _ = 1 / 0
    _try(tmp_path, threading.Event(), 0.1)


def test_the_folder_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the run-time folder where there is one; one that others may enter is refused."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = lock_folder()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with pytest.raises(HostError, match="0700"):
        lock_folder()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(machines.tempfile, "tempdir", str(tmp_path / ".."))
    assert lock_folder().parent.resolve() == tmp_path.parent


def test_a_machine_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its host's name, and its boot where the system tells of it."""
    boot: Any = tmp_path / "boot"
    monkeypatch.setattr(machines, "_BOOT_ID", boot)
    plain = machine_name()
    boot.write_text("0123456789abcdef\n")
    assert machine_name() == f"{plain}-01234567"


def test_machines_do_not_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine has another turn, also where they share the folder."""
    boot = tmp_path / "boot"
    boot.write_text("11111111")
    monkeypatch.setattr(machines, "_BOOT_ID", boot)
    with machine_turn(timeout=1, stop=threading.Event(), folder=tmp_path):
        boot.write_text("22222222")
        _try(tmp_path, threading.Event(), 0.1)
        boot.write_text("11111111")
        with pytest.raises(CallTimeoutError):
            _try(tmp_path, threading.Event(), 0.1)
