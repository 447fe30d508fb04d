"""Whose the output of paglets is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from paglets_nb.core.turns import current_turn
from paglets_nb.mesh.host_output import LONGEST, HostOutput, LineWriter
from paglets_nb.testing import wait_until


class Stream:
    """A kernel's stream: notes what is written, and for whom."""

    def __init__(self) -> None:
        self.local = threading.local()
        self.written: list[tuple[str, str, str]] = []
        self.flushed = 0

    def set_thread_parent(self, parent: dict[str, Any]) -> Any:
        """From now on this thread writes for this parent."""
        before, self.local.header = getattr(self.local, "header", {}), parent["header"]
        return before

    def reset_thread_parent(self, before: Any) -> None:
        """And for the former one again."""
        self.local.header = before

    def write(self, text: str) -> int:
        """Note it."""
        header = getattr(self.local, "header", {})
        self.written.append((header.get("paglet", ""), header.get("msg_id", ""), text))
        return len(text)

    def flush(self) -> None:
        """Count it."""
        self.flushed += 1


@contextmanager
def turn(paglet: str, cell: str = "c1") -> Iterator[None]:
    """Within this the thread handles a message of a paglet."""
    held: Any = SimpleNamespace(paglet=SimpleNamespace(agent_id=paglet), origin=cell)
    token = current_turn.set(held)
    try:
        yield
    finally:
        current_turn.reset(token)


@pytest.fixture
def stream() -> Stream:
    """A stream that is written by lines."""
    stream = Stream()
    LineWriter(stream)
    return stream


def test_lines_go_to_whom_they_belong(stream: Stream) -> None:
    """With the paglet and the cell of the turn; what is printed outside of turns is as it was."""
    print("kernel", file=stream)
    with turn("p1"):
        print("a", "b", file=stream)
    with turn("p2", ""):
        print("c\nd", file=stream)
    owned = [("p1", "c1", "a b\n"), ("p2", "", "c\n"), ("p2", "", "d\n")]
    assert stream.written == [("", "", "kernel"), ("", "", "\n"), *owned]


def test_concurrent_lines_are_whole(stream: Stream) -> None:
    """However often two threads print at once, each line is written in one piece."""

    def work(name: str) -> None:
        with turn(name):
            for number in range(300):
                print(name, number, "end", file=stream)

    threads = [threading.Thread(target=work, args=(f"p{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(stream.written) == 1200
    assert all(text.split() == [paglet, text.split()[1], "end"] for paglet, _cell, text in stream.written)


def test_unfinished_lines(stream: Stream) -> None:
    """A flush sends its own thread's on, ``settle`` everybody's, and time does too; a very long one does not wait."""
    with turn("p1"):
        print("50%", end="", file=stream)
        assert stream.written == []
        print(end="", flush=True, file=stream)
        assert stream.written == [("p1", "c1", "50%")]
        print("later", end="", file=stream)
    wait_until(lambda: stream.written[-1] == ("p1", "c1", "later"))
    with turn("p1"):
        stream.write("x" * LONGEST)
        stream.write("y")
        assert stream.written[-1] == ("p1", "c1", "x" * LONGEST + "y")


def test_another_threads_flush_does_not_break_a_line() -> None:
    """Only ``settle`` does."""
    stream = Stream()
    writer = LineWriter(stream)

    def other() -> None:
        with turn("p2"):
            stream.write("half")

    thread = threading.Thread(target=other)
    thread.start()
    thread.join(5)
    stream.flush()
    assert stream.written == []
    writer.settle()
    assert stream.written == [("p2", "c1", "half")]
    assert stream.flushed == 2


def test_only_text_is_written(stream: Stream) -> None:
    """As for every stream."""
    with turn("p1"), pytest.raises(TypeError):
        stream.write(b"bytes")  # type: ignore[arg-type]


class Publisher(Stream):
    """What displays."""

    def publish(self, data: Any, **_more: Any) -> None:
        """Note it."""
        self.write(data)

    def clear_output(self, wait: bool = False) -> None:
        """Note it."""
        self.write(f"clear {wait}")


def test_displays_and_tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is displayed carries its paglet too; a traceback goes to the cell, or only to the paglet's own place."""
    out, err, publisher = Stream(), Stream(), Publisher()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    output = HostOutput(SimpleNamespace(display_pub=publisher))
    publisher.publish("kernel's")
    with turn("p1"):
        publisher.publish("a picture", metadata={})
        publisher.clear_output(wait=True)
    assert publisher.written == [("", "", "kernel's"), ("p1", "c1", "a picture"), ("p1", "c1", "clear True")]
    output.tell_failure("p1", "c2", ValueError("bad"))
    output.tell_failure("p2", None, ValueError("worse"))
    assert err.written == [("p1", "c2", "ValueError: bad\n"), ("p2", "", "ValueError: worse\n")]
    output.settle()
    assert (out.flushed, err.flushed) == (1, 1)
