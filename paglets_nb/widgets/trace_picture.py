"""A sequence of steps as a diagram and as text: pure functions; time flows down."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from paglets_nb.widgets.records import clock_time
from paglets_nb.widgets.stills import opening, png_of, still

__all__ = ["Lifeline", "Step", "duration", "trace_html", "trace_png", "trace_svg", "trace_text"]

_RULES = (
    ".pgt-t{font:12px $font;fill:$ink}.pgt-s{font-size:10.5px;fill:$faint}.pgt-b{font-weight:bold}"
    ".pgt-h{stroke:$paper;stroke-width:4px;stroke-linejoin:round;paint-order:stroke}"
    ".pgt-head{fill:$panel;stroke:$line}.pgt-life{stroke:$line;stroke-dasharray:2 3}"
    ".pgt-arrow{stroke:$ink;fill:none;stroke-width:1.2}.pgt-tip{fill:$ink}.pgt-mark{fill:$paper;stroke:$ink}"
    ".pgt-move .pgt-arrow{stroke:$mark;stroke-width:2}.pgt-move .pgt-tip{fill:$mark}"
    ".pgt-bad .pgt-arrow{stroke:$bad;stroke-dasharray:5 3}.pgt-bad .pgt-tip{fill:$bad}.pgt-bad .pgt-t{fill:$bad}"
    ".pgt-bad .pgt-mark{stroke:$bad}"
)
_LEFT, _HEAD, _ROW, _TOP = 84.0, 26.0, 27.0, 48.0
_WIDE, _NARROW, _TOTAL = 170.0, 96.0, 900.0
_LETTER = 6.6
_MOVES = ("dispatch", "retract", "clone")


@dataclass(frozen=True)
class Step:
    """One thing that happened.

    Attributes:
        number: of the event, as the mesh counts.
        kind: of the event.
        timestamp: when it began, in POSIX seconds.
        label: a message's kind, or what happened.
        source: the lifeline it comes from: ``notebook``, ``host:NAME`` or ``paglet:ID``; empty of what
            happened to one alone.
        target: the lifeline it goes to; empty where it concerns no one.
        seconds: how long the handler ran; None where that is not known.
        error: what went wrong; empty where nothing did.
        source_name: what the source is called.
        target_name: what the target is called.
    """

    number: int
    kind: str
    timestamp: float
    label: str
    source: str
    target: str
    seconds: float | None = None
    error: str = ""
    source_name: str = ""
    target_name: str = ""


@dataclass(frozen=True)
class Lifeline:
    """A line from top to bottom.

    Attributes:
        key: as in ``Step.source``.
        name: what it is called.
        kind: ``notebook``, ``host``, ``paglet`` or ``others``.
        keys: those that it stands for.
    """

    key: str
    name: str
    kind: str
    keys: tuple[str, ...]


def duration(seconds: float | None) -> str:
    """A duration with its unit; empty where it is not known."""
    if seconds is None:
        return ""
    for factor, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds * 1e6:.0f} us"


def _told(step: Step) -> str:
    """A step's label with how long it took, or what went wrong."""
    parts = (step.label, duration(step.seconds), f"failed: {step.error}" if step.error else "")
    return ", ".join(part for part in parts if part)


def _offset(step: Step, steps: Sequence[Step]) -> str:
    return f"+{step.timestamp - steps[0].timestamp:.3f} s"


def _left_out(count: int) -> str:
    return f"{count} earlier step{'s' * (count != 1)} left out (see limit)" if count else ""


# ---- text


def trace_text(steps: Sequence[Step], left_out: int) -> str:
    """The steps as aligned lines."""
    if not steps:
        return "nothing has passed"
    rows = [(_offset(step, steps), *_ends(step), _told(step)) for step in steps]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(text.ljust(w) for text, w in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows]
    head = [f"from {clock_time(steps[0].timestamp)}", _left_out(left_out)]
    return "\n".join([*(line for line in head if line), *lines])


def _ends(step: Step) -> tuple[str, str, str]:
    arrow = "" if not step.source else "=>" if step.kind in _MOVES else "x>" if step.error else "->"
    return step.source_name, arrow, step.target_name


# ---- diagram


def _text(x: float, y: float, words: str, classes: str = "", anchor: str = "middle") -> str:
    shown = html.escape(words, quote=False)
    return f'<text x="{x:.1f}" y="{y:.1f}" class="pgt-t {classes}" text-anchor="{anchor}">{shown}</text>'


