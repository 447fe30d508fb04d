from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paglets_nb.agents import search as agent
from paglets_nb.agents import search_worker
from paglets_nb.agents.search import MeshSearch, SearchState, find, grep, one_per_machine
from paglets_nb.agents.search_types import (
    CANCEL,
    CLEANUP,
    DRAIN,
    START,
    SUMMARY,
    SearchMode,
    SearchRequest,
    SearchSummary,
)
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.references import HostRef
from paglets_nb.errors import SearchError
from paglets_nb.host.host import Host
from paglets_nb.patterns.cursor_drain import CursorDrainRequest
from paglets_nb.patterns.operations import OperationClient
from paglets_nb.testing import in_process_mesh, wait_until


@pytest.fixture
def slow(tree: Path) -> Iterator[list[str]]:
    """The tree, and a pipe on which every search of it waits until the test ends."""
    fifo = tree.parent / "fifo"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDWR)
    yield [str(tree), str(fifo)]
    os.close(held)


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Two hosts of one mesh, alpha and beta."""
    with in_process_mesh() as made:
        yield made


@pytest.fixture
def parent(hosts: list[Host]) -> OperationClient:
    """A search on alpha that was not started yet."""
    return OperationClient(hosts[0].create(MeshSearch))


def summary_of(parent: OperationClient) -> SearchSummary:
    """Where a search stands."""
    found: SearchSummary = parent.call(SUMMARY)
    return found


def finished(parent: OperationClient) -> SearchSummary:
    """Its summary, once it has ended."""
    return wait_until(lambda: summary if (summary := summary_of(parent)).done else None, 10.0, "the search's end")


def children(hosts: list[Host]) -> list[PagletProxy]:
    """The children that are there."""
    residents = [resident for host in hosts for resident in host.residents.all()]
    found = [resident.agent_id for resident in residents if getattr(resident.paglet.state, "role", "") == "child"]
    return [PagletProxy(host.address, key, host.client) for host in hosts for key in found if key in host_ids(host)]


def host_ids(host: Host) -> set[str]:
    """The ids of the paglets on a host."""
    return {resident.agent_id for resident in host.residents.all()}


def test_every_host_searches_and_tells_its_totals(hosts: list[Host], tree: Path, parent: OperationClient) -> None:
    """Numbered hits of both, totals of both, and no child left."""
    assert parent.call(START, SearchRequest("value", [str(tree)])).hosts == ["alpha", "beta"]
    summary = finished(parent)
    drained = parent.call(DRAIN, CursorDrainRequest())
    assert (len(drained.events), drained.closed, summary.hits) == (6, True, 6)
    assert [event["cursor"] for event in drained.events] == [1, 2, 3, 4, 5, 6]
    for totals in summary.hosts:
        assert (totals.status, totals.hits, totals.files) == ("done", 3, 2)
        assert (totals.matched_lines, totals.matches) == (3, 4)
    wait_until(lambda: not children(hosts))


def test_a_parent_that_clones_itself_does_not_search(tree: Path) -> None:
    """Its state is that of a child then; its own ``run`` may come that late, and must not take it for one."""
    state = SearchState(role="child", parent_agent_id="parent", request=SearchRequest("value", [str(tree)]))
    parent = MeshSearch(state, agent_id="parent")
    parent.run()
    assert not state.begun


def test_hits_come_while_hosts_still_search(hosts: list[Host], slow: list[str], parent: OperationClient) -> None:
    """The drain gives them, again from any cursor; a cancel ends the search and keeps them."""
    parent.call(START, SearchRequest("value", slow))
    wait_until(lambda: parent.call(DRAIN, CursorDrainRequest(wait_timeout=1.0)).cursor == 6)
    assert not summary_of(parent).done
    assert [event["cursor"] for event in parent.call(DRAIN, CursorDrainRequest(4)).events] == [5, 6]
    parent.call(CANCEL)
    summary = finished(parent)
    assert (summary.cancelled, summary.hits, [totals.status for totals in summary.hosts]) == (True, 6, ["stopped"] * 2)
    wait_until(lambda: not children(hosts))


def test_a_parent_that_moves_keeps_its_search(hosts: list[Host], slow: list[str], parent: OperationClient) -> None:
    """Its hits go along, its children find it, and readers follow."""
    parent.call(START, SearchRequest("value", slow, targets=["alpha"]))
    wait_until(lambda: summary_of(parent).hits == 3)
    parent.proxy.dispatch("beta")
    assert [event["cursor"] for event in parent.call(DRAIN, CursorDrainRequest(1)).events] == [2, 3]
    parent.call(CANCEL)
    assert finished(parent).hits == 3
    wait_until(lambda: not children(hosts))


def test_enough_results_stop_every_host(hosts: list[Host], slow: list[str], parent: OperationClient) -> None:
    """No more are kept than were wanted, and it is said that there are more."""
    parent.call(START, SearchRequest("value", slow, max_results=4))
    summary = finished(parent)
    assert (summary.hits, summary.truncated, summary.cancelled) == (4, True, False)
    assert sum(totals.hits for totals in summary.hosts) == 4


def test_as_many_as_wanted_is_not_too_many(tree: Path, parent: OperationClient) -> None:
    """Where there are no more, none are said to be."""
    parent.call(START, SearchRequest("value", [str(tree)], max_results=6))
    assert not finished(parent).truncated


def test_the_time_ends_a_search(
    hosts: list[Host], slow: list[str], parent: OperationClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each child stops by itself; its hits are kept."""
    monkeypatch.setattr(search_worker, "HEARTBEAT", 0.05)
    parent.call(START, SearchRequest("value", slow, timeout=0.3))
    summary = finished(parent)
    assert (summary.hits, set(summary.errors.values())) == (6, {"it had not ended after 0.3 s"})
    wait_until(lambda: not children(hosts))


