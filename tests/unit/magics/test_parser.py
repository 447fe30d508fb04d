from __future__ import annotations

import pytest
from IPython.core.error import UsageError

from paglets_nb.magics.parser import HelpShown, VerbParser, seconds
from paglets_nb.magics.tokens import split_line


def _parser(fields: str = "") -> VerbParser:
    parser = VerbParser("%paglet move", "move things", fields=fields)
    parser.add_argument("thing", metavar="THING", help="what")
    parser.add_argument("places", nargs="*", metavar="PLACE")
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS")
    parser.add_argument("--all", action="store_true")
    return parser


def test_options_may_stand_between_arguments() -> None:
    """Words after an option still belong to a list of arguments."""
    got = _parser().parse_words(split_line("a --timeout 2 b c --all", {}))
    assert (got.thing, got.places, got.timeout, got.all) == ("a", ["b", "c"], 2.0, True)


def test_fields_are_kept_apart_by_name() -> None:
    """``field=value`` words never reach the arguments."""
    got = _parser("field").parse_words(split_line("a by=1 text='x y'", {}))
    assert (got.thing, got.fields) == ("a", {"by": "1", "text": "x y"})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "the following arguments are required: THING"),
        ("a --timeout", "argument --timeout: expected one argument"),
        ("a --timeout x", "wants seconds above 0, got 'x'"),
        ("a --timeout 0", "wants seconds above 0"),
        ("a --timout 1", "no option --timout; did you mean '--timeout'?"),
        ("a by=1", "takes no fields, got by=1"),
    ],
)
def test_mistakes_are_one_usage_line(line: str, said: str) -> None:
    """argparse's complaints come as a UsageError that says where help is."""
    with pytest.raises(UsageError) as caught:
        _parser().parse_words(split_line(line, {}))
    message = str(caught.value)
    assert said in message
    assert message.startswith("%paglet move: ")
    assert message.endswith("(see %paglet move --help)")
    assert "\n" not in message


def test_help_shows_usage_with_fields() -> None:
    """``--help`` wins over everything else and names the fields."""
    with pytest.raises(HelpShown) as caught:
        _parser("field").parse_words(split_line("--help", {}))
    assert "usage: %paglet move [--timeout SECONDS] [--all] THING [PLACE ...] [field=value ...]" in caught.value.text
    assert "move things" in caught.value.text
