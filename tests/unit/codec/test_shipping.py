"""Classes shipped by value, as a notebook's cells define them."""

from __future__ import annotations

import gc
import hashlib
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from paglets_nb.codec import shipping
from paglets_nb.codec.shipping import CodeStore, MissingCodeError
from paglets_nb.codec.wire import dataclass_from_wire
from paglets_nb.errors import SerializationError
from paglets_nb.testing import Counter

CELL = """\
from __future__ import annotations
from dataclasses import dataclass, field
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState

@dataclass
class Item:
    label: str = ""

@dataclass
class BoxState(PagletState):
    items: list[Item] = field(default_factory=list)
    best: Item | None = None

FACTOR = {factor}

def scale(number):
    return number * FACTOR

class Box(Paglet[BoxState]):
    def handle_message(self, message):
        if message.kind == "boom":
            raise ValueError("boom {factor}")
        return scale(message.args.get("n", 1))
"""

RunCell = Callable[..., ModuleType]


@pytest.fixture(params=["__main__", "paglets_cell"])
def run_cell(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> RunCell:
    """Runs the text of a cell in ``__main__``, or in another module without a spec; lines are remembered."""
    module = ModuleType(request.param)
    module.__spec__ = None
    monkeypatch.setitem(sys.modules, request.param, module)
    count = 0

    def run(text: str) -> ModuleType:
        nonlocal count
        count += 1
        file = f"<cell {count}>"
        monkeypatch.setitem(linecache.cache, file, (len(text), None, text.splitlines(keepends=True), file))
        exec(compile(text, file, "exec", dont_inherit=True), vars(module))
        return module

    return run


@contextmanager
def elsewhere(module: ModuleType) -> Iterator[None]:
    """As in another process: the module there is empty, or is not there."""
    if module.__name__ == "__main__":
        sys.modules["__main__"] = ModuleType("__main__")
    else:
        del sys.modules[module.__name__]
    try:
        yield
    finally:
        sys.modules[module.__name__] = module


def moved(store: CodeStore, name: str, into: CodeStore | None = None) -> type:
    """The class as a store that was sent its bundle loads it."""
    target = CodeStore() if into is None else into
    bundle = store.bundle(name.partition("#")[2])
    assert bundle is not None
    target.add(bundle)
    return target.resolve(name)


def message(kind: str, **args: Any) -> Any:
    """A message of this kind."""
    from paglets_nb.core.messages import Message

    return Message(kind, args)


def test_an_importable_class_goes_by_name() -> None:
    """A class that every host can import is not shipped."""
    store = CodeStore()
    assert store.name_of(Counter) == "paglets_nb.testing:Counter"
    assert store.resolve("paglets_nb.testing:Counter") is Counter


def test_a_class_from_a_cell_travels_by_value(run_cell: RunCell) -> None:
    """A class of a cell, with the helpers, globals and dataclasses it uses, works in another store."""
    cell = run_cell(CELL.format(factor=3))
    store = CodeStore()
    name = store.name_of(cell.Box)
    plain, _, digest = name.partition("#")
    assert plain == f"{cell.__name__}:Box"
    assert len(digest) == 16
    cls: Any = moved(store, name)
    assert cls is not cell.Box
    assert cls.__name__ == "Box"
    assert cls().handle_message(message("scale", n=5)) == 15


def test_a_class_works_where_its_module_is_unknown(run_cell: RunCell) -> None:
    """The shipped class needs nothing of the module in which it was defined."""
    store = CodeStore()
    cell = run_cell(CELL.format(factor=4))
    name = store.name_of(cell.Box)
    with elsewhere(cell):
        cls: Any = moved(store, name)
        assert cls().handle_message(message("scale", n=5)) == 20
        state = dataclass_from_wire(cls.State, {"items": [{"label": "a"}], "best": {"label": "b"}})
        assert state.items[0].label == "a"
        assert state.best.label == "b"


def test_text_annotations_are_resolved_before_they_travel(run_cell: RunCell) -> None:
    """Dataclasses of a cell with ``from __future__ import annotations`` decode over there."""
    store = CodeStore()
    cell = run_cell(CELL.format(factor=1))
    name = store.name_of(cell.Box)
    with elsewhere(cell):
        state_cls = moved(store, name).State  # type: ignore[attr-defined]
        with pytest.raises(SerializationError, match=r"BoxState\.items\[0\]\.label: expected str, got int"):
            dataclass_from_wire(state_cls, {"items": [{"label": 3}]})


def test_the_same_class_has_one_digest(run_cell: RunCell) -> None:
    """Asking twice for the name of an unchanged class gives the same one."""
    cell = run_cell(CELL.format(factor=1))
    store = CodeStore()
    assert store.name_of(cell.Box) == store.name_of(cell.Box)


def test_running_the_cell_again_is_a_new_version(run_cell: RunCell) -> None:
    """A second version has another digest; loading it leaves a loaded first version as it was."""
    source, target = CodeStore(), CodeStore()
    first = source.name_of(run_cell(CELL.format(factor=2)).Box)
    old: Any = moved(source, first, target)
    old_instance = old()
    second = source.name_of(run_cell(CELL.format(factor=7)).Box)
    assert second != first
    assert second.partition("#")[0] == first.partition("#")[0]
    new: Any = moved(source, second, target)
    assert new is not old
    assert new().handle_message(message("scale", n=1)) == 7
    assert old_instance.handle_message(message("scale", n=1)) == 2
    assert old().handle_message(message("scale", n=1)) == 2
    assert target.resolve(first) is old
    assert target.resolve(second) is new


def test_a_changed_method_of_the_same_class_object_is_a_new_version(run_cell: RunCell) -> None:
    """A class patched in place is another version; the loaded one keeps its method."""
    cell = run_cell(CELL.format(factor=2))
    source, target = CodeStore(), CodeStore()
    first = source.name_of(cell.Box)
    old: Any = moved(source, first, target)
    run_cell("def handle(self, message):\n    return 'patched'\nBox.handle_message = handle\n")
    second = source.name_of(cell.Box)
    assert second != first
    new: Any = moved(source, second, target)
    assert new().handle_message(message("scale")) == "patched"
    assert old().handle_message(message("scale", n=1)) == 2


def test_the_source_store_keeps_its_own_class(run_cell: RunCell) -> None:
    """Where the class was defined its name stands for that very class."""
    cell = run_cell(CELL.format(factor=2))
    store = CodeStore()
    assert store.resolve(store.name_of(cell.Box)) is cell.Box


def test_a_loaded_class_is_sent_on_under_its_name(run_cell: RunCell) -> None:
    """A host that was sent a class passes it on under the same name, bundle included."""
    source, second = CodeStore(), CodeStore()
    name = source.name_of(run_cell(CELL.format(factor=2)).Box)
    cls = moved(source, name, second)
    assert second.name_of(cls) == name
    assert moved(second, name) is not cls


def test_code_that_is_not_here_is_asked_for_by_digest() -> None:
    """A shipped class whose code is not here is a MissingCodeError with its key."""
    with pytest.raises(MissingCodeError, match="the code of cell:Box") as caught:
        CodeStore().resolve("cell:Box#0123456789abcdef")
    assert caught.value.digest == "0123456789abcdef"


def test_tracebacks_show_the_cells_lines(run_cell: RunCell) -> None:
    """A traceback of shipped code shows the source, also where the cell never ran."""
    store = CodeStore()
    name = store.name_of(run_cell(CELL.format(factor=9)).Box)
    del linecache.cache["<cell 1>"]
    cls: Any = moved(store, name)
    linecache.checkcache()
    with pytest.raises(ValueError, match="boom 9") as caught:
        cls().handle_message(message("boom"))
    assert 'raise ValueError("boom 9")' in "".join(traceback.format_exception(caught.value))


def test_what_cannot_be_shipped_is_named(run_cell: RunCell) -> None:
    """A class that refers to a lock cannot be shipped; the error names the class."""
    cell = run_cell(
        "import threading\nlock = threading.Lock()\nclass Holder:\n    def use(self):\n        return lock\n"
    )
    with pytest.raises(SerializationError, match="class Holder cannot be shipped: use uses the global 'lock', a lock,"):
        CodeStore().name_of(cell.Holder)


def test_a_broken_bundle_is_named() -> None:
    """A bundle that cannot be loaded is a SerializationError, not the unpickler's."""
    store = CodeStore()
    digest = keep_bundle(store, "cell:Box", b"\x80nonsense")
    with pytest.raises(SerializationError, match="class cell:Box cannot be loaded here"):
        store.resolve(f"cell:Box#{digest}")


def keep_bundle(store: CodeStore, name: str, pickled: bytes) -> str:
    """Keep a bundle under the digest of its content."""
    digest = hashlib.sha256(name.encode() + pickled).hexdigest()[:16]
    store.add(shipping.Bundle(digest, name, pickled, {}))
    return digest


@pytest.mark.parametrize(("name", "pickled"), [("cell:Other", b"code"), ("cell:Box", b"other code")])
def test_a_bundle_that_is_not_what_its_digest_says(name: str, pickled: bytes) -> None:
    """A bundle under a digest of another content is refused, and the right one stays."""
    store = CodeStore()
    digest = keep_bundle(store, "cell:Box", b"code")
    with pytest.raises(SerializationError, match=f"the code of {name} is not what its version {digest} stands for"):
        store.add(shipping.Bundle(digest, name, pickled, {}))
    kept = store.bundle(digest)
    assert kept is not None
    assert (kept.name, kept.pickled) == ("cell:Box", b"code")


def test_a_class_of_a_function_travels(run_cell: RunCell) -> None:
    """A class defined in a function, with what it closes over, travels by value too."""
    bonus = 100

    class Local:
        def total(self) -> int:
            return bonus + 1

    store = CodeStore()
    assert moved(store, store.name_of(Local))().total() == 101  # type: ignore[attr-defined]


def test_a_class_loads_while_earlier_ones_are_collected() -> None:
    """The garbage collector may take classes that cloudpickle remembers at any moment."""

    class Local:
        pass

    store = CodeStore()
    name = store.name_of(Local)
    for _ in range(200):
        moved(store, name)
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        assert moved(store, name).__name__ == "Local"
    finally:
        gc.set_threshold(*before)


def test_old_bundles_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store keeps a bounded number of bundles, the latest ones."""
    monkeypatch.setattr(shipping, "MAX_BUNDLES", 3)
    store = CodeStore()
    digests = [keep_bundle(store, "cell:Box", bytes([number])) for number in range(5)]
    assert [number for number in range(5) if store.bundle(digests[number])] == [2, 3, 4]


def test_super_and_class_cells_survive(run_cell: RunCell) -> None:
    """``super()`` and class attributes work in the shipped class."""
    cell = run_cell(
        "class Base:\n    size = 2\n    def area(self):\n        return self.size\n"
        "class Wide(Base):\n    def area(self):\n        return super().area() * 10\n"
    )
    store = CodeStore()
    assert moved(store, store.name_of(cell.Wide))().area() == 20  # type: ignore[attr-defined]
