from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from paglets_nb.agents.search import grep
from paglets_nb.agents.search_client import Search, resume
from paglets_nb.errors import SearchError
from paglets_nb.host.host import Host
from paglets_nb.testing import in_process_mesh


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Two hosts of one mesh, alpha and beta."""
    with in_process_mesh() as made:
        yield made


@pytest.fixture
def search(hosts: list[Host], tree: Path) -> Search:
    """A search of three hits that has begun."""
    return grep(hosts[0], "value", str(tree), targets="alpha", sort=True)


def test_hits_are_iterated_as_often_as_wanted(search: Search) -> None:
    """The first time they come from the hosts; then the paglets are gone and the hits still here."""
    found = list(search)
    assert sorted(hit.where().rpartition("/")[2] for hit in found) == ["one.py:2:1", "one.py:4:7", "two.md:1:6"]
    assert list(search) == found
    assert search[-1] == found[-1]
    assert search[:2] == found[:2]
    assert (len(search), search.cursor, search.complete) == (3, 3, True)
    assert not search.proxy.is_valid()


def test_hits_are_awaited(search: Search) -> None:
    """``async for`` gives the same, and cleans up too."""

    async def read() -> list[str]:
        return [hit.text async for hit in search]

    assert sorted(anyio.run(read)) == ["Some value", "print(value)", "value = 1  # the value"]
    assert not search.proxy.is_valid()


def test_a_search_is_read_on_from_a_cursor(hosts: list[Host], tree: Path) -> None:
    """Another reader goes on behind it; the paglet stays for others until it is closed."""
    first = grep(hosts[0], "value", str(tree), targets="alpha", name="kept")
    first.wait()
    rest = resume(hosts[1].find("kept"), 1)
    assert [hit.cursor for hit in rest] == [2, 3]
    assert first.proxy.is_valid()
    first.close()
    assert not first.proxy.is_valid()


def test_the_end_of_a_block_ends_the_search(hosts: list[Host], tree: Path) -> None:
    """Whether it was read or not."""
    with grep(hosts[0], "value", str(tree)) as search:
        assert search.proxy.is_valid()
    assert not search.proxy.is_valid()
    assert search.summary().done


def test_a_stop_keeps_what_was_found(search: Search) -> None:
    """And its paglets are gone."""
    assert len(search.stop()) == search.summary().hits
    assert search.stop().complete
    assert not search.proxy.is_valid()


def test_no_host_that_could_search_is_an_error(hosts: list[Host], tree: Path) -> None:
    """One host that could is enough for none; each says why it could not."""
    search = grep(hosts[0], "value", "/nowhere")
    with pytest.raises(SearchError, match="no such file or folder on alpha: /nowhere"):
        search.wait()
    assert search.complete
    assert grep(hosts[0], "value", "/nowhere", str(tree)).wait().summary().hosts[0].error_count == 1


def test_wrong_options_are_named(hosts: list[Host]) -> None:
    """An option that there is not, and one that does not fit; nothing is left behind."""
    with pytest.raises(SearchError, match="no option 'colour'"):
        grep(hosts[0], "value", colour=True)
    with pytest.raises(SearchError, match="before wants a number from 0, got -1"):
        grep(hosts[0], "value", context=-1)
    assert hosts[0].get_proxies() == []


def test_rows_and_frames_have_every_field(search: Search) -> None:
    """One row for each hit."""
    search.wait()
    frame = search.to_frame()
    assert [row["text"] for row in search.rows()] == list(frame["text"])
    assert {"host", "path", "line", "column", "matches"} < set(frame.columns)


def test_a_plot_counts_kinds_of_files(search: Search) -> None:
    """In words, and as a picture."""
    plot = search.wait().plot()
    assert repr(plot) == "hits by kind of file: .py on alpha: 2, .md on alpha: 1"
    assert base64.b64decode(plot._repr_mimebundle_()["image/png"]).startswith(b"\x89PNG")


def test_it_says_where_it_stands(search: Search, tree: Path) -> None:
    """Before its end, and after it."""
    assert repr(search) == "0 hits read so far on alpha"
    assert repr(search.wait()).splitlines()[-1] == "3 hits in 2 files on alpha"
    assert f"{tree}/one.py:4:7: print(value)" in repr(search)
