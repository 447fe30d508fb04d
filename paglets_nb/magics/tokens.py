"""A magic's line as words: quotes, brackets, ``{expr}`` and ``$var``.

A word keeps JSON, lists and quoted text together. What IPython would expand is expanded
here instead, word by word, so that an object handed over stays that object, text with
spaces stays one word, and the braces of JSON are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from IPython.core.error import UsageError
from IPython.utils.text import DollarFormatter

from paglets_nb.codec.typed_text import NO_VALUE, Word

__all__ = ["NO_VALUE", "Word", "split_line"]

_CLOSING = {"[": "]", "(": ")", "{": "}"}
_FIELD = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_LONE_EXPRESSION = re.compile(r"\$(?P<name>[A-Za-z_][\w.]*)|\{(?P<expression>.*)\}", re.DOTALL)
_JSON_BRACE = re.compile(r"\{\s*(?:[\"'}]|$)")


def _matching(line: str, start: int) -> int:
    """Where the bracket at ``start`` closes; -1 when it does not."""
    stack: list[str] = []
    quote = ""
    at = start
    while at < len(line):
        char = line[at]
        if quote:
            if char == "\\":
                at += 1
            elif char == quote:
                quote = ""
        elif char in "\"'":
            quote = char
        elif char in _CLOSING:
            stack.append(_CLOSING[char])
        elif stack and char == stack[-1]:
            stack.pop()
            if not stack:
                return at
        at += 1
    return -1


def _bracketed(line: str, start: int) -> int:
    """Where the bracket at ``start`` closes; UsageError where it does not."""
    end = _matching(line, start)
    if end < 0:
        word = line[:start].rpartition(" ")[2] + line[start:].partition(" ")[0]
        field, text = (f"{found[1]}=", found[2]) if (found := _FIELD.fullmatch(word)) else ("", word)
        quote = '"' if "'" in text else "'"
        closing = _CLOSING[line[start]]
        raise UsageError(f"no closing {closing} for {word}; in quotes it is text: {field}{quote}{text}{quote}")
    return end


def _quoted(line: str, start: int) -> tuple[str, int]:
    """The text of the quotes that open at ``start``, and where what follows them begins."""
    quote, at, text = line[start], start + 1, []
    while at < len(line) and line[at] != quote:
        if line[at] == "\\" and quote == '"' and line[at + 1 : at + 2] in ('"', "\\"):
            at += 1
        text.append(line[at])
        at += 1
    if at >= len(line):
        raise UsageError(f"no closing {quote} for {line[start:].strip()}")
    return "".join(text), at + 1


@dataclass
class _Piece:
    """A run of a word; ``plain`` ones were in single quotes and are not expanded."""

    text: str
    plain: bool = False


def _pieces(line: str) -> list[list[_Piece]]:
    """The line's words, each as the runs it is made of."""
    words: list[list[_Piece]] = []
    word: list[_Piece] | None = None
    at = 0
    while at < len(line):
        char = line[at]
        if char.isspace():
            word, at = None, at + 1
            continue
        if word is None:
            word = []
            words.append(word)
        if char in "\"'":
            text, at = _quoted(line, at)
            word.append(_Piece(text, plain=char == "'"))
            continue
        end = _bracketed(line, at) if char in _CLOSING else at
        if word and not word[-1].plain and char not in _CLOSING and word[-1].text[-1:] not in _CLOSING.values():
            word[-1].text += line[at : end + 1]
        else:
            word.append(_Piece(line[at : end + 1]))
        at = end + 1
    return words


def _expand(piece: _Piece, namespace: Mapping[str, Any]) -> str:
    """A run with its variables filled in; as it stands where that does not work."""
    if piece.plain or not ("{" in piece.text or "$" in piece.text) or _JSON_BRACE.match(piece.text):
        return piece.text
    try:
        return str(DollarFormatter().vformat(piece.text, (), dict(namespace)))
    except Exception:  # IPython leaves what it cannot expand as it stands, too
        return piece.text


def _lone_value(text: str, namespace: Mapping[str, Any]) -> Any:
    """The object a text that is one ``{expr}`` or ``$var`` stands for, else NO_VALUE."""
    found = _LONE_EXPRESSION.fullmatch(text)
    if found is None or _JSON_BRACE.match(text) or _matching(text, 0) not in (-1, len(text) - 1):
        return NO_VALUE
    try:
        return eval(found["name"] or found["expression"], dict(namespace))
    except SyntaxError:  # not an expression after all: then it is text
        return NO_VALUE
    except NameError as error:
        raise UsageError(f"no variable {error.name!r} for {text} (in single quotes it is text)") from None
    except Exception as error:
        raise UsageError(f"{text}: {type(error).__name__}: {error} (in single quotes it is text)") from None


def split_line(line: str, namespace: Mapping[str, Any]) -> list[Word]:
    """The words of a line.

    Args:
        line: what stands behind the magic's name.
        namespace: where ``{expr}`` and ``$var`` are looked up.

    Raises:
        UsageError: a quote or a bracket is not closed, or what a lone ``{expr}`` or ``$var`` stands for is not there.
    """
    words: list[Word] = []
    for pieces in _pieces(line.strip().removesuffix(";")):
        raw = "".join(piece.text for piece in pieces)
        text = "".join(_expand(piece, namespace) for piece in pieces)
        found = _FIELD.match(pieces[0].text)
        plain = any(piece.plain for piece in pieces)
        if found is not None and not pieces[0].plain:
            raw_value = raw[len(found[1]) + 1 :]
            value = NO_VALUE if plain else _lone_value(raw_value, namespace)
            words.append(Word(text[len(found[1]) + 1 :], value, found[1]))
            continue
        value = NO_VALUE if plain else _lone_value(raw, namespace)
        if isinstance(value, list | tuple):
            words.extend(Word(str(entry), entry) for entry in value)
        else:
            words.append(Word(text, value))
    return words
