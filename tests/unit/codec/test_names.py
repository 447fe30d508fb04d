"""Class names on the wire."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from paglets_nb.codec.names import importable, qualified_name, resolve_qualified_name
from paglets_nb.errors import SerializationError
from paglets_nb.testing import Counter


class Outer:
    class Inner:
        pass


@pytest.fixture
def cell_module() -> Iterator[ModuleType]:
    """A module without a spec, as a notebook's ``__main__`` is."""
    module = ModuleType("paglets_cell")
    module.__spec__ = None
    sys.modules["paglets_cell"] = module
    yield module
    del sys.modules["paglets_cell"]


def test_names_resolve_to_the_class() -> None:
    """A class of a module, nested ones too, is found again by its name."""
    assert qualified_name(Counter) == "paglets_nb.testing:Counter"
    for cls in (Counter, Outer, Outer.Inner, int):
        assert resolve_qualified_name(qualified_name(cls)) is cls
        assert importable(cls)


@pytest.mark.parametrize(
    "name",
    ["", "Counter", ":", "os:", ":path", "os.path", "os:getcwd()", "os:path;x", "../os:path", "a b:c", "os:a..b"],
)
def test_malformed_names_are_refused(name: str) -> None:
    """What is no ``module:Class`` never reaches the import system."""
    with pytest.raises(SerializationError, match="is not a class name"):
        resolve_qualified_name(name)


def test_unknown_modules_and_attributes_are_named() -> None:
    """A module that cannot be imported and an attribute that is not there are said apart."""
    with pytest.raises(SerializationError, match="module 'no_such_module_here' of 'Thing' cannot be imported"):
        resolve_qualified_name("no_such_module_here:Thing")
    with pytest.raises(SerializationError, match="module 'paglets_nb.testing' has no 'Nothing'"):
        resolve_qualified_name("paglets_nb.testing:Nothing")


def test_local_and_cell_classes_are_not_importable(cell_module: ModuleType) -> None:
    """Classes of functions, of ``__main__`` and of modules without a spec must travel by value."""

    class Local:
        pass

    exec("class Cell: pass", vars(cell_module))
    assert not importable(Local)
    assert not importable(cell_module.Cell)
    assert not importable(type("Made", (), {"__module__": "__main__"}))
    assert not importable(type("Gone", (), {"__module__": "no_such_module_here"}))


def test_a_replaced_class_is_not_importable() -> None:
    """A class whose name stands for another one by now is not found by its name."""
    twin = type("Outer", (), {"__module__": __name__, "__qualname__": "Outer"})
    assert not importable(twin)
