from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from paglets_nb.widgets.fan_out_chart import ChartPlace


def test_a_chart_is_replaced_in_its_cell() -> None:
    """In the cell that ran when its place was made, by its display id, whichever cell runs now."""
    published: list[tuple[Any, ...]] = []
    parents = ["first"]

    def publish(data: dict[str, Any], metadata: dict[str, Any], transient: dict[str, str], update: bool) -> None:
        published.append((parents[-1], transient["display_id"], data["image/png"], update))

    shell = SimpleNamespace(
        get_parent=lambda: parents[-1],
        set_thread_parent=parents.append,
        reset_thread_parent=lambda _tokens: parents.pop(),
        display_pub=SimpleNamespace(publish=publish),
    )
    place = ChartPlace(shell)
    parents[0] = "second"
    place.draw({"image/png": "one"})
    place.draw({"image/png": "two"})
    assert [(cell, png, update) for cell, _id, png, update in published] == [
        ("first", "one", False),
        ("first", "two", True),
    ]
    assert published[0][1] == published[1][1] != ChartPlace(shell)._display_id
    assert parents == ["second"]
