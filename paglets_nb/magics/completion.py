"""Completion of ``%paglet`` lines and of the first line of ``%%paglet`` cells.

A matcher of IPython's second API. It never raises and never waits long: what hosts must
be asked for is fetched in a thread and kept for a while (``magics.candidates``).
"""

from __future__ import annotations

import argparse
import glob
import os
import re
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult

from paglets_nb.magics.candidates import Candidates
from paglets_nb.magics.cells import CELL_VERBS, load_cell_verb
from paglets_nb.magics.parser import Arguments, CellVerb, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.magics.tokens import Word
from paglets_nb.magics.values import field_types
from paglets_nb.magics.verbs import LINE_VERBS, load_line_verb

__all__ = ["LineCompleter"]

_LINE = re.compile(r"^\s*(?:[A-Za-z_][\w.,\s\[\]]*=\s*)?(%{1,2})paglet\s+(.*)$", re.DOTALL)
_METAVARS = {("events", "KIND"): "EVENT_KIND", **{(verb, "PAGLET"): "TASK" for verb in ("start", "status", "wait")}}
"""What a verb's argument is, where its name in the help does not say it."""
_FIELD = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


def _nothing() -> SimpleMatcherResult:
    """No completions; a new dict each time, for IPython writes into it."""
    return SimpleMatcherResult(completions=[], suppress=False)


class _NoCompletions(list[SimpleCompletion]):
    """None, with the length of some: IPython lets a matcher silence the others only where it has completions."""

    def __len__(self) -> int:
        return 1


@dataclass(frozen=True)
class _Place:
    """Where in a verb's arguments the cursor is.

    Attributes:
        action: the argument that the cursor's word belongs to; None past the last one.
        arguments: what was given before, by argument name.
        given: the options and fields given before.
    """

    action: argparse.Action | None
    arguments: Arguments
    given: frozenset[str]


def _arity(action: argparse.Action) -> bool:
    """Whether an option takes a value."""
    return action.nargs != 0


def _locate(parser: VerbParser, words: Sequence[str]) -> _Place:
    """Which argument comes after ``words``."""
    options = parser.options()
    positionals = parser.positionals()
    arguments = Arguments(**{action.dest: action.default for action in positionals})
    given: set[str] = set()
    expecting: argparse.Action | None = None
    for word in words:
        if word in options:
            given.add(word)
            expecting = options[word] if _arity(options[word]) else None
        elif expecting is not None:
            setattr(arguments, expecting.dest, Word(word))
            expecting = expecting if expecting.nargs == "+" else None
        elif field := _FIELD.match(word):
            given.add(field[1])
        elif positionals:
            setattr(arguments, positionals[0].dest, Word(word))
            if positionals[0].nargs not in ("*", "+"):
                positionals.pop(0)
    if expecting is None and positionals:
        expecting = positionals[0]
    return _Place(expecting, arguments, frozenset(given))


def _value_words(kind: Any) -> list[str]:
    """What a field of this type can be, where that is a short list."""
    words: list[str] = []
    for member in typing.get_args(kind) or (kind,):
        if member is bool:
            words += ["true", "false"]
        elif member is type(None):
            words.append("none")
        elif isinstance(member, type) and issubclass(member, Enum):
            words += [str(entry.value) for entry in member]
        elif isinstance(member, str):
            words.append(member)
    return words


class LineCompleter:
    """Completes the magics' lines for one shell.

    Args:
        session: what the magics share.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._candidates = Candidates(session)

    def match(self, context: CompletionContext) -> SimpleMatcherResult:
        """The completions at a cursor; nothing outside the magics' lines."""
        try:
            found = _LINE.match(context.text_until_cursor)
            if found is None or (found[1] == "%%" and context.cursor_line > 0):
                return _nothing()
            fragment, words = self.complete(found[2], cell=found[1] == "%%")
        except Exception:  # completion must never get into the way of typing
            return _nothing()
        if not words and ("{" in fragment or "$" in fragment):  # a name of the notebook, which IPython knows
            return _nothing()
        return SimpleMatcherResult(
            completions=[SimpleCompletion(text=text, type=kind) for text, kind in words] or _NoCompletions(),
            suppress=True,
            matched_fragment=fragment,
        )

    def complete(self, text: str, *, cell: bool) -> tuple[str, list[tuple[str, str]]]:
        """What the line may continue with.

        Args:
            text: what stands between the magic's name and the cursor.
            cell: it is a cell's first line.

        Returns:
            The word that is being typed, and its completions with their kinds.
        """
        parts = re.split(r"\s+", text)
        fragment, before = parts[-1], [part for part in parts[:-1] if part]
        table = CELL_VERBS if cell else LINE_VERBS
        if not before:
            return fragment, self._starting(fragment, table, "keyword")
        if before[0] not in table:
            return fragment, []
        verb: LineVerb | CellVerb = load_cell_verb(before[0]) if cell else load_line_verb(before[0])
        parser = VerbParser(before[0], "", fields=verb.fields)
        verb.configure(parser)
        place = _locate(parser, before[1:])
        if fragment.startswith("-"):
            options = (option for option in parser.options() if option not in place.given)
            return fragment, self._starting(fragment, options, "option")
        if field := _FIELD.match(fragment):
            values = _value_words(self._fields(verb, before, place).get(field[1]))
            return field[2], self._starting(field[2], values, "value")
        return self._arguments(fragment, verb, before, place)

    def _arguments(
        self, fragment: str, verb: LineVerb | CellVerb, before: list[str], place: _Place
    ) -> tuple[str, list[tuple[str, str]]]:
        action = place.action
        if action is None or (action.nargs == "*" and not action.metavar):
            names = (f"{name}=" for name in self._fields(verb, before, place) if name not in place.given)
            return fragment, self._starting(fragment, names, "param")
        if action.metavar == "HOST" and "," in fragment:  # one word may name several hosts
            fragment = fragment.rpartition(",")[2]
        words = [str(choice) for choice in action.choices or ()]
        words += self._candidates.of(
            _METAVARS.get((before[0], str(action.metavar)), str(action.metavar)), place.arguments
        )
        kind = {"HOST": "instance", "PAGLET": "instance", "OPERATION": "function", "CLASS": "class"}
        if action.metavar in ("FILE", "PATH"):
            words += [os.path.join(name, "") if os.path.isdir(name) else name for name in glob.glob(f"{fragment}*")]
        if before[0] in ("on", "restart", "interrupt", "time"):
            words.append("all")
        return fragment, self._starting(fragment, words, kind.get(str(action.metavar), "value"))

    def _fields(self, verb: LineVerb | CellVerb, before: list[str], place: _Place) -> dict[str, Any]:
        """The fields the verb takes here, with their types."""
        if verb.fields_of is None:
            return {}
        fields_of = verb.fields_of
        cls = self._candidates.ask(("fields", *before[:3]), lambda: fields_of(self._session, place.arguments), None)
        return field_types(cls) if isinstance(cls, type) else {}

    @staticmethod
    def _starting(fragment: str, words: Iterable[str], kind: str) -> list[tuple[str, str]]:
        return [(word, kind) for word in dict.fromkeys(words) if word.startswith(fragment)]
