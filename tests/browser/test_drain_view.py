"""A list of events in the page: as quick with a hundred thousand of them as with ten."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import Notebook, wait_until

FEED = """
%load_ext paglets_nb
mesh = %paglet up 1
from paglets_nb import CursorDrainMixin, Paglet
from paglets_nb.patterns import CURSOR_DRAIN, CursorDrainState

class Feed(CursorDrainMixin, Paglet[CursorDrainState]):
    Drain = CURSOR_DRAIN

    def handle_message(self, message):
        if message.kind == "put":
            count, start = message.args["count"], self.state.next_cursor
            levels = ["info", "info", "info", "warning"]
            return self.cursor_append_events(
                {"level": levels[n % 4], "text": f"step {n} of <b>many</b>", "seconds": n / 8}
                for n in range(start, start + count)
            )
        if message.kind == "trim":
            return self.cursor_trim(message.args["to"])
        if message.kind == "close":
            return self.cursor_close()
        return super().handle_message(message)

feed = %paglet create Feed --name feed
_ = feed.send("put", {"count": 100_060})
_ = feed.send("trim", {"to": 20})
"""
VIEW = """
from paglets_nb.widgets.drain_view import DrainView
view = DrainView(feed)
view
"""
MORE = '_ = feed.send("put", {"count": 5})'


def rows(view: Locator) -> list[str]:
    """The cursors, or the gaps' texts, of the rows in the DOM, from top to bottom."""
    texts: list[str] = view.locator(".paglets-drain-row").evaluate_all(
        "rows => rows.sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top))"
        ".map(row => row.firstChild.textContent)"
    )
    return texts


def row(view: Locator, cursor: int) -> Locator:
    """The row of an event."""
    first = view.page.locator("span:first-child").get_by_text(str(cursor), exact=True)
    return view.locator(".paglets-drain-row").filter(has=first)


def test_a_hundred_thousand_events(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None]
) -> None:
    """Only the rows in sight are in the DOM; keys, a jump, a filter, gaps, a pause; and its picture stays."""
    notebook = open_notebook("events.ipynb", [FEED, VIEW, MORE])
    notebook.run_all()
    view = notebook.output(1).locator(".paglets-drain")
    status, port = view.get_by_role("status"), view.get_by_role("grid")
    expect(status).to_contain_text("100,045 events, up to cursor 100065", timeout=30_000)
    expect(status).to_contain_text("reading")
    expect(row(view, 100_065)).to_be_visible()  # of the cell below
    screenshot("drain-end")

    # keys
    port.focus()
    page.keyboard.press("Home")
    expect(view.locator(".paglets-gap").first).to_contain_text("45 older events were let go, up to cursor 65")
    expect(row(view, 66)).to_be_visible()
    assert 10 < view.locator(".paglets-drain-row").count() < 200
    expect(view.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    expect(row(view, 86)).to_be_visible()
    expect(row(view, 66)).not_to_be_in_viewport()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    details = view.get_by_label("The event", exact=True)
    expect(details).to_contain_text('"text": "step')
    screenshot("drain-details")
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()

    # a jump
    cursor = view.get_by_label("Go to the event with this cursor, by Enter")
    cursor.fill("50000")
    cursor.press("Enter")
    expect(row(view, 50_000)).to_be_in_viewport()
    expect(row(view, 50_000)).to_have_attribute("aria-selected", "true")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("c")
    wait_until(lambda: '"cursor": 50000' in page.evaluate("navigator.clipboard.readText()"), 10.0, "it is copied")

    # the wheel
    before = rows(view)
    port.hover()
    page.mouse.wheel(0, 40_000)
    wait_until(lambda: rows(view) != before, 10.0, "it scrolls")
    wait_until(lambda: "…" not in rows(view), 10.0, "the rows in sight come")
    assert view.locator(".paglets-drain-row").count() < 200

    # a filter, and back
    view.get_by_label("Show events with this text").fill("step 777 ")
    expect(status).to_contain_text('; 111 rows with "step 777"')
    expect(row(view, 777)).to_be_visible()
    screenshot("drain-filter")
    view.get_by_label("Show events with this text").fill("")

    # the end again, a pause, and what comes meanwhile
    port.focus()
    page.keyboard.press("End")
    expect(row(view, 100_065)).to_be_visible()
    view.get_by_role("button", name="Pause").click()
    expect(status).to_contain_text("paused")
    view.get_by_role("button", name="Resume").click()
    expect(status).to_contain_text("reading")

    # without its kernel
    wait_until(lambda: "step 100065 of" in str(notebook.saved_now()), 20.0, "its picture is brought up to date")
    notebook.shut_down()
    again = open_notebook("events.ipynb")
    expect(again.output(1).get_by_text("step 100065 of <b>many</b>")).to_be_visible()
    expect(again.output(1).locator(".paglets-drain")).to_have_count(0)
    screenshot("drain-picture")


def test_the_verb_follows_live(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None]
) -> None:
    """The list grows while the cell runs, gaps among it; stopped, it can be scrolled and goes on by its button."""
    trimmed = FEED.replace("100_060", "2000").replace('"to": 20', '"to": 1200')
    more = """
import threading, time
def put():
    while not stop.wait(0.2):
        feed.send("put", {"count": 1})
stop = threading.Event()
threading.Thread(target=put, daemon=True).start()
"""
    follow = "found = %paglet drain feed --after 1000 --follow"
    notebook = open_notebook("follow.ipynb", [trimmed, more, follow, "stop.set(); len(found)"])
    notebook.wait_kernel()
    notebook.start_all()
    view = notebook.output(2).locator(".paglets-drain")
    expect(row(view, 2010)).to_be_visible(timeout=60_000)  # which was not there when it began
    view.scroll_into_view_if_needed()
    screenshot("drain-verb")
    notebook.command("notebook:interrupt-kernel")
    notebook.wait_kernel()
    expect(notebook.output(2)).to_contain_text("stopped")
    expect(view.get_by_role("status")).to_contain_text("paused")
    view.get_by_role("grid").focus()
    page.keyboard.press("Home")
    expect(view.locator(".paglets-gap")).to_have_text("events 1001 to 1200 are no longer held")
    expect(row(view, 1201)).to_be_visible()
    view.get_by_role("button", name="Resume").click()
    expect(view.get_by_role("status")).to_contain_text("reading")
