"""Modules made of text, on a host: taken over from the mesh, and there again after a restart.

They are kept as files in the host's data folder, for durable paglets' classes may be in them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from paglets_nb.codec.modules import ModuleText, module_store
from paglets_nb.errors import SerializationError
from paglets_nb.host.protocol import Nothing

if TYPE_CHECKING:
    from paglets_nb.host.host import Host
    from paglets_nb.host.requests import Verb

__all__ = ["MODULE_LIST_VERB", "MODULE_VERB", "DefineRequest", "Modules", "module_verbs", "restore_modules"]

MODULE_VERB = "@module"
MODULE_LIST_VERB = "@modules"
_FOLDER = "modules"
_STORED = "stored"


@dataclass(frozen=True)
class DefineRequest:
    """``@module``: know a module.

    Attributes:
        name: by which it is imported.
        text: its source.
        version: of this definition.
        load: execute it now, so that what is wrong with it is told.
    """

    name: str
    text: str
    version: str
    load: bool = True


@dataclass(frozen=True)
class Modules:
    """The reply to ``@modules``: those that the host knows, in the order of their first definition."""

    modules: list[DefineRequest] = field(default_factory=list)


def _known() -> Modules:
    return Modules([DefineRequest(module.name, module.text, module.version) for module in module_store.all()])


def _keep(folder: Path, name: str, text: str) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = folder / f".{name}.{os.getpid()}"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(folder / f"{name}.py")


def _define(host: Host, request: DefineRequest) -> Nothing:
    if request.load:
        module_store.define(request.name, request.text, request.version)
    else:
        module_store.add(ModuleText(request.name, request.text, request.version))
    _keep(host.data_dir / _FOLDER, request.name, request.text)
    return Nothing()


def restore_modules(data_dir: Path) -> None:
    """Know the modules that a host had when it ended; one that cannot be read, or whose name is taken, is left out."""
    for path in sorted((data_dir / _FOLDER).glob("*.py")):
        if module_store.get(path.stem) is None:
            with suppress(OSError, UnicodeDecodeError, SerializationError):
                module_store.add(ModuleText(path.stem, path.read_text(encoding="utf-8"), _STORED))


def module_verbs(host: Host) -> dict[str, Verb]:
    """The verbs of modules."""
    return {
        MODULE_VERB: (DefineRequest, lambda _target, request: _define(host, request)),
        MODULE_LIST_VERB: (Nothing, lambda _target, _request: _known()),
    }
