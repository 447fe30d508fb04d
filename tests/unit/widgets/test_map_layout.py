from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.mesh.events import MeshEvent
from paglets_nb.mesh.whereabouts import HOST_CHANGED, Names, Whereabouts
from paglets_nb.widgets.map_layout import COLOURS, MARKS, NOTEBOOK, WIDTH, Classes, Node, Scene, lay_out, plain


def where_of(hosts: int, paglets: int, **told: Any) -> Whereabouts:
    """So many paglets over so many hosts, every second one with a name."""
    where = Whereabouts(Names())
    for number in range(hosts):
        where.apply(MeshEvent(0, HOST_CHANGED, "", f"h{number}", 0.0, {"state": "up", "pid": number, **told}))
    for number in range(paglets):
        details = {"class_name": f"m:Class{number % 9}", "name": f"name{number}" if number % 2 else ""}
        where.apply(MeshEvent(0, "create", f"id{number}", f"h{number % hosts}", 1.0, details))
    return where


def inside(inner: Node, outer: Node) -> bool:
    """Whether a node lies within another."""
    return (
        outer.x <= inner.x
        and inner.x + inner.width <= outer.x + outer.width + 0.01
        and outer.y <= inner.y
        and inner.y + inner.height <= outer.y + outer.height + 0.01
    )


def overlaps(nodes: list[Node]) -> bool:
    """Whether any two of some nodes overlap."""
    return any(
        a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height
        for number, a in enumerate(nodes)
        for b in nodes[:number]
    )


@pytest.mark.parametrize(("hosts", "paglets"), [(1, 0), (2, 7), (4, 2000), (9, 60), (17, 40), (256, 2000)])
def test_everything_has_its_place(hosts: int, paglets: int) -> None:
    """Hosts lie beside each other within the width, and paglets within their host; each is drawn or stood for."""
    scene = lay_out(where_of(hosts, paglets), Classes())
    boxes = [node for node in scene.nodes.values() if node.kind == "host"]
    assert len(boxes) == hosts
    assert not overlaps(boxes)
    assert all(box.x >= 0 and box.x + box.width <= WIDTH + 0.01 and box.y + box.height < scene.height for box in boxes)
    drawn = [node for node in scene.nodes.values() if node.kind in ("tile", "dot", "more")]
    assert all(inside(node, scene.nodes[f"host:{node.host}"]) for node in drawn)
    for box in boxes:
        assert not overlaps([node for node in drawn if node.host == box.host])
    keys = {f"id{number}" for number in range(paglets)}
    assert keys == (keys & scene.nodes.keys()) | scene.node_of.keys()
    assert len(scene.nodes) < 2400


def test_what_does_not_fit_is_one_node() -> None:
    """It says how many it stands for, and messages to those go there."""
    scene = lay_out(where_of(2, 900), Classes())
    more = scene.nodes["more:h0"]
    dots = [node for node in scene.nodes.values() if node.kind == "dot" and node.host == "h0"]
    assert more.label == f"+{450 - len(dots)}"
    assert set(scene.node_of.values()) == {"more:h0", "more:h1"}
    assert more.title == f"{450 - len(dots)} more paglets on h0"


def test_few_paglets_have_their_names_on_them() -> None:
    """Those without a name their class and the beginning of their id."""
    scene = lay_out(where_of(2, 4), Classes())
    labels = [node.label for node in scene.nodes.values() if node.kind == "tile"]
    assert sorted(labels) == ["Class0 id0", "Class2 id2", "name1", "name3"]


def test_sleepers_and_hosts_that_are_not_up_are_faded() -> None:
    """And say so in words."""
    where = where_of(2, 2)
    where.apply(MeshEvent(0, "deactivate", "id0", "h0", 2.0))
    where.apply(MeshEvent(0, HOST_CHANGED, "", "h1", 2.0, {"state": "dead", "reason": "killed by SIGKILL"}))
    scene = lay_out(where, Classes())
    assert scene.nodes["id0"].faded
    assert scene.nodes["id0"].title == "paglet Class0 id0, class Class0, on h0, asleep"
    assert scene.nodes["host:h1"].faded
    assert scene.nodes["host:h1"].title.endswith("0 paglets, killed by SIGKILL")
    assert not scene.nodes["host:h0"].faded


def test_a_class_keeps_its_colour_and_its_mark() -> None:
    """Whatever comes and goes; the seventh class and later ones share the last."""
    classes = Classes()
    first = lay_out(where_of(1, 9), classes)
    again = lay_out(where_of(1, 3), classes)
    assert [node.class_number for key, node in first.nodes.items() if key in again.nodes] == [
        node.class_number for key, node in again.nodes.items() if key in first.nodes
    ]
    assert [(label, count) for _number, label, count in first.legend][-1] == ("other classes", 3)
    assert len(set(COLOURS)) == len(set(MARKS)) == len(COLOURS) == 7


def test_a_paglet_keeps_its_place_when_another_comes() -> None:
    """The newcomer is put behind those that are there."""
    where = where_of(2, 4)
    before = lay_out(where, Classes()).nodes
    where.apply(MeshEvent(0, "create", "new", "h0", 9.0, {"class_name": "m:New"}))
    after = lay_out(where, Classes()).nodes
    assert {key: (node.x, node.y) for key, node in before.items()}.items() <= {
        key: (node.x, node.y) for key, node in after.items()
    }.items()


def test_an_empty_mesh_has_its_notebook() -> None:
    """And nothing else."""
    assert list(lay_out(Whereabouts(Names()), Classes()).nodes) == [NOTEBOOK]
    assert Scene().nodes == {}


def test_names_are_shown_in_one_line_of_what_can_be_seen() -> None:
    """Control characters, reversals and what is no character at all are replaced; long ones are cut."""
    assert plain("a\nb\x00c\u202ed\ud800") == "a\ufffdb\ufffdc\ufffdd\ufffd"
    assert plain("x" * 100, 10) == "xxxxxxxxx\N{HORIZONTAL ELLIPSIS}"
    assert plain("<b>") == "<b>"
