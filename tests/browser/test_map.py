"""The map of a mesh in the page: paglets move on it, messages pass, and the past can be shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import Notebook, wait_until

HOSTILE = "<img src=x onerror=window.hacked=1>"
CLASSES = f"""
%load_ext paglets_nb
HOSTILE = {HOSTILE!r}
from dataclasses import dataclass
from paglets_nb import EmptyPayload, OperationPaglet, PagletState, ServiceOperation
HELLO = ServiceOperation("hello", EmptyPayload, EmptyPayload)
class Greeter(OperationPaglet):
    Operations = (HELLO,)
    def operation_handlers(self):
        return {{HELLO: lambda request: EmptyPayload()}}
@dataclass
class Thought(PagletState):
    thought: str = HOSTILE
class Idler(OperationPaglet[Thought]):
    pass
mesh = %paglet up 2
"""


def _contains(box: Locator, inner: Locator) -> bool:
    outer, tile = box.bounding_box(), inner.bounding_box()
    return bool(
        outer
        and tile
        and outer["x"] <= tile["x"]
        and tile["x"] + tile["width"] <= outer["x"] + outer["width"]
        and outer["y"] <= tile["y"]
        and tile["y"] + tile["height"] <= outer["y"] + outer["height"]
    )


class _Map:
    """The map in a cell's output."""

    def __init__(self, notebook: Notebook, cell: int) -> None:
        self.notebook = notebook
        self.root = notebook.output(cell).locator(".paglets-map")
        expect(self.root).to_be_visible()

    def node(self, label: str) -> Locator:
        return self.root.locator("g[data-id]").filter(has=self.root.page.locator(f"text >> text='{label}'"))

    def host(self, name: str) -> Locator:
        return self.root.locator(f"g[data-id='host:{name}']")

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def execute(self, code: str) -> None:
        """Have the notebook's kernel run code, as another cell would."""
        self.notebook.page.evaluate(
            "code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
            ".requestExecute({code}).done.then(() => null)",
            code,
        )

    def shows(self, label: str, host: str) -> None:
        """Wait until a paglet is drawn within a host's box."""
        expect(self.node(label)).to_have_count(1)
        wait_until(lambda: _contains(self.host(host), self.node(label)), 10.0, f"{label} is inside {host}")


@pytest.fixture
def map_of(open_notebook: Callable[..., Notebook]) -> Callable[..., _Map]:
    """Opens a notebook with a mesh of two and a map in its last cell."""

    def make(name: str, *cells: str) -> _Map:
        notebook = open_notebook(name, [CLASSES, *cells, "plan = %paglet map\nplan"])
        notebook.run_all()
        assert not notebook.errors()
        return _Map(notebook, len(cells) + 1)

    return make


def test_a_map_lives(map_of: Callable[..., _Map], page: Page, screenshot: Callable[[str], None]) -> None:
    """Paglets appear, move, sleep and vanish as they do in the mesh; messages pass; Enter tells of what is chosen."""
    plan = map_of("map.ipynb", "%paglet create Greeter --on alpha --name greeter\n%paglet create Idler --on beta")
    plan.shows("greeter", "alpha")
    plan.node("greeter").evaluate("node => node.addEventListener('transitionrun', () => { window.glided = true })")
    plan.execute("proxy = mesh.paglet('greeter'); proxy.dispatch('beta')")
    plan.shows("greeter", "beta")
    assert page.evaluate("() => window.glided")
    plan.execute("from paglets_nb import OperationClient; OperationClient(proxy).call(HELLO, EmptyPayload())")
    expect(plan.root).to_have_attribute("data-pulses", "1")
    plan.execute("proxy.deactivate()")
    expect(plan.node("greeter")).to_have_class(re.compile("pgm-faded"))
    plan.execute("mesh.create(Idler, on='alpha').send_oneway(HOSTILE)")
    expect(plan.root.locator(".pgm-moment")).to_contain_text(HOSTILE)
    screenshot("map")
    _keys(plan, page)
    _replay(plan)
    plan.execute("mesh.paglet('greeter').dispose()")
    expect(plan.node("greeter")).to_have_count(0)
    _in_the_dark(plan, page, screenshot)
    assert page.evaluate("() => window.hacked") is None
    plan.execute("get_ipython().run_line_magic('paglet', 'down')")
    _stays(plan)


