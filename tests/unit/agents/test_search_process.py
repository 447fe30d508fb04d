from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from paglets_nb.agents import search_process
from paglets_nb.agents.search_process import (
    Ripgrep,
    check_command,
    command_line,
    find_ripgrep,
    present_paths,
)
from paglets_nb.agents.search_types import SearchMode, SearchRequest
from paglets_nb.codec.ripgrep import Match, decode_lines
from paglets_nb.errors import SearchError
from paglets_nb.platform import process_alive
from paglets_nb.testing import wait_until

GREP = SearchRequest("value")
WITHOUT = replace(SearchRequest("nothing"), mode=SearchMode.FILES_WITHOUT)


def line(data: bytes | bytearray) -> int:
    """Behind the last line break."""
    return data.rfind(b"\n") + 1


def nul(data: bytes | bytearray) -> int:
    """Behind the last NUL."""
    return data.rfind(b"\0") + 1


def read_all(ripgrep: Ripgrep) -> bytes:
    """Everything until the end of its output."""
    found = b""
    while (records := ripgrep.read(10.0)) is not None:
        found += records
    return found


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Path]:
    """A pipe that a search of it waits for, until the test ends."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)
    yield path
    os.close(held)


def test_ripgrep_came_along() -> None:
    """The package's own dependency is found."""
    assert Path(find_ripgrep()).name == "rg"


def test_without_ripgrep_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One line, with the command."""
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SearchError, match="pip install"):
        find_ripgrep()


def test_every_option_reaches_ripgrep() -> None:
    """Flags, numbers and lists, and those that a search for names has."""
    request = SearchRequest(
        "-x",
        ignore_case=True,
        literal=True,
        word=True,
        before=1,
        after=2,
        types=["py"],
        types_not=["md"],
        globs=["!a"],
        hidden=True,
        no_ignore=True,
        follow=True,
        max_depth=3,
        max_size_bytes=4,
        max_per_file=5,
    )
    wanted = (
        "--json --ignore-case --fixed-strings --word-regexp --hidden --no-ignore --follow --before-context=1 "
        "--after-context=2 --max-depth=3 --max-filesize=4 --max-count=5 --type=py --type-not=md --glob=!a --regexp=-x"
    )
    assert set(wanted.split()) < set(command_line(request))
    find = command_line(replace(request, pattern="note", mode=SearchMode.FIND))
    assert "--iglob=*note*" in find
    assert not [option for option in find if option.startswith("--regexp")]
    assert "--glob=*.py" in command_line(SearchRequest("*.py", mode=SearchMode.FIND))


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (SearchRequest("("), r"^regex parse error in '\(': unclosed group$"),
        (SearchRequest("[a", word=True), r"^regex parse error in '\[a': unclosed character class$"),
        (SearchRequest("x", types=["nonsense"]), "unrecognized file type: nonsense"),
        (SearchRequest("x", globs=["[z"]), "unclosed character class"),
        (SearchRequest("[z", mode=SearchMode.FIND), "unclosed character class"),
    ],
)
def test_what_ripgrep_does_not_take_is_one_line(request_: SearchRequest, said: str) -> None:
    """A pattern, a type and a glob that are wrong are told with rg's own words."""
    with pytest.raises(SearchError, match=said) as refused:
        check_command(request_)
    assert "\n" not in str(refused.value)


def test_what_ripgrep_takes_is_fine(tree: Path) -> None:
    """A good request is not refused, whatever its mode."""
    for mode in SearchMode:
        check_command(SearchRequest("value", mode=mode))


def test_paths_are_told_apart(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that exist are given so that none is taken for an option or for stdin."""
    monkeypatch.chdir(tree)
    (tree / "-").write_text("")
    monkeypatch.setenv("HOME", str(tree))
    there, missing = present_paths([".", "-", "~/deep", "nope", str(tree)])
    assert there == ["./", "./-", str(tree / "deep"), str(tree)]
    assert missing == ["nope"]


def test_results_come_whole(tree: Path) -> None:
    """Its output is read to the end, and what cannot be read is told beside it."""
    with Ripgrep(WITHOUT, [str(tree), str(tree / "gone")], nul) as ripgrep:
        found = sorted(read_all(ripgrep).split(b"\0")[:-1])
        assert ripgrep.wait() == 2
    assert found == [str(tree / "deep" / "two.md").encode(), str(tree / "one.py").encode()]
    assert (ripgrep.error_count, "No such file" in ripgrep.errors[0]) == (1, True)


def test_results_come_before_the_end(tree: Path, fifo: Path) -> None:
    """What is found is there while the rest is still searched; without more, reading returns in time."""
    with Ripgrep(GREP, [str(tree), str(fifo)], line) as ripgrep:
        found = b""
        while found.count(b'"type":"end"') < 2:
            records = ripgrep.read(10.0)
            assert records
            found += records
        assert ripgrep.read(0.01) == b""
        assert process_alive(ripgrep.pid)
    wait_until(lambda: not process_alive(ripgrep.pid))


def test_a_stop_ends_reading(fifo: Path) -> None:
    """Whoever reads sees the end."""
    with Ripgrep(GREP, [str(fifo)], line) as ripgrep:
        assert ripgrep.read(0.01) == b""
        ripgrep.stop()
        assert ripgrep.read(10.0) is None


@pytest.mark.skipif(not search_process.dying_with_us(), reason="no setpriv here")
def test_it_dies_with_the_thread_that_started_it(fifo: Path) -> None:
    """As it would with the whole process, killed or not."""
    started: list[Ripgrep] = []

    def start() -> None:
        ripgrep = Ripgrep(GREP, [str(fifo)], line)
        wait_until(lambda: Path(f"/proc/{ripgrep.pid}/comm").read_text() == "rg\n")
        started.append(ripgrep)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with started[0] as ripgrep:
        assert ripgrep.read(10.0) is None


def test_a_record_without_end_is_left_out(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded: too long a line is passed over, and those behind it are read."""
    monkeypatch.setattr(search_process, "MAX_RECORD", 1 << 20)
    (tree / "huge.txt").write_text("value " + "x" * (4 << 20) + "\nvalue again\n")
    with Ripgrep(replace(GREP, sort=True), [str(tree)], line) as ripgrep:
        found = read_all(ripgrep)
    assert ripgrep.left_out == 1
    texts = [message.data.lines.text for message in decode_lines(found) if isinstance(message, Match)]
    assert "value again\n" in texts
    assert not [text for text in texts if "xxxx" in str(text)]
