"""A fan-out in the page: described, run, cancelled, repeated, plotted, exported and compared by mouse and keys."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import Notebook, wait_until

MESH = """
%load_ext paglets_nb
mesh = %paglet up 2
import time
from dataclasses import dataclass
from paglets_nb import OperationPaglet, PagletState, ServiceOperation

@dataclass(frozen=True)
class Nap:
    seconds: float = 0.01
    label: str = "<b>short</b>"

@dataclass(frozen=True)
class Rested:
    text: str

NAP = ServiceOperation("nap", Nap, Rested)

class Sleeper(OperationPaglet[PagletState]):
    def operation_handlers(self):
        return {NAP: self.nap}

    def nap(self, request):
        time.sleep(request.seconds)
        if request.label == "bad":
            raise ValueError("no <i>sleep</i>")
        return Rested(f"slept {request.seconds} s")
"""
FORM = "view = %paglet fanout Sleeper nap seconds=[0.01,0.02] label=[good,bad] --repeat 3 --form"
VERB = "found = %paglet fanout Sleeper nap seconds=[0.01,0.3] label=good --no-plot"
BIG = """
from paglets_nb.experiments.fan_out import FanOut
from paglets_nb.widgets.fan_out_view import FanOutView
many = FanOut(mesh, lambda n: n, grid={"n": list(range(5000))})
big = FanOutView(mesh, fan_out=many)
big
"""


def button(output: Locator, name: str) -> Locator:
    """A button of the view."""
    return output.locator("button").filter(has_text=re.compile(rf"^\s*{name}$"))


def chip(output: Locator, text: str) -> Locator:
    """How many cells are in a state."""
    return output.locator(".paglets-chip").get_by_text(text, exact=True)


def test_a_fan_out_is_described_and_run(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None]
) -> None:
    """Run, repeated where it failed, cancelled, plotted, exported, compared; its picture stays."""
    notebook = open_notebook("fan-out.ipynb", [MESH, FORM, ""])
    notebook.run_all()
    output = notebook.output(1)
    expect(output).to_contain_text("4 requests x 2 hosts x 3: 24 cells")
    expect(output.locator(".paglets-matrix")).to_be_hidden()  # nothing is started
    notebook.cell(1).scroll_into_view_if_needed()
    screenshot("fan-out-form")

    # run, and what the cells say
    button(output, "Run").click()
    expect(chip(output, "12 failed")).to_be_visible(timeout=20_000)
    expect(chip(output, "12 ok")).to_be_visible()
    details = output.get_by_label("The cell")
    chip(output, "12 failed").click()
    expect(details).to_contain_text("ValueError: no <i>sleep</i>")
    page.keyboard.press("Escape")
    output.locator(".paglets-cell.paglets-ok").first.hover()
    expect(details).to_contain_text("slept 0.01 s")
    expect(output).to_contain_text("confidence")
    screenshot("fan-out-run")

    # again where it failed, then another one, cancelled by the mouse
    button(output, "Retry failed").click()
    expect(details).to_be_visible()
    wait_until(lambda: "sent 2 times" in _failed_details(output, page), 20.0, "they were sent again")
    seconds = output.get_by_role("textbox", name="seconds")
    seconds.fill("[0.01, 30]")
    output.get_by_role("textbox", name="label").fill("good")
    expect(output).to_contain_text("2 requests x 2 hosts x 3: 12 cells")
    button(output, "Run").click()
    expect(chip(output, "2 running")).to_be_visible(timeout=20_000)
    button(output, "Cancel").click()
    expect(chip(output, "2 unknown")).to_be_visible(timeout=20_000)
    expect(output.locator(".paglets-cell.paglets-not-run", has_text="not run").first).to_be_visible()
    expect(output.locator(".paglets-cell.paglets-failed")).to_have_count(0)
    expect(button(output, "Run the rest")).to_be_enabled()
    expect(button(output, "Run")).to_be_enabled()
    screenshot("fan-out-cancelled")

    # compare, plot, export
    output.get_by_role("combobox", name="Compare with").select_option(index=1)
    expect(output).to_contain_text("Compared with run 1")
    expect(output).to_contain_text("ratio")
    button(output, "Plot").click()
    expect(output.locator(".vega-embed, canvas, svg.marks").first).to_be_visible(timeout=30_000)
    button(output, "To variable").click()
    expect(output).to_contain_text("frame: 12 rows")
    button(output, "Write CSV").click()
    expect(output).to_contain_text("written: fan-out.csv")
    assert (notebook.server.root / "fan-out.csv").read_text(encoding="utf-8").startswith("cell,seconds,label,host")
    screenshot("fan-out-compared")

    # a mistake is said, and nothing can be run
    seconds.fill("soon")
    expect(output).to_contain_text("field 'seconds' wants float, got 'soon'")
    expect(button(output, "Run")).to_be_disabled()

    parts = ("Compared with run 1", "chart of the times")
    wait_until(
        lambda: _holds(notebook, parts),
        20.0,
        "its picture is brought up to date",
    )
    notebook.shut_down()
    again = open_notebook("fan-out.ipynb")
    expect(again.output(1).get_by_text("unknown").first).to_be_visible()
    expect(again.output(1).locator(".paglets-matrix")).to_have_count(0)
    expect(again.output(1).get_by_role("img", name="chart of the times")).to_be_visible()
    screenshot("fan-out-picture")


def _failed_details(output: Locator, page: Page) -> str:
    """What a failed cell says."""
    chip(output, "12 failed").click()
    text = output.get_by_label("The cell").inner_text()
    page.keyboard.press("Escape")
    return text


def test_the_verb_shows_its_cells(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None]
) -> None:
    """While the cell runs, and afterwards; ten thousand cells are no burden; a stop leaves what has come."""
    long = "found = %paglet fanout Sleeper nap seconds=[0.01,60] label=good --no-plot"
    notebook = open_notebook("verb.ipynb", [MESH, VERB, BIG, "many.start(); many.wait()", long])
    notebook.wait_kernel()
    notebook.start_all()
    expect(chip(notebook.output(4), "2 running")).to_be_visible(timeout=90_000)  # the cell has not ended
    expect(notebook.output(4)).to_contain_text("the stop button of the notebook ends it")
    expect(chip(notebook.output(1), "4 ok")).to_be_visible()
    notebook.command("notebook:interrupt-kernel")
    notebook.wait_kernel()
    expect(notebook.output(4)).to_contain_text("stopped")
    expect(chip(notebook.output(4), "2 unknown")).to_be_visible()
    expect(button(notebook.output(4), "Run")).to_be_enabled()

    button(notebook.output(1), "Run").click()  # once more, as the line said
    expect(notebook.output(1).get_by_role("combobox", name="Compare with")).to_be_enabled(timeout=20_000)

    big = notebook.output(2)
    expect(chip(big, "10,000 ok")).to_be_visible(timeout=30_000)
    grid = big.get_by_role("grid")
    grid.focus()
    assert big.locator(".paglets-cell").count() < 200
    page.keyboard.press("End")
    expect(big.get_by_role("rowheader", name="n=4999")).to_be_visible()
    page.keyboard.press("Enter")
    expect(big.get_by_label("The cell")).to_contain_text("n=4999, on beta, ok")
    page.keyboard.press("Home")
    expect(big.get_by_role("rowheader", name="n=0", exact=True)).to_be_visible()
    assert big.locator(".paglets-cell").count() < 200
    screenshot("fan-out-big")
    change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme}).then(() => null)"
    page.evaluate(change, "JupyterLab Dark")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false", timeout=30_000)
    screenshot("fan-out-dark")
    page.evaluate(change, "JupyterLab Light")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "true", timeout=30_000)


def _holds(notebook: Notebook, parts: tuple[str, ...]) -> bool:
    """Whether the saved notebook has all of these texts."""
    saved = str(notebook.saved_now())
    return all(part in saved for part in parts)
