"""Modules made of text, for every host of every mesh that this process runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from paglets_nb.codec.modules import ModuleText, module_store
from paglets_nb.errors import PagletError, SerializationError
from paglets_nb.host.modules import MODULE_LIST_VERB, MODULE_VERB, DefineRequest, Modules
from paglets_nb.host.protocol import Nothing

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import HostHandle, Mesh

__all__ = ["learn_modules", "share_module"]

_TIMEOUT = 30.0
_AT_ONCE = 16
_TELL_TIMEOUT = 5.0


def share_module(meshes: list[Mesh], module: ModuleText, *, timeout: float = _TIMEOUT) -> dict[str, BaseException]:
    """Have every host that is up execute a module; those that start later are given it when they do.

    Args:
        meshes: whose hosts.
        module: the module.
        timeout: seconds that each host has for it.

    Returns:
        Why it did not work, by the names of the hosts where it did not.
    """
    request = DefineRequest(module.name, module.text, module.version)

    def give(place: tuple[Mesh, HostHandle]) -> BaseException | None:
        mesh, host = place
        try:
            mesh.client.ask(host.url, MODULE_VERB, request, Nothing, timeout=timeout)
        except Exception as error:  # whatever the text raises there is the asker's to see
            return error
        return None

    places = [(mesh, host) for mesh in meshes for host in mesh.hosts() if host.state == "up"]
    if not places:
        return {}
    with ThreadPoolExecutor(min(len(places), _AT_ONCE), thread_name_prefix="paglets-module") as pool:
        errors = list(pool.map(give, places))
    return {host.name: error for (_mesh, host), error in zip(places, errors, strict=True) if error is not None}


def learn_modules(mesh: Mesh) -> None:
    """Know the modules that a mesh's hosts have, where this process has none of their names.

    Args:
        mesh: one that was attached; its hosts were told of them by its former owners.
    """
    for host in mesh.hosts():
        if host.state != "up":
            continue
        with suppress(PagletError):
            found = mesh.client.ask(host.url, MODULE_LIST_VERB, Nothing(), Modules, timeout=_TELL_TIMEOUT)
            for module in found.modules:
                if module_store.get(module.name) is None:
                    with suppress(SerializationError):  # a module of the same name is installed here
                        module_store.add(ModuleText(module.name, module.text, module.version))
