"""The pictures of the documents: each view in a state worth seeing; ``make pictures`` takes them anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import conftest
from tests.browser.lab import Notebook, wait_until
from tests.browser.test_panel import SLOW, Panel

LARGEST = 120 * 1024
"""Bytes that a picture may have."""
MARGIN = 8
UP = """
%load_ext paglets_nb
mesh = %paglet up 3 --name weather
mesh.notifications.show = None
"""
WEATHER = '''
import itertools, math, time
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal
from paglets_nb import (
    CursorDrainMixin, NotificationMixin, OperationClient, OperationPaglet, PagletState,
    ServiceOperation, TaskClient, TaskPaglet, TaskState,
)
from paglets_nb.patterns import CURSOR_DRAIN, CursorDrainState

class Unit(Enum):
    CELSIUS = "C"
    FAHRENHEIT = "F"

@dataclass(frozen=True)
class Place:
    name: str = "Bergen"
    height: int = 12

@dataclass(frozen=True)
class Question:
    """Asks what the weather will be.

    Attributes:
        days: how far ahead
        places: where
        model: the coarse one is quick
        note: goes into the log
    """
    places: list[Place] = field(default_factory=lambda: [Place()])
    days: int = field(default=3, metadata={"min": 1, "max": 14})
    model: Literal["coarse", "fine"] = "coarse"
    unit: Unit = Unit.CELSIUS
    wind: bool = True
    note: str | None = None

@dataclass(frozen=True)
class Answer:
    summary: str
    highs: dict[str, float]
    sure: float

@dataclass(frozen=True)
class Reading:
    degrees: float = 15.0

FORECAST = ServiceOperation("forecast", Question, Answer)
RECORD = ServiceOperation("record", Reading)

class Forecaster(OperationPaglet[PagletState]):
    def operation_handlers(self):
        return {FORECAST: self.forecast}

    def forecast(self, request):
        highs = {place.name: round(19.5 - place.height / 150, 1) for place in request.places}
        return Answer(f"dry for {request.days} days, then showers", highs, 0.8)

class Station(NotificationMixin, CursorDrainMixin, OperationPaglet[CursorDrainState]):
    Drain = CURSOR_DRAIN
    cursor_max_events = 400

    def operation_handlers(self):
        return {RECORD: self.record}

    def record(self, request):
        if not -60 < request.degrees < 60:
            raise ValueError(f"no weather has {request.degrees} degrees")
        self.cursor_append_events([{"degrees": request.degrees}])

    def handle_message(self, message):
        if message.kind == "fill":
            start, count = self.state.next_cursor, message.args["count"]
            return self.cursor_append_events(self.reading(n) for n in range(start, start + count))
        if message.kind == "warn":
            return self.notify_user_info("warning", "Frost tonight", "the north is below zero", job_id="watch")
        return super().handle_message(message)

    def reading(self, n):
        degrees = round(14 + 6 * math.sin(n / 40) + n % 7 / 10, 1)
        sky = ["clear", "clouds", "rain"][n // 9 % 3]
        return {"level": "warning" if degrees < 8.5 else "info", "degrees": degrees, "sky": sky, "wind": n * 7 % 40}

@dataclass(frozen=True)
class Run:
    steps: int = 400
    upto: int = 400

@dataclass(frozen=True)
class Outcome:
    steps: int

class Simulation(TaskPaglet[Run, Outcome, TaskState]):
    Request, Result = Run, Outcome

    def run_task(self, request):
        for step in range(1, request.upto + 1):
            self.check_cancelled()
            if step % 50 == 0:
                print(f"day {step // 50}: pressure is {1013 - step / 40:.0f} hPa")
            self.report_progress(step / request.steps, f"day {step / 50:.0f} of {request.steps // 50}")
            time.sleep(0.002)
        if request.upto < 0:
            raise FloatingPointError("the pressure diverged on day 3")
        if request.upto < request.steps:
            self.wait_state(lambda: self.state.cancelling, 120)
            self.check_cancelled()
        return Outcome(request.steps)

def simulate(name, on, steps=400, upto=400):
    paglet = mesh.create(Simulation, on=on, name=name)
    return TaskClient.for_paglet(paglet, Simulation).submit(Run(steps, upto))
'''
PAGLETS = """
forecaster = mesh.create(Forecaster, on="alpha", name="forecaster")
station = mesh.create(Station, on="beta", name="station")
_ = station.send("fill", {"count": 120})
"""
READ = "%%paglet drain station --no-follow\nlast = event"
START = "storm = %paglet create Simulation --on beta --name storm\n%paglet start storm steps=400 upto=272"
BUSY = """
handles = [
    simulate("drought", "alpha", upto=300), simulate("flood", "gamma", upto=88), simulate("calm", "alpha"),
    simulate("thaw", "beta", upto=204), simulate("polar", "gamma", upto=-1), simulate("monsoon", "beta", upto=20),
]
handles[2].result(60)
handles[5].cancel()
_ = station.send("warn")
_ = station.send("fill", {"count": 42})
"""
FILL = """
from paglets_nb.widgets.drain_view import DrainView
coast = mesh.create(Station, on="gamma", name="coast")
_ = coast.send("fill", {"count": 640})
view = DrainView(coast)
view
"""


@pytest.fixture(scope="module")
def fine_page(browser: Browser) -> Iterator[Page]:
    """A page with finer pixels than the other tests' one, as wide as a notebook that is read."""
    page = browser.new_page(viewport={"width": 1060, "height": 1500}, device_scale_factor=1.5)
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    page.close()


