"""Where hosts and paglets are drawn on a map of a mesh.

Owns places, sizes and labels; the page and the still picture draw the same nodes. What
does not fit in a host's box is one node that says how much it stands for. It asks nobody.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from paglets_nb.mesh.whereabouts import HostSpot, PagletSpot, Whereabouts
from paglets_nb.widgets.pictures import class_label

__all__ = ["COLOURS", "MARKS", "NOTEBOOK", "WIDTH", "Classes", "Node", "Scene", "lay_out", "plain"]

WIDTH = 920.0
NOTEBOOK = "notebook"
"""The node that messages from outside come from."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c")
"""Okabe and Ito's colours, which colour-blind people tell apart; the last is for all further classes."""
MARKS = (
    "M5 0A5 5 0 1 0 -5 0A5 5 0 1 0 5 0Z",
    "M-4.4 -4.4H4.4V4.4H-4.4Z",
    "M0 -5.2L5.2 4.4H-5.2Z",
    "M0 -6L6 0L0 6L-6 0Z",
    "M0 5.2L5.2 -4.4H-5.2Z",
    "M-1.8 -5.4H1.8V-1.8H5.4V1.8H1.8V5.4H-1.8V1.8H-5.4V-1.8H-1.8Z",
    "M-5.4 -2.6H5.4V2.6H-5.4Z",
)
"""The shapes of the classes, around 0: each class has its own beside its colour."""
_GAP, _TOP, _HEAD, _PAD = 14.0, 52.0, 30.0, 8.0
_TILE, _TILE_STEP, _TILE_HEIGHT = 114.0, 28.0, 22.0
_DOT, _DOT_STEP = 14.0, 18.0
_MORE_SLOTS = 3
_SHAPES = ((4, 7, 14, 2), (12, 5, 10, 2), (30, 3, 6, 1), (1 << 30, 1, 2, 1))
"""Up to so many hosts: rows of tiles and rows of dots in a box at most, rows of tiles at least."""
_COLUMNS = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4, 9: 3}
_LETTER = 6.3
"""Width of a letter of a label."""
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")


def plain(text: str, limit: int = 80) -> str:
    """A name as it can be drawn: in one line, without what is not seen, cut to ``limit`` characters."""
    clean = _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)
    return clean if len(clean) <= limit else f"{clean[: max(limit - 1, 1)]}\N{HORIZONTAL ELLIPSIS}"


