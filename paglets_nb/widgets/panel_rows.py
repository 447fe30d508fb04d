"""The mesh panel's figures as people read them, for its rows and for its still picture.

Pure functions of ``HostFigures``; nothing is asked of a host here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paglets_nb.host.protocol import PagletInfo
from paglets_nb.mesh.figures import HostFigures
from paglets_nb.mesh.losses import listed_names
from paglets_nb.patterns.file_placement import format_bytes
from paglets_nb.widgets.markup import Markup, clipped, escaped, muted, table, text_table
from paglets_nb.widgets.pictures import class_label

__all__ = [
    "MAX_LISTED",
    "headline",
    "host_row",
    "interrupted",
    "paglet_rows",
    "panel_html",
    "panel_text",
    "restart_question",
]

MAX_LISTED = 200
"""Paglets shown of one host."""
HEADERS = ("host", "state", "pid", "paglets", "CPU", "memory", "messages/s", "restarts")
PAGLET_HEADERS = ("paglet", "class", "waiting", "state", "tells")
_COLOURS = {"good": "#2e7d32", "busy": "#b26a00", "bad": "#c62828", "": "inherit"}
_TONES = {"up": "good", "starting": "busy", "restarting": "busy", "stopped": "bad", "silent": "bad", "dead": "bad"}


def _state(host: HostFigures) -> tuple[str, str, str]:
    """A host's state, its tone, and what is to be said of it."""
    if host.silent:
        return f"not answering for {host.silent:.0f} s", "bad", "it is stopped, or busy in one long step"
    note = host.reason
    if host.state == "up" and host.reason:
        note = f"last restart: {host.reason}"
    if host.lost:
        note = f"{note}; lost: {listed_names(host.lost)}" if note else f"lost: {listed_names(host.lost)}"
    return host.state, _TONES.get(host.state, ""), note


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f}%"


def _rate(rate: float | None) -> str:
    if rate is None:
        return ""
    return f"{rate:,.0f}" if rate >= 10 or not rate else f"{rate:.1f}"


def _count(host: HostFigures) -> str:
    if host.info is None:
        return ""
    asleep = f" ({host.info.asleep} asleep)" if host.info.asleep else ""
    return f"{host.info.paglets + host.info.asleep}{asleep}"


def host_row(host: HostFigures, doing: str = "") -> dict[str, Any]:
    """A host as the panel draws it.

    Args:
        host: its figures.
        doing: what is being done with it on the user's wish, e.g. ``restarting``.
    """
    state, tone, note = _state(host)
    if doing:
        state, tone, note = doing, "busy", ""
    up = host.state == "up"
    info = host.info if up else None
    memory, hint = "", ""
    if info is not None:
        memory = format_bytes(info.rss_bytes)
        hint = f"{format_bytes(info.pss_bytes)} of it its own share" if info.pss_bytes else ""
    return {
        "name": host.name,
        "state": state,
        "tone": tone,
        "note": clipped(" ".join(note.split())),
        "pid": str(host.pid or "") if up else "",
        "paglets": _count(host) if up else "",
        "count": 0 if info is None else info.paglets + info.asleep,
        "cpu": _percent(host.cpu) if up else "",
        "load": min(1.0, host.cpu or 0.0) if up else 0.0,
        "memory": memory,
        "memory_hint": hint,
        "rate": _rate(host.messages_per_second) if up else "",
        "restarts": host.restarts,
        "up": up,
        "doing": doing,
    }


def paglet_rows(paglets: Sequence[PagletInfo], news: Mapping[str, object] | None = None) -> dict[str, Any]:
    """A host's paglets as the panel lists them: the first ``MAX_LISTED``, and how many there are.

    Args:
        paglets: all of them.
        news: what some of them tell, by their ids.
    """
    told = news or {}
    shown = [
        [
            clipped(info.name or info.agent_id, 80),
            class_label(info.class_name),
            info.waiting,
            _awake(info),
            clipped(str(told.get(info.agent_id, "")), 80),
        ]
        for info in paglets[:MAX_LISTED]
    ]
    return {"rows": shown, "total": len(paglets)}


