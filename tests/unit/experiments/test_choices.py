from __future__ import annotations

from types import FunctionType
from typing import Any

from paglets_nb import Paglet, PagletState
from paglets_nb.experiments.choices import local_targets, mesh_targets, questions_of, target_label
from tests.unit.experiments.conftest import Adder, Chore, LocalMesh


class Mute(Paglet[PagletState]):
    """Has no operations."""


def _main_function() -> Any:
    def double(n: int, twice: bool = True) -> int:
        return n * 2

    double.__module__ = "__main__"
    return double


def test_classes_and_functions_of_the_notebook_are_offered() -> None:
    """Those that can be asked something; what is private or packaged is not."""
    double = _main_function()
    scope = {"Adder": Adder, "Chore": Chore, "Mute": Mute, "double": double, "_Hidden": Adder, "Paglet": Paglet, "n": 1}
    assert local_targets(scope) == {"Adder": Adder, "Chore": Chore, "double": double}
    assert isinstance(double, FunctionType)


def test_paglets_of_the_mesh_are_offered(mesh: LocalMesh) -> None:
    """By their names."""
    proxy = mesh.made_of[0].create(Adder, name="sums")
    mesh.paglets = lambda: [proxy]  # type: ignore[method-assign, assignment]
    found = mesh_targets(mesh)
    assert found == {"paglet sums": proxy}
    assert target_label(proxy, found) == "paglet sums"
    assert target_label([proxy, proxy], {}) == "2 paglets"
    assert target_label(Adder, {"A": Adder}) == "A"
    assert target_label(Adder, {}) == "Adder"


def test_questions_tell_their_fields(mesh: LocalMesh) -> None:
    """Of a class, a paglet, a task and a function."""
    proxy = mesh.made_of[0].create(Adder, name="sums")
    mesh.class_of = lambda _proxy: Adder  # type: ignore[method-assign, assignment]
    for target in (Adder, proxy):
        questions = {question.operation: question for question in questions_of(mesh, target)}
        assert [field.name for field in questions["add"].fields][:2] == ["by", "fail"]
    (task,) = questions_of(mesh, Chore)
    assert task.operation is None
    assert task.label == "run"
    (function,) = questions_of(mesh, _main_function())
    assert [field.name for field in function.fields] == ["n", "twice"]
