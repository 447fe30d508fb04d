"""The reference of the verbs, made from their parsers: what ``docs/verbs.md`` shows below its first lines.

It knows the parsers only. What they do not say, ``docs/magics.md`` tells.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx

from paglets_nb.magics.cells import CELL_VERBS, load_cell_verb
from paglets_nb.magics.parser import CellVerb, LineVerb, VerbParser
from paglets_nb.magics.verbs import LINE_VERBS, load_line_verb

__all__ = ["verb_reference"]

_DOCUMENT = "docs/verbs"
_FIELDS = {"field": "converted to the type of the field of that name", "key": "a value of the message, by its name"}
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|])")


def _plain(text: str) -> str:
    """Text as Markdown that shows it as it is, in a table too."""
    return _MARKUP.sub(r"\\\1", text)


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"


def _names(action: argparse.Action) -> str:
    value = ""
    if action.nargs != 0:
        value = action.metavar or "|".join(action.choices or []) or action.dest.upper()
    if not action.option_strings:
        return _code(str(value))
    return ", ".join(_code(f"{option} {value}".strip()) for option in action.option_strings)


def _meaning(action: argparse.Action) -> str:
    said = action.help or ""
    if action.choices and action.metavar:
        said += f" ({', '.join(map(str, action.choices))})"
    default = "" if action.default in (None, False, [], argparse.SUPPRESS) else f"{action.default}"
    if default and "default" not in said and f"({default.removesuffix('.0')})" not in said:
        said += f" (default: {default})"
    return _plain(said)


def _section(kind: str, name: str, summary: str, verb: LineVerb | CellVerb) -> Iterator[str]:
    parser = VerbParser(f"{kind} {name}", summary, fields=verb.fields)
    verb.configure(parser)
    yield f"### {_code(f'{kind} {name}')}\n"
    yield f"{_plain(summary[0].upper() + summary[1:])}.\n"
    yield f"```text\n{parser.format_usage_line()}\n```\n"
    options = dict.fromkeys(action for name, action in parser.options().items() if name != "--help")
    rows = [*parser.positionals(), *options]
    if rows or verb.fields:
        yield "| argument | means |\n|---|---|"
        yield from (f"| {_names(action)} | {_meaning(action)} |" for action in rows)
        if verb.fields:
            yield f"| {_code(f'{verb.fields}=value')} | {_FIELDS.get(verb.fields, _FIELDS['field'])} |"
        yield ""


def verb_reference() -> str:
    """Every verb of ``%paglet`` and ``%%paglet`` with its usage and arguments, as Markdown."""
    lines: list[str] = []
    lines.append("## Lines\n")
    for name, summary in LINE_VERBS.items():
        lines += _section("%paglet", name, summary, load_line_verb(name))
    lines.append("## Cells\n")
    for name, summary in CELL_VERBS.items():
        lines += _section("%%paglet", name, summary, load_cell_verb(name))
    return "\n".join(lines)


def _append(_app: Sphinx, docname: str, source: list[str]) -> None:
    if docname == _DOCUMENT:
        source[0] += "\n" + verb_reference()


def _note_outdated(_app: Sphinx, _env: Any, _added: set[str], _changed: set[str], _removed: set[str]) -> list[str]:
    return [_DOCUMENT]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("source-read", _append)
    app.connect("env-get-outdated", _note_outdated)
    return {"parallel_read_safe": True}
