"""``%%paglet define NAME``: the cell becomes a module, here and on every host."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from IPython.core.error import UsageError

from paglets_nb.codec.modules import module_store
from paglets_nb.magics.boundary import one_line
from paglets_nb.magics.parser import Arguments, CellVerb, VerbParser
from paglets_nb.magics.progress import progress
from paglets_nb.magics.session import Session

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("name", metavar="NAME", help="by which it is imported; a module defined before is replaced")


def _rebind(shell: Any, before: ModuleType | None, module: ModuleType) -> None:
    """Have the notebook's names that stand for what the module defined before stand for what it defines now."""
    old, new = {} if before is None else vars(before), vars(module)
    for name, value in list(shell.user_ns.items()):
        if name in new and value is old.get(name) and getattr(value, "__module__", None) == module.__name__:
            shell.user_ns[name] = new[name]
    shell.user_ns[module.__name__] = module


def _share(session: Session, name: str) -> list[str]:
    """Give the module to every host; the names of the hosts.

    Raises:
        UsageError: a host could not execute it.
    """
    meshes = sys.modules.get("paglets_nb.mesh.mesh")  # imported with the first mesh, and costly
    running = meshes.running_meshes() if meshes is not None else []
    known = module_store.get(name)
    if not running or known is None:
        return []
    from paglets_nb.mesh.modules import share_module

    failed = share_module(running, known)
    if failed:
        host, error = next(iter(failed.items()))
        what = f"{type(error).__name__}: {one_line(error)}"
        raise UsageError(f"module {name!r} is defined here, but not on {', '.join(failed)} ({host}: {what})")
    return [host.name for mesh in running for host in mesh.hosts() if host.state == "up"]


def run(session: Session, arguments: Arguments, cell: str) -> None:
    """Execute the cell as a module, here first; when it fails, what had the name stays."""
    name = str(arguments.name)
    known = module_store.get(name)
    before = sys.modules.get(name) if known is not None else None
    try:
        module = module_store.define(name, cell)
    except SyntaxError as error:
        raise UsageError(f"the cell is not Python: {error.msg} (line {error.lineno})") from None
    _rebind(session.shell, before, module)
    with progress(session.shell, f"defining {name} on the hosts") as line:
        hosts = _share(session, name)
        where = f"here and on {', '.join(hosts)}" if hosts else "here, and on hosts as they start"
        line.finish(f"module {name} is {'defined' if known is None else 'defined anew'} {where}")


VERB = CellVerb(configure, run)
