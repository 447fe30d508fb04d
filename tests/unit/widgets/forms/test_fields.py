from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
import pytest

from paglets_nb.codec.typed_text import NO_VALUE
from paglets_nb.errors import SerializationError
from paglets_nb.services.contracts import EmptyPayload
from paglets_nb.widgets.forms.fields import Bounds, Choice, Control, FieldSpec, describe_fields
from tests.unit.widgets.forms.samples import Everything, Needs, Node, Point, Right, Shade, Within

CONTROLS = {
    "flag": Control.CHECKBOX,
    "number": Control.NUMBER,
    "ratio": Control.NUMBER,
    "text": Control.TEXT,
    "lines": Control.LINES,
    "maybe": Control.TEXT,
    "count": Control.NUMBER,
    "either": Control.LITERAL,
    "shade": Control.CHOICE,
    "rank": Control.CHOICE,
    "rights": Control.LITERAL,
    "mode": Control.CHOICE,
    "path": Control.PATH,
    "pure": Control.PATH,
    "data": Control.BYTES,
    "array": Control.BYTES,
    "names": Control.ITEMS,
    "numbers": Control.ITEMS,
    "shades": Control.ITEMS,
    "gaps": Control.ITEMS,
    "pair": Control.ITEMS,
    "run": Control.ITEMS,
    "unique": Control.ITEMS,
    "frozen": Control.ITEMS,
    "sequence": Control.ITEMS,
    "table": Control.PAIRS,
    "by_number": Control.PAIRS,
    "tree": Control.LITERAL,
    "places": Control.LITERAL,
    "point": Control.GROUP,
    "goal": Control.GROUP,
    "points": Control.ROWS,
    "several": Control.ROWS,
    "at": Control.TEXT,
    "day": Control.TEXT,
    "hour": Control.TEXT,
    "pause": Control.TEXT,
    "price": Control.TEXT,
    "key": Control.TEXT,
    "metres": Control.NUMBER,
    "small": Control.NUMBER,
    "share": Control.NUMBER,
    "anything": Control.LITERAL,
    "grid": Control.LITERAL,
    "node": Control.GROUP,
}


def _specs(cls: type) -> dict[str, FieldSpec]:
    return {spec.name: spec for spec in describe_fields(cls)}


def test_every_type_has_its_control() -> None:
    """What a field is filled in with follows from its type, in the order of the fields."""
    assert {name: spec.control for name, spec in _specs(Everything).items()} == CONTROLS
    assert list(_specs(Everything)) == list(CONTROLS)


def test_optional_and_required_fields_are_told_apart() -> None:
    """A field may be None by its type or by its default; one without a default is required."""
    specs = _specs(Everything)
    assert {name for name, spec in specs.items() if spec.optional} == {"maybe", "count", "goal", "anything"}
    assert not any(spec.required for spec in specs.values())
    needed = _specs(Needs)
    assert all(spec.required and spec.default is NO_VALUE for spec in needed.values())
    assert needed["goal"].optional


def test_choices_have_labels_that_differ() -> None:
    """Of an Enum the names, of a Literal the values, quoted where two would look the same."""
    assert _specs(Everything)["shade"].choices == (Choice("LIGHT", Shade.LIGHT), Choice("DARK", Shade.DARK))
    labels = [(choice.label, choice.value) for choice in _specs(Everything)["mode"].choices]
    assert labels == [("fast", "fast"), ("slow", "slow"), ("1", 1), ("'1'", "1"), ("None", None)]


def test_help_comes_from_metadata_annotations_and_docstrings() -> None:
    """In this order; a docstring's entry may go over several lines, and is inherited."""

    @dataclass
    class Base:
        """A base.

        Args:
            inherited: from the base
        """

        inherited: int = 0

    @dataclass
    class Told(Base):
        """Something.

        Attributes:
            plain (int): told by the docstring
            meta: hidden
        """

        plain: int = 0
        meta: int = field(default=0, metadata={"help": "told by\n metadata"})
        annotated: Annotated[int, msgspec.Meta(description="told by a type")] = 0
        text: Annotated[int | None, "told by a text"] = None
        untold: int = 0

    assert [spec.help for spec in describe_fields(Told)] == [
        "from the base",
        "told by the docstring",
        "told by metadata",
        "told by a type",
        "told by a text",
        "",
    ]
    assert [spec.help for spec in describe_fields(Point)] == ["to the right", "upwards, in metres"]


@dataclass
class Limited:
    meta: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    within: Annotated[float, Within(gt=0, lt=1)] = 0.5
    several: Annotated[int, Within(ge=0), Within(ge=2), Within(lt=9), Within(le=9)] = 3
    inner: Annotated[int, Within(ge=1)] | None = None
    metadata: int = field(default=3, metadata={"min": 0, "max": 10, "step": 5})
    low: Annotated[int, Within(gt=3)] = 4
    free: int = 0
    odd: Annotated[int, Within(ge="a")] = 0