class Classes:
    """Gives classes their colours and marks, in the order in which they are first seen."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, label: str) -> int:
        """The place of a class in ``COLOURS`` and ``MARKS``."""
        if label not in self._numbers and len(self._numbers) < len(COLOURS) - 1:
            self._numbers[label] = len(self._numbers)
        return self._numbers.get(label, len(COLOURS) - 1)


@dataclass(frozen=True)
class Node:
    """Something that is drawn.

    Attributes:
        kind: ``notebook``, ``host``, ``tile``, ``dot`` or ``more``.
        x: of its left edge, ``y`` of its upper one.
        label: what is written in it.
        note: small print of a host.
        class_number: of a paglet, as ``Classes`` counts.
        faded: it sleeps, or is not up.
        host: the host's name; empty for the notebook.
        title: all of it in words.
    """

    kind: str
    x: float
    y: float
    width: float
    height: float
    label: str = ""
    note: str = ""
    class_number: int = 0
    faded: bool = False
    host: str = ""
    title: str = ""

    def wire(self) -> list[object]:
        """As it goes to the page."""
        place = [round(value, 1) for value in (self.x, self.y, self.width, self.height)]
        return [
            *(self.kind, *place, self.label, self.note),
            *(self.class_number, int(self.faded), self.host, self.title),
        ]


@dataclass(frozen=True)
class Scene:
    """All that is drawn.

    Attributes:
        nodes: by id: ``host:NAME``, a paglet's id, ``more:HOST``, ``notebook``.
        legend: the classes that are drawn: number, label, how many.
        node_of: the ids of paglets that have no node of their own, with the node that stands for them.
    """

    width: float = WIDTH
    height: float = _TOP
    nodes: dict[str, Node] = field(default_factory=dict)
    legend: list[tuple[int, str, int]] = field(default_factory=list)
    node_of: dict[str, str] = field(default_factory=dict)


def lay_out(where: Whereabouts, classes: Classes) -> Scene:
    """Place everything: hosts in rows, each with its paglets in the order in which they came."""
    by_host: defaultdict[str, list[PagletSpot]] = defaultdict(list)
    counts: dict[str, int] = {}
    for spot in where.paglets.values():
        by_host[spot.host_name].append(spot)
        label = plain(class_label(spot.class_name), 32)
        counts[label] = counts.get(label, 0) + 1
    nodes = {NOTEBOOK: Node("notebook", WIDTH / 2 - 55, 10, 110, 26, "notebook", title="this notebook")}
    node_of: dict[str, str] = {}
    hosts = list(where.hosts.values())
    columns = _COLUMNS.get(len(hosts), 4 if len(hosts) <= 16 else 6 if len(hosts) <= 30 else 8)
    width = (WIDTH - _GAP * (columns - 1)) / columns
    y = _TOP
    for first in range(0, len(hosts), columns):
        row = hosts[first : first + columns]
        boxes = [_Box(host, by_host[host.name], width, len(hosts), classes) for host in row]
        height = max(box.height for box in boxes)
        for column, box in enumerate(boxes):
            box.place(column * (width + _GAP), y, height, nodes, node_of)
        y += height + _GAP
    legend: dict[int, tuple[str, int]] = {}
    for label, count in counts.items():
        number = classes.number(label)
        others = number == len(COLOURS) - 1
        legend[number] = ("other classes" if others else label, legend.get(number, ("", 0))[1] + count)
    return Scene(WIDTH, max(y, _TOP), nodes, [(n, *legend[n]) for n in sorted(legend)], node_of)


class _Box:
    """One host's box, before its place is known."""

    def __init__(self, host: HostSpot, spots: list[PagletSpot], width: float, hosts: int, classes: Classes) -> None:
        self._host, self._spots, self._width, self._classes = host, spots, width, classes
        _most, tile_rows, dot_rows, least = next(shape for shape in _SHAPES if hosts <= shape[0])
        self._inner = width - 2 * _PAD
        self._tiles_in_row = max(1, int((self._inner + 6) // _TILE))
        self._dots_in_row = max(_MORE_SLOTS + 1, int((self._inner + _DOT_STEP - _DOT) // _DOT_STEP))
        self._as_tiles = len(spots) <= self._tiles_in_row * tile_rows
        self._room = len(spots) if self._as_tiles else self._dots_in_row * dot_rows
        if self._as_tiles:
            content = -(-len(spots) // self._tiles_in_row) * _TILE_STEP
        else:
            content = min(-(-len(spots) // self._dots_in_row), dot_rows) * _DOT_STEP
        self.height = _HEAD + max(content, least * _TILE_STEP) + _PAD

    def place(self, x: float, y: float, height: float, nodes: dict[str, Node], node_of: dict[str, str]) -> None:
        """Add the nodes of the host and its paglets."""
        host, count = self._host, len(self._spots)
        state = host.state if host.state != "up" or self._width < 150 else f"{host.state}, pid {host.pid}"
        title = f"host {plain(host.name)}, {host.state}, pid {host.pid}, {count} paglet{'s' * (count != 1)}"
        if host.reason and host.state != "up":
            title += f", {plain(host.reason)}"
        room = int((self._inner - len(state) * 5.6) / 7.4)
        label, faded = plain(host.name, max(room, 4)), host.state != "up"
        key = f"host:{host.name}"
        nodes[key] = Node("host", x, y, self._width, height, label, state, 0, faded, host.name, title)
        left, top = x + _PAD, y + _HEAD
        if self._as_tiles:
            self._place_tiles(left, top, nodes)
        else:
            self._place_dots(left, top, nodes, node_of)

    def _place_tiles(self, left: float, top: float, nodes: dict[str, Node]) -> None:
        width = (self._inner - 6.0 * (self._tiles_in_row - 1)) / self._tiles_in_row
        for number, spot in enumerate(self._spots):
            row, column = divmod(number, self._tiles_in_row)
            place = left + column * (width + 6), top + row * _TILE_STEP, width, _TILE_HEIGHT
            nodes[spot.agent_id] = self._paglet("tile", spot, *place)

    def _place_dots(self, left: float, top: float, nodes: dict[str, Node], node_of: dict[str, str]) -> None:
        more = len(self._spots) > self._room
        shown = self._spots[: self._room - _MORE_SLOTS] if more else self._spots
        for number, spot in enumerate(shown):
            row, column = divmod(number, self._dots_in_row)
            place = left + column * _DOT_STEP, top + row * _DOT_STEP
            nodes[spot.agent_id] = self._paglet("dot", spot, *place, _DOT, _DOT)
        if more:
            rest = self._spots[len(shown) :]
            row, column = divmod(len(shown), self._dots_in_row)
            name, key = self._host.name, f"more:{self._host.name}"
            width = _MORE_SLOTS * _DOT_STEP - (_DOT_STEP - _DOT)
            title = f"{len(rest)} more paglets on {plain(name)}"
            x, y = left + column * _DOT_STEP, top + row * _DOT_STEP
            nodes[key] = Node("more", x, y, width, _DOT, label=f"+{len(rest)}", host=name, title=title)
            node_of.update((spot.agent_id, key) for spot in rest)

    def _paglet(self, kind: str, spot: PagletSpot, x: float, y: float, width: float, height: float) -> Node:
        class_name = plain(class_label(spot.class_name), 32)
        called = plain(spot.name) if spot.name else f"{class_name} {spot.agent_id[:4]}"
        title = f"paglet {called}, class {class_name}, on {plain(spot.host_name)}{', asleep' if spot.asleep else ''}"
        label = plain(called, max(int((width - 30) / _LETTER), 3)) if kind == "tile" else ""
        number = self._classes.number(class_name)
        return Node(kind, x, y, width, height, label, "", number, spot.asleep, spot.host_name, title)
