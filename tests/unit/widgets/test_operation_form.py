from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ipywidgets.widgets import widget

from paglets_nb import Host, OperationPaglet, PagletState, ServiceOperation, TaskPaglet, TaskState
from paglets_nb.core.turns import current_origin, default_origin
from paglets_nb.errors import HostError, SerializationError, ServiceContractError
from paglets_nb.patterns.task_client import TaskClient
from paglets_nb.patterns.tasks import TASK_START, TASK_STATUS
from paglets_nb.testing import ADD, TOTAL, AddRequest, Counter, TotalReply
from paglets_nb.widgets.form_page import paths_beginning
from paglets_nb.widgets.forms.calls import Phase
from paglets_nb.widgets.operation_form import OperationForm
from tests.unit.widgets.conftest import Worker, wait_until


@dataclass(frozen=True)
class Order:
    """An order.

    Attributes:
        what: is wanted
    """

    what: str
    count: int = 1


STRICT = ServiceOperation("strict", Order, Order)


class Strict(OperationPaglet[PagletState]):
    """Refuses."""

    def operation_handlers(self) -> Any:
        """One."""
        return {STRICT: self.strict}

    def strict(self, request: Order) -> Order:
        """Refuse."""
        if request.count > 5:
            raise ServiceContractError("'count' is too high")
        raise SerializationError("is not on the list", path="Order.what")


@pytest.fixture
def form(host: Host) -> Iterator[OperationForm]:
    """A form of a fresh Counter's ``add``."""
    made = OperationForm(host.create(Counter, name="counter"), ADD)
    yield made
    made.close()


def _tell(form: OperationForm, **content: Any) -> None:
    form._on_message(form.page, content, [])


def test_a_form_shows_fields_values_and_code(form: OperationForm) -> None:
    """With their defaults; what is typed is checked, and the line that does the same is shown."""
    assert form.page.head == {"title": "add", "owner": "counter", "about": "How much to add."}
    assert form.page.values == {"amount": "1"}
    wait_until(lambda: form.page.code == "%paglet call counter add")
    form.page.values = {"amount": "2"}
    wait_until(lambda: form.page.code == "%paglet call counter add amount=2")
    form.page.values = {"amount": "many"}
    wait_until(lambda: form.page.errors == {"amount": "wants int, got 'many'"})
    assert form.page.code == ""
    assert form.build().errors == form.page.errors


def test_what_the_page_sends_is_called_and_shown(form: OperationForm) -> None:
    """In the background: the reply, the status and the history."""
    threads: list[Any] = []
    changes: list[None] = []
    form.on_change = lambda: changes.append(None)
    real = form.asker.ask
    form.asker.ask = lambda *args: (threads.append(threading.current_thread()), real(*args))[1]  # type: ignore[method-assign]
    _tell(form, event="send", values={"amount": "4"}, timeout="5")
    wait_until(lambda: form.page.status["phase"] == "replied")
    wait_until(lambda: "TotalReply" in form._outcome.value)
    assert threads[0] is not threading.current_thread()
    assert form.last is not None
    assert form.last.reply == TotalReply(4)
    assert [(row["number"], row["fields"], row["ok"]) for row in form.page.history] == [(1, "amount=4", True)]
    assert changes
    assert "<b>TotalReply</b>" in form.html()
    assert form.text().startswith("counter add amount=4\nreplied in ")


@pytest.mark.parametrize(
    ("values", "timeout", "errors"),
    [
        ({"amount": "x"}, "5", {"amount": "wants int, got 'x'"}),
        ({"amount": "1"}, "soon", {"": "the time-out wants seconds above 0, got 'soon'"}),
        ({"amount": "1"}, "nan", {"": "the time-out wants seconds above 0, got 'nan'"}),
        ({"amount": "1"}, "inf", {"": "the time-out wants seconds above 0, got 'inf'"}),
        ({"amount": {"a": 1}}, "5", {"amount": "wants int, got {'a': 1}"}),
        ({"other": 1}, "5", {"other": "no such field (fields: amount)"}),
    ],
)
def test_what_is_wrong_is_not_sent(form: OperationForm, values: Any, timeout: str, errors: Any) -> None:
    """It is told at its field, and nobody is asked."""
    _tell(form, event="send", values=values, timeout=timeout)
    wait_until(lambda: form.page.status["phase"] == "refused")
    form._show_checked()
    assert form.page.errors == errors
    assert form.last is None


