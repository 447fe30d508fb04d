from __future__ import annotations

import threading
from typing import Any

import pytest
from ipywidgets.widgets import widget

from paglets_nb import Host
from paglets_nb.core.turns import default_origin
from paglets_nb.errors import HostDiedError, MeshError
from paglets_nb.mesh.outputs import paglet_log
from paglets_nb.patterns.task_client import TaskClient
from paglets_nb.patterns.tasks import TaskStatus
from paglets_nb.widgets.task_view import TaskView, show_task
from tests.unit.widgets.conftest import wait_until


def test_a_view_shows_what_snapshots_say(client: TaskClient[Any]) -> None:
    """Bar, status, note, host and outcome follow the task, without any notebook; the button cancels it."""
    handle = client.submit(client.request_type(1000))
    view = TaskView(handle)
    wait_until(lambda: client.status().progress > 0)
    view.update(client.status())
    wait_until(lambda: view._bar.value > 0)
    assert "RUNNING" in view._status.value
    assert "step" in view._note.value
    assert "alpha" in view._place.value
    assert not view._cancel.disabled
    view._cancel.click()
    view.update(handle.wait(5))
    wait_until(lambda: "CANCELLED" in view._status.value and "asked to stop" in view._words.value)
    assert view._cancel.disabled
    assert view.done
    assert "cancelled" in view._end.value
    for picture in (view.text(), view.html()):
        assert "CANCELLED" in picture
        assert "asked to stop" in picture
    view.close()


def test_a_result_and_an_error_are_escaped(client: TaskClient[Any]) -> None:
    """What the task says is text, and the traceback is folded."""
    view = TaskView(client.submit(client.request_type(2)))
    view.update(view.handle.wait(5))
    view.close()
    assert "&lt;b&gt;" in view.html()
    view = TaskView(client.submit(client.request_type(2, fail=True)))
    view.update(view.handle.wait(5))
    view.close()
    assert "no &lt;luck&gt;" in view.html()
    assert "<details><summary>traceback</summary>" in view.html()


def test_silence_and_loss_are_shown(client: TaskClient[Any]) -> None:
    """A task that does not answer says so, and one that is lost why."""
    view = TaskView(client.submit(client.request_type(1000)))
    view.ask()
    view.silent(7.0)
    wait_until(lambda: "no answer for 7 s" in view._note.value)
    view.update(client.status())
    wait_until(lambda: "no answer" not in view._note.value)
    view.lost(MeshError("the mesh was <stopped>"))
    wait_until(lambda: view._cancel.disabled)
    assert "the mesh was &lt;stopped&gt;" in view.html()
    view.close()
    client.cancel()


def test_a_task_that_ended_with_its_host(client: TaskClient[Any]) -> None:
    """It is lost, which is its last state, and the reason is told in plain words; its time stands still."""
    view = TaskView(client.submit(client.request_type(1000)))
    view.ask()
    view.lost(HostDiedError("unix:///x/gamma.sock", "killed by SIGKILL"))
    wait_until(lambda: "LOST" in view._status.value and view._cancel.disabled)
    for picture in (view.text(), view.html(), view._end.value):
        assert "lost: its host gamma is gone: killed by SIGKILL" in picture
        assert "HostDiedError" not in picture
        assert "RUNNING" not in picture
    assert view.text() == view.text()
    view.presses.restarted = True
    assert "lost: its host was restarted to end it" in view.text()
    assert "is gone" not in view.html()
    view.look_again()  # it is there in truth
    assert "LOST" not in view.html()
    view.close()
    client.cancel()


def test_what_it_prints_is_in_the_view(client: TaskClient[Any]) -> None:
    """The last lines, live and in the picture; they may be left out."""
    handle = client.submit(client.request_type(2))
    paglet_log(handle.proxy).take("alpha", "stream", {"name": "stdout", "text": "<hello>\n"})
    view, without = TaskView(handle), TaskView(handle, output=False)
    wait_until(lambda: view._output.widget.outputs)
    assert view._output.widget.outputs[0]["text"] == "<hello>\n"
    assert "&lt;hello&gt;" in view.html()
    assert "hello" not in without.html()
    for each in (view, without):
        each.close()


def test_cancel_does_not_block_the_button(client: TaskClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The callback hands the work to a thread and returns at once."""
    handle = client.submit(client.request_type(1000))
    view, caller, asked = TaskView(handle), threading.current_thread(), threading.Event()
    threads: list[threading.Thread] = []
    real = handle.proxy.client.call

    def call(proxy: Any, message: Any, options: Any) -> Any:
        threads.append(threading.current_thread())
        asked.set()
        return real(proxy, message, options)

    monkeypatch.setattr(handle.proxy.client, "call", call)
    view._cancel.click()
    assert asked.wait(5)
    assert caller not in threads
    assert handle.wait(5).status is TaskStatus.CANCELLED
    wait_until(lambda: not view.presses.busy)
    view.close()


def test_without_a_kernel_a_task_is_shown_once(client: TaskClient[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing can be updated a still picture is displayed and nobody follows, done or not."""
    handle = client.submit(client.request_type(1))
    handle.wait(5)
    assert show_task(handle) is None
    assert "COMPLETED | 100%" in capsys.readouterr().out
    handle = client.submit(client.request_type(1000))
    wait_until(lambda: client.status().status is TaskStatus.RUNNING)
    assert show_task(handle) is None
    assert "RUNNING" in capsys.readouterr().out
    client.cancel()


def test_a_handle_knows_its_cell(host: Host, client: TaskClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what the task prints is not shown twice where it was started."""
    monkeypatch.setattr(default_origin, "cell", "cell-3")
    assert client.submit(client.request_type(1)).cell == "cell-3"


def test_a_closed_view_leaves_no_widget(client: TaskClient[Any]) -> None:
    """Closing takes every widget of the view out of the registry, and the task goes on."""
    before = set(widget._instances)
    view = TaskView(client.submit(client.request_type(1000)))
    assert set(widget._instances) > before
    view.close()
    view.close()
    assert set(widget._instances) == before
    assert not client.status().done
    client.cancel()
