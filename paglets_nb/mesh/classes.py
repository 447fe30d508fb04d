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

    def _type(self, url: str, name: str) -> Any:
        """A class by wire name: this process's own where it has one of that name, else its host's."""
        plain, shipped, _digest = name.partition("#")
        try:
            return code_store.resolve(name)
        except SerializationError:
            module_name, _colon, qualname = plain.partition(":")
            found: Any = sys.modules.get(module_name) if shipped else None
            for part in qualname.split("."):
                found = getattr(found, part, None)
            return found if isinstance(found, type) else self.client.fetch_class(url, name)

    def class_of(self, proxy: PagletProxy) -> Any:
        """A paglet's class; fetched from its host where it is not known here."""
        if not proxy.class_name:
            proxy.class_name = proxy.info()["class_name"]
        return self._type(proxy.host_url, proxy.class_name)

    def operations(self, proxy: PagletProxy) -> list[ServiceOperation]:
        """A paglet's typed operations, with their types."""
        return [
            ServiceOperation(
                entry["name"],
                self._type(proxy.host_url, entry["request_type"]),
                self._type(proxy.host_url, entry["reply_type"]),
            )
            for entry in proxy.info()["operations"]
        ]
