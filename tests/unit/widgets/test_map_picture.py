from __future__ import annotations

from xml.etree import ElementTree

from paglets_nb.mesh.events import MeshEvent
from paglets_nb.widgets.map_layout import Classes, lay_out
from paglets_nb.widgets.map_picture import map_html, map_svg, map_text
from tests.unit.widgets.test_map_layout import where_of

HOSTILE = "</svg><script>alert(1)</script>"


def test_the_drawing_holds_every_node_in_words() -> None:
    """With titles for whoever points at them, and a legend."""
    scene = lay_out(where_of(2, 3), Classes())
    root = ElementTree.fromstring(map_svg(scene, fixed=True))
    titles = [element.text for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == [node.title for node in scene.nodes.values()]
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"h0", "h1", "name1", "Class1 (1)"} <= set(texts)


def test_names_are_text() -> None:
    """Whatever a class is called."""
    where = where_of(1, 0)
    where.apply(MeshEvent(0, "create", "a", "h0", 1.0, {"class_name": f"m:{HOSTILE}"}))
    svg = map_svg(lay_out(where, Classes()), fixed=True)
    assert "<script" not in svg
    ElementTree.fromstring(svg)
    assert "<script" not in map_html(lay_out(where, Classes()), HOSTILE)


def test_the_pages_colours_or_fixed_ones() -> None:
    """A picture that stays alone has no page to take them from."""
    scene = lay_out(where_of(1, 1), Classes())
    assert "var(" not in map_svg(scene, fixed=True)
    assert "var(--jp-" in map_svg(scene, fixed=False)


def test_the_picture_is_a_png() -> None:
    """Within HTML, with its words."""
    html = map_html(lay_out(where_of(2, 3), Classes()), "mesh <m>")
    assert "<b>mesh &lt;m&gt;</b>" in html
    assert "src='data:image/png;base64,iVBOR" in html


def test_the_map_as_text() -> None:
    """A line for each host, and no more paglets than a line holds."""
    where = where_of(2, 30)
    where.apply(MeshEvent(0, "deactivate", "id1", "h1", 2.0))
    title, first, second = map_text(where, "mesh m").splitlines()
    assert title == "mesh m"
    assert first.startswith("h0  up, pid 0         Class0 id0, Class2 id2")
    assert first.endswith("+3")
    assert "name1 (Class1) asleep" in second
    assert map_text(where_of(1, 0), "t").splitlines()[1] == "h0  up, pid 0         -"