def _cut(words: str, width: float) -> str:
    room = max(4, int(width / _LETTER))
    return words if len(words) <= room else f"{words[: room - 1]}\N{HORIZONTAL ELLIPSIS}"


def _spacing(lifelines: Sequence[Lifeline]) -> float:
    return min(_WIDE, max(_NARROW, (_TOTAL - _LEFT) / max(len(lifelines), 1)))


def _size(steps: Sequence[Step], lifelines: Sequence[Lifeline]) -> tuple[float, float]:
    width = _LEFT + _spacing(lifelines) * len(lifelines) + 70.0
    return max(width, 420.0), _TOP + _ROW * len(steps) + 16.0


def _arrow(step: Step, start: float, end: float, y: float) -> str:
    if start == end:
        path = f"M{start:.1f} {y - 8:.1f}h22v8H{start + 7:.1f}"
        tip, label = f"M{start:.1f} {y:.1f}l8 -4v8Z", _text(start + 28, y, _told(step), "pgt-h", "start")
    else:
        side = 1.0 if end > start else -1.0
        path = f"M{start:.1f} {y:.1f}H{end - 7 * side:.1f}"
        tip = f"M{end:.1f} {y:.1f}l{-8 * side:.1f} -4v8Z"
        label = _text((start + end) / 2, y - 6, _told(step), "pgt-h")
    return f'<path class="pgt-arrow" d="{path}"/><path class="pgt-tip" d="{tip}"/>{label}'


def _step(step: Step, places: dict[str, float], steps: Sequence[Step], y: float) -> str:
    kinds = [name for name, is_so in (("pgt-bad", step.error), ("pgt-move", step.kind in _MOVES)) if is_so]
    words = f"{clock_time(step.timestamp)} {step.source_name} {step.target_name}: {_told(step)}"
    shown = _text(_LEFT - 26, y + 4, _offset(step, steps), "pgt-s", "end")
    if step.target not in places:
        shown += _text(_LEFT, y + 4, _told(step), "pgt-s pgt-h", "start")
    elif step.source in places:
        shown += _arrow(step, places[step.source], places[step.target], y)
    else:
        x = places[step.target]
        shown += f'<path class="pgt-mark" d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5Z"/>'
        shown += _text(x + 10, y + 4, _told(step), "pgt-s pgt-h", "start")
    return f'<g class="{" ".join(kinds)}"><title>{html.escape(words)}</title>{shown}</g>'


def trace_svg(steps: Sequence[Step], lifelines: Sequence[Lifeline], *, fixed: bool) -> str:
    """The diagram as SVG; with fixed colours, or with the page's."""
    width, height = _size(steps, lifelines)
    spacing = _spacing(lifelines)
    parts = [opening((width, height), "sequence diagram", _RULES, fixed=fixed)]
    places: dict[str, float] = {}
    for number, line in enumerate(lifelines):
        x = _LEFT + spacing * (number + 0.5) - 16
        places.update(dict.fromkeys(line.keys, x))
        box = spacing - 10
        rounded = {"notebook": 13, "host": 4}.get(line.kind, 8)
        name = f"host {line.name}" if line.kind == "host" else line.name
        parts.append(
            f'<g><title>{html.escape(name)}</title><rect class="pgt-head" x="{x - box / 2:.1f}" y="4" '
            f'width="{box:.1f}" height="{_HEAD}" rx="{rounded}"/>'
            f"{_text(x, 21, _cut(name, box - 10), 'pgt-b')}"
            f'<path class="pgt-life" d="M{x:.1f} {4 + _HEAD}V{height - 4:.1f}"/></g>'
        )
    parts += [_step(step, places, steps, _TOP + _ROW * (n + 0.5)) for n, step in enumerate(steps)]
    return "".join([*parts, "</svg>"])


def trace_html(steps: Sequence[Step], lifelines: Sequence[Lifeline], left_out: int) -> str:
    """The diagram as HTML that stays: drawn where the page trusts the notebook, a PNG where it does not."""
    head = f"from {clock_time(steps[0].timestamp)}"
    note = f"{head}; {_left_out(left_out)}" if left_out else head
    diagram = still(
        lambda fixed: trace_svg(steps, lifelines, fixed=fixed), _size(steps, lifelines), trace_text(steps, left_out)
    )
    return f"<div style='opacity:0.65'>{html.escape(note)}</div>{diagram}"


def trace_png(steps: Sequence[Step], lifelines: Sequence[Lifeline]) -> bytes:
    """The diagram as a PNG; empty where vl-convert is not installed."""
    return png_of(trace_svg(steps, lifelines, fixed=True)) if steps else b""
