"""Pictures, as HTML and as text, of what the magics return: pure functions of the objects.

They are looked up by type in ``PICTURES``; nothing is asked of a host to draw one, but
for a task's handle, which asks for its latest status.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from paglets_nb.widgets.benchmarks import host_performance_html, movement_html, performance_html
from paglets_nb.widgets.experiments import results_html, table_html
from paglets_nb.widgets.markup import Markup, bar, clipped, details, escaped, muted, table, text_table

__all__ = [
    "LOST",
    "PICTURES",
    "TASK_HANDLE",
    "Picture",
    "class_label",
    "details_html",
    "details_text",
    "elapsed",
    "error_html",
    "failure_html",
    "headline",
    "host_label",
    "mesh_label",
    "outcome_html",
    "paglet_rows",
    "reply_html",
    "reply_text",
    "snapshot_html",
    "snapshot_text",
    "state_label",
    "status_label",
]

TASK_HANDLE = "paglets_nb.patterns.task_client.TaskHandle"
PAGLET_HEADERS = ("name", "class", "host", "id", "waiting")
HOST_HEADERS = ("host", "state", "pid")
MAX_ENTRIES = 50
MAX_NESTING = 4
MAX_FIELD = 4000
"""Characters shown of one field of a reply, where one is longer."""
MAX_REPLY = 50_000
"""Characters shown of a whole reply."""
_COLOURS = {"COMPLETED": "#2e7d32", "FAILED": "#c62828", "CANCELLED": "#8d6e63"}


@dataclass(frozen=True)
class Picture:
    """How objects of one type look."""

    html: Callable[[Any], str]
    text: Callable[[Any], str]


def class_label(class_name: str) -> str:
    """A class's own name from its wire name."""
    return class_name.partition("#")[0].rpartition(":")[2].rpartition(".")[2] or "paglet"


def host_label(url: str) -> str:
    """A host's name from its address."""
    return url.rpartition("/")[2].removesuffix(".sock")


# ---- hosts and meshes


def mesh_label(name: str) -> str:
    """A mesh as messages call it: ``mesh lab``, but not ``mesh mesh-4ed548``."""
    return name if name.startswith("mesh") else f"mesh {name}"


def state_label(host: Any) -> str:
    """How a host is, and why: ``dead: killed by SIGKILL``, ``up, restarted once (last: by request)``."""
    if host.state == "up" and host.restarts:
        times = "once" if host.restarts == 1 else f"{host.restarts} times"
        return f"up, restarted {times} (last: {host.reason})"
    return f"{host.state}: {host.reason}" if host.reason else str(host.state)


def _host_row(host: Any) -> tuple[object, ...]:
    return host.name, state_label(host), host.pid or ""


def _down(mesh: Any) -> str:
    return str(mesh.standing) if mesh.detached else "down"


def mesh_html(mesh: Any) -> str:
    """A mesh and its hosts."""
    if not mesh.running:
        return f"<b>{escaped(mesh_label(mesh.name))}</b> is {escaped(_down(mesh))}"
    rows = [_host_row(host) for host in mesh.hosts()]
    return f"<b>{escaped(mesh_label(mesh.name))}</b>{table(HOST_HEADERS, rows).html}"


def mesh_text(mesh: Any) -> str:
    """The same as text."""
    if not mesh.running:
        return f"{mesh_label(mesh.name)} is {_down(mesh)}"
    return f"{mesh_label(mesh.name)}\n{text_table(HOST_HEADERS, [_host_row(host) for host in mesh.hosts()])}"


def host_html(host: Any) -> str:
    """A host."""
    return table(HOST_HEADERS, [_host_row(host)]).html


def host_text(host: Any) -> str:
    """The same as text."""
    name, state, pid = _host_row(host)
    return f"host {name}: {state}, pid {pid}"


# ---- paglets


def proxy_html(proxy: Any) -> str:
    """A paglet where it was last known."""
    name = f" <b>{escaped(proxy.name)}</b>" if proxy.name else ""
    where = f"on {escaped(host_label(proxy.host_url))} {muted(proxy.agent_id).html}"
    return f"{escaped(class_label(proxy.class_name))}{name} {where}"


def proxy_text(proxy: Any) -> str:
    """The same as text."""
    name = f" {proxy.name!r}" if proxy.name else ""
    return f"<{class_label(proxy.class_name)}{name} {proxy.agent_id} on {host_label(proxy.host_url)}>"


def paglet_rows(infos: Any) -> list[tuple[object, ...]]:
    """The rows of a listing, under ``PAGLET_HEADERS``."""
    return [
        (
            info.name,
            class_label(info.class_name),
            info.host_name,
            info.agent_id,
            info.waiting if info.active else "asleep",
        )
        for info in infos
    ]


