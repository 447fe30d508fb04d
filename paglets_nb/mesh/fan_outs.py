"""Calls to many paglets at once, and ``Mesh.fan_out``, which the room above provides."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import MeshError
from paglets_nb.host.client import HostClient
from paglets_nb.host.each import call_each
from paglets_nb.services.contracts import ServiceOperation

__all__ = ["FansOut"]


class FansOut:
    """What of a mesh speaks to many at once."""

    client: HostClient

    def call_each(
        self,
        paglets: Iterable[PagletProxy],
        operation: ServiceOperation,
        request: Any = None,
        *,
        timeout: float | None = None,
    ) -> list[Any]:
        """Call an operation of several paglets at once, with the same request, and wait for all replies.

        Args:
            paglets: their proxies.
            operation: which one.
            request: an instance of its request type; None for one of defaults.
            timeout: seconds for all of them; None for the client's default.

        Returns:
            For each paglet its typed reply, or, not raised, the error that stands in its place.

        Raises:
            ServiceContractError: the request is of another type.
            SerializationError: it cannot travel.
            MeshError: it is not given several paglets.
        """
        if isinstance(paglets, PagletProxy | str):
            raise MeshError(f"call_each wants a list of proxies, e.g. [proxy], not a {type(paglets).__name__}")
        limit = self.client.timeout if timeout is None else timeout
        checked = operation.checked_request(request)
        return call_each(self.client, list(paglets), operation.name, checked, operation.reply_type, limit)

    def fan_out(self, target: Any, operation: Any = None, grid: Any = None, **options: Any) -> Any:
        """Call an operation, a task or a function over a grid of requests and hosts, and wait for the end.

        Args:
            target: a paglet class, a function, or the proxies of paglets; see ``FanOut``.
            operation: a ``ServiceOperation`` or its name; None for a task or a function.
            grid: what is asked; see ``FanOut``.
            **options: further arguments of ``FanOut``, and ``on_cell`` of its ``run``.

        Returns:
            The ``FanOut``, run.
        """
        on_cell = options.pop("on_cell", None)
        return self._new_fan_out(target, operation, grid, **options).run(on_cell)

    def _new_fan_out(self, *arguments: Any, **options: Any) -> Any:
        return importlib.import_module("paglets_nb").FanOut(self, *arguments, **options)
