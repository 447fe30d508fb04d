from __future__ import annotations

import sys

import pytest

from paglets_nb.widgets.stills import image, opening, png_of, still, style_of

SIZE = (40.0, 20.0)


def draw(fixed: bool) -> str:
    """A box."""
    head = opening(SIZE, "a <box>", ".b{fill:$ink}", fixed=fixed)
    return f"{head}<rect class='b' width='9' height='9'/></svg>"


def test_rules_get_the_pages_colours_or_fixed_ones() -> None:
    """The page's with what stands for them where it has none."""
    assert style_of("a{fill:$bad;font:$font}", fixed=True) == "a{fill:#b3261e;font:DejaVu Sans, Arial, sans-serif}"
    assert style_of("a{fill:$bad}", fixed=False) == "a{fill:var(--jp-error-color1, #b3261e)}"


def test_a_png_is_made_where_it_can_be() -> None:
    """Nothing of what is no drawing."""
    assert png_of(draw(True)).startswith(b"\x89PNG")
    assert png_of("no drawing") == b""


def test_a_still_is_a_drawing_and_an_image() -> None:
    """The drawing is hidden unless the page keeps the style; the words are escaped."""
    html = still(draw, SIZE, "a '<box>'")
    assert html.count("<svg") == 1
    assert "<div hidden class=" in html
    assert "<img alt='a &#x27;&lt;box&gt;&#x27;'" in html
    assert "aria-label='a &lt;box&gt;'" in html


def test_without_vl_convert_the_drawing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is, with the page's colours."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert png_of(draw(True)) == b""
    assert still(draw, SIZE, "a box") == draw(False)
    assert image(draw(True), SIZE, "a box") == draw(True)
