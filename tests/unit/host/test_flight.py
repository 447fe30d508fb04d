"""The note of who was in a handler when the host died."""

from __future__ import annotations

from pathlib import Path

from paglets_nb.host import flight as module
from paglets_nb.host.flight import FlightRecorder


def test_what_is_in_flight_outlives_the_host(tmp_path: Path) -> None:
    """Who entered and did not leave is read once by the next run; an id too long is cut."""
    recorder = FlightRecorder(tmp_path / "new")
    slots = [recorder.enter(name) for name in ("a", "b", "b", "x" * 80)]
    recorder.leave(slots[0])
    following = FlightRecorder(tmp_path / "new")
    assert following.in_flight_at_death() == ["b", "x" * 64]
    assert following.in_flight_at_death() == []


def test_an_orderly_end(tmp_path: Path) -> None:
    """A recorder that was closed leaves no file, and closing one that was never used makes none."""
    recorder = FlightRecorder(tmp_path)
    slot = recorder.enter("a")
    recorder.close()
    recorder.leave(slot)
    recorder.close()
    FlightRecorder(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_more_than_there_are_slots(tmp_path: Path) -> None:
    """Past the last slot a handler is not noted, and slots that were left are taken again."""
    recorder = FlightRecorder(tmp_path)
    slots = [recorder.enter(str(number)) for number in range(module._SLOTS)]
    assert len(set(slots)) == module._SLOTS
    assert recorder.enter("late") == -1
    recorder.leave(-1)
    recorder.leave(slots[7])
    assert recorder.enter("late") == slots[7]
    assert "late" in FlightRecorder(tmp_path).in_flight_at_death()
    recorder.close()


def test_a_cut_short_file(tmp_path: Path) -> None:
    """A file that was torn, or holds other bytes, is read as far as it goes."""
    (tmp_path / "flight").write_bytes(b"one".ljust(64, b"\0") + b"\xff\xfe")
    assert FlightRecorder(tmp_path).in_flight_at_death() == ["one", "\ufffd\ufffd"]
