"""What a mesh knows of one host."""

from __future__ import annotations

import pytest

from paglets_nb.mesh import records as module
from paglets_nb.mesh.records import RestartWindow
from paglets_nb.version import __version__
from tests.unit.mesh.made import new_record


class TestWindow:
    def test_it_slides(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """So many restarts are allowed within any window of its length, and refused ones do not count."""
        now = 1000.0
        monkeypatch.setattr(module.time, "monotonic", lambda: now)
        window = RestartWindow(2, 60.0)
        assert [window.take(), window.take(), window.take()] == [True, True, False]
        now = 1059.0
        assert not window.take()
        now = 1060.5
        assert [window.take(), window.take(), window.take()] == [True, True, False]
        now = 1121.0
        assert window.take()

    def test_none_are_allowed(self) -> None:
        """A limit of 0 allows no restart."""
        assert not RestartWindow(0).take()


def test_a_new_record() -> None:
    """A host that is starting is not online and has no error yet."""
    record = new_record("alpha")
    assert (record.state, record.restarts, record.process, record.window.limit) == ("starting", 0, None, 3)
    ref = record.ref()
    assert (ref.name, ref.online, ref.error, ref.code_version) == ("alpha", False, "", __version__)


@pytest.mark.parametrize(
    ("state", "online", "error"),
    [("up", True, ""), ("restarting", False, "killed"), ("dead", False, "killed"), ("stopped", False, "killed")],
)
def test_what_others_are_told(state: str, online: bool, error: str) -> None:
    """Only a host that is up is online; why it was restarted is no error of one that is up."""
    record = new_record("alpha")
    record.state, record.reason, record.url, record.last_seen = state, "killed", "unix:///alpha", 5.0
    ref = record.ref()
    assert (ref.url, ref.last_seen, ref.online, ref.error) == ("unix:///alpha", 5.0, online, error)
