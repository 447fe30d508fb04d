from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from paglets_nb import EmptyPayload, ServiceOperation
from paglets_nb.magics.draining import is_drain
from paglets_nb.patterns.cursor_drain import CURSOR_DRAIN


@dataclass(frozen=True)
class Behind:
    after_cursor: int = 0


@dataclass(frozen=True)
class Page:
    events: list[Any] = field(default_factory=list)
    cursor: int = 0
    more: bool = False


def test_a_drain_is_known_by_its_fields() -> None:
    """Whatever takes a cursor and answers with events is one, under any name and type."""
    assert is_drain(CURSOR_DRAIN)
    assert is_drain(ServiceOperation("pages", Behind, Page))
    assert not is_drain(ServiceOperation("pages", EmptyPayload, Page))
    assert not is_drain(ServiceOperation("pages", Behind, EmptyPayload))
