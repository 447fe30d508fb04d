"""What meshes and hosts may be called, and what they are called by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from paglets_nb.errors import MeshError

__all__ = ["MAX_HOSTS", "checked_mesh_name", "host_names"]

_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon "
    "phi chi psi omega"
).split()
MAX_HOSTS = 256


def host_names(hosts: int | Sequence[str]) -> list[str]:
    """The names of the hosts wanted, by count or by name; MeshError for what cannot be."""
    if isinstance(hosts, int):
        if not 1 <= hosts <= MAX_HOSTS:
            raise MeshError(f"a mesh has 1 to {MAX_HOSTS} hosts, not {hosts}")
        return [*_NAMES, *(f"host{number}" for number in range(len(_NAMES) + 1, MAX_HOSTS + 1))][:hosts]
    names = list(hosts)
    for name in names:
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
