"""Verbs and their arguments: argparse, with one-line UsageErrors and room for fields."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.error import UsageError

from paglets_nb.magics.boundary import did_you_mean, one_line
from paglets_nb.magics.tokens import Word

if TYPE_CHECKING:
    from paglets_nb.magics.session import Session

__all__ = [
    "GOES_ON_THERE",
    "NOTHING_LOST",
    "Arguments",
    "CellVerb",
    "HelpShown",
    "LineVerb",
    "VerbParser",
    "count_or_names",
    "natural",
    "seconds",
]

Arguments = argparse.Namespace
GOES_ON_THERE = "what a paglet was asked to do goes on over there"
NOTHING_LOST = "nothing was changed"


class HelpShown(Exception):  # noqa: N818 - no error: the line asked for help
    """``--help`` was asked for.

    Attributes:
        text: the help.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class VerbParser(argparse.ArgumentParser):
    """The arguments of one verb.

    Args:
        prog: how it is called, e.g. ``%paglet call``.
        summary: what it does, in one line.
        fields: how its ``field=value`` arguments are called in the help; empty when it takes none.

    Attributes:
        plain_words: ``a=b`` is a word like any other, for a verb whose words are free text.
    """

    def __init__(self, prog: str, summary: str, *, fields: str = "") -> None:
        super().__init__(prog=prog, description=summary, add_help=False, allow_abbrev=False, exit_on_error=False)
        self.fields = fields
        self.plain_words = False
        self.add_argument("-h", "--help", action="store_true", help="show this help")

    def error(self, message: str) -> NoReturn:
        """Raise a UsageError in place of leaving the process."""
        raise UsageError(f"{self.prog}: {one_line(message)} (see {self.prog} --help)")

    def format_usage_line(self) -> str:
        """How the verb is called, in one line."""
        usage = one_line(self.format_usage()).removeprefix("usage: ").replace(" [-h]", "")
        return f"{usage} [{self.fields}=value ...]" if self.fields else usage

    def format_help(self) -> str:
        """The help, with the fields in its usage line."""
        _usage, _, rest = super().format_help().partition("\n\n")
        return f"usage: {self.format_usage_line()}\n\n{rest}"

    def options(self) -> dict[str, argparse.Action]:
        """The options by the way they are written, the short ones left out."""
        return {text: action for action in self._actions for text in action.option_strings if text.startswith("--")}

    def positionals(self) -> list[argparse.Action]:
        """The arguments without a name, in order."""
        return [action for action in self._actions if not action.option_strings]

    def parse_words(self, words: Sequence[Word]) -> Arguments:
        """The arguments from words.

        Returns:
            A namespace; its ``fields`` holds the ``field=value`` words by field name.

        Raises:
            HelpShown: ``--help`` is among them.
            UsageError: they do not fit.
        """
        if any(word in ("-h", "--help") for word in words):
            raise HelpShown(self.format_help())
        if self.plain_words:
            words = [Word(f"{word.field}={word}") if word.field else word for word in words]
        fields: dict[str, Word] = {}
        for word in words:
            if word.field in fields:
                self.error(f"{word.field}= is given twice")
            if word.field:
                fields[word.field] = word
        if fields and not self.fields:
            name = next(iter(fields))
            self.error(f"takes no fields, got {name}={fields[name]}")
        plain = [word for word in words if not word.field]
        options = self.options()
        for word in plain:
            if word.startswith("--") and word.partition("=")[0] not in options:
                self.error(f"no option {word!s}{did_you_mean(word, options)}")
        try:
            arguments = self.parse_intermixed_args(plain)
        except argparse.ArgumentError as error:
            self.error(str(error))
        arguments.fields = fields
        return arguments


def seconds(text: str) -> float:
    """A duration in seconds, above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"wants seconds above 0, got {text!r}")
    return value


def natural(text: str) -> int:
    """A whole number, 0 or above."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"wants a whole number from 0, got {text!r}")
    return value


def count_or_names(words: Sequence[str]) -> int | list[str]:
    """How many hosts, where the words are one number; else their names, also comma-separated ones."""
    if len(words) == 1 and words[0].removeprefix("-").isdecimal():
        return int(words[0])
    return [name for word in words for name in str(word).split(",") if name]


@dataclass(frozen=True)
class LineVerb:
    """A verb of ``%paglet``.

    Attributes:
        configure: adds its arguments to a parser.
        run: does it, and returns the object it speaks of.
        fields: how its ``field=value`` arguments are called; empty when it takes none.
        fields_of: the dataclass whose fields they are, for completion; may raise.
        interrupted: what is said after the stop button.
    """

    configure: Callable[[VerbParser], None]
    run: Callable[[Session, Arguments], Any]
    fields: str = ""
    fields_of: Callable[[Session, Arguments], type | None] | None = None
    interrupted: str = GOES_ON_THERE


@dataclass(frozen=True)
class CellVerb:
    """A verb of ``%%paglet``; like LineVerb, and ``run`` gets the cell's text too."""

    configure: Callable[[VerbParser], None]
    run: Callable[[Session, Arguments, str], Any]
    fields: str = ""
    fields_of: Callable[[Session, Arguments], type | None] | None = None
    interrupted: str = GOES_ON_THERE
