from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ipywidgets
import pytest
from ipywidgets.widgets import widget

from paglets_nb.widgets.shown import Shown, close_tree


class Plain(Shown):
    """A view with a count."""

    def __init__(self) -> None:
        super().__init__()
        self.widget = ipywidgets.VBox([ipywidgets.HBox([ipywidgets.Button()])])
        self.count = 0

    def text(self) -> str:
        """How things stand."""
        return f"count {self.count}"

    def html(self) -> str:
        """The same."""
        return f"<b>{self.count}</b>"

    def close(self) -> None:
        """Take the widgets away."""
        close_tree(self.widget)


class Kernel:
    """A kernel's shell, and what was published in which cell."""

    def __init__(self) -> None:
        self.cell = "one"
        self.published: list[tuple[str, dict[str, Any], bool]] = []
        self.parent = ""
        self.display_pub = SimpleNamespace(publish=self.publish)

    def get_parent(self) -> dict[str, Any]:
        """The cell that runs."""
        return {"header": {"msg_id": self.cell}}

    def set_thread_parent(self, parent: Any) -> str:
        """Whose output comes."""
        self.parent = parent["header"]["msg_id"]
        return ""

    def reset_thread_parent(self, _tokens: Any) -> None:
        """No more."""

    def publish(self, data: dict[str, Any], metadata: Any, transient: Any, update: bool) -> None:
        """Publish."""
        self.published.append((self.parent, data, update))


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """A kernel that is there."""
    made = Kernel()
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: made)
    return made


def test_a_view_is_shown_once_in_a_cell(kernel: Kernel) -> None:
    """However often it is displayed there; in another cell it is shown again."""
    view = Plain()
    first = view.show()
    view._ipython_display_()
    assert view.show() is first
    assert len(kernel.published) == 2  # itself and its picture
    kernel.cell = "two"
    assert view.show() is not first
    assert [parent for parent, _data, _update in kernel.published] == ["one", "one", "two", "two"]
    view.close()


def test_its_pictures_can_be_brought_up_to_date_at_once(kernel: Kernel) -> None:
    """Before its cell ends, rather than when it is due."""
    view = Plain()
    view.show()
    view.count = 5
    view.picture_now()
    parent, data, update = kernel.published[-1]
    assert (parent, update) == ("one", True)
    assert data["text/plain"] == "count 5"
    view.close()


def test_without_a_page_the_picture_is_all() -> None:
    """And the view is closed."""
    before = set(widget._instances)
    assert Plain().show() is None
    assert set(widget._instances) == before
