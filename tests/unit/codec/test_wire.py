"""Dataclasses to wire values and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paglets_nb.codec import payload
from paglets_nb.codec.wire import WireCodec, convert, dataclass_from_wire, dataclass_to_wire, schema, state_from_wire
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.errors import SerializationError


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: int = 0
    y: float = 0.0


@dataclass
class Everything:
    text: str = ""
    number: int = 0
    ratio: float = 0.0
    flag: bool = False
    nothing: None = None
    raw: bytes = b""
    colour: Colour = Colour.RED
    level: Level = Level.LOW
    path: Path = Path()
    pure: PurePosixPath = PurePosixPath("/")
    tags: set[str] = field(default_factory=set)
    pair: tuple[int, str] = (0, "")
    frozen: frozenset[int] = frozenset()
    items: list[Point] = field(default_factory=list)
    table: dict[str, Point] = field(default_factory=dict)
    maybe: Point | None = None
    either: int | str = 0
    ref: PagletProxyRef | None = None
    anything: Any = None


@dataclass
class Needed:
    name: str
    size: int = 3


class Odd:
    def __repr__(self) -> str:
        return "odd" * 10_000


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


@dataclass
class Node:
    children: list[Node] = field(default_factory=list)


texts = st.text(max_size=20)
ints = st.integers(min_value=-(2**63), max_value=2**64 - 1)
floats = st.floats(allow_nan=False)
points = st.builds(Point, x=ints, y=floats)
everything = st.builds(
    Everything,
    text=texts,
    number=ints,
    ratio=floats,
    flag=st.booleans(),
    nothing=st.none(),
    raw=st.binary(max_size=40),
    colour=st.sampled_from(Colour),
    level=st.sampled_from(Level),
    path=st.builds(Path, texts.filter(lambda text: "\0" not in text)),
    pure=st.builds(PurePosixPath, texts),
    tags=st.sets(texts, max_size=5),
    pair=st.tuples(ints, texts),
    frozen=st.frozensets(ints, max_size=5),
    items=st.lists(points, max_size=4),
    table=st.dictionaries(texts, points, max_size=4),
    maybe=st.none() | points,
    either=ints | texts,
    ref=st.none() | st.builds(PagletProxyRef, texts, texts),
    anything=st.recursive(st.none() | st.booleans() | ints | texts, lambda inner: st.lists(inner, max_size=3)),
)


@settings(max_examples=60)
@given(everything)
def test_round_trip(value: Everything) -> None:
    """Any value of any supported field type comes back equal, of the same types."""
    back = dataclass_from_wire(Everything, dataclass_to_wire(value))
    assert back == value
    for name in ("tags", "frozen", "pair", "path", "pure", "colour", "level", "raw"):
        assert type(getattr(back, name)) is type(getattr(value, name))


def test_sets_become_sorted_lists() -> None:
    """A set's wire form is a sorted list, so that equal states have equal bytes."""
    wire = dataclass_to_wire(Everything(tags={"pear", "apple", "fig"}, frozen=frozenset({3, 1, 2})))
    assert wire["tags"] == ["apple", "fig", "pear"]
    assert wire["frozen"] == [1, 2, 3]


def test_enums_become_their_values_and_paths_text() -> None:
    """Enums travel by value and paths as text."""
    wire = dataclass_to_wire(Everything(colour=Colour.BLUE, level=Level.HIGH, path=Path("/a/b")))
    assert (wire["colour"], wire["level"], wire["path"]) == ("blue", 2, "/a/b")


def test_bytes_stay_bytes() -> None:
    """Bytes are native on the wire, without base64."""
    raw = bytes(range(256))
    assert dataclass_to_wire(Everything(raw=raw))["raw"] == raw


def test_nested_dataclasses_become_dicts() -> None:
    """Nested dataclasses, in lists, dicts and optionals, become dicts and come back typed."""
    value = Everything(items=[Point(1, 2.0)], table={"a": Point(3)}, maybe=Point(4))
    wire = dataclass_to_wire(value)
    assert wire["items"] == [{"x": 1, "y": 2.0}]
    assert wire["table"] == {"a": {"x": 3, "y": 0.0}}
    assert dataclass_from_wire(Everything, wire) == value


