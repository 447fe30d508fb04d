"""What the docstring of a dataclass tells of it and of its fields, in Google's style."""

from __future__ import annotations

import inspect
import re

__all__ = ["field_helps", "summary_of"]

_SECTION = re.compile(r"(?m)^(?:Attributes|Args|Arguments|Fields):[ \t]*\n((?:[ \t]+\S.*\n?|[ \t]*\n)*)")
_ENTRY = re.compile(r"(\w+)\s*(?:\([^)]*\))?:\s*(.*)")


def _doc_of(cls: type) -> str:
    """A class's own docstring; empty where the dataclass made it of its signature."""
    doc = cls.__dict__.get("__doc__") or ""
    return "" if doc.startswith(f"{cls.__name__}(") else inspect.cleandoc(doc)


def summary_of(cls: type) -> str:
    """The first paragraph of a class's docstring in one line; empty where it has none."""
    return " ".join(_doc_of(cls).partition("\n\n")[0].split())


def _entries(section: str) -> dict[str, str]:
    """The entries of a section by name, their lines joined."""
    lines = [line for line in section.splitlines() if line.strip()]
    if not lines:
        return {}
    indent = len(lines[0]) - len(lines[0].lstrip())
    found: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        entry = _ENTRY.fullmatch(line.strip()) if len(line) - len(line.lstrip()) == indent else None
        if entry is not None:
            name = entry[1]
            found[name] = [entry[2]]
        elif name:
            found[name].append(line.strip())
    return {name: " ".join(part for part in parts if part) for name, parts in found.items()}


def field_helps(cls: type) -> dict[str, str]:
    """What the docstrings of a class, and of those it inherits from, say of its fields."""
    helps: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        for section in _SECTION.findall(_doc_of(base) + "\n"):
            helps.update(_entries(section))
    return helps
