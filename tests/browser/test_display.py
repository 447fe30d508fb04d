"""A live view in the page, and the picture that stays when its kernel is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook, wait_until

VIEW = """
import ipywidgets
from paglets_nb.widgets.display import show

class View:
    def __init__(self):
        self.label = ipywidgets.Label("living 0")
        self.widget = ipywidgets.VBox([self.label])
        self.count = 0
    def text(self):
        return f"picture {self.count}"
    def html(self):
        return f"<b>picture {self.count}</b>"
    def close(self):
        self.widget.close()
    def change(self):
        self.count += 1
        self.label.value = f"living {self.count}"
        showing.refresh()

view = View()
showing = show(view)
"""


def test_the_picture_stays(open_notebook: Callable[..., Notebook]) -> None:
    """While the kernel lives the widget alone is seen; without a kernel its last picture is, and nothing else."""
    notebook = open_notebook("view.ipynb", [VIEW, "view.change()"])
    notebook.run_all()
    living, picture = notebook.output(0).get_by_text("living 1"), notebook.output(0).get_by_text("picture 1")
    expect(living).to_be_visible()
    expect(picture).to_be_hidden()
    wait_until(lambda: "picture 1" in str(notebook.saved_now()), 10.0, "the picture is brought up to date")
    notebook.shut_down()
    again = open_notebook("view.ipynb")
    expect(again.output(0).get_by_text("picture 1")).to_be_visible()
    assert again.output(0).inner_text().strip() == "picture 1"


def test_a_closed_view_leaves_its_picture(open_notebook: Callable[..., Notebook]) -> None:
    """In the widget's place, at once."""
    notebook = open_notebook("closed.ipynb", [VIEW, "view.change(); showing.close()"])
    notebook.run_all()
    expect(notebook.output(0).get_by_text("picture 1")).to_be_visible()
    assert notebook.output(0).inner_text().strip() == "picture 1"


@pytest.mark.parametrize("how", ["restarted", "shut down", "killed"])
def test_a_view_whose_kernel_has_ended_says_so(open_notebook: Callable[..., Notebook], how: str) -> None:
    """The widget gives way to its last picture, and a line tells why."""
    notebook = open_notebook(f"ended-{how[:4]}.ipynb", [VIEW, "import os; view.change()"])
    notebook.run_all()
    living, ended = notebook.output(0).get_by_text("living 1"), notebook.output(0).get_by_text("has ended")
    expect(living).to_be_visible()
    expect(ended).to_be_hidden()
    wait_until(lambda: "picture 1" in str(notebook.saved_now()), 10.0, "the picture is brought up to date")
    if how == "restarted":
        notebook.restart()
    elif how == "shut down":
        notebook.shut_down()
    else:
        notebook.execute("import os; os._exit(1)")
    expect(ended).to_be_visible()
    expect(living).to_be_hidden()
    expect(notebook.output(0).get_by_text("picture 1")).to_be_visible()
