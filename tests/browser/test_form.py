"""Forms in the page: filled in, sent and looked at as a user would."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.lab import Notebook, wait_until

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
UP = "%load_ext paglets_nb\nmesh = %paglet up alpha"


GUIDE = "guide = %paglet create Guide --on alpha --name guide"


def _form(notebook: Notebook, cell: int) -> Locator:
    form = notebook.output(cell).locator(".paglets-form")
    expect(form).to_be_visible()
    return form


def _field(form: Locator, name: str) -> Locator:
    """The row of a field of the form itself."""
    return form.locator(":scope > .paglets-form-fields > .paglets-form-field").filter(
        has=form.page.locator(f".paglets-form-name:text-is('{name}')")
    )


def _still(notebook: Notebook, cell: int) -> str:
    """The picture of a cell's view in the saved notebook."""
    outputs = notebook.saved_now().cells[cell].outputs
    return "".join(str(output.get("data", {}).get("text/html", "")) for output in outputs)


def test_a_form_by_mouse(open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None]) -> None:
    """Filled in and sent by mouse: its reply, its errors, its history, and the picture that is saved."""
    notebook = open_notebook("form.ipynb", [UP, PAGLETS, GUIDE, "%paglet form guide trip"])
    notebook.run_all()
    form, output = _form(notebook, 3), notebook.output(3)
    form.get_by_label("title").fill("to the <sea>")
    form.get_by_label("unit").select_option("MILES")
    form.get_by_label("loud").check()
    _field(form, "start").get_by_label("name").fill("Rome")
    form.get_by_role("button", name="add to stops").click()
    form.get_by_role("button", name="add to stops").click()
    _field(form, "stops").get_by_label("name").first.fill("Oslo")
    form.get_by_role("button", name="remove row 2 of stops").click()
    form.get_by_role("checkbox", name="set note").check()
    form.get_by_label("note", exact=True).fill("a secret")
    form.get_by_role("button", name="add to labels").click()
    form.get_by_label("key in labels").fill("red")
    form.get_by_label("value in labels").fill("many")
    form.get_by_label("people").fill("few")
    form.get_by_role("button", name="send").click()
    expect(_field(form, "people").locator(".paglets-form-error")).to_have_text("wants int, got 'few'")
    expect(_field(form, "labels").locator(".paglets-form-error")).to_have_text("'red' wants int, got 'many'")
    expect(form.get_by_label("people")).to_be_focused()
    expect(form.locator(".paglets-form-status")).to_have_text("not sent: 2 things are wrong")
    screenshot("form-errors")
    form.get_by_label("people").fill("3")
    form.get_by_label("value in labels").fill("7")
    form.get_by_role("button", name="send").click()
    expect(output.get_by_role("cell", name="to the <sea>: Rome, Oslo")).to_be_visible()
    expect(form.locator(".paglets-form-error:visible")).to_have_count(0)
    line = form.locator(".paglets-form-code code")
    expect(line).to_contain_text("%paglet call guide trip title='to the <sea>' people=3 unit=MILES loud=true")
    sent = line.inner_text()
    form.get_by_role("button", name="reset").click()
    expect(line).to_have_text("%paglet call guide trip")
    expect(form.get_by_label("title")).to_have_value("a walk")
    form.get_by_text("1 call", exact=True).click()
    form.get_by_role("button", name="put call 1 back").click()
    expect(line).to_have_text(sent)
    expect(_field(form, "stops").get_by_label("name")).to_have_value("Oslo")
    output.locator(".widget-html").scroll_into_view_if_needed()
    screenshot("form-sent")
    wait_until(lambda: "Rome, Oslo" in _still(notebook, 3), 10.0, "the picture is brought up to date")
    assert not notebook.errors()
    notebook.shut_down()
    again = open_notebook("form.ipynb").output(3)
    expect(again.get_by_text("to the <sea>: Rome, Oslo")).to_be_visible()
    expect(again.get_by_text("a secret")).to_be_visible()
    expect(again.locator(".paglets-form")).to_have_count(0)
    again.scroll_into_view_if_needed()
    screenshot("form-picture")


ORDERS = """
@dataclass(frozen=True)
class Order:
    what: str
    price: float
    labels: dict[str, int] = field(default_factory=dict)

ORDER = ServiceOperation("order", Order, Taken)

class Shop(OperationPaglet[PagletState]):
    def operation_handlers(self):
        return {ORDER: self.order}

    def order(self, request):
        print(f"ordered {request.what!r}")
        if request.price > 5:
            raise KeyError("x" * 2000)
        return Taken(request.price, "so be it")

shop = %paglet create Shop --on alpha --name shop
"""