@pytest.mark.parametrize("content", [None, 5, {}, {"event": "odd"}, {"event": "send"}, {"event": "use", "number": "x"}])
def test_what_no_page_says_is_ignored(form: OperationForm, content: Any) -> None:
    """Whatever comes from a page does no harm."""
    form._on_message(form.page, content, [])
    call = form.send()
    assert call is not None
    assert call.wait(10)


def test_a_call_can_be_put_back_and_the_form_reset(form: OperationForm) -> None:
    """From the history by its number."""
    for amount in (7, 8):
        form.fill(AddRequest(amount))
        call = form.send(10.0)
        assert call is not None
        assert call.wait(10)
    _tell(form, event="use", number=1)
    assert form.page.values == {"amount": "7"}
    _tell(form, event="reset")
    assert form.page.values == {"amount": "1"}
    assert form.page.status["phase"] == "idle"
    assert [call.request for call in form.history] == [AddRequest(8), AddRequest(7)]


def test_fields_may_be_filled_in_beforehand(host: Host) -> None:
    """A reset brings that back."""
    form = OperationForm(host.create(Counter), ADD, values={"amount": 9}, timeout=3.0)
    form.page.values = {"amount": "1"}
    form.reset()
    assert form.page.values == {"amount": "9"}
    assert form.page.timeout == "3"
    assert form.owner.startswith("Counter ")
    form.close()


@pytest.mark.parametrize(
    ("count", "errors"), [("9", {"count": "'count' is too high"}), ("1", {"what": "is not on the list"})]
)
def test_an_error_of_the_host_is_told_at_the_field_it_names(host: Host, count: str, errors: Any) -> None:
    """Beside the error itself."""
    form = OperationForm(host.create(Strict), STRICT)
    _tell(form, event="send", values={"what": "x", "count": count}, timeout="5")
    wait_until(lambda: form.page.status["phase"] == "failed")
    form._show_checked()
    assert form.page.errors == errors
    wait_until(lambda: "Error" in form._outcome.value)
    assert not form.page.history[0]["ok"]
    form.page.values = {"what": "y", "count": count}
    wait_until(lambda: form.page.errors == {})
    form.close()


