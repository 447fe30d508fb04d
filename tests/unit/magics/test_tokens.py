from __future__ import annotations

from typing import Any

import pytest
from IPython.core.error import UsageError

from paglets_nb.magics.tokens import NO_VALUE, split_line

NAMES: dict[str, Any] = {"x": 7, "name": "two words", "names": ["a", "b"], "person": {"a": 1}}


def _words(line: str) -> list[str]:
    return [str(word) for word in split_line(line, NAMES)]


def _field(line: str) -> tuple[str, str, Any]:
    (word,) = split_line(line, NAMES)
    return word.field, str(word), word.value


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  call  c1 add ", ["call", "c1", "add"]),
        ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        ("dispatch c beta;", ["dispatch", "c", "beta"]),
        ('--json {"by": 1, "to": {"a": "} "}}', ["--json", '{"by": 1, "to": {"a": "} "}}']),
        ("--json '{\"by\":1}'", ["--json", '{"by":1}']),
        ('--json {"by":1}', ["--json", '{"by":1}']),
        ("smile ':(' now ;)", ["smile", ":(", "now", ";)"]),
        (r'"a \" b"', ['a " b']),
    ],
)
def test_words_keep_quotes_brackets_and_json_together(line: str, words: list[str]) -> None:
    """Spaces split words only outside quotes and brackets; JSON's braces are never expanded."""
    assert _words(line) == words


@pytest.mark.parametrize(
    ("line", "field", "text", "value"),
    [
        ("by=5", "by", "5", NO_VALUE),
        ("text='two words'", "text", "two words", NO_VALUE),
        ('text="two words"', "text", "two words", NO_VALUE),
        ("items=[1, 2]", "items", "[1, 2]", NO_VALUE),
        ('map={"a": [1, 2]}', "map", '{"a": [1, 2]}', NO_VALUE),
        ("empty={}", "empty", "{}", NO_VALUE),
        ("eq=a=b", "eq", "a=b", NO_VALUE),
        ("none=", "none", "", NO_VALUE),
        ("by={x + 1}", "by", "8", 8),
        ("by=$x", "by", "7", 7),
        ("text=$name", "text", "two words", "two words"),
        ("person={person}", "person", "{'a': 1}", {"a": 1}),
        ("text='$x {x}'", "text", "$x {x}", NO_VALUE),
        ("text=a{x}b", "text", "a7b", NO_VALUE),
        ("text={x:04d}", "text", "{x:04d}", NO_VALUE),
        ("text='{unknown}'", "text", "{unknown}", NO_VALUE),
        ("text=a{unknown}", "text", "a{unknown}", NO_VALUE),
    ],
)
def test_fields_carry_text_or_the_object_itself(line: str, field: str, text: str, value: Any) -> None:
    """A field's word has its text, and the object where it is one lone expression or variable."""
    assert _field(line) == (field, text, value)


def test_a_lone_list_becomes_words() -> None:
    """A variable that holds a list gives one word for each entry."""
    assert _words("up $names") == ["up", "a", "b"]


def test_options_are_no_fields() -> None:
    """``--option=value`` stays one word without a field."""
    (word,) = split_line("--timeout=3", {})
    assert (word.field, str(word)) == ("", "--timeout=3")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("call c add by=$undefined", r"no variable 'undefined' for \$undefined"),
        ("by={undefined + 1}", r"no variable 'undefined' for \{undefined \+ 1\}"),
        ("by={1 / 0}", r"\{1 / 0\}: ZeroDivisionError: division by zero"),
    ],
)
def test_a_reference_that_stands_for_nothing_is_told(line: str, said: str) -> None:
    """A word that is a reference and nothing else is never taken as text."""
    with pytest.raises(UsageError, match=said):
        split_line(line, NAMES)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("call one put n=1 tag=(", "no closing ) for tag=(; in quotes it is text: tag='('"),
        ("fanout sq n=[1,2 --no-plot", "no closing ] for n=[1,2; in quotes it is text: n='[1,2'"),
        ("search grep main( --on alpha", "no closing ) for main(; in quotes it is text: 'main('"),
        ("n=[1, (2]", "no closing ] for n=[1,; in quotes it is text: n='[1,'"),
    ],
)
def test_an_open_bracket_is_told(line: str, said: str) -> None:
    """A bracket that is not closed is a UsageError that shows how to quote it."""
    with pytest.raises(UsageError) as refusal:
        split_line(line, {})
    assert str(refusal.value) == said


def test_an_open_quote_is_told() -> None:
    """A quote that is not closed is a UsageError that shows where it opened."""
    with pytest.raises(UsageError, match="no closing '"):
        split_line("text='oops", {})