def _awake(info: PagletInfo) -> str:
    return "active" if info.active else "asleep"


def restart_question(host: str, paglets: Sequence[PagletInfo] | None) -> str:
    """What is to be asked before a host is restarted; empty where no paglet would be lost.

    Args:
        host: its name.
        paglets: all of its paglets; None where it does not answer.
    """
    if paglets is None:
        return f"Restart {host}? It does not answer; its paglets that are not durable would be lost."
    lost = [info for info in paglets if not info.durable]
    if not lost:
        return ""
    back = len(paglets) - len(lost)
    rest = f" {back} durable one{'s come' if back > 1 else ' comes'} back." if back else ""
    names = listed_names([info.name or f"{class_label(info.class_name)} {info.agent_id}" for info in lost])
    return f"Restart {host}? {len(lost)} paglet{'s' * (len(lost) != 1)} would be lost: {names}.{rest}"


def headline(figures: Sequence[HostFigures]) -> str:
    """How many hosts and paglets there are, and how many messages a second."""
    up = sum(host.state == "up" and not host.silent for host in figures)
    paglets = sum(host.info.paglets + host.info.asleep for host in figures if host.info and host.state == "up")
    rate = sum(host.messages_per_second or 0.0 for host in figures if host.state == "up")
    hosts = f"{len(figures)} host{'s' * (len(figures) != 1)}"
    missing = "" if up == len(figures) else f", {up} up"
    return f"{hosts}{missing}, {paglets} paglet{'s' * (paglets != 1)}, {_rate(rate)} messages/s"


def interrupted(host: str, cells: int, *, silent: bool = False) -> str:
    """What came of an interrupt, in a line.

    Args:
        host: the host's name.
        cells: how many cells of the notebook ran there.
        silent: it does not answer.
    """
    if silent:
        return f"{host} does not answer; the interrupt takes effect once it does, else: %paglet restart {host}"
    if cells:
        return f"interrupted {cells} cell{'s' * (cells != 1)} on {host}"
    return f"no cell of this notebook was running on {host}"


# ---- the still picture


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    state = f"{row['state']} ({row['note']})" if row["note"] else row["state"]
    keys = ("pid", "paglets", "cpu", "memory", "rate", "restarts")
    return (row["name"], state, *(str(row[key]) for key in keys))


def _html_cells(row: Mapping[str, Any]) -> tuple[object, ...]:
    name, _state_text, *rest = _cells(row)
    state = f"<span style='color:{_COLOURS[row['tone']]}'>{escaped(row['state'])}</span>"
    note = f"<br>{muted(row['note']).html}" if row["note"] else ""
    return (name, Markup(state + note), *rest)


def _more(listed: Mapping[str, Any]) -> str:
    left = listed["total"] - len(listed["rows"])
    return f"and {left} more" if left > 0 else ""


def panel_text(title: str, rows: Sequence[Mapping[str, Any]], listed: Mapping[str, Mapping[str, Any]]) -> str:
    """The panel as text."""
    parts = [title, text_table(HEADERS, [_cells(row) for row in rows])]
    for name, paglets in listed.items():
        parts.append(f"paglets on {name}")
        parts.append(text_table(PAGLET_HEADERS, paglets["rows"]) if paglets["rows"] else "none")
        parts.append(_more(paglets))
    return "\n".join(part for part in parts if part)


def panel_html(title: str, rows: Sequence[Mapping[str, Any]], listed: Mapping[str, Mapping[str, Any]]) -> str:
    """The panel as HTML, escaped."""
    parts = [f"<b>{escaped(title)}</b>", table(HEADERS, [_html_cells(row) for row in rows]).html]
    for name, paglets in listed.items():
        caption = f"paglets on {name}"
        shown = table(PAGLET_HEADERS, paglets["rows"], caption=caption).html if paglets["rows"] else ""
        parts.append(shown or f"<div>{escaped(caption)}: none</div>")
        parts.append(muted(_more(paglets)).html if _more(paglets) else "")
    return "".join(parts)