def test_a_child_that_is_gone_is_noticed(
    hosts: list[Host], slow: list[str], parent: OperationClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its host's part fails, what it found stays, and the search ends."""
    monkeypatch.setattr(agent, "QUIET", 0.05)
    parent.call(START, SearchRequest("value", slow, targets=["beta"]))
    wait_until(lambda: summary_of(parent).hits == 3)
    hosts[1].stop()
    summary = finished(parent)
    assert (summary.hosts[0].status, summary.hits) == ("failed", 3)
    assert "it is gone" in summary.errors["beta"]


def test_disposing_of_the_parent_ends_the_children(hosts: list[Host], slow: list[str], parent: OperationClient) -> None:
    """Nothing searches on for nobody."""
    parent.call(START, SearchRequest("value", slow))
    assert len(children(hosts)) == 2
    parent.proxy.dispose()
    assert children(hosts) == []


def test_cleanup_disposes_of_the_children(hosts: list[Host], slow: list[str], parent: OperationClient) -> None:
    """The hits stay with the parent."""
    parent.call(START, SearchRequest("value", slow))
    wait_until(lambda: summary_of(parent).hits == 6)
    assert parent.call(CLEANUP).errors == {}
    assert children(hosts) == []
    assert parent.call(DRAIN).cursor == 6


def test_a_child_whose_parent_is_gone_ends(hosts: list[Host], slow: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It notices the next time it has something to say."""
    monkeypatch.setattr(search_worker, "HEARTBEAT", 0.05)
    with Host("gamma", mesh=hosts[0].mesh) as gamma:
        OperationClient(gamma.create(MeshSearch)).call(START, SearchRequest("value", slow, targets=["beta"]))
        assert len(children(hosts)) == 1
    wait_until(lambda: not children(hosts))


def test_a_child_that_moves_says_so(hosts: list[Host], slow: list[str], parent: OperationClient) -> None:
    """A search does not begin twice; its host's part has failed then."""
    parent.call(START, SearchRequest("value", slow, targets=["beta"]))
    wait_until(lambda: summary_of(parent).hits == 3)
    children(hosts)[0].dispatch("alpha")
    summary = finished(parent)
    assert (summary.hits, summary.errors) == (3, {"beta": "it was moved, or ended, while it searched"})


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (SearchRequest(""), "needs a pattern"),
        (SearchRequest("("), "unclosed group"),
        (SearchRequest("x", targets=["nobody"]), r"wanted nobody \(hosts: alpha, beta\)"),
    ],
)
def test_a_wrong_request_is_refused_and_another_taken(
    tree: Path, parent: OperationClient, request_: SearchRequest, said: str
) -> None:
    """The error crosses as its type; the paglet can still be started, once."""
    with pytest.raises(SearchError, match=said):
        parent.call(START, request_)
    parent.call(START, SearchRequest("value", [str(tree)], targets=["alpha", "nobody"]))
    summary = finished(parent)
    assert (summary.hits, list(summary.errors)) == (3, ["nobody"])
    with pytest.raises(SearchError, match="has its search already"):
        parent.call(START, SearchRequest("value"))


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"mode": SearchMode.COUNT}, {"one.py": 2, "two.md": 1}),
        ({"mode": SearchMode.FILES_WITH}, {"one.py": 0, "two.md": 0}),
        ({"mode": SearchMode.FILES_WITHOUT}, {"three.txt": 0}),
        ({"types": ["md"]}, {"two.md": 0}),
        ({"globs": ["!*.md"], "max_per_file": 1}, {"one.py": 0}),
        ({"max_depth": 1, "sort": True}, {"one.py": 0}),
        ({"max_size_bytes": 20}, {"two.md": 0}),
    ],
)
def test_options_choose_the_results(
    hosts: list[Host], tree: Path, options: dict[str, Any], wanted: dict[str, int]
) -> None:
    """What a result is, and in which files."""
    search = grep(hosts[0], "value", str(tree), targets="alpha", **options)
    assert {Path(hit.path).name: hit.count for hit in search} == wanted


def test_files_are_found_by_name(hosts: list[Host], tree: Path) -> None:
    """By a glob or a part of the name; sizes and times come along; a bad name is readable and can be opened."""
    raw = os.fsencode(tree) + b"/na\xffme.log"
    Path(os.fsdecode(raw)).write_bytes(b"12345")
    [hit] = find(hosts[0], "*.log", str(tree), targets="alpha")
    assert (Path(hit.path).name, hit.size_bytes) == ("na\\xffme.log", 5)
    assert Path(hit.file_name()).read_bytes() == b"12345"
    assert {Path(hit.path).name for hit in find(hosts[0], "t", str(tree), targets="alpha")} == {"two.md", "three.txt"}


def test_one_host_of_each_machine() -> None:
    """Hosts on Unix sockets are on this machine; of the others each address names its own."""
    urls = ["unix:///run/a.sock", "unix:///run/b.sock", "tls://one:80", "tls://one:81", "tls://two:80"]
    hosts = [HostRef(url[-6:], url) for url in urls]
    assert [host.url for host in one_per_machine(hosts)] == [urls[0], urls[2], urls[4]]