def test_a_tasks_form_starts_it_and_shows_how_it_goes_on(
    client: TaskClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the task's own request; a second start takes the first one's place."""
    form = OperationForm(client.proxy, TASK_START, task=Worker)
    assert form.page.values == {"steps": "1", "fail": False}
    for steps in ("1", "2"):
        _tell(form, event="send", values={"steps": steps, "fail": False}, timeout="5")
        wait_until(lambda steps=steps: f">{steps}<" in form.html() and "COMPLETED" in form.html())
    assert len(form.widget.children) == 3
    assert "COMPLETED" in form.text()
    follow, seen = form._follow, list[str]()
    monkeypatch.setattr(form, "_follow", lambda handle: (seen.append(form.html() + form.text()), follow(handle)))
    _tell(form, event="send", values={"steps": "3", "fail": False}, timeout="5")
    wait_until(lambda: ">3<" in form.html() and "COMPLETED" in form.html())
    assert [text for text in seen if "COMPLETED" in text] == [], "the task before was taken for this one"
    assert seen
    wait_until(lambda: form.page.code.startswith("%paglet start "))
    wait_until(lambda: form.page.status["text"].startswith("started in "))
    form.close()
    status = OperationForm(client.proxy, TASK_STATUS, task=Worker)
    assert status.page.values == {}
    status.close()


def test_a_task_that_does_not_say_what_it_takes_has_no_form(client: TaskClient[Any]) -> None:
    """Neither has what is no operation."""

    class Vague(TaskPaglet[Any, Any, TaskState]):
        """Says nothing."""

    with pytest.raises(HostError, match="Vague"):
        OperationForm(client.proxy, TASK_START, task=Vague)
    with pytest.raises(ServiceContractError, match="wants a ServiceOperation, got 'add'"):
        OperationForm(client.proxy, "add")  # type: ignore[arg-type]


def test_a_closed_form_leaves_no_widget_and_waits_for_nothing(host: Host, client: TaskClient[Any]) -> None:
    """Also while a task that it started runs; the task goes on."""
    before = set(widget._instances)
    form = OperationForm(client.proxy, TASK_START, task=Worker)
    call = form.send() if not form.page.set_trait("values", {"steps": "1000"}) else None
    assert call is not None
    wait_until(lambda: len(form.widget.children) == 3)
    form.close()
    form.close()
    assert set(widget._instances) == before
    assert not client.status().done
    _tell(form, event="send", values={}, timeout="5")
    client.cancel()


def test_a_form_that_was_not_sent_says_so(host: Host) -> None:
    """Escaped."""
    proxy = host.create(Counter)
    proxy.name = "<b>"
    form = OperationForm(proxy, TOTAL)
    assert "&lt;b&gt;: not sent yet" in form.html()
    assert form.text() == "<b> total: not sent yet"
    form.close()


def test_the_picture_of_a_form_has_what_is_filled_in(form: OperationForm) -> None:
    """And follows it, until something is sent."""
    assert "amount</td>" in form.html()
    assert ">1</td>" in form.html()
    told: list[str] = []
    form.on_change = lambda: told.append(form.html())
    form.page.values = {"amount": "<2>"}
    wait_until(lambda: bool(told) and ">&lt;2&gt;</td>" in told[-1])
    assert form.text() == "counter add: not sent yet\nfield   value\namount  <2>"


def test_without_a_kernel_a_form_is_shown_as_text(form: OperationForm, capsys: pytest.CaptureFixture[str]) -> None:
    """Once in a cell, however often it is displayed; then it is closed."""
    form._ipython_display_()
    form._ipython_display_()
    assert capsys.readouterr().out == "counter add: not sent yet\nfield   value\namount  1\n"
    form.leave()


def test_paths_of_this_machine_are_offered(
    tmp_path: Path, form: OperationForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that begin with what is typed; folders with a slash; not too many."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "fi[le").touch()
    assert paths_beginning(f"{tmp_path}{os.sep}f") == [f"{tmp_path}/fi[le", f"{tmp_path}/folder/"]
    assert paths_beginning(f"{tmp_path}{os.sep}fi[") == [f"{tmp_path}/fi[le"]
    for number in range(99):
        (tmp_path / "folder" / f"{number}").touch()
    assert len(paths_beginning(f"{tmp_path}/folder/")) == 50
    sent: list[Any] = []
    monkeypatch.setattr(form.page, "send", sent.append)
    _tell(form, event="paths", text=f"{tmp_path}/fo", list="x")
    wait_until(lambda: sent == [{"paths": [f"{tmp_path}/folder/"], "list": "x"}])


def test_a_call_that_is_given_up_says_so(form: OperationForm) -> None:
    """The page's Cancel stops the waiting."""
    free = threading.Event()
    form.asker.ask = lambda *_args: free.wait(10)  # type: ignore[assignment, method-assign, return-value]
    call = form.send(30.0)
    assert call is not None
    wait_until(lambda: form.page.status["phase"] == "running")
    _tell(form, event="cancel")
    wait_until(lambda: form.page.status["phase"] == "gave-up")
    assert call.phase is Phase.GAVE_UP
    assert "may go on" in form.page.status["text"]
    free.set()


def test_an_older_reply_does_not_look_current(form: OperationForm) -> None:
    """It is dimmed when something else was not sent, until there is a new one."""
    call = form.send()
    assert call is not None
    assert call.wait(10)
    wait_until(lambda: "TotalReply" in form._outcome.value)
    form.page.values = {"amount": "many"}
    assert form.send() is None
    assert form.page.status["text"] == "not sent: see above"
    assert "paglets-form-stale" in form._outcome._dom_classes
    form.page.values = {"amount": "1"}
    form.send()
    wait_until(lambda: "paglets-form-stale" not in form._outcome._dom_classes)


def test_a_call_is_made_for_the_cell_that_shows_the_form(form: OperationForm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for the one that was run last; displayed again, for the later cell."""
    asked: list[str] = []
    real = form.asker.ask
    form.asker.ask = lambda *args: (asked.append(current_origin()), real(*args))[1]  # type: ignore[method-assign]
    for shown_in, run_last in (("one", "two"), ("three", "four")):
        monkeypatch.setattr(default_origin, "cell", shown_in)
        form._shown_in = None
        form.show()
        monkeypatch.setattr(default_origin, "cell", run_last)
        call = form.send()
        assert call is not None
        assert call.wait(10)
    assert asked == ["one", "three"]
