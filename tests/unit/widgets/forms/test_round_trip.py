"""What a request becomes in a form, on the page and as code is the same request again."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings

from paglets_nb.magics.tokens import split_line
from paglets_nb.magics.values import build as build_of_words
from paglets_nb.magics.values import read_json, words_of
from paglets_nb.widgets.forms.code_lines import code_line
from paglets_nb.widgets.forms.raw_values import page_fields, raw_values
from paglets_nb.widgets.forms.requests import build
from tests.unit.widgets.forms.samples import Everything, Node
from tests.unit.widgets.forms.strategies import everything, nodes

_SETTINGS = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def _of_line(line: str, cls: type, **names: Any) -> Any:
    words = split_line(line.removeprefix("%paglet call "), names)[2:]
    fields = {word.field: word for word in words if word.field}
    plain = [word for word in words if not word.field]
    assert plain == [] or (len(plain) == 2 and plain[0] == "--json")
    return build_of_words(cls, {**(words_of(read_json(plain[1])) if plain else {}), **fields})


@_SETTINGS
@given(everything)
def test_a_request_put_into_a_form_is_sent_as_it_was(request: Everything) -> None:
    """Every type, by way of the JSON that the page holds."""
    raws = raw_values(Everything, request)
    built = build(Everything, json.loads(json.dumps(raws.values)), known=raws.known)
    assert built.errors == {}
    assert built.request == request
    assert [type(value) for value in vars(built.request).values()] == [type(value) for value in vars(request).values()]


@_SETTINGS
@given(nodes)
def test_a_dataclass_that_contains_itself_does_too(request: Node) -> None:
    """To any depth that somebody fills in."""
    raws = raw_values(Node, request)
    assert build(Node, json.loads(json.dumps(raws.values)), known=raws.known).request == request


@_SETTINGS
@given(everything)
def test_the_line_of_code_makes_the_same_request(request: Everything) -> None:
    """Typed into a cell as it stands; a field that no text is made for names a variable."""
    line = code_line("call", ("counter", "add"), request)
    assert "\n" not in line
    names = {name: getattr(request, name) for name in vars(request) if f" {name}={{{name}}}" in line}
    made = _of_line(line, Everything, **names)
    assert made == request, line


def test_the_defaults_are_filled_in() -> None:
    """And sent as they are; the line then says nothing of them."""
    raws = raw_values(Everything)
    built = build(Everything, json.loads(json.dumps(raws.values)), known=raws.known)
    assert built.request == Everything()
    assert code_line("call", ("counter", "add"), built.request) == "%paglet call counter add"


def test_the_page_is_told_of_every_dataclass_once() -> None:
    """Also of one that contains itself; all of it is JSON."""
    fields = json.loads(json.dumps(page_fields(Everything)))
    assert list(fields) == ["", *sorted(list(fields)[1:], key=list(fields).index)]
    assert {name.partition(" ")[2] for name in fields} == {"", "Point", "Node"}
    by_name = {field["name"]: field for field in fields[""]}
    assert by_name["point"]["nested"] == by_name["points"]["nested"]
    assert by_name["small"]["slider"] == [0, 10, 1]
    assert by_name["number"]["slider"] is None
    assert page_fields(Node)[""][1]["nested"] == ""
