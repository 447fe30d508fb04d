"""The classes and operations of a mesh's paglets, also of those whose code is only on their hosts."""

from __future__ import annotations

import sys
from typing import Any

from paglets_nb.codec.shipping import code_store
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import SerializationError
from paglets_nb.host.client import HostClient
from paglets_nb.services.contracts import ServiceOperation

__all__ = ["KnowsClasses"]


class KnowsClasses:
    """What of a mesh knows the types of its paglets."""

    client: HostClient

    def _type(self, url: str, name: str, timeout: float | None = None) -> Any:
        """A class by wire name: this process's own where it has one of that name, else its host's."""
        plain, shipped, _digest = name.partition("#")
        try:
            return code_store.resolve(name)
        except SerializationError:
            module_name, _colon, qualname = plain.partition(":")
            found: Any = sys.modules.get(module_name) if shipped else None
            for part in qualname.split("."):
                found = getattr(found, part, None)
            return found if isinstance(found, type) else self.client.fetch_class(url, name, timeout=timeout)

    def class_of(self, proxy: PagletProxy, *, timeout: float | None = None) -> Any:
        """A paglet's class; fetched from its host where it is not known here.

        Args:
            proxy: the paglet's.
            timeout: seconds for each answer of its host; None for the client's default.
        """
        if not proxy.class_name:
            proxy.class_name = proxy.info(timeout=timeout)["class_name"]
        return self._type(proxy.host_url, proxy.class_name, timeout)

    def operations(self, proxy: PagletProxy, *, timeout: float | None = None) -> list[ServiceOperation]:
        """A paglet's typed operations, with their types.

        Args:
            proxy: the paglet's.
            timeout: seconds for each answer of its host; None for the client's default.
        """
        return [
            ServiceOperation(
                entry["name"],
                self._type(proxy.host_url, entry["request_type"], timeout),
                self._type(proxy.host_url, entry["reply_type"], timeout),
            )
            for entry in proxy.info(timeout=timeout)["operations"]
        ]
