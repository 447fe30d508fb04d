"""What stays of views in the page: when a kernel ends under them, a host under a task, or the mesh."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.lab import Notebook, wait_until
from tests.browser.test_tasks import SET_UP, seen

SLOW = 30_000
ENDED = "The kernel of this view has ended"

STUCK = """
import hashlib
class Stuck(Worker):
    def run_task(self, request):
        self.report_progress(0.2, "stuck")
        hashlib.pbkdf2_hmac("sha256", b"p", b"s", 2**31 - 1)
stuck = %paglet create Stuck --on beta --name stuck
handle = %paglet start stuck
"""


def test_a_kernel_that_is_restarted_under_its_views(
    open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None]
) -> None:
    """A panel, a task and a table say so and show how things stood; there is no button left to be pressed in vain."""
    start = "polite = %paglet create Worker --on alpha --name polite\n%paglet start polite count=10000"
    notebook = open_notebook("restarted.ipynb", [SET_UP, "%paglet panel", start, "%paglet tasks"])
    notebook.run_all()
    assert not notebook.errors()
    views = [notebook.output(number) for number in (1, 2, 3)]
    expect(seen(views[0], "1 task running")).to_be_visible(timeout=SLOW)
    expect(views[1].get_by_role("button", name="Cancel")).to_be_visible()
    for view in views:
        expect(view.get_by_text(ENDED)).to_be_hidden()
    wait_until(
        lambda: "1 task running" in str(notebook.saved_now().cells[1].outputs), 15.0, "the picture is up to date"
    )
    notebook.restart()
    for view in views:
        expect(view.get_by_text(ENDED)).to_be_visible(timeout=SLOW)
        expect(view.get_by_role("button").locator("visible=true")).to_have_count(0)
    expect(seen(views[0], "1 task running")).to_be_visible()
    expect(seen(views[1], "RUNNING")).to_be_visible()
    expect(seen(views[2], "polite")).to_be_visible()
    views[0].scroll_into_view_if_needed()
    screenshot("views-of-an-ended-kernel")


def test_a_task_that_ends_with_its_host(
    open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None]
) -> None:
    """It is lost, in its view and in the table, in plain words; when the mesh is stopped so is the other."""
    polite = "polite = %paglet create Worker --on alpha --name polite\nother = %paglet start polite count=10000"
    notebook = open_notebook("lost.ipynb", [SET_UP, polite, STUCK, "%paglet tasks", ""])
    notebook.run_all()
    assert not notebook.errors()
    view, table = notebook.output(2), notebook.output(3)
    expect(seen(table, "2 of 2 tasks running")).to_be_visible(timeout=SLOW)
    for name in ("Cancel", "Interrupt", "Restart host"):
        view.get_by_role("button", name=name).click(timeout=SLOW)
    expect(seen(view, "LOST")).to_be_visible(timeout=SLOW)
    expect(seen(view, "lost: its host was restarted to end it")).to_be_visible()
    expect(seen(view, "it has ended")).to_be_visible(timeout=SLOW)
    expect(view.get_by_text("HostDiedError")).to_have_count(0)
    row = table.locator(".paglets-tasks tbody tr", has_text="stuck")
    expect(row).to_contain_text("lost", timeout=SLOW)
    expect(row).to_contain_text("its host beta was restarted (to cancel stuck)")
    expect(seen(table, "1 of 2 tasks running")).to_be_visible()
    view.scroll_into_view_if_needed()
    screenshot("task-lost")
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets[4].model.sharedModel.setSource('%paglet down')"
    )
    notebook.select(4)
    notebook.command("notebook:run-cell")
    expect(notebook.output(4)).to_contain_text("is down", timeout=SLOW)
    expect(table.locator(".paglets-tasks")).to_have_count(0)
    expect(seen(table, "polite")).to_be_visible()
    row = table.get_by_role("row").filter(has_text="polite")
    expect(row).to_contain_text("LOST")
    expect(row).to_contain_text("the mesh was stopped")
    expect(seen(table, "RUNNING")).to_have_count(0)
    screenshot("tasks-after-down")
