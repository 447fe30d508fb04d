from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from paglets_nb.agents.search_client import Search
from tests.unit.magics.notebook import Notebook


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with two files that have a hit, and one that has none."""
    (tmp_path / "one.py").write_text("import os\nvalue = 1\n")
    (tmp_path / "two.md").write_text("Value of all\n")
    (tmp_path / "three.txt").write_text("nothing here\n")
    return tmp_path


def where(search: Search) -> list[str]:
    """The places of its hits, by file name."""
    return sorted(hit.where().rpartition("/")[2] for hit in search)


def test_grep_gives_hits_of_one_host_of_the_machine(meshed: Notebook, tree: Path) -> None:
    """By default each file is found once, however many hosts see it; ``--hosts`` says otherwise."""
    found = meshed.run(f"%paglet search grep value {tree}")
    assert isinstance(found, Search)
    assert where(found) == ["one.py:2:1"]
    assert where(meshed.run(f"%paglet search grep -i value {tree}")) == ["one.py:2:1", "two.md:1:1"]
    everywhere = meshed.run(f"%paglet search grep value {tree} --hosts all")
    assert sorted(hit.host for hit in everywhere) == ["alpha", "beta"]
    assert {hit.host for hit in meshed.run(f"%paglet search grep value {tree} --hosts beta")} == {"beta"}


def test_options_say_what_a_result_is(meshed: Notebook, tree: Path) -> None:
    """Counted lines, files with and without a hit, files by name, types and context."""
    assert [hit.count for hit in meshed.run(f"%paglet search grep -c import {tree}")] == [1]
    assert where(meshed.run(f"%paglet search grep -l -i VALUE {tree}")) == ["one.py", "two.md"]
    assert where(meshed.run(f"%paglet search grep --files-without -i value {tree}")) == ["three.txt"]
    assert where(meshed.run(f"%paglet search find *.py {tree}")) == ["one.py"]
    assert where(meshed.run(f"%paglet search find t {tree} --max-depth 1")) == ["three.txt", "two.md"]
    assert where(meshed.run(f"%paglet search grep -S value {tree} -t md")) == ["two.md:1:1"]
    assert meshed.run(f"%paglet search grep value {tree} -C 1 -t py")[0].before == [(1, "import os")]


def test_a_pattern_may_look_like_a_field(meshed: Notebook, tree: Path) -> None:
    """``a=b`` is text to search for, with and without quotes."""
    (tree / "set.cfg").write_text("a=1\n")
    assert where(meshed.run(f"%paglet search grep a=1 {tree}")) == ["set.cfg:1:1"]
    assert where(meshed.run(f'%paglet search grep "value = 1" {tree}')) == ["one.py:2:1"]


def test_a_mistake_is_one_line(meshed: Notebook, tree: Path) -> None:
    """A wrong pattern, type, path, host, number or option says what is wrong with it."""
    assert "unclosed group" in meshed.refused(f"%paglet search grep '(' {tree}")
    assert "unrecognized file type: nonsense" in meshed.refused(f"%paglet search grep x {tree} -t nonsense")
    assert "no such file or folder on alpha: /nowhere" in meshed.refused("%paglet search grep x /nowhere")
    assert "no host 'gamma'" in meshed.refused(f"%paglet search grep x {tree} --hosts gamma")
    assert "wants a PATTERN" in meshed.refused("%paglet search grep")
    assert "wants a size like" in meshed.refused(f"%paglet search grep x {tree} --max-size huge")
    assert "has no --word" in meshed.refused(f"%paglet search find x {tree} --word")
    assert "max_results wants a number from 1" in meshed.refused(f"%paglet search grep x {tree} --max-results 0")
    assert "invalid choice" in meshed.refused("%paglet search locate x")
    assert meshed.run(f"%paglet search grep value {tree}").complete


def test_a_named_search_stays_for_others(meshed: Notebook, tree: Path) -> None:
    """Without a name its paglets are gone with its last hit; with one it can be drained again."""
    meshed.run(f"%paglet search grep value {tree}")
    assert not [info for info in meshed.run("%paglet ls").infos if info.class_name.endswith("MeshSearch")]
    meshed.run(f"%paglet search grep -i value {tree} --name kept")
    assert len(meshed.run("%paglet drain kept --after 1")) == 1
    meshed.run("%paglet dispose kept")


def test_what_could_not_be_read_is_said(meshed: Notebook, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that is missing beside one that is there does not end the search."""
    assert where(meshed.run(f"%paglet search grep value {tree} /nowhere")) == ["one.py:2:1"]
    assert "alpha: /nowhere: no such file or folder" in capsys.readouterr().out


def test_a_stop_ends_the_search(meshed: Notebook, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while hits come stops the hosts; what came is kept and shown."""
    read, interrupts = Search.batches, iter([KeyboardInterrupt])

    def interrupted(search: Search) -> Iterator[int]:
        for interrupt in interrupts:
            raise interrupt
        return read(search)

    monkeypatch.setattr(Search, "batches", interrupted)
    found = meshed.run(f"%paglet search grep value {tree}")
    assert found.complete
    assert found.summary().hits == len(found)
    assert not found.proxy.is_valid()
