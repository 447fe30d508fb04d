from __future__ import annotations

import pytest

from paglets_nb.widgets.markup import Markup, bar, clipped, details, escaped, muted, table, text_table

EVIL = "<script>alert('x')</script>"


@pytest.mark.parametrize(
    "made",
    [
        table((EVIL,), [(EVIL,)], caption=EVIL),
        muted(EVIL),
        details(EVIL, EVIL),
        bar(0.5, f"red'>{EVIL}"),
    ],
)
def test_everything_shown_is_escaped(made: Markup) -> None:
    """No text given to a shape can become markup."""
    assert "<script" not in made.html


def test_markup_is_not_escaped_twice() -> None:
    """Shapes nest."""
    assert "<table>" in table((), [(table((), [("a",)]),)]).html.partition("<tbody>")[2]
    assert escaped("a < b") == "a &lt; b"


def test_long_values_are_clipped() -> None:
    """A value is shown up to a bound."""
    assert clipped("x" * 1000, 10) == "xxxxxxx..."
    assert clipped([1, 2]) == "[1, 2]"


def test_text_tables_align() -> None:
    """Columns are as wide as their widest cell."""
    assert text_table(("a", "bb"), [("long", 1), ("", 22)]) == "a     bb\nlong  1\n      22"


def test_a_bar_stays_in_its_bounds() -> None:
    """Fractions outside 0 to 1 are clipped."""
    assert "width:100.0%" in bar(7.0, "red").html
    assert "width:0.0%" in bar(-1.0, "red").html
