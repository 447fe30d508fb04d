from __future__ import annotations

import pytest
from IPython.core.error import UsageError

from paglets_nb.errors import HostDiedError
from paglets_nb.magics.transfers import local_host, place_of
from tests.unit.magics.notebook import Notebook


def test_a_place_is_a_host_and_a_path(meshed: Notebook) -> None:
    """The path is whatever stands behind the first colon; it may be left out."""
    session = meshed.session
    assert [place_of(session, "beta:/a:b")[1], place_of(session, "beta")[1]] == ["/a:b", ""]
    assert place_of(session, "beta:x")[0].name == "beta"
    with pytest.raises(UsageError, match="no host 'gamma'"):
        place_of(session, "gamma:x")


def test_hosts_that_are_down_carry_nothing(meshed: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead host is no end of a transfer, and the first that is up sees this machine's files."""
    session = meshed.session
    records = session.require_mesh().supervisor.records
    assert local_host(session).name == "alpha"
    monkeypatch.setattr(records["alpha"], "state", "dead")
    assert local_host(session).name == "beta"
    with pytest.raises(HostDiedError):
        place_of(session, "alpha:x")
    monkeypatch.setattr(records["beta"], "state", "dead")
    with pytest.raises(HostDiedError):
        local_host(session)
