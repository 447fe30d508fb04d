from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest

from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.host.host import Host
from paglets_nb.host.protocol import PagletInfo
from paglets_nb.mesh.mesh import Mesh
from paglets_nb.patterns.cursor_drain import (
    CURSOR_DRAIN,
    CursorDrainMixin,
    CursorDrainReply,
    CursorDrainRequest,
    CursorDrainState,
)
from paglets_nb.patterns.task_client import TaskClient
from paglets_nb.patterns.tasks import TaskPaglet, TaskState
from paglets_nb.testing import Counter, wait_until
from paglets_nb.widgets.paglet_news import MAX_ASKED, PagletNews, tasks_run
from tests.unit.mesh.made import PlainMesh


class Recorder(CursorDrainMixin, Paglet[CursorDrainState]):
    """Records what it is told to, and may be held up."""

    Drain = CURSOR_DRAIN
    held = False

    def cursor_drain(self, request: CursorDrainRequest) -> CursorDrainReply:
        """Hand out nothing while it is held up."""
        wait_until(lambda: not type(self).held, timeout=20)
        return super().cursor_drain(request)

    def handle_message(self, message: Message) -> Any:
        """``record`` and ``trim``."""
        if message.kind == "record":
            self.cursor_append_events([{"n": number} for number in range(message.args["count"])])
        elif message.kind == "trim":
            self.cursor_trim(message.args["up_to"])
        else:
            return super().handle_message(message)
        return True


@dataclass(frozen=True)
class Steps:
    """Nothing to say."""


class Walker(TaskPaglet[Steps, Steps, TaskState]):
    """A task that runs until it may end."""

    Request, Result = Steps, Steps

    def run_task(self, request: Steps) -> Steps:
        """Come to 40%, and wait for the end."""
        self.report_progress(0.4, "so far so good")
        while True:
            self.wait_state(lambda: False, 0.02)
            self.check_cancelled()


class Known(PlainMesh):
    """A mesh whose classes are known here."""

    asked = 0

    def class_of(self, proxy: PagletProxy) -> Any:
        """One of the classes above."""
        self.asked += 1
        return {"Recorder": Recorder, "Walker": Walker}.get(proxy.class_name.partition("#")[0].split(":")[-1], Counter)


@pytest.fixture
def mesh(hosts: list[Host]) -> Iterator[Known]:
    """A mesh of them."""
    mesh = Known(hosts)
    yield mesh
    mesh.close()


def listed(host: Host, *proxies: PagletProxy) -> dict[str, list[PagletInfo]]:
    """Paglets as a host lists them."""
    infos = [
        PagletInfo(proxy.agent_id, f"m:{proxy.name}", host.name, host.address, 1, active=True, name=proxy.name)
        for proxy in proxies
    ]
    return {host.name: infos}


def test_a_drain_tells_what_is_behind_the_cursor(hosts: list[Host], mesh: Known) -> None:
    """The events there are, those behind the cursor as it is now, and that some were trimmed."""
    proxy = hosts[0].create(Recorder, name="Recorder")
    proxy.send("record", {"count": 20})
    cursors: dict[tuple[str, str], int] = {}
    news, there = PagletNews(cast("Mesh", mesh), cursors), listed(hosts[0], proxy)
    assert str(news.round(there, patience=5.0)[proxy.agent_id]) == "20 events"
    cursors[proxy.agent_id, "drain"] = 8
    assert str(news.round(there, patience=5.0)[proxy.agent_id]) == "12 new events after 8"
    proxy.send("trim", {"up_to": 10})
    assert str(news.round(there, patience=5.0)[proxy.agent_id]) == "events after 8 were trimmed"
    assert news.round(there, drains=False) == {}
    assert mesh.asked == 1


def test_a_task_tells_where_it_stands(hosts: list[Host], mesh: Known) -> None:
    """Its status, progress and note while it runs; others are not asked at all."""
    proxy, other = hosts[0].create(Walker, name="Walker"), hosts[0].create(Counter, name="Counter")
    handle = TaskClient.for_paglet(proxy, Walker).submit(Steps())
    news, there = PagletNews(cast("Mesh", mesh), {}), listed(hosts[0], proxy, other)
    wait_until(lambda: "40%" in str(news.round(there).get(proxy.agent_id)), timeout=10)
    assert str(news.news[proxy.agent_id]) == "RUNNING 40% so far so good"
    assert news.news[proxy.agent_id].running
    assert other.agent_id not in news.news
    handle.cancel()
    wait_until(lambda: "CANCELLED" in str(news.round(there).get(proxy.agent_id)), timeout=10)
    assert not news.news[proxy.agent_id].running


def test_one_that_does_not_answer_is_busy(hosts: list[Host], mesh: Known) -> None:
    """It holds up nobody, is asked once, and tells what it knew before and then what is new."""
    proxy = hosts[0].create(Recorder, name="Recorder")
    Recorder.held = True
    try:
        news, there = PagletNews(cast("Mesh", mesh), {}), listed(hosts[0], proxy)
        wait_until(lambda: str(news.round(there, patience=0.05).get(proxy.agent_id)) == "busy", timeout=10)
        assert len(news._asked) == 1
    finally:
        Recorder.held = False
    wait_until(lambda: str(news.round(there).get(proxy.agent_id)) == "0 events", timeout=10)


def test_so_many_are_asked(hosts: list[Host], mesh: Known) -> None:
    """Of each host the first ones; tasks are counted in words."""
    proxies = [hosts[0].create(Recorder, name="Recorder" if not number else None) for number in range(MAX_ASKED + 3)]
    infos = [
        PagletInfo(proxy.agent_id, "m:Recorder", "alpha", hosts[0].address, 1, active=True, name="")
        for proxy in proxies
    ]
    told = PagletNews(cast("Mesh", mesh), {}).round({"alpha": infos}, patience=10.0)
    assert sorted(told) == sorted(proxy.agent_id for proxy in proxies[:MAX_ASKED])
    assert [tasks_run(count) for count in (0, 1, 2)] == ["", "1 task running", "2 tasks running"]
