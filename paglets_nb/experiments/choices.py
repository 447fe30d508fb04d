"""What a person can fan out: the classes and functions of a notebook, the paglets of a mesh, and their operations."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.experiments.axes import AxisField, fields_of_type, parameters_of
from paglets_nb.experiments.targets import operations_of, proxies_of
from paglets_nb.patterns.tasks import TaskPaglet

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["Question", "local_targets", "mesh_targets", "questions_of", "target_label"]

MAX_PAGLETS = 200
"""Paglets of a mesh that are offered."""


@dataclass(frozen=True)
class Question:
    """What can be asked of a target.

    Attributes:
        operation: the operation's name; None of a task or a function, which are asked as they are.
        fields: the fields of the request.
    """

    operation: str | None
    fields: tuple[AxisField, ...]

    @property
    def label(self) -> str:
        """What it is called."""
        return self.operation or "run"


def local_targets(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The paglet classes and functions that a notebook's variables hold, by their names."""
    found: dict[str, Any] = {}
    for name, value in list(namespace.items()):
        if name.startswith("_"):
            continue
        if isinstance(value, type) and issubclass(value, Paglet):
            if value.__module__.partition(".")[0] != "paglets_nb" and _is_askable(value):
                found[name] = value
        elif inspect.isfunction(value) and value.__module__ == "__main__":
            found[name] = value
    return found


def _is_askable(cls: type) -> bool:
    return issubclass(cls, TaskPaglet) or bool(operations_of(cls))


def mesh_targets(mesh: Mesh) -> dict[str, PagletProxy]:
    """The paglets of a mesh by name or id; asks its hosts."""
    paglets = mesh.paglets()[:MAX_PAGLETS]
    return {f"paglet {proxy.name or proxy.agent_id}": proxy for proxy in paglets}


def target_label(target: Any, known: Mapping[str, Any]) -> str:
    """What a target is called among those that are known, else what it calls itself."""
    for label, value in known.items():
        if value is target or (isinstance(value, PagletProxy) and value == target):
            return label
    proxies = proxies_of(target)
    if proxies is None:
        return getattr(target, "__name__", repr(target))
    return f"paglet {proxies[0].name or proxies[0].agent_id}" if len(proxies) == 1 else f"{len(proxies)} paglets"


def questions_of(mesh: Mesh, target: Any) -> list[Question]:
    """What can be asked of a target; of a paglet its host is asked.

    Raises:
        PagletError: the paglet is gone.
    """
    proxies = proxies_of(target)
    cls = mesh.class_of(proxies[0]) if proxies else target
    if isinstance(cls, type) and issubclass(cls, TaskPaglet):
        return [Question(None, tuple(fields_of_type(cls.request_class())))]
    if isinstance(cls, type):
        operations = mesh.operations(proxies[0]) if proxies else operations_of(cls)
        return [Question(one.name, tuple(fields_of_type(one.request_type))) for one in operations]
    return [Question(None, tuple(parameters_of(target)))]
