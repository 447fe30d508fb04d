"""Pictures of a call that somebody made with a form: its request, and what came of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from paglets_nb.widgets import pictures, searches
from paglets_nb.widgets.forms.calls import Call, Phase
from paglets_nb.widgets.markup import clipped, details, escaped, muted, table, text_table

__all__ = [
    "call_html",
    "call_text",
    "failure_html",
    "fields_html",
    "fields_text",
    "outcome_html",
    "reply_picture",
    "status_text",
]

_UNSET = "not set"


def reply_picture(value: Any) -> pictures.Picture:
    """How a reply looks: its own picture, or that of any dataclass."""
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    found = {**pictures.PICTURES, **searches.PICTURES}.get(name)
    return found or pictures.Picture(pictures.reply_html, pictures.reply_text)


def failure_html(error: BaseException) -> str:
    """An error in one line, and behind it the remote traceback, where there is one."""
    remote = str(getattr(error, "remote_traceback", "") or "")
    where = str(getattr(error, "remote_host", "") or "")
    title = f"traceback on {where}" if where else "traceback"
    return pictures.error_html(error) + (details(title, remote.strip("\n")).html if remote.strip() else "")


def status_text(call: Call) -> str:
    """How a call stands, in one line."""
    if call.phase is Phase.RUNNING:
        return "waiting for the reply"
    if call.phase is Phase.GAVE_UP:
        return f"gave up waiting after {call.seconds:.1f} s; what was asked for may go on"
    if call.phase is Phase.REPLIED and not dataclasses.is_dataclass(call.reply) and call.reply is not None:
        return f"started in {call.seconds:.3f} s"  # the reply is a task's handle
    return f"{call.phase.value} {'in' if call.phase is Phase.REPLIED else 'after'} {call.seconds:.3f} s"


def outcome_html(call: Call) -> str:
    """The reply or the error of a call; nothing while it runs."""
    if call.error is not None:
        return failure_html(call.error)
    if call.phase is Phase.REPLIED and call.reply is not None:
        return reply_picture(call.reply).html(call.reply)
    return ""


def call_html(call: Call, title: str, owner: str, outcome: str) -> str:
    """A call: what was asked of whom, and what came of it.

    Args:
        call: the call.
        title: of the operation.
        owner: whom it was asked of.
        outcome: HTML of what came of it.
    """
    request = call.request
    asked = pictures.reply_html(request) if dataclasses.fields(request) else ""
    head = f"<div><b>{escaped(title)}</b> {muted(owner).html}</div>"
    return f"{head}{asked}<div>{muted(status_text(call)).html}</div>{outcome}"


def call_text(call: Call, title: str, owner: str) -> str:
    """The same as text."""
    asked = " ".join(part for part in (owner, title, clipped(call.fields)) if part)
    said = call.said
    if call.reply is not None and call.phase is Phase.REPLIED:
        said = clipped(reply_picture(call.reply).text(call.reply))
    remote = str(getattr(call.error, "remote_traceback", "") or "").rstrip()
    return "\n".join(part for part in (asked, status_text(call), said, remote) if part)


def _rows(values: Mapping[str, Any], path: str = "") -> list[tuple[str, object]]:
    """Fields and what is filled in, those of a dataclass within by their paths; None where nothing is."""
    rows: list[tuple[str, object]] = []
    for name, raw in values.items():
        if isinstance(raw, Mapping) and not set(raw) <= {"text", "hex"}:
            rows += _rows(raw, f"{path}{name}.")
        elif isinstance(raw, Mapping):  # bytes
            rows.append((f"{path}{name}", next(iter(raw.values()), "")))
        else:
            rows.append((f"{path}{name}", raw))
    return rows


def fields_html(values: Mapping[str, Any]) -> str:
    """What is filled in, by raw values as ``forms.raw_values`` has them."""
    rows = [(name, muted(_UNSET) if raw is None else raw) for name, raw in _rows(values)]
    return table((), rows).html if rows else ""


def fields_text(values: Mapping[str, Any]) -> str:
    """The same as text."""
    rows = [(name, _UNSET if raw is None else raw) for name, raw in _rows(values)]
    return text_table(("field", "value"), rows) if rows else ""
