"""A form for an operation of a paglet: a view of the calls that are made with it.

The page holds what is typed and sends it whole; what that means, and what becomes of it, is
in ``widgets.forms``, which works without this. It must not ask a host in a callback.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping
from typing import Any

import ipywidgets

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.turns import default_origin
from paglets_nb.core.values import DEFAULT_TIMEOUT
from paglets_nb.errors import ServiceContractError
from paglets_nb.patterns.task_client import TaskClient, TaskHandle
from paglets_nb.services.contracts import ServiceOperation
from paglets_nb.widgets import pictures
from paglets_nb.widgets.background import Coalesced, post
from paglets_nb.widgets.display import Showing
from paglets_nb.widgets.form_page import FormPage, paths_beginning
from paglets_nb.widgets.forms.calls import Call, Caller, OperationAsker, Phase, TaskAsker
from paglets_nb.widgets.forms.code_lines import code_line
from paglets_nb.widgets.forms.docstrings import summary_of
from paglets_nb.widgets.forms.pictures import call_html, call_text, fields_html, fields_text, outcome_html, status_text
from paglets_nb.widgets.forms.raw_values import page_fields, raw_values
from paglets_nb.widgets.forms.requests import Built, build, errors_at
from paglets_nb.widgets.markup import clipped, escaped, muted
from paglets_nb.widgets.shown import Shown, close_widgets
from paglets_nb.widgets.task_part import TaskPart

__all__ = ["OperationForm"]

_CHECKS_PER_SECOND = 10.0


class OperationForm(Shown):
    """A form for one operation of a paglet.

    Args:
        proxy: the paglet.
        operation: what is asked of it.
        timeout: seconds until a call fails for want of a reply; can be changed in the form.
        values: what the fields are filled with at first, by name; the others with their defaults.
        task: the paglet's class where it is a task: then a form for ``start`` takes the task's
            own request, starts it, and shows how it goes on.

    Attributes:
        widget: the widget to display.
        page: what is typed (``page.values``) and what is wrong with it (``page.errors``).
        request_type: the dataclass of the request.
        cell: the notebook cell that shows it, where the output of what it calls goes.

    Raises:
        HostError: the task's class does not say what it takes.
    """

    def __init__(
        self,
        proxy: PagletProxy,
        operation: ServiceOperation,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        values: Mapping[str, Any] | None = None,
        task: Any = None,
    ) -> None:
        super().__init__()
        if not isinstance(operation, ServiceOperation):
            raise ServiceContractError(f"a form wants a ServiceOperation, got {operation!r}")
        self.asker: OperationAsker | TaskAsker = OperationAsker(proxy, operation)
        if task is not None and operation.name == TaskAsker.name:
            self.asker = TaskAsker(TaskClient.for_paglet(proxy, task))
        self.request_type = self.asker.request_type
        self.owner = proxy.name or f"{pictures.class_label(proxy.class_name)} {proxy.agent_id}"
        self._initial = raw_values(self.request_type, dict(values or {}))
        self._known = self._initial.known
        self.cell = default_origin.cell
        self._caller = Caller(self.asker, self._on_call, lambda: self.cell)
        self._serials = itertools.count(1)
        self._told: tuple[dict[str, Any], dict[str, str]] = ({}, {})  # what was sent, and what was wrong with it
        self._task: TaskPart | None = None
        self._check = Coalesced(self._show_checked, _CHECKS_PER_SECOND)
        self._paint = Coalesced(self._show_call)
        self.page = FormPage(
            head={"title": self.asker.name, "owner": self.owner, "about": summary_of(self.request_type)},
            fields=page_fields(self.request_type),
            initial=self._initial.values,
            values=self._initial.values,
            timeout=f"{timeout:g}",
        )
        self._outcome = ipywidgets.HTML()
        self.widget = ipywidgets.VBox([self.page, self._outcome])
        self.widget.add_class("paglets-operation")
        self.page.observe(lambda _change: self._check(), "values")
        self.page.on_msg(self._on_message)
        self._check()

    def show(self) -> Showing | None:
        """Display it in the cell that runs now, which the output of what it calls goes to from then on."""
        self.cell = default_origin.cell
        return super().show()

    # ---- for scripts

    @property
    def last(self) -> Call | None:
        """The last call; None before the first."""
        return self._caller.last

    @property
    def history(self) -> list[Call]:
        """The last calls, newest first."""
        return self._caller.history

    def build(self) -> Built:
        """The request that is filled in, or what is wrong with it."""
        return build(self.request_type, self.page.values, known=self._known)

    def fill(self, request: Any) -> None:
        """Put a request into the form.

        Args:
            request: an instance of the request type, or a dict of some of its fields.
        """
        raws = raw_values(self.request_type, request)
        self._known = raws.known
        self.page.values = raws.values

    def reset(self) -> None:
        """Fill the form as it was at first."""
        self._known = self._initial.known
        self.page.tell(values=self._initial.values, errors={}, status=self._status("idle", ""))

    def send(self, timeout: float | None = None) -> Call | None:
        """Send what is filled in, and return at once.

        Args:
            timeout: seconds to wait for the reply; None for what the form says.

        Returns:
            The call; None where a field is wrong (it says so), or another call runs.
        """
        try:
            limit = _seconds(self.page.timeout) if timeout is None else timeout
        except ValueError as error:
            self._refuse({"": str(error)})
            return None
        built = self.build()
        if not built.ok:
            self._refuse(built.errors)
            return None
        self._told = (self.page.values, {})
        return self._caller.send(built.request, limit)

    def cancel(self) -> bool:
        """Stop waiting for the call that runs; whether one did."""
        return self._caller.cancel()

    # ---- the page

    def _on_message(self, _page: Any, content: Any, _buffers: Any) -> None:
        """What the page tells; nothing here may block."""
        if not isinstance(content, dict) or self._closed:
            return
        event = content.get("event")
        if event == "send" and isinstance(content.get("values"), dict):
            self.page.tell(values=content["values"], timeout=clipped(str(content.get("timeout", "")), 40))
            post(self._send, self._failed)
        elif event == "cancel":
            self.cancel()
        elif event == "reset":
            self.reset()
        elif event == "use":
            self._use(content.get("number"))
        elif event == "paths":
            post(lambda: self._complete(content), lambda _error: None)

    def _send(self) -> None:
        self.send()

    def _use(self, number: Any) -> None:
        for call in self.history:
            if call.number == number:
                self.fill(call.request)

    def _complete(self, content: dict[str, Any]) -> None:
        """Offer the paths of this machine that begin with what is typed."""
        self.page.send({"paths": paths_beginning(str(content.get("text", ""))), "list": content.get("list")})

    def _status(self, phase: str, text: str, seconds: float = 0.0) -> dict[str, Any]:
        return {"serial": next(self._serials), "phase": phase, "text": text, "seconds": seconds}

    def _refuse(self, errors: dict[str, str]) -> None:
        count = len(errors)
        text = "not sent: " + ("see above" if count == 1 else f"{count} things are wrong")
        self._told = (self.page.values, errors)
        self._outcome.add_class("paglets-form-stale")  # it answers an earlier request
        self.page.tell(errors=errors, status=self._status("refused", text))

    def _failed(self, error: Exception) -> None:
        self._refuse({"": f"{type(error).__name__}: {error}"})

    def _show_checked(self) -> None:
        """What is wrong with what is typed, and the line that does the same."""
        if self._closed:
            return
        built = self.build()
        verb = "start" if isinstance(self.asker, TaskAsker) else "call"
        paglet = self.asker.proxy.name or self.asker.proxy.agent_id
        words = (paglet, self.asker.name) if verb == "call" else (paglet,)
        values, told = self._told
        errors = built.errors or (told if values == self.page.values else {})
        self.page.tell(errors=errors, code=code_line(verb, words, built.request) if built.ok else "")
        if self.last is None:
            self.changed()  # its picture has what is filled in

    # ---- calls

    def _on_call(self, call: Call) -> None:
        if call.phase is Phase.REPLIED and isinstance(call.reply, TaskHandle) and not self._closed:
            self._follow(call.reply)
        self._paint()

    def _show_call(self) -> None:
        call = self.last
        if call is None or self._closed:
            return
        news: dict[str, Any] = {
            "history": [_history_row(entry) for entry in self.history if entry.phase is not Phase.RUNNING],
            "status": self._status(call.phase.value.replace(" ", "-"), status_text(call), call.elapsed),
        }
        if call.phase is Phase.FAILED and call.error is not None:
            self._told = (self._told[0], errors_at(call.error, self.request_type))
            if self._told[0] == self.page.values:
                news["errors"] = self._told[1]
        self.page.tell(**news)
        if call.phase is Phase.RUNNING:
            self._outcome.add_class("paglets-form-stale")
        else:
            self._outcome.value = "" if isinstance(call.reply, TaskHandle) else outcome_html(call)
            self._outcome.remove_class("paglets-form-stale")
        self.changed()

    def _follow(self, handle: TaskHandle[Any]) -> None:
        """Show how a task goes on, in place of the one before."""
        earlier, self._task = self._task, TaskPart(handle, self.changed)
        self.widget.children = (self.page, self._outcome, self._task.view.widget)
        if earlier is not None:
            earlier.close()

    # ---- the picture

    def _task_of(self, call: Call) -> TaskPart | None:
        """What follows the task that a call started; not the one before, where that is followed still."""
        task = self._task
        return task if task is not None and task.view.handle is call.reply else None

    def text(self) -> str:
        """The last call, as text; before it, what is filled in."""
        call = self.last
        if call is None:
            head = f"{self.owner} {self.asker.name}: not sent yet"
            return "\n".join(part for part in (head, fields_text(self.page.values)) if part)
        told = call_text(call, self.asker.name, self.owner)
        task = self._task_of(call)
        return f"{told}\n{task.text()}" if task is not None else told

    def html(self) -> str:
        """The last call: its request, and what came of it; before it, what is filled in."""
        call = self.last
        if call is None:
            head = f"<div><b>{escaped(self.asker.name)}</b> {muted(f'{self.owner}: not sent yet').html}</div>"
            return head + fields_html(self.page.values)
        task = self._task_of(call)
        return call_html(call, self.asker.name, self.owner, task.html() if task is not None else outcome_html(call))

    def close(self) -> None:
        """Stop waiting and take the widgets away; harmless when repeated."""
        if self._closed:
            return
        self._closed = True
        self.cancel()
        self._check.close()
        self._paint.close()
        if self._task is not None:
            self._task.close()
        close_widgets(self.page, self._outcome, self.widget)


def _seconds(text: str) -> float:
    """A time-out as it is typed; ValueError says what was wanted."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise ValueError(f"the time-out wants seconds above 0, got {text!r}")
    return value


def _history_row(call: Call) -> dict[str, Any]:
    return {
        "number": call.number,
        "time": time.strftime("%H:%M:%S", time.localtime(call.began_at)),
        "fields": clipped(call.fields),
        "said": call.said,
        "ok": call.phase is Phase.REPLIED,
        "took": f"{call.seconds:.3f} s",
    }