def _in_the_dark(plan: _Map, page: Page, screenshot: Callable[[str], None]) -> None:
    """Names are light where the page is dark."""
    theme = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme}).then(() => null)"
    page.evaluate(theme, "JupyterLab Dark")
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)
    fill = plan.host("alpha").locator(".pgm-name").evaluate("text => getComputedStyle(text).fill")
    assert min(int(part) for part in re.findall(r"\d+", fill)[:3]) > 160, fill
    screenshot("map-dark")
    page.evaluate(theme, "JupyterLab Light")
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)


def _keys(plan: _Map, page: Page) -> None:
    """Arrows go from host to host and into them, Enter asks, Escape closes; the notebook's own keys stay out."""
    plan.host("alpha").focus()
    page.keyboard.press("ArrowRight")
    expect(plan.host("beta")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(plan.root.locator("g[aria-label*='class Idler'][data-host='beta']")).to_be_focused()
    page.keyboard.press("Enter")
    details = plan.root.get_by_role("status")
    expect(details).to_contain_text("Idler")
    expect(details).to_contain_text("0 messages")
    expect(details).to_contain_text(HOSTILE)
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()
    page.keyboard.press("ArrowUp")
    expect(plan.host("beta")).to_be_focused()


def _replay(plan: _Map) -> None:
    """The slider goes back to before the move, play goes on to the end of it, and Live is now again."""
    slider = plan.root.get_by_role("slider", name="moment")
    at = int(slider.get_attribute("min") or 0)
    slider.fill(str(at))
    expect(plan.root).to_have_attribute("data-at", str(at))
    expect(plan.node("greeter")).to_have_count(0)
    while "create greeter" not in plan.root.locator(".pgm-moment").inner_text():
        at += 1
        slider.press("ArrowRight")
        expect(plan.root).to_have_attribute("data-at", str(at))
    plan.shows("greeter", "alpha")
    plan.button("play").click()
    plan.shows("greeter", "beta")
    plan.button("back to what is so now").click()
    expect(plan.node("greeter")).to_have_class(re.compile("pgm-faded"))


def _stays(plan: _Map) -> None:
    """When the mesh is down the picture stands in the map's place, also in the saved notebook without a kernel."""
    notebook = plan.notebook
    expect(plan.root).to_have_count(0)
    picture = notebook.output(2).locator("img[src^='data:image/png']")
    expect(picture).to_be_visible()
    saved: Any = notebook.saved_now()
    assert "alpha" in str(saved.cells[2].outputs)
    notebook.shut_down()
    expect(Notebook(notebook.page, notebook.server, notebook.name).output(2).locator("img")).to_be_visible()


def test_a_trace_is_drawn(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None]
) -> None:
    """As a drawing that tells more to whoever points at it; it stays when the notebook is opened again."""
    doing = """
    trace = %paglet trace
    proxy = %paglet create Greeter --on alpha --name greeter
    %paglet call greeter hello
    proxy.dispatch('beta')
    proxy.send_oneway(HOSTILE)
    """
    notebook = open_notebook("trace.ipynb", [CLASSES, doing.replace("\n    ", "\n"), "%paglet trace"])
    notebook.run_all()
    assert not notebook.errors()
    drawing = notebook.output(2).locator("svg[aria-label='sequence diagram']")
    expect(drawing).to_be_visible()
    expect(notebook.output(2).locator("img")).to_be_hidden()
    expect(drawing.locator("title").filter(has_text="dispatch greeter")).to_have_count(1)
    expect(drawing.locator(".pgt-bad title")).to_contain_text(HOSTILE)
    screenshot("trace")
    assert page.evaluate("() => window.hacked") is None
    notebook.save()
    notebook.shut_down()
    again = Notebook(page, notebook.server, notebook.name)
    expect(again.output(2).locator("svg[aria-label='sequence diagram']")).to_be_visible()
