"""The public names: the table of them, the reference's import paths, and each name documented once.

A name of ``paglets_nb`` is documented under that path; pages of single modules leave it out.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx

import paglets_nb
from paglets_nb import compat, errors

__all__ = ["compat_table", "names_table"]


def _summary(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0].replace("|", r"\|")


def _names() -> Iterator[tuple[str, Any]]:
    for name in paglets_nb.__all__:
        yield f"paglets_nb.{'errors.' * (name in errors.__all__)}{name}", getattr(paglets_nb, name)


def names_table() -> str:
    """Every name of ``from paglets_nb import``, with a link to its entry, as Markdown."""
    rows = [f"| {{py:obj}}`~{path}` | {_summary(thing).replace('``', '`')} |" for path, thing in _names()]
    return "\n".join(["| name | is |", "|---|---|", *rows])


def compat_table() -> str:
    """The modules of ``paglets_nb.compat`` and what each gives, as Markdown."""
    rows = []
    for found in pkgutil.walk_packages(compat.__path__, "paglets_nb.compat."):
        names = getattr(importlib.import_module(found.name), "__all__", [])
        if names and not found.ispkg:
            rows.append(f"| `{found.name}` | {', '.join(f'`{name}`' for name in names)} |")
    return "\n".join(["| module | gives |", "|---|---|", *rows])


_TABLES = {"docs/api/index": names_table, "docs/api/compat": compat_table}


def _append(_app: Sphinx, docname: str, source: list[str]) -> None:
    if docname in _TABLES:
        source[0] += "\n" + _TABLES[docname]() + "\n"


def _skip(app: Sphinx, what: str, name: str, thing: Any, skip: bool, _options: Any) -> bool | None:
    """Leave a top-level name out of the page of the module that it comes from."""
    if what != "module" or name not in paglets_nb.__all__:
        return None
    module = app.env.current_document.autodoc_module or ""
    return skip or (module != "paglets_nb.errors" and thing is getattr(paglets_nb, name))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("source-read", _append)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True}
