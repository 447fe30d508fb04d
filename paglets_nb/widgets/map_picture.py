"""The map of a mesh as a still picture and as text: pure functions of what was laid out."""

from __future__ import annotations

import html
from collections import defaultdict

from paglets_nb.mesh.whereabouts import PagletSpot, Whereabouts
from paglets_nb.widgets.map_layout import COLOURS, MARKS, Node, Scene, plain
from paglets_nb.widgets.pictures import class_label
from paglets_nb.widgets.stills import image, opening

__all__ = ["map_html", "map_svg", "map_text"]

_RULES = (
    ".pgm-t{font:12px $font;fill:$ink}.pgm-b{font-weight:bold}.pgm-s{font-size:10.5px;fill:$faint}"
    ".pgm-box{fill:$panel;stroke:$line}.pgm-tile{fill:$paper;stroke:$line}.pgm-mark{stroke:$ink;stroke-width:.6}"
    ".pgm-faded{opacity:.5}"
)
_LEGEND = 22.0
_LEGEND_WIDTH = 131.0
_LISTED = 12


def _text(x: float, y: float, words: str, classes: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="pgm-t {classes}" text-anchor="{anchor}">'
        f"{html.escape(words, quote=False)}</text>"
    )


def _mark(number: int, x: float, y: float) -> str:
    return (
        f'<path class="pgm-mark" d="{MARKS[number]}" fill="{COLOURS[number]}" transform="translate({x:.1f},{y:.1f})"/>'
    )


def _node(node: Node) -> str:
    x, y, width, height = node.x, node.y, node.width, node.height
    middle = y + height / 2
    box = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    if node.kind == "host":
        shown = f'{box} rx="6" class="pgm-box"/>{_text(x + 8, y + 20, node.label, "pgm-b")}'
        shown += _text(x + width - 8, y + 20, node.note, "pgm-s", "end")
    elif node.kind == "tile":
        shown = f'{box} rx="4" class="pgm-tile"/>{_mark(node.class_number, x + 12, middle)}'
        shown += _text(x + 23, middle + 4, node.label)
    elif node.kind == "dot":
        shown = _mark(node.class_number, x + width / 2, middle)
    else:
        shown = f'{box} rx="{height / 2:.0f}" class="pgm-box"/>'
        shown += _text(x + width / 2, middle + 4, node.label, "pgm-s", "middle")
    faded = ' class="pgm-faded"' if node.faded else ""
    return f"<g{faded}><title>{html.escape(node.title)}</title>{shown}</g>"


def map_svg(scene: Scene, *, fixed: bool) -> str:
    """The map as SVG; with fixed colours, or with the page's."""
    columns = max(1, int(scene.width // _LEGEND_WIDTH))
    rows = -(-len(scene.legend) // columns)
    height = scene.height + rows * _LEGEND
    parts = [opening((scene.width, height), "map of the mesh", _RULES, fixed=fixed)]
    parts += [_node(node) for node in scene.nodes.values()]
    for place, (number, label, count) in enumerate(scene.legend):
        row, column = divmod(place, columns)
        x, y = column * _LEGEND_WIDTH + 10, scene.height + row * _LEGEND + 8
        parts += [_mark(number, x, y), _text(x + 12, y + 4, f"{plain(label, 15)} ({count})")]
    return "".join([*parts, "</svg>"])


def map_html(scene: Scene, title: str) -> str:
    """The map as HTML that stays: a PNG, or the SVG where none can be made."""
    head = f"<div><b>{html.escape(title)}</b></div>"
    return head + image(map_svg(scene, fixed=True), (scene.width, scene.height), title)


def map_text(where: Whereabouts, title: str) -> str:
    """The map as text: each host with its paglets."""
    by_host: defaultdict[str, list[PagletSpot]] = defaultdict(list)
    for spot in where.paglets.values():
        by_host[spot.host_name].append(spot)
    lines = [title]
    width = max((len(plain(name)) for name in where.hosts), default=0)
    for host in where.hosts.values():
        spots = by_host[host.name]
        shown = [_called(spot) for spot in spots[:_LISTED]]
        if len(spots) > _LISTED:
            shown.append(f"+{len(spots) - _LISTED}")
        state = f"{host.state}, pid {host.pid}" if host.state == "up" else host.state
        lines.append(f"{plain(host.name):<{width}}  {state:<16}  {', '.join(shown) or '-'}")
    return "\n".join(lines)


def _called(spot: PagletSpot) -> str:
    class_name = plain(class_label(spot.class_name), 32)
    called = f"{plain(spot.name, 40)} ({class_name})" if spot.name else f"{class_name} {spot.agent_id[:4]}"
    return f"{called} asleep" if spot.asleep else called
