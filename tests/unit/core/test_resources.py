"""What a paglet cleans up before it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pytest

from paglets_nb.core.resources import Resources
from paglets_nb.errors import LifecycleError


def test_last_in_first_out() -> None:
    """Callbacks, closables and context managers are cleaned up in reverse order, once."""
    log: list[str] = []
    resources, opened = Resources(), BytesIO()

    @contextmanager
    def manager() -> Iterator[str]:
        yield "inside"
        log.append("manager")

    resources.callback(log.append, "first")
    assert resources.enter(manager()) == "inside"
    assert resources.push(opened) is opened
    resources.callback(log.append, "last")
    assert len(resources) == 4
    resources.clean_up()
    assert log == ["last", "manager", "first"]
    assert opened.closed
    assert len(resources) == 0
    resources.clean_up()


def test_a_failing_clean_up() -> None:
    """One that fails stops the step with those below it in place; a suppressed one does not."""
    log: list[str] = []
    resources = Resources()
    resources.callback(log.append, "below")
    resources.callback(lambda: 1 / 0)
    resources.callback(lambda: 1 / 0, suppress=True)
    with pytest.raises(LifecycleError, match="could not be cleaned up: division by zero"):
        resources.clean_up()
    assert not log
    resources.clean_up()
    assert log == ["below"]
