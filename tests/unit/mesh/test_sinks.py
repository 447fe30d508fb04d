"""Where the output of hosts goes."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from paglets_nb.mesh import sinks as module
from paglets_nb.mesh.sinks import (
    CellSink,
    TextSink,
    cell_sink,
    inherit_cells,
    remember_cell,
    set_shell,
)


class Publisher:
    """Notes what is displayed, and for which cell."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.seen: list[tuple[str, Any]] = []

    def publish(self, **bundle: Any) -> None:
        """Display."""
        self.seen.append((self.shell.parent, bundle))

    def clear_output(self, wait: bool) -> None:
        """Clear."""
        self.seen.append((self.shell.parent, wait))


class Shell:
    """A notebook's shell, as far as output goes: it knows which cell a thread writes for."""

    def __init__(self) -> None:
        self.parent = ""
        self.display_pub = Publisher(self)

    def set_thread_parent(self, parent: Any) -> str:
        """From now on it writes for this cell."""
        before, self.parent = self.parent, parent["header"]["msg_id"]
        return before

    def reset_thread_parent(self, before: str) -> None:
        """And for the former one again."""
        self.parent = before


@pytest.fixture
def shell() -> Iterator[Shell]:
    """The notebook's shell."""
    shell = Shell()
    set_shell(shell)
    yield shell
    set_shell(None)
    module._cells._parents.clear()


def parent(cell: str) -> dict[str, Any]:
    """A cell's parent header."""
    return {"header": {"msg_id": cell}}


class TestCellSink:
    def test_text_goes_to_its_cell(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each stream's text is written while the thread writes for the cell, and not after."""
        written: list[tuple[str, str, str]] = []

        class Stream(io.StringIO):
            def write(self, text: str) -> int:
                """Note who writes what."""
                written.append((self.name, shell.parent, text))
                return len(text)

        for name in ("stdout", "stderr"):
            stream = Stream()
            stream.name = name  # type: ignore[attr-defined]
            monkeypatch.setattr(sys, name, stream)
        sink = CellSink(shell, parent("c1"))
        sink.stream("stdout", "a\n")
        sink.error("ValueError", "bad", [])
        sink.error("ValueError", "bad", ["line 1", "line 2"])
        assert written == [
            ("stdout", "c1", "a\n"),
            ("stderr", "c1", "ValueError: bad\n"),
            ("stderr", "c1", "line 1\nline 2\n"),
        ]
        assert shell.parent == ""

    def test_each_line_has_its_prefix_once(self, shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
        """Text that comes in pieces has the prefix at the beginning of each line only, on each stream for itself."""
        sink = CellSink(shell, parent("c1"), "[alpha] ")
        for text in ("one", " line\ntwo\n", "", "three\n"):
            sink.stream("stdout", text)
            sink.stream("stderr", "x" if text == "one" else "")
        out, err = capsys.readouterr()
        assert out == "[alpha] one line\n[alpha] two\n[alpha] three\n"
        assert err == "[alpha] x"

    def test_displays_and_clearing(self, shell: Shell) -> None:
        """Mime bundles and clearing reach the cell with everything they say."""
        sink = CellSink(shell, parent("c1"))
        sink.display({"text/plain": "x"}, {"m": 1}, {"display_id": "d"}, True)
        sink.clear(True)
        bundle = {"data": {"text/plain": "x"}, "metadata": {"m": 1}, "transient": {"display_id": "d"}, "update": True}
        assert shell.display_pub.seen == [("c1", bundle), ("c1", True)]


def test_plain_text_says_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a notebook output is plain text with the host's name before each line."""
    sink = TextSink("alpha")
    sink.stream("stdout", "a\nb\n")
    sink.display({"text/plain": "c", "text/html": "<c>"}, {}, {}, False)
    sink.display({"image/png": "d"}, {}, {}, False)
    sink.error("ValueError", "bad", [])
    sink.clear(False)
    out, err = capsys.readouterr()
    assert out == "[alpha] a\n[alpha] b\n[alpha] c\n"
    assert err == "[alpha] ValueError: bad\n"


class TestCells:
    def test_known_cells(self, shell: Shell) -> None:
        """Output finds a cell that was remembered, and is dropped for one that was not."""
        remember_cell(parent("c1"))
        assert isinstance(cell_sink("c1", "alpha"), CellSink)
        assert cell_sink("c2", "alpha") is None
        set_shell(None)
        assert isinstance(cell_sink("c1", "alpha"), TextSink)

    def test_a_cell_inherits_from_those_that_are_lost(self, shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
        """What belongs to no known cell goes to it, with the host's name once in a line; a known cell keeps its own."""
        remember_cell(parent("c1"))
        assert module._cells.sink_or_heir("lost", "alpha") is None
        inherit_cells(parent("c2"))
        for text in ("a ", "b\n", "c\n"):
            heir = module._cells.sink_or_heir("lost", "alpha")
            assert heir is not None
            heir.stream("stdout", text)
        assert capsys.readouterr().out == "[alpha] a b\n[alpha] c\n"
        own = module._cells.sink_or_heir("c1", "alpha")
        assert own is not None
        own.display({}, {}, {}, False)
        assert shell.display_pub.seen[0][0] == "c1"
        assert cell_sink("lost", "alpha") is None
        set_shell(None)
        set_shell(shell)
        assert module._cells.sink_or_heir("lost", "alpha") is None

    def test_only_so_many_are_kept(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        """The oldest cells are forgotten."""
        monkeypatch.setattr(module, "MAX_CELLS", 3)
        for number in range(5):
            remember_cell(parent(f"c{number}"))
        assert [cell_sink(f"c{number}", "alpha") is not None for number in range(5)] == [False, False, True, True, True]