def test_a_proxy_travels_as_its_reference() -> None:
    """A proxy in a state becomes ``{host_url, agent_id}`` and reads back as a reference."""
    proxy = PagletProxy("unix:///a.sock", "ab12", client=None)  # type: ignore[arg-type]
    wire = dataclass_to_wire(Everything(ref=proxy))  # type: ignore[arg-type]
    assert wire["ref"] == {"host_url": "unix:///a.sock", "agent_id": "ab12"}
    assert dataclass_from_wire(Everything, wire).ref == PagletProxyRef("unix:///a.sock", "ab12")


def test_missing_fields_take_their_defaults() -> None:
    """A field that is not on the wire takes its default; factories are called."""
    value = dataclass_from_wire(Everything, {"number": 7})
    assert value == Everything(number=7)
    assert value.items is not dataclass_from_wire(Everything, {}).items


def test_a_missing_field_without_default_is_named() -> None:
    """A field without default must be there; the error names it."""
    with pytest.raises(SerializationError, match="Needed: .*name"):
        dataclass_from_wire(Needed, {"size": 1})


def test_an_unknown_field_is_named_with_the_known_ones() -> None:
    """An unknown field is refused by name, and the fields there are are listed."""
    with pytest.raises(SerializationError, match=r"Needed: unknown field 'colour' \(fields: name, size\)"):
        dataclass_from_wire(Needed, {"name": "a", "colour": 1})


@pytest.mark.parametrize(
    ("payload", "path", "wanted"),
    [
        ({"number": "7"}, "Everything.number", "expected int, got str"),
        ({"number": 7.5}, "Everything.number", "expected int"),
        ({"items": [{"x": 1}, {"x": "no"}]}, r"Everything.items\[1\].x", "expected int, got str"),
        ({"table": {"a": 3}}, "Everything.table", "expected object, got int"),
        ({"colour": "green"}, "Everything.colour", "invalid enum value 'green'"),
        ({"maybe": 3}, "Everything.maybe", r"expected object \| null, got int"),
        ({"raw": 3}, "Everything.raw", "expected bytes, got int"),
        ({"path": 3}, "Everything.path", "expected Path, got int"),
        ({"pair": [1]}, "Everything.pair", "expected array of length 2"),
    ],
)
def test_a_wrong_type_names_the_field_and_what_it_wanted(payload: dict[str, Any], path: str, wanted: str) -> None:
    """An error of type says where it is and what was wanted there."""
    with pytest.raises(SerializationError, match=f"{path}.*: .*{wanted}"):
        dataclass_from_wire(Everything, payload)


@pytest.mark.parametrize("payload", [None, 3, "text", [1], b"raw"])
def test_a_payload_must_be_fields_by_name(payload: Any) -> None:
    """Anything but a mapping is refused."""
    with pytest.raises(SerializationError, match="wanted fields by name"):
        dataclass_from_wire(Point, payload)


@pytest.mark.parametrize("cls", [int, dict, Point(1), "Point"])
def test_only_dataclasses_are_decoded_into(cls: Any) -> None:
    """The target must be a dataclass."""
    with pytest.raises(SerializationError, match="wanted a dataclass"):
        dataclass_from_wire(cls, {})


@pytest.mark.parametrize("value", [3, None, {"x": 1}, Point])
def test_only_dataclass_instances_are_encoded(value: Any) -> None:
    """Only an instance of a dataclass has a wire form here."""
    with pytest.raises(SerializationError, match="wanted a dataclass instance"):
        dataclass_to_wire(value)


@pytest.mark.parametrize(
    ("value", "path", "shown"),
    [
        (Everything(anything=print), "Everything.anything", "built-in function print"),
        (Everything(anything={"a": [1, {2, open}]}), r"Everything.anything\['a'\]\[1\]", "open"),
        (Everything(items=[Point(), Point(x=object())]), r"Everything.items\[1\].x", "of type object"),  # type: ignore[arg-type]
        (Everything(anything=lambda: 0), "Everything.anything", "of type function"),
        (Everything(anything=Unprintable()), "Everything.anything", "Unprintable whose repr raised RuntimeError"),
        (Everything(anything=[1, 1j]), r"Everything.anything\[1\]", "1j of type complex"),
    ],
)
def test_what_cannot_travel_is_named_with_its_place(value: Everything, path: str, shown: str) -> None:
    """A value that cannot travel is shown with the field that holds it."""
    with pytest.raises(SerializationError, match=f"^{path}.*: .*{shown}.* cannot travel") as caught:
        dataclass_to_wire(value)
    assert caught.value.path.startswith("Everything.")


