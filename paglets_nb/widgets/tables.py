"""Lists of hosts and of paglets that show as tables, and a paglet with its details."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from paglets_nb.core.ports import Client
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.host.client import HostClient
from paglets_nb.host.protocol import HostInfo, PagletInfo
from paglets_nb.mesh.asking import healths
from paglets_nb.mesh.handles import HostHandle
from paglets_nb.services.contracts import ServiceOperation
from paglets_nb.widgets.markup import table, text_table
from paglets_nb.widgets.pictures import (
    HOST_HEADERS,
    PAGLET_HEADERS,
    details_html,
    details_text,
    paglet_rows,
    state_label,
)

__all__ = ["HostTable", "PagletDetails", "PagletTable", "signature"]


class HostTable(list[HostHandle]):
    """Hosts as a list; it shows as a table of how they were when they were listed.

    Args:
        hosts: the hosts.
        client: asks them how many paglets they have, side by side.
    """

    def __init__(self, hosts: Iterable[HostHandle], client: HostClient) -> None:
        super().__init__(hosts)
        self._headers = (*HOST_HEADERS, "paglets")
        told = healths(client, self)
        self._rows = [self._row(host, told) for host in self]

    @staticmethod
    def _row(host: HostHandle, told: Mapping[str, HostInfo | None]) -> tuple[object, ...]:
        if host.name not in told:
            return host.name, state_label(host), host.pid or "", ""
        info = told[host.name]
        if info is None:
            return host.name, "silent: does not answer", host.pid or "", "?"
        return host.name, state_label(host), host.pid or "", info.paglets

    def __repr__(self) -> str:
        return text_table(self._headers, self._rows)

    def _repr_html_(self) -> str:
        return table(self._headers, self._rows).html


class PagletTable(list[PagletProxy]):
    """Proxies as a list; it shows as a table of where the paglets were when they were listed.

    Args:
        infos: what the hosts told of their paglets.
        client: carries what is sent to the proxies.
    """

    def __init__(self, infos: Iterable[PagletInfo], client: Client) -> None:
        self.infos = list(infos)
        super().__init__(
            PagletProxy(info.host_url, info.agent_id, client, name=info.name, class_name=info.class_name)
            for info in self.infos
        )

    def __repr__(self) -> str:
        return text_table(PAGLET_HEADERS, paglet_rows(self.infos)) if self.infos else "no paglets"

    def _repr_html_(self) -> str:
        return table(PAGLET_HEADERS, paglet_rows(self.infos)).html if self.infos else "no paglets"


_ROOMS = re.compile(r"(?<!['\"])\b(?:\w+\.)+(?=\w)")
"""The modules in front of a type's name."""
_EMPTY = {"list": "[]", "dict": "{}", "tuple": "()", "str": "''"}


def _type_label(kind: Any) -> str:
    if isinstance(kind, type) and not typing.get_args(kind):
        return kind.__name__
    return _ROOMS.sub("", str(kind))


def _field_label(field: dataclasses.Field[Any], hints: Mapping[str, Any]) -> str:
    label = f"{field.name}: {_type_label(hints.get(field.name, field.type))}"
    if field.default is not dataclasses.MISSING:
        return f"{label} = {field.default if isinstance(field.default, Enum) else repr(field.default)}"
    if field.default_factory is not dataclasses.MISSING:
        made_by = getattr(field.default_factory, "__name__", "<lambda>")
        return f"{label} = {'...' if made_by == '<lambda>' else _EMPTY.get(made_by, f'{made_by}()')}"
    return label


def signature(operation: ServiceOperation) -> str:
    """What an operation takes and answers, e.g. ``(by: int = 1) -> Total``."""
    try:
        hints = typing.get_type_hints(operation.request_type)
    except (NameError, TypeError):
        hints = {}
    fields = (_field_label(field, hints) for field in dataclasses.fields(operation.request_type))
    return f"({', '.join(fields)}) -> {operation.reply_type.__name__}"


class PagletDetails:
    """What a paglet is: class, place, operations with their fields, state.

    Args:
        info: as ``PagletProxy.info`` answers.
        operations: its typed operations.
    """

    def __init__(self, info: Mapping[str, Any], operations: Iterable[ServiceOperation] = ()) -> None:
        self.info = dict(info)
        self.operations = tuple(operations)

    @property
    def state(self) -> dict[str, Any]:
        """The paglet's state as plain values."""
        return dict(self.info.get("state", {}))

    def _signatures(self) -> list[tuple[str, str]]:
        return [(operation.name, signature(operation)) for operation in self.operations]

    def __repr__(self) -> str:
        return details_text(self.info, self._signatures())

    def _repr_html_(self) -> str:
        return details_html(self.info, self._signatures())
