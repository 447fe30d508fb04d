"""The quickstart as a newcomer goes through it: hosts come up, a form is sent, a paglet moves, a fan-out is drawn."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser.lab import LabServer, Notebook, wait_until

QUICKSTART = Path(__file__).resolve().parents[2] / "notebooks" / "01-quickstart.ipynb"


class _Reader:
    """Runs the cells in their order, and finds them by what stands in them."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.at = 0

    def run_through(self, source: str) -> Locator:
        """Run every cell up to the one that has this text, and that one; its output."""
        cells = self.notebook.saved().cells
        found = next(number for number, cell in enumerate(cells) if cell.cell_type == "code" and source in cell.source)
        while self.at <= found:
            self.notebook.select(self.at)
            self.notebook.command("notebook:run-cell-and-select-next")
            self.at += 1
        return self.notebook.output(found)


def _inside(outer: Locator, inner: Locator) -> bool:
    box, tile = outer.bounding_box(), inner.bounding_box()
    return bool(
        box
        and tile
        and box["x"] <= tile["x"] <= box["x"] + box["width"]
        and box["y"] <= tile["y"] <= box["y"] + box["height"]
    )


def test_the_first_minutes(
    server: LabServer, open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None]
) -> None:
    """Each step shows what the text beside it says."""
    shutil.copy(QUICKSTART, server.root / "quickstart.ipynb")
    notebook = open_notebook("quickstart.ipynb")
    notebook.command("notebook:clear-all-cell-outputs")
    notebook.wait_kernel()
    reader = _Reader(notebook)

    panel = reader.run_through("%paglet panel").locator(".paglets-panel")
    for host in ("alpha", "beta"):
        expect(panel.get_by_role("row").filter(has_text=host).first).to_contain_text("up")
    screenshot("quickstart-panel")

    form = reader.run_through("%paglet form counter add")
    field = form.locator(".paglets-form-field input").first
    field.fill("40")
    field.press("Enter")
    expect(form.locator("text='42' >> visible=true")).to_have_count(1)
    screenshot("quickstart-form")

    board = reader.run_through("%paglet map").locator(".paglets-map")
    tile = board.locator("g[data-id]").filter(has=notebook.page.locator("text >> text='counter'"))
    wait_until(lambda: _inside(board.locator("g[data-id='host:alpha']"), tile), 10.0, "the counter is on alpha")
    reader.run_through("%paglet dispatch counter beta")
    wait_until(lambda: _inside(board.locator("g[data-id='host:beta']"), tile), 10.0, "the counter is on beta")
    board.scroll_into_view_if_needed()
    screenshot("quickstart-map")

    experiment = reader.run_through("%paglet fanout")
    expect(experiment.locator(".vega-embed, img").first).to_be_visible(timeout=30_000)
    experiment.scroll_into_view_if_needed()
    screenshot("quickstart-fan-out")
    assert not notebook.errors()
    expect(experiment).to_contain_text("30 ok")
