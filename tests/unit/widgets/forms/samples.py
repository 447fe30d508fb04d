"""Requests of every kind that a form has to know."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NewType

Metres = NewType("Metres", float)


class Within:
    """Bounds as ``annotated_types.Interval`` has them."""

    def __init__(self, ge: Any = None, gt: Any = None, le: Any = None, lt: Any = None) -> None:
        self.ge, self.gt, self.le, self.lt = ge, gt, le, lt


class Shade(enum.Enum):
    LIGHT = 1
    DARK = 2


class Rank(enum.IntEnum):
    LOW = 1
    HIGH = 5


class Right(enum.Flag):
    READ = 1
    WRITE = 2


@dataclass(frozen=True)
class Point:
    """A place.

    Attributes:
        x: to the right
        y: upwards,
            in metres
    """

    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Node:
    name: str = ""
    children: list[Node] = field(default_factory=list)
    parent: Node | None = None


@dataclass(frozen=True)
class Everything:
    flag: bool = False
    number: int = 3
    ratio: float = 0.5
    text: str = "a"
    lines: str = "a\nb"
    maybe: str | None = None
    count: int | None = None
    either: int | str = 0
    shade: Shade = Shade.LIGHT
    rank: Rank = Rank.LOW
    rights: Right = Right.READ
    mode: Literal["fast", "slow", 1, "1", None] = "fast"  # noqa: PYI061
    path: Path = Path("a/b")
    pure: PurePosixPath = PurePosixPath("/")
    data: bytes = b"abc"
    array: bytearray = field(default_factory=lambda: bytearray(b"\x00\xff"))
    names: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=lambda: [1, 2])
    shades: list[Shade] = field(default_factory=list)
    gaps: list[int | None] = field(default_factory=list)
    pair: tuple[int, str] = (1, "a")
    run: tuple[float, ...] = ()
    unique: set[int] = field(default_factory=set)
    frozen: frozenset[str] = frozenset()
    sequence: Sequence[int] = field(default_factory=list)
    table: dict[str, int] = field(default_factory=dict)
    by_number: Mapping[int, float] = field(default_factory=dict)
    tree: dict[str, list[int]] = field(default_factory=dict)
    places: dict[str, Point] = field(default_factory=dict)
    point: Point = Point(1.0, 2.0)
    goal: Point | None = None
    points: list[Point] = field(default_factory=list)
    several: tuple[Point, ...] = ()
    at: datetime.datetime = datetime.datetime(2026, 1, 31, 18, 30)  # noqa: DTZ001
    day: datetime.date = datetime.date(2026, 1, 31)
    hour: datetime.time = datetime.time(18, 30)
    pause: datetime.timedelta = datetime.timedelta(seconds=1.5)
    price: decimal.Decimal = decimal.Decimal("1.50")
    key: uuid.UUID = uuid.UUID(int=7)
    metres: Metres = Metres(1.0)
    small: Annotated[int, Within(ge=0, le=10)] = 1
    share: Annotated[float, Within(gt=0, lt=1)] = 0.5
    anything: Any = None
    grid: list[list[int]] = field(default_factory=list)
    node: Node = Node()


@dataclass(frozen=True)
class Needs:
    name: str
    size: int
    shade: Shade
    point: Point
    wanted: bool
    goal: Point | None
