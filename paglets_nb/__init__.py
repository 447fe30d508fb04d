"""Live, stateful, typed workers for notebooks: a mesh of kernel-backed hosts and their paglets."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from paglets_nb import errors
from paglets_nb.core.ports import install_codec
from paglets_nb.errors import *  # noqa: F403 - the tree of errors is public here too
from paglets_nb.version import __version__ as __version__

if TYPE_CHECKING:
    from paglets_nb.core.ports import Codec


_PUBLIC = {
    "AsyncMesh": "mesh.async_mesh",
    "CursorDrainMixin": "patterns",
    "EmptyPayload": "services.contracts",
    "FanOut": "experiments.fan_out",
    "FileMobilityMixin": "patterns",
    "FutureReply": "core.messages",
    "Host": "host.host",
    "HostHandle": "mesh.mesh",
    "HostRef": "core.references",
    "Mesh": "mesh.mesh",
    "MeshFanoutMixin": "patterns",
    "MeshFanoutState": "patterns",
    "Message": "core.messages",
    "NotificationMixin": "patterns",
    "OperationClient": "patterns.operations",
    "OperationPaglet": "patterns.operations",
    "Paglet": "core.paglet",
    "PagletProxy": "core.proxy",
    "PagletProxyRef": "core.references",
    "PagletState": "core.state",
    "ReplySet": "core.messages",
    "ServiceContract": "services.contracts",
    "ServiceOperation": "services.contracts",
    "ServiceScope": "services.contracts",
    "SingleFileTransferPaglet": "patterns",
    "TaskClient": "patterns.task_client",
    "TaskHandle": "patterns.task_client",
    "TaskPaglet": "patterns.tasks",
    "TaskState": "patterns.tasks",
    "TaskStatus": "patterns.tasks",
    "drain": "patterns",
    "state_locked": "core.state",
}

__all__ = sorted([*_PUBLIC, *errors.__all__])


def __getattr__(name: str) -> Any:
    """Import a public name's room when the name is first used."""
    room = _PUBLIC.get(name)
    if room is None:
        raise AttributeError(f"module 'paglets_nb' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"paglets_nb.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _make_codec() -> Codec:
    from paglets_nb.codec.wire import WireCodec

    return WireCodec()


install_codec(_make_codec)


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext paglets_nb``: the ``%paglet`` and ``%%paglet`` magics."""
    from paglets_nb.magics.extension import load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """``%unload_ext paglets_nb``: end the meshes and take the magics away."""
    from paglets_nb.magics.extension import unload

    unload(ipython)
