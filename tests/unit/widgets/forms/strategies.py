"""Requests of every kind, made by hypothesis."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path, PurePosixPath

from hypothesis import strategies as st

from tests.unit.widgets.forms.samples import Everything, Node, Point, Rank, Right, Shade

texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["None", "null", "5", "[1]", "a, b", "it's", '"', "$x", "{y}", "\\", " ", "a\nb", "true", "--json", "x=y"]
)
floats = st.floats(allow_nan=False) | st.integers(-9, 9).map(float)
numbers = st.integers(-(2**63), 2**64 - 1) | st.integers(-9, 9)
points = st.builds(Point, floats, floats)
names = st.text("abc/._-", max_size=8)
plain = st.none() | st.booleans() | numbers | floats | texts
anything = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
nodes = st.recursive(
    st.builds(Node, texts),
    lambda inner: st.builds(Node, texts, st.lists(inner, max_size=2), st.none() | inner),
    max_leaves=4,
)
everything = st.builds(
    Everything,
    flag=st.booleans(),
    number=numbers,
    ratio=floats,
    text=texts,
    lines=texts,
    maybe=st.none() | texts,
    count=st.none() | numbers,
    either=numbers | texts,
    shade=st.sampled_from(Shade),
    rank=st.sampled_from(Rank),
    rights=st.sampled_from([Right.READ, Right.WRITE, Right.READ | Right.WRITE]),
    mode=st.sampled_from(["fast", "slow", 1, "1", None]),
    path=names.map(Path),
    pure=names.map(PurePosixPath),
    data=st.binary(max_size=8) | texts.map(str.encode),
    array=st.binary(max_size=8).map(bytearray),
    names=st.lists(texts, max_size=3),
    numbers=st.lists(numbers, max_size=3),
    shades=st.lists(st.sampled_from(Shade), max_size=3),
    gaps=st.lists(st.none() | numbers, max_size=3),
    pair=st.tuples(numbers, texts),
    run=st.lists(floats, max_size=3).map(tuple),
    unique=st.sets(numbers, max_size=3),
    frozen=st.frozensets(texts, max_size=3),
    sequence=st.lists(numbers, max_size=3),
    table=st.dictionaries(texts, numbers, max_size=3),
    tree=st.dictionaries(texts, st.lists(numbers, max_size=2), max_size=2),
    places=st.dictionaries(texts, points, max_size=2),
    point=points,
    goal=st.none() | points,
    points=st.lists(points, max_size=3),
    several=st.lists(points, max_size=2).map(tuple),
    at=st.datetimes(),
    day=st.dates(),
    hour=st.times(),
    pause=st.timedeltas(min_value=-datetime.timedelta(days=99), max_value=datetime.timedelta(days=99)),
    price=st.decimals(allow_nan=False, allow_infinity=False).map(lambda value: value + decimal.Decimal(0)),
    key=st.uuids(),
    metres=floats,
    small=st.integers(0, 10),
    share=st.floats(0.01, 0.99),
    anything=anything,
    grid=st.lists(st.lists(numbers, max_size=2), max_size=2),
    node=nodes,
)
