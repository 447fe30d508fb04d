from __future__ import annotations

from xml.etree import ElementTree

import pytest

from paglets_nb.widgets.trace_picture import Lifeline, Step, duration, trace_html, trace_png, trace_svg, trace_text

HOSTILE = "</svg><script>alert(1)</script>"
SVG = "{http://www.w3.org/2000/svg}"
LINES = [
    Lifeline("notebook", "notebook", "notebook", ("notebook",)),
    Lifeline("paglet:a", "counter", "paglet", ("paglet:a",)),
]
STEPS = [
    Step(1, "create", 10.0, "created on alpha", "", "paglet:a", target_name="counter"),
    Step(2, "message-delivered", 10.5, "add", "notebook", "paglet:a", 0.0012, "", "notebook", "counter"),
    Step(3, "message-failed", 11.25, "add", "notebook", "paglet:a", 3.0, "ValueError", "notebook", "counter"),
    Step(4, "message-delivered", 11.5, "again", "paglet:a", "paglet:a", None, "", "counter", "counter"),
    Step(5, "gap", 11.75, "events that are no longer held", "", ""),
]


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (2.5, "2.5 s"), (0.0123, "12.3 ms"), (0.000043, "43 us"), (0.0, "0 us")]
)
def test_durations_have_their_unit(seconds: float | None, text: str) -> None:
    """Three digits are enough."""
    assert duration(seconds) == text


def test_the_text_is_aligned() -> None:
    """When, from whom, to whom, what; failures have another arrow."""
    lines = trace_text(STEPS, 2).splitlines()
    assert lines[1] == "2 earlier steps left out (see limit)"
    assert lines[2:] == [
        "+0.000 s                counter  created on alpha",
        "+0.500 s  notebook  ->  counter  add, 1.2 ms",
        "+1.250 s  notebook  x>  counter  add, 3 s, failed: ValueError",
        "+1.500 s  counter   ->  counter  again",
        "+1.750 s                         events that are no longer held",
    ]


def test_every_step_is_drawn_in_words() -> None:
    """With what it was and how long it took for whoever points at it; a failure is drawn in its own style."""
    root = ElementTree.fromstring(trace_svg(STEPS, LINES, fixed=True))
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    assert titles[:2] == ["notebook", "counter"]
    assert [title.partition(": ")[2] for title in titles[2:]] == [
        "created on alpha",
        "add, 1.2 ms",
        "add, 3 s, failed: ValueError",
        "again",
        "events that are no longer held",
    ]
    bad = [group for group in root.iter(f"{SVG}g") if "pgt-bad" in group.get("class", "")]
    assert len(bad) == 1


def test_time_flows_down() -> None:
    """Each step stands below the one before."""
    root = ElementTree.fromstring(trace_svg(STEPS, LINES, fixed=True))
    offsets = [text for text in root.iter(f"{SVG}text") if (text.text or "").startswith("+")]
    heights = [float(text.get("y", "0")) for text in offsets]
    assert heights == sorted(set(heights))
    assert [text.text for text in offsets] == ["+0.000 s", "+0.500 s", "+1.250 s", "+1.500 s", "+1.750 s"]


def test_names_are_text() -> None:
    """Of kinds, of paglets, of errors."""
    steps = [Step(1, "message-failed", 1.0, HOSTILE, "notebook", "paglet:a", None, HOSTILE, HOSTILE, HOSTILE)]
    lines = [LINES[0], Lifeline("paglet:a", HOSTILE, "paglet", ("paglet:a",))]
    assert "<script" not in trace_html(steps, lines, 0)
    ElementTree.fromstring(trace_svg(steps, lines, fixed=False))


def test_the_diagram_as_png() -> None:
    """For files."""
    assert trace_png(STEPS, LINES).startswith(b"\x89PNG")
