"""Views in a narrow window: what a user needs is in sight, and nothing is shown twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import WIDE
from tests.browser.lab import Notebook, wait_until

SET_UP = """
%load_ext paglets_nb
mesh = %paglet up 2
import time
from dataclasses import dataclass
from paglets_nb import CursorDrainMixin, EmptyPayload, OperationClient, OperationPaglet, ServiceOperation
from paglets_nb import TaskPaglet, TaskState
from paglets_nb.patterns import CURSOR_DRAIN, CursorDrainState

@dataclass(frozen=True)
class Steps:
    count: int = 600

class Worker(TaskPaglet[Steps, Steps, TaskState]):
    Request = Result = Steps
    def run_task(self, request):
        for step in range(request.count):
            self.report_progress(step / request.count, f"step {step} of a work that takes its time")
            self.wait_state(lambda: self.state.cancelling, 0.1)
            self.check_cancelled()
        return request

class Feed(CursorDrainMixin, OperationPaglet[CursorDrainState]):
    Drain = CURSOR_DRAIN
    def operation_handlers(self):
        return {FILL: self.fill}
    def fill(self, request):
        self.cursor_append_events({"value": value} for value in range(70))
        self.cursor_close()
        return request

FILL = ServiceOperation("fill", EmptyPayload, EmptyPayload)
feed = %paglet create Feed --name feed
OperationClient(feed).call(FILL)
flaky = %paglet create Worker --name worker
def invert(n):
    time.sleep(0.01)
    return 1 / n
"""
FANNED = "found = %paglet fanout invert n=[0,1,2] --repeat 12\nfound"
DRAINED = "followed = %paglet drain feed --follow\nfollowed"


@pytest.fixture
def narrow(page: Page) -> Iterator[Page]:
    """The page, 700 pixels wide."""
    page.set_viewport_size({"width": 700, "height": 900})
    yield page
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]


def in_sight(inner: Locator, outer: Locator) -> bool:
    """Whether all of its width is within another's."""
    box, around = inner.bounding_box(), outer.bounding_box()
    return bool(
        box
        and around
        and box["width"] > 0
        and box["x"] >= around["x"] - 1
        and box["x"] + box["width"] <= around["x"] + around["width"] + 1
    )


def test_buttons_stay_in_sight(
    narrow: Page, open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None]
) -> None:
    """Those of a task and of the panel; and how far the task is."""
    notebook = open_notebook("narrow.ipynb", [SET_UP, "%paglet start worker", "%paglet panel"])
    notebook.run_all()
    task, panel = notebook.output(1), notebook.output(2)
    for part in (task.get_by_role("button", name="Cancel"), task.get_by_text("of a work that").locator("visible=true")):
        expect(part.first).to_be_visible()
        wait_until(lambda part=part: in_sight(part.first, task), 10.0, "it is in sight")  # type: ignore[misc]
    for name in ("Interrupt alpha", "Remove beta"):
        wait_until(lambda name=name: in_sight(panel.get_by_label(name), panel), 10.0, name)  # type: ignore[misc]
    screenshot("narrow")
    panel.scroll_into_view_if_needed()
    screenshot("narrow-panel")
    task.get_by_role("button", name="Cancel").click()
    expect(task.get_by_text("CANCELLED").locator("visible=true").first).to_be_visible()


def test_results_are_shown_once(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None]
) -> None:
    """One chart, which the button draws anew; one table, which a retry brings up to date; one list; whole heads."""
    notebook = open_notebook("once.ipynb", [SET_UP, FANNED, DRAINED, "found.counts, len(followed)"])
    notebook.run_all()
    output = notebook.output(1)
    charts = output.locator(".vega-embed")
    expect(charts).to_have_count(1, timeout=30_000)
    tables = output.get_by_text("confidence", exact=True).locator("visible=true")
    expect(tables).to_have_count(1)
    heads = output.locator(".paglets-matrix-head")
    expect(heads.first).to_have_text("alpha 1")
    assert heads.first.evaluate("head => head.scrollWidth <= head.clientWidth")
    output.scroll_into_view_if_needed()
    screenshot("once")

    told = output.locator(".paglets-matrix-note")
    before = told.inner_text()
    output.locator("button").filter(has_text="Retry failed").click()
    wait_until(lambda: told.inner_text() not in (before, "") and "running" not in told.inner_text(), 20.0, "retried")
    expect(output.locator("div.widget-html").filter(has_text=f", {told.inner_text()}").first).to_be_visible()
    output.locator("button").filter(has_text="Plot").click()
    expect(charts).to_have_count(1)

    followed = notebook.output(2)
    expect(followed.get_by_text("70 events").locator("visible=true")).to_have_count(1)
    expect(followed.locator("table").locator("visible=true")).to_have_count(0)
    expect(notebook.output(3)).to_contain_text("70)")
