from __future__ import annotations

import dataclasses
import importlib
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest

from paglets_nb import Host
from paglets_nb.host.protocol import PagletInfo
from paglets_nb.patterns.file_transfers import FileTransferEndpoint, FileTransferMode, FileTransferResult
from paglets_nb.patterns.task_client import TaskClient, TaskSnapshot
from paglets_nb.patterns.tasks import TaskStatus
from paglets_nb.widgets import pictures

EVIL = "<script>x</script>"


def _host(**values: Any) -> Any:
    known = {"name": EVIL, "state": "up", "reason": "", "restarts": 0, "pid": 7, "url": "unix:///a/b.sock"}
    return SimpleNamespace(**{**known, **values})


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_every_pictured_type_exists(name: str) -> None:
    """The full names lead to types."""
    module, _, cls = name.rpartition(".")
    assert isinstance(getattr(importlib.import_module(module), cls), type)


def test_a_mesh_shows_its_hosts() -> None:
    """State, pid and the reason of a death are in text and HTML; names are escaped."""
    mesh = SimpleNamespace(name=EVIL, running=True, hosts=lambda: [_host(), _host(state="dead", reason="SIGKILL")])
    text, html = pictures.mesh_text(mesh), pictures.mesh_html(mesh)
    assert "dead: SIGKILL" in text
    assert "dead: SIGKILL" in html
    assert "<script" not in html
    assert pictures.mesh_text(SimpleNamespace(name="m", running=False, detached=False)) == "mesh m is down"
    down = SimpleNamespace(name="mesh-4ed548", running=False, detached=False)
    assert pictures.mesh_text(down) == "mesh-4ed548 is down"
    alone = SimpleNamespace(name="m", running=False, detached=True, standing="detached; take it up")
    assert pictures.mesh_text(alone) == "mesh m is detached; take it up"
    assert pictures.mesh_html(alone) == "<b>mesh m</b> is detached; take it up"


def test_a_host_shows_in_one_line() -> None:
    """Name, state and pid."""
    assert pictures.host_text(_host(name="alpha")) == "host alpha: up, pid 7"
    assert "<script" not in pictures.host_html(_host())


def test_a_proxy_shows_class_name_and_host() -> None:
    """Where the paglet was last known, in few words."""
    proxy = SimpleNamespace(
        name="c<1>", class_name="__main__:Outer.Counter#ab12", host_url="unix:///x/alpha.sock", agent_id="0123"
    )
    assert pictures.proxy_text(proxy) == "<Counter 'c<1>' 0123 on alpha>"
    assert "c&lt;1&gt;" in pictures.proxy_html(proxy)
    proxy.name, proxy.class_name = "", ""
    assert pictures.proxy_text(proxy) == "<paglet 0123 on alpha>"


class Colour(Enum):
    RED = "red"


@dataclass
class Inner:
    text: str = EVIL


@dataclass
class Reply:
    number: int = 1
    colour: Colour = Colour.RED
    inner: Inner = field(default_factory=Inner)
    many: list[Inner] = field(default_factory=lambda: [Inner(), Inner("y")])
    table: dict[str, Any] = field(default_factory=lambda: {EVIL: 1})


@dataclass
class Nothing:
    pass


@dataclass
class Chain:
    next: Any = None


def test_a_reply_shows_its_fields_nested_and_escaped() -> None:
    """Dataclasses within, lists of them and dicts become tables; nothing of them becomes markup."""
    html = pictures.reply_html(Reply())
    assert "<b>Reply</b>" in html
    assert ">red<" in html
    assert html.count("<table>") == 4
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 3


def test_replies_of_any_size_stay_small() -> None:
    """Long lists and deep nesting are cut."""
    html = pictures.reply_html(Reply(many=[Inner(str(n)) for n in range(1000)]))
    assert "and 950 more" in html
    deep = Chain()
    for _step in range(100):
        deep = Chain(deep)
    assert pictures.reply_html(deep).count("<table>") == pictures.MAX_NESTING + 1
    assert pictures.reply_html(Nothing()) == "<code>Nothing()</code>"


def test_a_reply_reads_as_python_writes_it() -> None:
    """The text of a reply is its repr, but for fields that are very long."""
    assert pictures.reply_text(Reply()) == repr(Reply())
    long = Chain(b"x" * 10_000_000)
    assert len(pictures.reply_text(long)) < 2 * pictures.MAX_FIELD
    assert pictures.reply_text(long).endswith("...)")


def test_a_snapshot_shows_result_or_error(client: TaskClient[Any]) -> None:
    """Status, progress and place, then the typed result, or the error with its traceback."""
    done = client.start(client.request_type(2))
    assert "COMPLETED | 100% | step 1" in pictures.snapshot_text(done)
    assert "on alpha" in pictures.snapshot_text(done)
    assert "<b>Done</b>" in pictures.snapshot_html(done)
    assert "&lt;b&gt;" in pictures.snapshot_html(done)
    failed = client.start(client.request_type(1, fail=True))
    assert "ValueError: no <luck>" in pictures.snapshot_text(failed)
    assert "<details>" in pictures.snapshot_html(failed)
    assert "no &lt;luck&gt;" in pictures.snapshot_html(failed)
    cancelled = dataclasses.replace(failed, status=TaskStatus.CANCELLED, error="TaskCancelledError: it was cancelled")
    assert pictures.snapshot_text(cancelled).endswith("\nTaskCancelledError: it was cancelled")
    assert "Traceback" not in pictures.snapshot_text(cancelled)


def test_a_handle_shows_even_when_its_host_is_gone(host: Host, client: TaskClient[Any]) -> None:
    """A picture never raises."""
    handle = client.submit(client.request_type(1000))
    assert "RUNNING" in pictures.handle_text(handle) or "NEW" in pictures.handle_text(handle)
    client.cancel()
    host.stop()
    assert handle.proxy.agent_id in pictures.handle_text(handle)
    assert pictures.handle_html(handle).startswith("<div")


def test_a_carried_file_is_a_card() -> None:
    """What was done, with the size and both ends."""
    ends = FileTransferEndpoint("alpha", "", "/a/<x>"), FileTransferEndpoint("beta", "", "/b/x")
    result = FileTransferResult("t", FileTransferMode.MOVE, False, *ends, "<x>", 5, "5 B")
    assert pictures.transfer_text(result).splitlines() == [
        "moved      <x> (5 B)",
        "from       alpha:/a/<x>",
        "to         beta:/b/x",
    ]
    assert "alpha:/a/&lt;x&gt;" in pictures.transfer_html(result)
    planned = dataclasses.replace(result, dry_run=True)
    assert pictures.transfer_text(planned).startswith("would move <x>")
    done = TaskSnapshot(TaskStatus.COMPLETED, True, result, "", 1.0, 2.0, "abc", "beta", "u", 1.0)
    assert pictures.transfer_text(result) in pictures.snapshot_text(done)
    assert pictures.transfer_html(result) in pictures.snapshot_html(done)


def test_a_sleeping_paglet_is_shown_as_such() -> None:
    """Its messages do not wait in a queue."""
    info = PagletInfo("abc", "m:C", "alpha", "u", 1, active=False)
    assert pictures.info_text(info).endswith("asleep")
