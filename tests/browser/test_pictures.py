"""The pictures of the documents: each view in a state worth seeing; ``make pictures`` takes them anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import conftest
from tests.browser.lab import Notebook
from tests.browser.test_panel import SLOW, Panel

LARGEST = 120 * 1024
"""Bytes that a picture may have."""
MARGIN, ABOVE = 8, 2
"""Pixels around a picture; a cell's own frame stands above it."""
PROMPT = 62
"""Pixels of a cell's output that are beside what it shows."""
UP = """
%load_ext paglets_nb
mesh = %paglet up 3 --name weather
mesh.notifications.show = None
"""
WEATHER = '''
import itertools, math, time
from contextlib import suppress
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
    simulate("thaw", "beta", upto=204), simulate("polar", "gamma", upto=-1), simulate("monsoon", "gamma", upto=20),
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
    page = browser.new_page(viewport={"width": 1100, "height": 1500}, device_scale_factor=1.5)
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


Take = Callable[..., None]


@pytest.fixture
def take(page: Page) -> Take:
    """Keeps what a part of the page shows under a name."""

    def take_it(name: str, part: Locator, left: int = -MARGIN) -> None:
        part.evaluate("part => part.scrollIntoView({ block: 'center' })")
        box = part.bounding_box()
        assert box is not None
        clip = {
            "x": max(0.0, box["x"] + left),
            "y": max(0.0, box["y"] - ABOVE),
            "width": box["width"] + MARGIN - left,
            "height": box["height"] + ABOVE + MARGIN,
        }
        conftest.SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        file = Path(conftest.SCREENSHOTS / f"{name}.png")
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


def test_views_of_a_mesh(open_notebook: Callable[..., Notebook], page: Page, take: Take) -> None:
    """The panel, tasks, a form with its reply, and a list of events."""
    cells = [PAGLETS, READ, START, BUSY, "%paglet tasks", "%paglet form forecaster forecast", "%paglet panel", FILL]
    notebook = opened(open_notebook, "views.ipynb", cells)
    table = notebook.output(6)
    expect(table).to_contain_text("4 of 7 tasks running", timeout=SLOW)
    take("tasks", table.locator(".paglets-tasks"))
    take("task", notebook.output(4).locator(".jp-OutputArea").first, left=PROMPT)
    form, output = notebook.output(7).locator(".paglets-form"), notebook.output(7)
    form.get_by_role("button", name="add to places").click()
    form.get_by_label("name").nth(1).fill("Finse")
    form.get_by_label("height").nth(1).fill("1222")
    form.get_by_label("model").select_option("fine")
    form.get_by_label("days").last.fill("5")
    form.get_by_role("button", name="send").click()
    expect(output.get_by_role("cell", name="dry for 5 days, then showers")).to_be_visible()
    take("form", output.locator(".jp-OutputArea-output:visible").first)
    panel = Panel(notebook, 8)
    panel.button("Paglets of beta").click()
    expect(panel.listed("beta")).to_contain_text("RUNNING 68% day 5 of 8", timeout=SLOW)
    expect(panel.listed("beta")).to_contain_text("42 new events after 120", timeout=SLOW)
    take("panel", panel.place.locator(".paglets-panel"))
    events = notebook.output(9).locator(".paglets-drain")
    expect(events.get_by_role("status")).to_contain_text("640")
    events.get_by_label("Show events with this text").fill("rain")
    expect(events.get_by_role("status")).to_contain_text('rows with "rain"')
    events.get_by_role("grid").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(events.get_by_label("The event", exact=True)).to_contain_text('"sky": "rain"')
    take("events", events)


PEOPLE = """
forecaster = mesh.create(Forecaster, on="alpha", name="forecaster")
stations = [mesh.create(Station, on=host, name=name) for host, name in
            [("alpha", "north"), ("beta", "east"), ("beta", "south"), ("gamma", "west"), ("gamma", "coast")]]
runs = [mesh.create(Simulation, on=host, name=name) for host, name in [("beta", "storm"), ("gamma", "calm")]]
"""
TRAFFIC = """
import threading
over = threading.Event()
def traffic():
    for number in itertools.count():
        if over.wait(0.05):
            break
        OperationClient(stations[number % 5]).send_oneway(RECORD, Reading(15.0))
        if number % 3 == 0:
            OperationClient(forecaster).send_oneway(FORECAST, Question())
threading.Thread(target=traffic, daemon=True).start()
plan = %paglet map
plan
"""
HAPPENS = """
day = mesh.create(Station, on="alpha", name="day")
OperationClient(day).call(RECORD, Reading(15.0))
day.dispatch("beta")
OperationClient(day).call(RECORD, Reading(15.5))
with suppress(ValueError):
    OperationClient(day).call(RECORD, Reading(451.0))
day.dispatch("gamma")
OperationClient(day).call(RECORD, Reading(16.0))
"""
SORTS = """
def sort(n, kind):
    if n > 150_000 and kind == "sorted":
        raise MemoryError("too much of it")
    values = range(n) if kind == "sorted" else [k * 7919 % 10007 for k in range(n)]
    return len(sorted(values, reverse=True))
view = %paglet fanout sort n=[20000,80000,200000] kind=[random,sorted] --hosts alpha,beta --repeat 4 --no-plot
"""


def test_views_of_what_happens(open_notebook: Callable[..., Notebook], page: Page, take: Take) -> None:
    """The trace, the fan-out with its cells, and the map while messages pass."""
    cells = [PEOPLE, HAPPENS, "%paglet trace day", SORTS, TRAFFIC]
    notebook = opened(open_notebook, "happens.ipynb", cells)
    drawing = notebook.output(4).locator("svg[aria-label='sequence diagram']")
    expect(drawing).to_be_visible()
    take("trace", drawing)
    experiment = notebook.output(5)
    expect(experiment.locator(".paglets-chip").get_by_text("8 failed", exact=True)).to_be_visible(timeout=SLOW)
    experiment.locator(".paglets-cell.paglets-ok").last.hover()
    expect(experiment.get_by_label("The cell")).to_contain_text("200000")
    take("fan-out", experiment.locator(".jp-OutputArea").first, left=PROMPT)
    board = notebook.output(6).locator(".paglets-map")
    expect(board.locator("g[data-id]").filter(has_text="coast")).to_have_count(1)
    expect(board.locator(".pgm-pulse").nth(2)).to_be_attached()
    take("map", board)
