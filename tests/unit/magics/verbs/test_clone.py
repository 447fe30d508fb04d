from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.magics.notebook import Notebook


@pytest.fixture(autouse=True)
def _no_clones_left(meshed: Notebook) -> Iterator[None]:
    yield
    for proxy in meshed.run("%paglet ls"):
        proxy.dispose()


def test_clone_copies_to_a_host(meshed: Notebook, counter: str) -> None:
    """One host gives one proxy of a paglet with the same state and another id."""
    meshed.run("%paglet call counter add by=5")
    clone = meshed.run("%paglet clone counter beta")
    assert clone != meshed.variable("_counter")
    info = clone.info()
    assert (info["host_name"], info["state"]["count"]) == ("beta", 5)


def test_clone_without_a_host_stays(meshed: Notebook, counter: str) -> None:
    """No host means the paglet's own."""
    assert meshed.run("%paglet clone counter").info()["host_name"] == "alpha"


def test_clone_to_several_hosts_gives_a_list(meshed: Notebook, counter: str) -> None:
    """Hosts by name, or all of them."""
    for words in ("alpha beta", "--all"):
        clones = meshed.run(f"%paglet clone counter {words}")
        assert [clone.info()["host_name"] for clone in clones] == ["alpha", "beta"]


def test_hosts_are_checked_before_anything_is_cloned(meshed: Notebook, counter: str) -> None:
    """A wrong host among right ones clones nothing."""
    assert meshed.refused("%paglet clone counter beta gamma").startswith("no host 'gamma'")
    assert meshed.refused("%paglet clone counter beta --all") == "%paglet clone takes hosts or --all, not both"
    assert len(meshed.run("%paglet ls")) == 1