def info_html(info: Any) -> str:
    """What a host tells of a paglet."""
    return table(PAGLET_HEADERS, paglet_rows([info])).html


def info_text(info: Any) -> str:
    """The same as text."""
    return text_table(PAGLET_HEADERS, paglet_rows([info]))


def _facts(info: Mapping[str, Any]) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [
        ("class", class_label(info["class_name"])),
        ("name", info.get("name", "")),
        ("id", info["agent_id"]),
        ("host", f"{info['host_name']} (pid {info['pid']})"),
        ("activity", "" if info.get("active", True) else "asleep; wakes as it was told to, or by: %paglet activate"),
        ("waiting", f"{info.get('waiting', 0)} messages"),
    ]
    return [fact for fact in facts if fact[1] != ""]


def details_html(info: Mapping[str, Any], signatures: list[tuple[str, str]]) -> str:
    """A paglet with its operations and its state.

    Args:
        info: as ``PagletProxy.info`` answers.
        signatures: the operations, each with what it takes.
    """
    state = [(name, clipped(value)) for name, value in info.get("state", {}).items()]
    rows: list[tuple[object, object]] = list(_facts(info))
    if signatures:
        rows.append(("operations", table((), signatures)))
    if state:
        rows.append(("state", table((), state)))
    return table((), rows).html


def details_text(info: Mapping[str, Any], signatures: list[tuple[str, str]]) -> str:
    """The same as text."""
    lines = [f"{name:<11}{value}" for name, value in _facts(info)]
    lines += [f"{'operations' if not at else '':<11}{name} {takes}" for at, (name, takes) in enumerate(signatures)]
    state = list(info.get("state", {}).items())
    lines += [f"{'state' if not at else '':<11}{name} = {clipped(value, 80)}" for at, (name, value) in enumerate(state)]
    return "\n".join(lines)


# ---- replies and other dataclasses


def _value_markup(value: Any, nesting: int) -> object:
    if nesting < MAX_NESTING:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return _fields_table(value, nesting + 1)
        if isinstance(value, list | tuple) and value and all(dataclasses.is_dataclass(entry) for entry in value):
            return _rows_table(value, nesting + 1)
        if isinstance(value, dict) and value:
            shown = list(value.items())[:MAX_ENTRIES]
            return table((), [(str(key), _value_markup(entry, nesting + 1)) for key, entry in shown])
    if isinstance(value, Enum):
        return str(value.value)
    return clipped(value)


def _fields_table(value: Any, nesting: int) -> Markup:
    names = [field.name for field in dataclasses.fields(value)]
    return table((), [(name, _value_markup(getattr(value, name), nesting)) for name in names])


def _rows_table(values: Any, nesting: int) -> Markup:
    names = [field.name for field in dataclasses.fields(values[0])]
    shown = values[:MAX_ENTRIES]
    rows = [[_value_markup(getattr(value, name, ""), nesting) for name in names] for value in shown]
    left = len(values) - len(shown)
    return Markup(table(names, rows).html + (muted(f"and {left} more").html if left else ""))


def reply_text(value: Any) -> str:
    """Any dataclass as Python writes it; long texts and bytes are cut."""
    fields = [field for field in dataclasses.fields(value) if field.repr]
    values = (getattr(value, field.name) for field in fields)
    if not any(isinstance(entry, str | bytes | bytearray) and len(entry) > MAX_FIELD for entry in values):
        return clipped(repr(value), MAX_REPLY)
    shown = (f"{field.name}={_repr_of(getattr(value, field.name))}" for field in fields)
    return f"{type(value).__qualname__}({', '.join(shown)})"


def _repr_of(value: Any) -> str:
    return clipped(repr(value) if isinstance(value, str) else value, MAX_FIELD)


def reply_html(value: Any) -> str:
    """Any dataclass: its fields by name."""
    name = type(value).__name__
    if not dataclasses.fields(value):
        return f"<code>{escaped(name)}()</code>"
    return f"<b>{escaped(name)}</b>{_fields_table(value, 0).html}"


# ---- tasks

LOST = "LOST"
"""What the status of a task is called that ended with its host."""


def elapsed(snapshot: Any) -> float:
    """Seconds since the task started, up to its end; 0 before."""
    if not snapshot.started_at:
        return 0.0
    end = snapshot.completed_at or time.time()
    return float(max(0.0, end - snapshot.started_at))


def status_label(snapshot: Any) -> str:
    """A task's status as people read it."""
    return "CANCELLING" if snapshot.cancelling and not snapshot.done else str(snapshot.status.value)


def headline(snapshot: Any, *, lost: bool = False) -> str:
    """Where a task stands, in one line."""
    parts = [
        LOST if lost else status_label(snapshot),
        f"{snapshot.progress:.0%}",
        snapshot.note,
        f"{elapsed(snapshot):.1f} s",
    ]
    parts.append(f"on {snapshot.host_name}" if snapshot.host_name else "")
    return " | ".join(part for part in parts if part)


