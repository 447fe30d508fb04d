from __future__ import annotations

from paglets_nb.errors import CallTimeoutError, RemoteHostError
from paglets_nb.experiments.cells import FAILED, UNKNOWN, Cell


def test_times_add_up() -> None:
    """What was not the handler's time was spent queued; a host's clock cannot make it negative."""
    cell = Cell(0, {})
    cell.succeed("x", 3.0, 1.0)
    assert (cell.state, cell.value, cell.queued, cell.run, cell.total) == ("ok", "x", 2.0, 1.0, 3.0)
    cell.succeed("x", 3.0, 3.5)
    assert (cell.queued, cell.run) == (0.0, 3.0)
    fresh = Cell(0, {})
    fresh.succeed("x", 3.0, None)
    assert (fresh.queued, fresh.run, fresh.total) == (None, None, 3.0)


def test_errors_say_their_type_once() -> None:
    """A cell keeps the error and tells of it in a line."""
    cell = Cell(0, {})
    cell.fail(UNKNOWN, CallTimeoutError("add", 1.0))
    assert cell.ended
    assert not cell.ok
    assert cell.error == "CallTimeoutError: add: no answer within 1 s"
    cell.fail(FAILED, RemoteHostError("no luck", type_name="m:Odd"))
    assert cell.error == "m:Odd: no luck"
    cell.reset()
    assert (cell.state, cell.error, cell.exception, cell.total) == ("waiting", "", None, None)