def test_bounds_come_from_annotations_and_metadata() -> None:
    """The tightest bound counts; what is no number is none."""
    assert {name: spec.bounds for name, spec in _specs(Limited).items()} == {
        "meta": Bounds(1, 5),
        "within": Bounds(0, 1, True, True),
        "several": Bounds(2, 9, False, True),
        "inner": Bounds(1),
        "metadata": Bounds(0, 10, step=5),
        "low": Bounds(3, None, True),
        "free": Bounds(),
        "odd": Bounds(),
    }
    assert _specs(Limited)["inner"].optional


@pytest.mark.parametrize(
    ("bounds", "value", "said"),
    [
        (Bounds(1, 5), 0, "must be at least 1, at most 5"),
        (Bounds(1, 5), 6, "must be at least 1, at most 5"),
        (Bounds(1), 0, "must be at least 1"),
        (Bounds(high=2**40), 2**41, "must be at most 1099511627776"),
        (Bounds(1, 5), 5, ""),
        (Bounds(0, 1, True, True), 0.0, "must be above 0, below 1"),
        (Bounds(0, 1, True, True), 1.0, "must be above 0, below 1"),
        (Bounds(0, 1), float("nan"), "must be at least 0, at most 1"),
        (Bounds(), 10**30, ""),
    ],
)
def test_a_number_out_of_bounds_is_told_which(bounds: Bounds, value: float, said: str) -> None:
    """Each bound has its words."""
    assert bounds.refusal(value) == said


@pytest.mark.parametrize(
    ("bounds", "kind", "slider"),
    [
        (Bounds(0, 10), int, (0, 10, 1)),
        (Bounds(0, 10, True, True), int, (1, 9, 1)),
        (Bounds(0.5, 2.5), int, (1, 2, 1)),
        (Bounds(0, 10), float, (0, 10, 0.1)),
        (Bounds(0, 10, step=2), float, (0, 10, 2)),
        (Bounds(0, 10**9), int, None),
        (Bounds(0), int, None),
        (Bounds(0, float("inf")), float, None),
        (Bounds(3, 3), int, None),
        (Bounds(-(10**400), 10**400), int, None),
        (Bounds(0, 10, step=-1), int, (0, 10, 1)),
    ],
)
def test_a_number_within_bounds_has_a_slider(bounds: Bounds, kind: type, slider: Any) -> None:
    """Where both bounds are known, and its positions are not too many."""
    assert bounds.slider(kind) == slider


def test_dataclasses_in_a_field_are_named_not_described() -> None:
    """So a dataclass may contain itself."""
    specs = _specs(Node)
    assert (specs["children"].nested, specs["parent"].nested) == (Node, Node)


def test_a_text_may_have_lines() -> None:
    """Where its default has, or its metadata says so."""

    @dataclass
    class Texts:
        by_default: str = "a\nb"
        by_metadata: str = field(default="", metadata={"multiline": True})
        not_by_metadata: str = field(default="a\nb", metadata={"multiline": False})

    assert [spec.control for spec in describe_fields(Texts)] == [Control.LINES, Control.LINES, Control.TEXT]


def test_what_cannot_be_resolved_or_made_is_no_obstacle() -> None:
    """A type that is not known, a default that fails and a field that is not given to the class."""

    def fails() -> int:
        raise RuntimeError("no default")

    made = dataclass(
        type(
            "Odd",
            (),
            {
                "__annotations__": {"unknown": "Missing", "failing": int, "inner": int},
                "unknown": None,
                "failing": field(default_factory=fails),
                "inner": field(default=0, init=False),
            },
        )
    )
    specs = _specs(made)
    assert list(specs) == ["unknown", "failing"]
    assert specs["unknown"].control is Control.LITERAL
    assert specs["failing"].default is NO_VALUE
    assert not specs["failing"].required


def test_only_dataclasses_are_described() -> None:
    """Anything else is refused by name."""
    for wrong in (int, Point(), None, Right):
        with pytest.raises(SerializationError, match="wanted a dataclass"):
            describe_fields(wrong)  # type: ignore[arg-type]
    assert describe_fields(EmptyPayload) == []


def test_a_literal_of_one_kind_is_a_choice() -> None:
    """Within an optional one too."""

    @dataclass
    class Picks:
        one: Literal["a"] | None = None

    spec = describe_fields(Picks)[0]
    assert (spec.control, spec.optional, len(spec.choices)) == (Control.CHOICE, True, 1)
