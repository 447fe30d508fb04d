"""Tasks in the page: watched while they move, cancelled by mouse and keyboard, many at once, and what is left."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import Notebook, wait_until

SET_UP = '''
%load_ext paglets_nb
import time
from dataclasses import dataclass
from paglets_nb import TaskClient, TaskPaglet, TaskState, TaskStatus

@dataclass(frozen=True)
class Steps:
    count: int = 1
    how: str = "polite"

@dataclass(frozen=True)
class Done:
    count: int = 0

class Worker(TaskPaglet[Steps, Done, TaskState]):
    Request, Result = Steps, Done
    def run_task(self, request):
        self.work(request.count, request.how)
        return Done(request.count)
    def work(self, count, how):
        for step in range(count):
            if how == "polite":
                self.wait_state(lambda: self.state.cancelling, 0.1)
                self.check_cancelled()
            elif how == "loud":
                print(f"step {step} <i>")
                time.sleep(0.1)
            else:
                sum(range(2000))
            self.report_progress(step / count, f"step {step} <b>")

class Traveller(Worker):
    """Works here, and then over there."""
    def run_task(self, request):
        print("leaving")
        self.work(request.count, request.how)
        self.set_task_status(TaskStatus.WAITING_FOR_ARRIVAL)
        return self.dispatch_to("beta")
    def run(self):
        if self.state.status is TaskStatus.WAITING_FOR_ARRIVAL:
            self.set_task_status(TaskStatus.RUNNING)
            print("arrived")
            self.wait_state(lambda: self.state.cancelling, 60)
            self.complete_task(Done(7))

mesh = %paglet up 2
'''


def seen(place: Locator, text: str) -> Locator:
    """What the page shows of a text; the picture beside a living widget is hidden."""
    return place.get_by_text(re.compile(text)).locator("visible=true").first


def test_a_task_moves_while_its_view_follows(
    open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None]
) -> None:
    """Its host changes in the view; what it prints comes to the cell that started it, long ended; a picture stays."""
    notebook = open_notebook(
        "moves.ipynb",
        [
            SET_UP,
            "traveller = %paglet create Traveller --on alpha --name traveller\n%paglet start traveller count=20",
            "print('another cell'); time.sleep(4); print('has ended')",
            "%paglet output traveller",
        ],
    )
    notebook.run_all()
    view = notebook.output(1)
    expect(seen(view, r"on beta")).to_be_visible(timeout=20_000)
    expect(seen(view, "leaving")).to_be_visible()
    expect(seen(view, "arrived")).to_be_visible()
    assert "arrived" not in notebook.output(2).inner_text()
    own = notebook.output(3)
    expect(seen(own, "arrived")).to_be_visible()
    own.scroll_into_view_if_needed()
    screenshot("task-moved")
    cancel = view.get_by_role("button", name="Cancel")
    cancel.focus()
    notebook.page.keyboard.press("Enter")
    expect(seen(view, "COMPLETED")).to_be_visible(timeout=20_000)
    expect(cancel).to_have_count(0)
    assert re.search(r"on\s+beta", view.inner_text())
    wait_until(lambda: "arrived" in str(notebook.saved_now().cells[3].outputs[-1]), 15.0, "the picture is up to date")
    notebook.shut_down()
    again = open_notebook("moves.ipynb")
    expect(seen(again.output(1), "COMPLETED")).to_be_visible()
    expect(seen(again.output(3), "arrived")).to_be_visible()


def test_a_busy_loop_is_interrupted_by_mouse(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None]
) -> None:
    """A task that looks stops at the first press; a loop that does not is interrupted by the second one at once."""
    notebook = open_notebook(
        "cancel.ipynb",
        [
            SET_UP,
            "polite = %paglet create Worker --on alpha\n%paglet start polite count=10000",
            "busy = %paglet create Worker --on beta\nhandle = %paglet start busy count=100_000_000 how=busy",
            "handle",
        ],
    )
    notebook.run_all()
    first, second = notebook.output(1), notebook.output(2)
    expect(seen(first, r"step \d+ <b>")).to_be_visible(timeout=15_000)
    first.get_by_role("button", name="Cancel").click()
    expect(seen(first, "CANCELLED")).to_be_visible(timeout=15_000)
    expect(seen(first, "asked to stop .*it has ended")).to_be_visible()
    second.get_by_role("button", name="Cancel").click()
    expect(seen(second, r"asked to stop; in \d s it will be interrupted")).to_be_visible()
    notebook.output(3).scroll_into_view_if_needed()
    screenshot("task-cancelling")
    second.get_by_role("button", name="Interrupt").click()
    expect(seen(second, "then interrupted .*it has ended")).to_be_visible(timeout=15_000)
    expect(seen(second, "traceback")).to_be_visible()
    expect(seen(notebook.output(3), "CANCELLED")).to_be_visible()
    second.scroll_into_view_if_needed()
    screenshot("task-interrupted")
    assert not notebook.errors()


MANY = """
many = [mesh.create(Worker, name=f"task_{number:02}") for number in range(30)]
handles = [TaskClient.for_paglet(p, Worker).submit(Steps(100000)) for p in many]
"""


def test_many_tasks_in_one_table(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None]
) -> None:
    """Rows are live, cancelled by keyboard, in the page's theme; Ctrl+S is the notebook's; a picture of them stays."""
    notebook = open_notebook("many.ipynb", [SET_UP, MANY, "%paglet tasks"])
    notebook.run_all()
    table = notebook.output(2)
    expect(seen(table, "30 of 30 tasks running")).to_be_visible()
    rows = table.locator(".paglets-tasks tbody tr")
    row = rows.filter(has_text=rows.nth(3).locator("td").first.inner_text())
    expect(seen(row, r"step \d+ <b>")).to_be_visible(timeout=15_000)
    expect(table.get_by_text("no tasks")).to_be_hidden()
    table.locator(".paglets-tasks").scroll_into_view_if_needed()
    screenshot("tasks-table")
    rows.nth(2).get_by_role("button").focus()
    page.keyboard.press("ArrowDown")
    expect(row.get_by_role("button")).to_be_focused()
    page.keyboard.press("x")  # would cut the cell
    notebook.saves_by_key()
    page.keyboard.press("Enter")
    expect(seen(row, "cancelled")).to_be_visible(timeout=15_000)
    expect(seen(table, "29 of 30 tasks running")).to_be_visible()
    rows.nth(0).get_by_role("button").click()
    expect(seen(table, "28 of 30 tasks running")).to_be_visible(timeout=15_000)
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    expect(page.locator("body[data-jp-theme-light='false']")).to_have_count(1)
    screenshot("tasks-table-dark")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    expect(page.locator("body[data-jp-theme-light='true']")).to_have_count(1)
    wait_until(lambda: "CANCELLED" in str(notebook.saved_now().cells[2].outputs[-1]), 15.0, "the picture is up to date")
    notebook.shut_down()
    again = open_notebook("many.ipynb")
    expect(again.output(2).get_by_role("cell", name="task_03")).to_be_visible()
    assert not again.output(2).locator(".paglets-tasks").count()
