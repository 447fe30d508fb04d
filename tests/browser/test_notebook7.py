"""The views in Notebook 7: a panel, a form, a task and a map, used by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.lab import Notebook, wait_until
from tests.browser.test_form import GUIDE, PAGLETS, UP
from tests.browser.test_panel import SLOW, Panel

WALKER = "walker = %paglet create Walker --on alpha --name walker\n%paglet start walker steps=10000"


def test_views_in_notebook_7(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None]
) -> None:
    """They work as in JupyterLab, their keys are not the notebook's but Ctrl+S is, and a picture of them stays."""
    cells = [UP, PAGLETS, GUIDE, "%paglet panel", "%paglet form guide trip", WALKER, "%paglet map"]
    notebook = open_notebook("seven.ipynb", cells, interface="notebooks")
    notebook.run_all()
    assert notebook.errors() == {}
    assert "/notebooks/" in page.url
    assert page.evaluate("() => window.jupyterapp.name") == "Jupyter Notebook"
    _panel(Panel(notebook, 3), page)
    _form(notebook, page)
    _task(notebook, page)
    board = notebook.output(6).locator(".paglets-map")
    board.locator("g[data-id='host:alpha']").focus()
    page.keyboard.press("ArrowRight")
    expect(board.locator("g[data-id='host:beta']")).to_be_focused()
    page.keyboard.press("x")
    notebook.saves_by_key()
    expect(board.locator("g[data-id='host:beta']")).to_be_focused()
    screenshot("notebook7")
    assert len(notebook.saved_now().cells) == len(cells), "a key made or cut a cell"
    assert notebook.errors() == {}

    wait_until(lambda: "by keys: home" in str(notebook.saved_now().cells[4].outputs), 15.0, "the picture is up to date")
    notebook.shut_down()
    again = open_notebook("seven.ipynb", interface="notebooks")
    expect(again.output(3).locator("td").get_by_text("beta", exact=True)).to_be_visible()
    expect(again.output(4).get_by_text("by keys: home")).to_be_visible()
    expect(again.page.locator(".pgp-panel, .paglets-form")).to_have_count(0)


def _panel(panel: Panel, page: Page) -> None:
    """A list is opened by mouse, a host added by keyboard."""
    panel.button("Paglets of alpha").click()
    expect(panel.listed("alpha")).to_contain_text("guide", timeout=SLOW)
    panel.button("Add a host").focus()
    page.keyboard.press("Enter")
    expect(panel.row("beta").locator(".pgp-state")).to_have_text("up", timeout=SLOW)
    panel.button("Restart alpha").focus()
    page.keyboard.press("ArrowDown")
    expect(panel.button("Restart beta")).to_be_focused()


def _form(notebook: Notebook, page: Page) -> None:
    """Sent by mouse, and changed and sent by keyboard."""
    output = notebook.output(4)
    form = output.locator(".paglets-form")
    form.get_by_label("unit").select_option("MILES")
    form.get_by_role("button", name="send").click()
    expect(output.get_by_role("cell", name="a walk: home")).to_be_visible()
    form.get_by_label("title").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    expect(output.get_by_role("cell", name="by keys: home")).to_be_visible()


def _task(notebook: Notebook, page: Page) -> None:
    """Its progress is seen, and it is cancelled by keyboard."""
    view = notebook.output(5)
    expect(view.get_by_text(re.compile(r"step \d+")).locator("visible=true").first).to_be_visible()
    view.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    expect(view.get_by_text("CANCELLED").locator("visible=true").first).to_be_visible(timeout=SLOW)
    expect(view.get_by_role("button", name="Cancel")).to_have_count(0)
