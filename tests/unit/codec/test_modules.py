from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Iterator

import pytest

from paglets_nb.codec import modules
from paglets_nb.codec.modules import ModuleStore, ModuleText, module_store
from paglets_nb.codec.names import importable, resolve_qualified_name
from paglets_nb.codec.shipping import code_store
from paglets_nb.errors import SerializationError

NAME = "made_of_a_cell"
TEXT = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Point:
    x: Inner | None = None

@dataclass
class Inner:
    y: int = 1

def fail():
    raise ValueError("here")
"""


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """No test leaves a module behind."""
    yield
    for module in module_store.all():
        module_store.forget(module.name)


def test_a_text_becomes_a_real_module() -> None:
    """It can be imported, its classes are found by name, and inspect shows their source."""
    module = module_store.define(NAME, TEXT)
    assert importlib.import_module(NAME) is module
    assert module.__spec__ is not None
    assert importable(module.Point)
    assert code_store.name_of(module.Point) == f"{NAME}:Point"
    assert resolve_qualified_name(f"{NAME}:Point") is module.Point
    assert inspect.getsource(module.fail).startswith("def fail():")
    assert "x: Inner | None" in inspect.getsource(module.Point)


def test_tracebacks_show_its_lines() -> None:
    """An exception in the module is shown with the line of the text."""
    module = module_store.define(NAME, TEXT)
    with pytest.raises(ValueError, match="here") as caught:
        module.fail()
    shown = "".join(traceback.format_exception(caught.value))
    assert f'File "<{NAME}>", line 14, in fail' in shown
    assert 'raise ValueError("here")' in shown


def test_a_definition_replaces_the_one_before() -> None:
    """The name stands for the new module, and the old class is importable no more."""
    old = module_store.define(NAME, TEXT).Point
    new = module_store.define(NAME, TEXT).Point
    assert new is not old
    assert sys.modules[NAME].Point is new
    assert not importable(old)


def test_each_text_of_a_module_has_its_own_lines() -> None:
    """What an older text, a newer one or one that failed raises is shown with its own lines."""
    first = module_store.define(NAME, "def fail():\n    raise ValueError(1)\n")
    second = module_store.define(NAME, "\ndef fail():\n    raise ValueError(2)\n")
    with pytest.raises(ZeroDivisionError) as failed:
        module_store.define(NAME, "K = 4/0\n")
    assert "K = 4/0" in "".join(traceback.format_exception(failed.value))
    for module, line in ((first, "raise ValueError(1)"), (second, "raise ValueError(2)")):
        with pytest.raises(ValueError, match="[12]") as caught:
            module.fail()
        assert line in "".join(traceback.format_exception(caught.value))


def test_a_known_version_is_not_executed_again() -> None:
    """The same definition, sent twice or to two hosts of one process, is one module."""
    module = module_store.define(NAME, TEXT, "v1")
    assert module_store.define(NAME, TEXT, "v1") is module
    assert module_store.define(NAME, TEXT, "v2") is not module


@pytest.mark.parametrize("bad", ["1/0", "x = (", "raise KeyboardInterrupt"])
def test_a_failed_definition_leaves_the_one_before(bad: str) -> None:
    """Module and source lines are those of the last good definition."""
    module = module_store.define(NAME, TEXT)
    with pytest.raises((ZeroDivisionError, SyntaxError, KeyboardInterrupt)):
        module_store.define(NAME, bad)
    assert sys.modules[NAME] is module
    assert "def fail" in inspect.getsource(module.fail)


def test_a_first_definition_that_fails_leaves_nothing() -> None:
    """The name is free afterwards."""
    with pytest.raises(ZeroDivisionError):
        module_store.define(NAME, "1/0")
    assert NAME not in sys.modules
    assert module_store.get(NAME) is None
    assert module_store.find_spec(NAME) is None


def test_an_added_module_is_executed_when_imported() -> None:
    """A host that starts is given texts; they cost nothing until they are needed."""
    module_store.add(ModuleText(NAME, "value = 1", "v1"))
    assert NAME not in sys.modules
    assert importlib.import_module(NAME).value == 1
    module_store.add(ModuleText(NAME, "value = 1", "v2"))
    assert sys.modules[NAME].value == 1
    module_store.add(ModuleText(NAME, "value = 2", "v3"))
    assert importlib.import_module(NAME).value == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("json", "there is a module 'json' already"),
        ("paglets_nb", "there is a module 'paglets_nb' already"),
        ("a.b", "is not a module's name"),
        ("1x", "is not a module's name"),
        ("__main__", "is not a module's name"),
        ("", "is not a module's name"),
    ],
)
def test_names_that_cannot_be_are_refused(name: str, said: str) -> None:
    """Nothing of the process is shadowed, and only plain names are taken."""
    with pytest.raises(SerializationError, match=said):
        module_store.define(name, "x = 1")


def test_texts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text or a number of texts past the bounds is refused."""
    store = ModuleStore()
    monkeypatch.setattr(modules, "MAX_TEXT", 10)
    with pytest.raises(SerializationError, match="12 characters"):
        store.add(ModuleText(NAME, "x = 1000000 ", "v"))
    monkeypatch.setattr(modules, "MAX_MODULES", 0)
    with pytest.raises(SerializationError, match="0 modules"):
        store.add(ModuleText(NAME, "x = 1", "v"))