def _result_picture(result: Any) -> Picture:
    """A result's own picture, or that of any dataclass."""
    return PICTURES.get(f"{type(result).__module__}.{type(result).__qualname__}") or Picture(reply_html, repr)


def outcome_html(snapshot: Any) -> str:
    """The result or the error of a task that is done."""
    parts = []
    if snapshot.result is not None:
        parts.append(_result_picture(snapshot.result).html(snapshot.result))
    if snapshot.error:
        parts.append(failure_html(snapshot.error))
    if snapshot.traceback:
        parts.append(details("traceback", snapshot.traceback).html)
    return "".join(parts)


def failure_html(words: str) -> str:
    """What went wrong, in one line."""
    return f"<div style='color:#c62828'>{escaped(words)}</div>"


def error_html(error: BaseException) -> str:
    """An error in one line."""
    return failure_html(f"{type(error).__name__}: {error}")


def snapshot_html(snapshot: Any, *, lost: bool = False) -> str:
    """Where a task stands: status, bar, note, time, place, result or error."""
    colour = _COLOURS["FAILED"] if lost else _COLOURS.get(str(snapshot.status.value), "#1565c0")
    line = escaped(headline(snapshot, lost=lost))
    return f"<div>{bar(snapshot.progress, colour).html} {line}</div>{outcome_html(snapshot)}"


def snapshot_text(snapshot: Any, *, lost: bool = False) -> str:
    """The same as text."""
    text = f"task {snapshot.agent_id}: {headline(snapshot, lost=lost)}"
    if snapshot.result is not None:
        text += f"\n{clipped(_result_picture(snapshot.result).text(snapshot.result))}"
    if snapshot.error:
        cancelled = snapshot.status.value == "CANCELLED"  # which is no failure: where it stood says little
        text += f"\n{snapshot.error if cancelled else snapshot.traceback.rstrip() or snapshot.error}"
    return text


def handle_html(handle: Any) -> str:
    """A task's handle: where the task stands now."""
    try:
        return snapshot_html(handle.snapshot(timeout=2.0))
    except Exception as error:  # a picture must not fail because its task's host is gone
        return error_html(error)


def handle_text(handle: Any) -> str:
    """The same as text."""
    try:
        return snapshot_text(handle.snapshot(timeout=2.0))
    except Exception as error:  # as above
        return f"task {handle.proxy.agent_id}: {error}"


# ---- files that were carried


def _transfer_facts(result: Any) -> list[tuple[str, object]]:
    done = f"would {result.mode}" if result.dry_run else "moved" if result.mode == "move" else "copied"
    return [
        (done, f"{result.file_name} ({result.size})"),
        ("from", f"{result.source.host_name}:{result.source.path}"),
        ("to", f"{result.destination.host_name}:{result.destination.path}"),
    ]


def transfer_html(result: Any) -> str:
    """A file that was carried from one host to another, or would be."""
    return table((), _transfer_facts(result)).html


def transfer_text(result: Any) -> str:
    """The same as text."""
    return "\n".join(f"{name:<11}{value}" for name, value in _transfer_facts(result))


PICTURES = {
    "paglets_nb.mesh.mesh.Mesh": Picture(mesh_html, mesh_text),
    "paglets_nb.mesh.handles.HostHandle": Picture(host_html, host_text),
    "paglets_nb.core.proxy.PagletProxy": Picture(proxy_html, proxy_text),
    "paglets_nb.host.protocol.PagletInfo": Picture(info_html, info_text),
    "paglets_nb.patterns.task_client.TaskSnapshot": Picture(snapshot_html, snapshot_text),
    "paglets_nb.patterns.file_transfers.FileTransferResult": Picture(transfer_html, transfer_text),
    "paglets_nb.agents.performance_results.PerformanceResult": Picture(performance_html, repr),
    "paglets_nb.agents.performance_results.HostPerformance": Picture(host_performance_html, reply_text),
    "paglets_nb.agents.performance_results.Measurement": Picture(reply_html, reply_text),
    "paglets_nb.agents.movement_results.PairTimes": Picture(reply_html, reply_text),
    "paglets_nb.agents.movement_results.MovementResult": Picture(movement_html, repr),
    "paglets_nb.experiments.fan_out.FanOut": Picture(results_html, repr),
    "paglets_nb.experiments.results.Results": Picture(results_html, repr),
    "paglets_nb.experiments.table.Table": Picture(table_html, repr),
    "paglets_nb.experiments.timing.Timings": Picture(results_html, repr),
    TASK_HANDLE: Picture(handle_html, handle_text),
}
"""The pictures by the full name of their type."""