def test_what_is_sent_and_what_comes_of_it(
    open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None]
) -> None:
    """What is needed is asked for; output comes to the form's cell; nothing old looks new, nothing long runs out."""
    notebook = open_notebook("orders.ipynb", [UP, PAGLETS, ORDERS, "%paglet form shop order", "1 + 1"])
    notebook.run_all()
    form, output = _form(notebook, 3), notebook.output(3)
    send, status = form.get_by_role("button", name="send"), form.locator(".paglets-form-status")
    form.get_by_role("button", name="add to labels").click()
    send.click()
    for name in ("what", "price"):
        expect(_field(form, name).locator(".paglets-form-error")).to_contain_text("is needed")
    entry = _field(form, "labels").locator(".paglets-form-error")
    expect(entry).to_have_text("the key is empty, and the value wants int")
    form.get_by_role("button", name="remove entry 1 of labels").click()
    form.get_by_label("price").fill("2")
    form.get_by_label("what").press_sequentially("x")
    form.get_by_label("what").press("Backspace")
    send.click()
    expect(output).to_contain_text("so be it")
    expect(output).to_contain_text("ordered ''")
    expect(notebook.output(4)).not_to_contain_text("ordered")
    form.get_by_label("price").fill("dear")
    send.click()
    expect(status).to_have_text("not sent: see above")
    expect(output.locator(".paglets-form-stale")).to_contain_text("so be it")
    screenshot("form-refused")
    form.get_by_label("price").fill("7")
    send.click()
    answer = output.locator(".paglets-operation .widget-html-content")
    expect(answer).to_contain_text("xxxx")
    edges = "element => [element.scrollWidth, element.clientWidth]"
    shown, room = answer.evaluate(edges)
    assert shown <= room
    screenshot("form-long-error")
    form.get_by_role("button", name="reset").click()
    send.click()
    expect(_field(form, "what").locator(".paglets-form-error")).to_have_text("is needed (str)")


def test_a_form_by_keyboard(open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None]) -> None:
    """Sent by Enter and by Ctrl+Enter, given up by Escape; what a handler raised is shown with its traceback."""
    cells = [UP, PAGLETS, GUIDE, "%paglet form guide trip", "%paglet form guide fail", "%paglet form guide sleep"]
    notebook = open_notebook("keys.ipynb", cells)
    notebook.run_all()
    keys, prompt = notebook.page.keyboard, notebook.cell(3).locator(".jp-InputPrompt").inner_text()
    form = _form(notebook, 3)
    form.get_by_label("title").focus()
    for pressed in (
        "Control+a",
        "*by keys",
        "Tab",
        "ArrowRight",
        "Tab",
        "Tab",
        "5",
        "Tab",
        "ArrowUp",
        "Tab",
        "Tab",
        " ",
    ):
        keys.type(pressed[1:]) if pressed.startswith("*") else keys.press(pressed)
    keys.press("Control+Enter")
    line = form.locator(".paglets-form-code code")
    expect(notebook.output(3).get_by_role("cell", name="by keys: home")).to_be_visible()
    expect(line).to_have_text("%paglet call guide trip title='by keys' speed=5.0 people=5 unit=MILES loud=true")
    form.get_by_role("button", name="add to stops").focus()
    keys.press("Enter")
    expect(_field(form, "stops").get_by_label("name")).to_be_focused()
    keys.press("Control+a")
    keys.type("Kyiv")
    keys.press("Enter")
    expect(notebook.output(3).get_by_role("cell", name="by keys: home, Kyiv")).to_be_visible()
    assert notebook.cell(3).locator(".jp-InputPrompt").inner_text() == prompt, "the cell ran again"
    failing = _form(notebook, 4)
    failing.get_by_label("name").focus()
    keys.press("Enter")
    told = notebook.output(4).locator(".widget-html")
    expect(told.get_by_text("KeyError: '<no> such place: home'", exact=True)).to_be_visible()
    folded = told.get_by_text("in fail")
    expect(folded).to_be_hidden()
    told.get_by_text("traceback on").focus()
    keys.press("Enter")
    expect(folded).to_be_visible()
    failing.scroll_into_view_if_needed()
    screenshot("form-failed")
    sleeping = _form(notebook, 5)
    sleeping.get_by_label("height").focus()
    keys.press("Enter")
    expect(sleeping.locator(".paglets-form-status")).to_contain_text("waiting for the reply, 0.")
    expect(sleeping.get_by_role("button", name="stop waiting")).to_be_visible()
    keys.press("Escape")
    expect(sleeping.locator(".paglets-form-status")).to_contain_text("gave up waiting after")
    assert not notebook.errors()


def test_a_task_and_a_choice(open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None]) -> None:
    """A task's form shows how the task goes on; without an operation there is a choice of them."""
    make = "walker = %paglet create Walker --on alpha --name walker"
    notebook = open_notebook("task.ipynb", [UP, PAGLETS, make, "%paglet form walker", "%paglet down"])
    notebook.wait_kernel()
    for _cell in range(4):
        notebook.command("notebook:run-cell-and-select-next")
    form, output = _form(notebook, 3), notebook.output(3)
    form.get_by_label("steps").fill("2")
    form.get_by_label("steps").press("Enter")
    expect(output.get_by_text("COMPLETED").filter(visible=True).first).to_be_visible()
    screenshot("form-task")
    output.get_by_label("operation").select_option("status")
    form = output.locator(".paglets-form")
    expect(form.locator(".paglets-form-title")).to_have_text("status")
    form.get_by_role("button", name="send").click()
    expect(output.get_by_text("TaskStatusReply", exact=True).filter(visible=True)).to_have_count(1)
    notebook.cell(4).locator(".jp-InputArea-editor").click()
    notebook.command("notebook:run-cell")
    expect(output.locator(".paglets-form")).to_have_count(0)
    expect(output.get_by_text("TaskStatusReply", exact=True).filter(visible=True)).to_have_count(1)
    assert not notebook.errors()
