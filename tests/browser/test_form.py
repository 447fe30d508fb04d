"""Forms in the page: filled in, sent and looked at as a user would."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.lab import Notebook

PAGLETS = """
import time
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Literal
from paglets_nb import OperationPaglet, PagletState, ServiceOperation, TaskPaglet, TaskState

class Unit(Enum):
    MILES = "mi"
    KILOMETRES = "km"

@dataclass(frozen=True)
class Place:
    '''Somewhere.

    Attributes:
        name: what it is called
        height: above the sea, in metres
    '''
    name: str = "home"
    height: int = 0

@dataclass(frozen=True)
class Trip:
    '''Asks how long a trip takes.

    Attributes:
        start: where it begins
        stops: where it halts on the way
        note: told to nobody
    '''
    title: str = "a walk"
    speed: float = field(default=4.5, metadata={"min": 0.5, "max": 20, "step": 0.5, "help": "on the level"})
    people: int = 2
    unit: Unit = Unit.KILOMETRES
    mode: Literal["foot", "bicycle"] = "foot"
    loud: bool = False
    start: Place = Place()
    stops: list[Place] = field(default_factory=list)
    days: list[int] = field(default_factory=lambda: [1, 2])
    labels: dict[str, int] = field(default_factory=dict)
    folder: Path = Path("/")
    note: str | None = None

@dataclass(frozen=True)
class Taken:
    hours: float
    heard: str

TRIP = ServiceOperation("trip", Trip, Taken)
FAIL = ServiceOperation("fail", Place, Taken)
SLEEP = ServiceOperation("sleep", Place, Taken)

class Guide(OperationPaglet[PagletState]):
    def operation_handlers(self):
        return {TRIP: self.trip, FAIL: self.fail, SLEEP: self.sleep}

    def trip(self, request):
        names = ", ".join([request.start.name, *(stop.name for stop in request.stops)])
        return Taken(len(request.stops) + request.people / 10, f"{request.title}: {names}")

    def fail(self, request):
        raise KeyError("<no> such place: " + request.name)

    def sleep(self, request):
        time.sleep(30)

@dataclass(frozen=True)
class Steps:
    steps: int = 3

@dataclass(frozen=True)
class Done:
    steps: int

class Walker(TaskPaglet[Steps, Done, TaskState]):
    Request, Result = Steps, Done

    def run_task(self, request):
        for step in range(request.steps):
            self.report_progress(step / request.steps, f"step {step}")
            self.wait_state(lambda: self.state.cancelling, 0.05)
            self.check_cancelled()
        return Done(request.steps)
"""
UP = "%load_ext paglets_nb\nmesh = %paglet up 1"


def _form(notebook: Notebook, cell: int) -> Locator:
    form = notebook.output(cell).locator(".paglets-form")
    expect(form).to_be_visible()
    return form


def test_a_form_by_mouse(open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None]) -> None:
    """Filled in and sent by mouse."""
    notebook = open_notebook(
        "form.ipynb", [UP, PAGLETS, "guide = %paglet create Guide --name guide", "%paglet form guide trip"]
    )
    notebook.run_all()
    form = _form(notebook, 3)
    form.get_by_role("button", name="add a row to stops").click()
    screenshot("form-new")
    form.get_by_role("button", name="send").click()
    expect(notebook.output(3).get_by_text("Taken")).to_be_visible()
    screenshot("form-sent")
    print(notebook.output(3).inner_text())
    print(notebook.errors())