@pytest.fixture
def page(fine_page: Page, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page; what it shows when a test fails is kept."""
    failed_before = request.session.testsfailed
    yield fine_page
    if request.session.testsfailed > failed_before:
        conftest.keep_screenshot(fine_page, f"failed-{request.node.name}")
    fine_page.goto("about:blank")


Take = Callable[[str, Locator], None]


@pytest.fixture
def take(page: Page) -> Take:
    """Keeps what a part of the page shows under a name."""

    def take_it(name: str, part: Locator) -> None:
        part.scroll_into_view_if_needed()
        box = part.bounding_box()
        assert box is not None
        clip = {
            "x": max(0.0, box["x"] - MARGIN),
            "y": max(0.0, box["y"] - MARGIN),
            "width": box["width"] + 2 * MARGIN,
            "height": box["height"] + 2 * MARGIN,
        }
        conftest.SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        file = Path(conftest.SCREENSHOTS / f"picture-{name}.png")
        page.screenshot(path=file, clip=clip)  # type: ignore[arg-type]
        assert file.stat().st_size <= LARGEST, f"{name} has {file.stat().st_size:,} bytes"

    return take_it


def opened(open_notebook: Callable[..., Notebook], name: str, cells: list[str]) -> Notebook:
    """A notebook whose cells have run, with nothing beside it in the page."""
    notebook = open_notebook(name, [UP, WEATHER, *cells])
    notebook.command("application:toggle-left-area")
    notebook.run_all()
    assert notebook.errors() == {}
    notebook.select(0)
    return notebook


def test_views_of_a_mesh(open_notebook: Callable[..., Notebook], take: Take) -> None:
    """The panel, tasks, a form with its reply, and a list of events."""
    cells = [PAGLETS, READ, START, BUSY, "%paglet tasks", "%paglet form forecaster forecast", "%paglet panel", FILL]
    notebook = opened(open_notebook, "views.ipynb", cells)
    table = notebook.output(6)
    expect(table).to_contain_text("4 of 7 tasks running", timeout=SLOW)
    take("tasks", table.locator(".paglets-tasks"))
    take("task", views(notebook, 4))
    form, output = notebook.output(7).locator(".paglets-form"), notebook.output(7)
    form.get_by_role("button", name="add to places").click()
    form.get_by_label("name").nth(1).fill("Finse")
    form.get_by_label("height").nth(1).fill("1222")
    form.get_by_label("model").select_option("fine")
    form.get_by_label("days").last.fill("5")
    form.get_by_role("button", name="send").click()
    expect(output.get_by_role("cell", name="dry for 5 days, then showers")).to_be_visible()
    take("form", views(notebook, 7))
    panel = Panel(notebook, 8)
    panel.button("Paglets of beta").click()
    expect(panel.listed("beta")).to_contain_text("RUNNING 68% day 5 of 8", timeout=SLOW)
    expect(panel.listed("beta")).to_contain_text("42 new events after 120", timeout=SLOW)
    take("panel", panel.place.locator(".paglets-panel"))
    events = notebook.output(9).locator(".paglets-drain")
    expect(events.get_by_role("status")).to_contain_text("640")
    take("events", events)


def views(notebook: Notebook, cell: int) -> Locator:
    """What the output of a cell shows."""
    return notebook.output(cell).locator(".jp-OutputArea-output:visible").first