def test_a_long_culprit_is_shortened() -> None:
    """A huge value that cannot travel does not make a huge message."""
    with pytest.raises(SerializationError) as caught:
        dataclass_to_wire(Everything(anything=["x" * 10_000, [1] * 1000, Odd()]))
    assert len(str(caught.value)) < 300
    assert str(caught.value).startswith("Everything.anything[2]: oddodd")


def test_a_cycle_is_refused() -> None:
    """A value that holds itself is an error that names its field, not an endless loop."""
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(SerializationError, match=r"^Everything\.anything") as caught:
        dataclass_to_wire(Everything(anything=ring))
    assert len(str(caught.value)) < 400


def test_a_cycle_of_dataclasses_is_refused() -> None:
    """A dataclass that holds itself is an error."""
    node = Node()
    node.children.append(node)
    with pytest.raises(SerializationError, match=r"^Node\.children") as caught:
        dataclass_to_wire(node)
    assert len(str(caught.value)) < 400


def test_deep_nesting_is_refused() -> None:
    """Nesting deeper than the interpreter can follow is an error on both ways."""
    deep: Any = {}
    for _ in range(50_000):
        deep = {"children": [deep]}
    with pytest.raises(SerializationError):
        dataclass_to_wire(Everything(anything=deep))
    with pytest.raises(SerializationError):
        dataclass_from_wire(Node, deep)
    while deep:  # taken apart from outside, which needs no recursion
        deep = deep["children"].pop()


def test_text_is_converted_when_not_strict() -> None:
    """``strict=False`` reads numbers and booleans from text, as a command line needs."""
    assert convert("3", int, strict=False) == 3
    assert convert("true", bool, strict=False) is True
    assert convert({"x": "4", "y": "0.5"}, Point, strict=False) == Point(4, 0.5)
    with pytest.raises(SerializationError, match="expected int"):
        convert("3", int)


def test_an_annotation_that_cannot_be_resolved_is_named() -> None:
    """A dataclass with an annotation of an unknown name is a typed error."""
    namespace: dict[str, Any] = {}
    exec(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Odd:\n    thing: Unheard = None\n",
        namespace,
    )
    with pytest.raises(SerializationError, match="Unheard"):
        dataclass_from_wire(namespace["Odd"], {"thing": 1})


def test_post_init_refuses_with_its_own_words() -> None:
    """What ``__post_init__`` refuses becomes a SerializationError with its text."""

    @dataclass
    class Positive:
        value: int = 1

        def __post_init__(self) -> None:
            if self.value < 1:
                raise ValueError("value must be positive")

    with pytest.raises(SerializationError, match="value must be positive"):
        dataclass_from_wire(Positive, {"value": 0})


def test_a_schema_is_json() -> None:
    """The schema of a dataclass is plain JSON that names its fields."""
    text = json.dumps(schema(Everything))
    assert '"colour"' in text
    assert '"maybe"' in text


def test_the_port_of_the_core_room_is_served() -> None:
    """``WireCodec`` offers the same functions as the core room's port."""
    served = WireCodec()
    assert served.to_wire(Point(1, 2.0)) == {"x": 1, "y": 2.0}
    assert served.from_wire(Point, {"x": 1}) == Point(1)
    assert "Point" in json.dumps(served.schema(Point))


def test_a_states_fields_are_its_own() -> None:
    """What was left to its default is in the wire form, and stays when the class's default changes."""
    state = state_from_wire(Point, {"x": 1})
    assert state == Point(1)
    assert dataclass_to_wire(state) == {"x": 1, "y": 0.0}
    with pytest.raises(SerializationError, match="unknown field 'z'"):
        state_from_wire(Point, {"z": 1})


def test_a_number_that_is_too_large_says_what_could_travel() -> None:
    """Whole numbers have their bound named, and a way around it."""
    with pytest.raises(SerializationError, match="whole numbers have at most 64 bits: give it as text or as a float"):
        payload.encode(Numbers([2**64]))


def test_a_frame_says_what_could_travel() -> None:
    """Data frames and series are told by their ways out."""
    pandas = pytest.importorskip("pandas")
    for value, way in ((pandas.DataFrame({"a": [1]}), r"to_dict\(\)"), (pandas.Series([1]), r"to_numpy\(\)")):
        with pytest.raises(SerializationError, match=f"cannot travel; give it by {way}, and make it anew from that"):
            dataclass_to_wire(Numbers([value]))


@dataclass
class Numbers:
    """Anything."""

    values: list[Any]
