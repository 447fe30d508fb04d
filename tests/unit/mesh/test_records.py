"""What a mesh knows of one host."""

from __future__ import annotations

import anyio
import pytest

from paglets_nb.mesh import records as module
from paglets_nb.mesh.records import RestartWindow, Watch
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


class TestWatch:
    def test_its_end_is_waited_for(self) -> None:
        """Until what is awaited has ended, also where that takes steps of its own."""
        seen: list[str] = []

        async def watch() -> None:
            try:
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.wait_all_tasks_blocked()
                    seen.append("watch ended")

        async def run() -> None:
            watching = Watch()
            async with anyio.create_task_group() as group:
                group.start_soon(watching.run, watch)
                await anyio.wait_all_tasks_blocked()
                await watching.end()
                seen.append("end returned")
            await watching.end()

        anyio.run(run)
        assert seen == ["watch ended", "end returned"]

    def test_one_that_ended_before_it_began(self) -> None:
        """Nothing is awaited then."""
        seen: list[str] = []

        async def watch() -> None:
            seen.append("begun")

        async def run() -> None:
            watching = Watch()
            await watching.end()
            await watching.run(watch)

        anyio.run(run)
        assert not seen

    def test_it_may_end_by_itself(self) -> None:
        """When what is awaited returns; its error is the caller's."""

        async def fail() -> None:
            raise OSError("gone")

        async def run() -> None:
            watching = Watch()
            with pytest.raises(OSError, match="gone"):
                await watching.run(fail)
            await watching.end()

        anyio.run(run)


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
