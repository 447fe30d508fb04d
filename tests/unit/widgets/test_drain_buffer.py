from __future__ import annotations

import json
from typing import Any

import pytest

from paglets_nb.widgets.drain_buffer import MAX_CELL, MAX_COLUMNS, DrainBuffer, Gap


def events(first: int, last: int, **fields: Any) -> list[dict[str, Any]]:
    """Events by their cursors."""
    return [{"n": number, **fields, "cursor": number} for number in range(first, last + 1)]


def cursors(buffer: DrainBuffer, start: int = 0, count: int = 1000) -> list[Any]:
    """What is shown: cursors, and gaps as text."""
    return [str(row) if isinstance(row, Gap) else row["cursor"] for row in buffer.rows(start, count)[1]]


def filtered(buffer: DrainBuffer, text: str) -> list[Any]:
    """What a filter leaves."""
    buffer.set_filter(text)
    while buffer.scan(3):
        pass
    return cursors(buffer)


def test_rows_are_found_by_place_and_by_cursor() -> None:
    """A page of them, the last ones, and the place of a cursor or of the next one."""
    buffer = DrainBuffer()
    buffer.extend(events(11, 30))
    assert buffer.span() == (0, 20)
    assert cursors(buffer, 2, 3) == [13, 14, 15]
    assert [row["cursor"] for row in buffer.tail(2)[1]] == [29, 30]  # type: ignore[index]
    assert (buffer.place_of(15), buffer.place_of(1), buffer.place_of(31)) == (4, 0, None)


def test_the_oldest_rows_are_let_go_and_a_text_says_so() -> None:
    """No more than the capacity is ever held, and the places of those that stay do not change."""
    buffer = DrainBuffer(10)
    buffer.extend(events(1, 10))
    assert buffer.gone() == ""
    buffer.extend(events(11, 14))
    assert buffer.held == 10
    assert buffer.span() == (4, 14)
    assert cursors(buffer, 0, 2) == [5, 6]
    assert buffer.gone() == "4 older events were let go, up to cursor 4; the last 10 are held"
    assert buffer.place_of(7) == 6


def test_a_gap_is_a_row() -> None:
    """Of its own, in the place of what is missing; a jump into it leads to it."""
    buffer = DrainBuffer()
    buffer.extend([*events(1, 3), Gap(4, 9), *events(10, 11), Gap(12, 12, "host alpha")])
    gaps = ["events 4 to 9 are no longer held", "event 12 of host alpha is no longer held"]
    assert cursors(buffer) == [1, 2, 3, gaps[0], 10, 11, gaps[1]]
    assert buffer.place_of(7) == 3
    assert buffer.events == 5


def test_a_paglet_that_counts_anew_is_followed() -> None:
    """Its numbers begin again; a cursor is then one of the new ones."""
    buffer = DrainBuffer()
    buffer.extend([*events(1, 5), Gap(1, 0), *events(1, 3)])
    assert cursors(buffer)[5] == "the numbers begin anew at 1"
    assert buffer.place_of(2) == 7
    assert filtered(buffer, "n=2") == [2, "the numbers begin anew at 1", 2]
    assert buffer.place_of(2) == 2


def test_a_filter_leaves_what_has_its_text() -> None:
    """Also of events that come later; gaps stay; the empty one shows all again."""
    buffer = DrainBuffer()
    buffer.extend([*events(1, 12, host="Alpha"), Gap(13, 14), *events(15, 16, host="beta")])
    assert filtered(buffer, " ALPHA ") == [*range(1, 13), "events 13 to 14 are no longer held"]
    buffer.extend(events(17, 18, host="alpha"))
    assert cursors(buffer)[-2:] == [17, 18]
    assert filtered(buffer, "cursor=1")[:2] == [1, 10]
    generation = buffer.generation
    assert len(filtered(buffer, "")) == 17
    assert buffer.generation == generation + 1


def test_a_filter_forgets_what_is_let_go() -> None:
    """What it shows never points at rows that are gone, also while it still looks."""
    buffer = DrainBuffer(10)
    buffer.extend(events(1, 10))
    buffer.set_filter("n=")
    assert buffer.scan(4)
    buffer.extend(events(11, 16))
    while buffer.scan(1):
        pass
    assert cursors(buffer) == list(range(7, 17))
    first, end = buffer.span()
    assert end - first == 10


def test_a_column_grows_with_its_numbers() -> None:
    """The first events are no measure of the last ones."""
    buffer = DrainBuffer()
    buffer.extend([{"n": number, "cursor": number} for number in range(1, 2001)])
    buffer.extend([{"n": 123_456_789, "cursor": 2001}])
    assert buffer.columns[0].width == 4
    assert buffer.tail(10)[1][-1]["n"] == 123_456_789
    assert buffer.columns[0].width == 9


def test_columns_are_the_fields() -> None:
    """As wide as their texts, within limits; numbers are known as such; the rest is seen in the details."""
    buffer = DrainBuffer()
    many = {f"f{number}": "x" for number in range(20)}
    buffer.extend([{"value": 1.5, "name": "a" * 300, "cursor": 1}, {"value": 2, **many, "cursor": 2}])
    assert [column.name for column in buffer.columns] == ["value", "name", *(f"f{number}" for number in range(6))]
    assert len(buffer.columns) == MAX_COLUMNS
    assert [column.numeric for column in buffer.columns[:3]] == [True, False, False]
    assert buffer.columns[1].width == 40
    texts = buffer.texts(buffer.rows(0, 1)[1][0])
    assert texts["cursor"] == "1"
    assert len(texts["cells"][1]) == MAX_CELL
    assert texts["cells"][2] == ""


@pytest.mark.parametrize("value", [b"\xff" * 4, {1: {2: 3}}, float("nan"), object()])
def test_details_are_json_whatever_an_event_holds(value: Any) -> None:
    """What JSON has no word for is its ``repr``."""
    text = DrainBuffer.details({"cursor": 1, "value": value})
    assert json.loads(text)["cursor"] == 1
    assert len(DrainBuffer.details({"text": "x" * 100_000})) <= 20_000
    assert DrainBuffer.details(Gap(1, 2)) == "events 1 to 2 are no longer held"
