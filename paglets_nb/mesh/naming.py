"""What meshes and hosts may be called, and what they are called by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from paglets_nb.errors import MeshError

__all__ = ["MAX_HOSTS", "checked_mesh_name", "host_names"]

_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon "
    "phi chi psi omega"
).split()
MAX_HOSTS = 256


def _given(hosts: Any) -> list[Any]:
    """The names that were given; MeshError for what is none."""
    names = list(hosts) if isinstance(hosts, Iterable) and not isinstance(hosts, str | bytes) else [None]
    if not all(isinstance(name, str) for name in names):
        raise MeshError(
            f"a mesh wants how many hosts, or a list of their names, e.g. 2 or ['red', 'blue'], not {hosts!r}"
        )
    return names


def host_names(hosts: int | Sequence[str]) -> list[str]:
    """The names of the hosts wanted, by count or by name; MeshError for what cannot be."""
    if isinstance(hosts, int) and not isinstance(hosts, bool):
        if not 1 <= hosts <= MAX_HOSTS:
            raise MeshError(f"a mesh has 1 to {MAX_HOSTS} hosts, not {hosts}")
        return [*_NAMES, *(f"host{number}" for number in range(len(_NAMES) + 1, MAX_HOSTS + 1))][:hosts]
    names = _given(hosts)
    for name in names:
        if name == "all":
            raise MeshError(f"{name!r} stands for every host, as in %%paglet on {name}; choose another name")
        if not name.replace("-", "_").isidentifier() or len(name) > 32:
            raise MeshError(f"{name!r} is not a host's name (up to 32 letters, digits, - and _, no digit first)")
    if not names or len(set(names)) < len(names):
        raise MeshError(f"a mesh needs hosts with different names, not {names}")
    return names


def checked_mesh_name(name: str) -> str:
    """The name itself; MeshError where no mesh can have it."""
    if not name.replace("-", "_").isidentifier() or len(name) > 40:
        raise MeshError(f"{name!r} is not a mesh's name (up to 40 letters, digits, - and _, no digit first)")
    return name
