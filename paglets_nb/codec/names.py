"""Class names on the wire: ``module:qualname``."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from paglets_nb.errors import SerializationError

__all__ = ["importable", "qualified_name", "resolve_qualified_name"]


def qualified_name(cls: type) -> str:
    """``module:qualname`` of a class."""
    return f"{cls.__module__}:{cls.__qualname__}"


def _attribute(module: Any, qualname: str) -> Any:
    value = module
    for part in qualname.split("."):
        value = getattr(value, part)
    return value


def resolve_qualified_name(name: str) -> Any:
    """The class (or other object) a qualified name stands for; imports its module.

    Raises:
        SerializationError: malformed, not importable, or without that attribute.
    """
    module_name, colon, qualname = name.partition(":")
    found = getattr(sys.modules.get(module_name), qualname, None) if qualname.isidentifier() else None
    if found is not None:
        return found
    parts = [*module_name.split("."), *qualname.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        raise SerializationError(f"{name!r} is not a class name (wanted module:Class)")
    try:
        return _attribute(importlib.import_module(module_name), qualname)
    except ImportError as error:
        raise SerializationError(f"module {module_name!r} of {qualname!r} cannot be imported: {error}") from error
    except AttributeError as error:
        raise SerializationError(f"module {module_name!r} has no {qualname!r}") from error


def importable(cls: type) -> bool:
    """Whether another process finds this very class by importing its module."""
    module = sys.modules.get(cls.__module__)
    if cls.__module__ == "__main__" or module is None or getattr(module, "__spec__", None) is None:
        return False
    try:
        return _attribute(module, cls.__qualname__) is cls
    except AttributeError:
        return False
