from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ipywidgets.widgets import widget

from paglets_nb import Host
from paglets_nb.core.messages import Message
from paglets_nb.testing import wait_until
from paglets_nb.widgets.drain_buffer import Gap
from paglets_nb.widgets.drain_view import DrainView
from tests.unit.widgets.test_drain_follower import Feed


class Page:
    """A view of a paglet's events, and what its page was told."""

    def __init__(self, host: Host, **options: Any) -> None:
        self.proxy = host.create(Feed, name="feed")
        self.view = DrainView(self.proxy, **options)
        self.sent: list[dict[str, Any]] = []
        self.view.widget.send = lambda content, buffers=None: self.sent.append(content)

    def put(self, count: int) -> None:
        """Have the paglet keep events."""
        self.proxy.send(Message("put", {"count": count}))

    def ask(self, kind: str, **more: Any) -> dict[str, Any]:
        """Ask as the page does; the answer."""
        self.view._on_message(None, {"kind": kind, "view": "me", **more}, [])
        return self.sent[-1] if self.sent else {}

    @property
    def head(self) -> dict[str, Any]:
        """What the page knows of the list."""
        head: dict[str, Any] = self.view.widget.head
        return head


@pytest.fixture
def page(host: Host) -> Iterator[Page]:
    """A view that reads."""
    made = Page(host)
    yield made
    made.view.close()


def test_the_page_is_told_the_end_and_asks_for_the_rest(page: Page) -> None:
    """However many events there are, it is sent the last ones only, and pages of others on demand."""
    page.put(5000)
    wait_until(lambda: page.head["end"] == 5000)
    tail = page.view.widget.tail
    assert tail["start"] + len(tail["rows"]) == 5000
    assert len(tail["rows"]) < 100
    assert page.head["status"] == "5,000 events, up to cursor 5000; reading"
    assert [column["name"] for column in page.head["columns"]] == ["n"]
    answer = page.ask("rows", start=100, count=3, generation=0)
    assert [row["cursor"] for row in answer["rows"]] == ["101", "102", "103"]
    assert len(page.ask("rows", start=0, count=100_000, generation=0)["rows"]) == 500


def test_details_and_jumps_are_answered(page: Page) -> None:
    """To the view of the page that asked."""
    page.put(10)
    wait_until(lambda: page.head["end"] == 10)
    answer = page.ask("details", value=4)
    assert '"cursor": 5' in answer["text"]
    assert answer["view"] == "me"
    assert page.ask("copy", value=99)["text"] == "this event was let go"
    assert page.ask("jump", value=7)["place"] == 6
    assert page.ask("jump", value=70)["place"] is None


def test_a_filter_is_a_new_generation(page: Page) -> None:
    """Answers to questions of the old one are not sent."""
    page.put(30)
    wait_until(lambda: page.head["end"] == 30)
    page.ask("filter", value="n=2")
    wait_until(lambda: (page.head["generation"], page.head["end"]) == (1, 11))
    assert page.head["filter"] == "n=2"
    page.ask("rows", start=0, count=5, generation=0)
    assert page.sent == []
    assert [row["cursor"] for row in page.ask("rows", start=0, count=2, generation=1)["rows"]] == ["3", "21"]


def test_pause_and_resume(page: Page) -> None:
    """By the page's button."""
    page.ask("pause")
    wait_until(lambda: page.head["state"] == "paused")
    page.ask("resume")
    wait_until(lambda: page.head["state"] == "reading")


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"kind": "no"},
        {"kind": "rows"},
        {"kind": "jump", "value": "x"},
        {"kind": "details", "value": None},
    ],
)
def test_messages_that_make_no_sense_change_nothing(page: Page, content: Any) -> None:
    """Whatever a page sends, nothing is raised and nothing answered."""
    page.view._on_message(None, content, [])
    assert page.sent == []


def test_its_picture_has_the_last_events_and_the_gaps(host: Host) -> None:
    """Everything in it is escaped."""
    page = Page(host, follow=False, title="<feed>", capacity=60)
    page.view.buffer.extend([{"cursor": n, "text": f"<{n}>"} for n in range(1, 70)])
    page.view.buffer.extend([Gap(70, 80)])
    shown = page.view.html()
    assert shown.startswith("<b>&lt;feed&gt;</b>: ")
    assert "&lt;69&gt;" in shown
    assert "<69>" not in shown
    assert "events 70 to 80 are no longer held" in shown
    assert "10 older events were let go, up to cursor 10" in shown
    assert "10 earlier ones, and" in page.view.text()
    page.view.close()
    assert "&lt;69&gt;" in page.view.html()


def test_a_closed_view_leaves_no_widget(host: Host) -> None:
    """Closing, also twice, takes its widgets and its thread away."""
    before = set(widget._instances)
    page = Page(host)
    page.view.close()
    page.view.close()
    assert set(widget._instances) == before
    assert page.view.follower.wait(5)
