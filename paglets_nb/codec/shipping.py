"""Code shipped by value: classes from notebook cells on their way to other hosts.

Owns the bundles of this process: each is a class pickled by value (cloudpickle) with
the sources its tracebacks need, keyed by a hash of its content. A shipped class is
named ``module:qualname#hash``. Only members of the mesh exchange bundles; states and
messages never unpickle anything.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import linecache
import sys
import threading
import typing
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any

import cloudpickle
import msgspec

from paglets_nb.codec.names import importable, qualified_name, resolve_qualified_name
from paglets_nb.errors import SerializationError

__all__ = ["Bundle", "CodeStore", "MissingCodeError", "code_store"]

MAX_BUNDLES = 1024
MAX_SOURCE = 1_000_000


class MissingCodeError(SerializationError):
    """A shipped class whose bundle is not here yet.

    Attributes:
        digest: the bundle's key.
    """

    def __init__(self, digest: str, name: str) -> None:
        super().__init__(f"the code of {name} (version {digest}) is not on this host")
        self.digest = digest


class Bundle(msgspec.Struct, frozen=True):
    """A class by value.

    Attributes:
        digest: 16 hex digits of the SHA-256 of name and pickle.
        name: ``module:qualname`` where it was defined.
        pickled: the class, by cloudpickle.
        sources: text by file name, for tracebacks.
    """

    digest: str
    name: str
    pickled: bytes
    sources: dict[str, str]


def _resolve_annotations(namespace: dict[str, Any]) -> None:
    """Replace text annotations of a namespace's dataclasses, which other hosts could not resolve."""
    for value in list(namespace.values()):
        if not (isinstance(value, type) and dataclasses.is_dataclass(value)):
            continue
        own = value.__dict__.get("__annotations__", {})  # noqa: RUF063 - changed in place
        if value.__module__ == namespace.get("__name__") and any(isinstance(hint, str) for hint in own.values()):
            try:
                hints = typing.get_type_hints(value, include_extras=True)
            except (NameError, TypeError):
                continue
            own.update({name: hints[name] for name in own if name in hints})


def _sources(cls: type) -> dict[str, str]:
    """The source text of the files in which the class's functions were defined."""
    files: dict[str, str] = {}
    for owner in cls.__mro__:
        if importable(owner):
            continue
        for value in vars(owner).values():
            function = getattr(value, "__func__", value)
            if isinstance(function, FunctionType):
                name = function.__code__.co_filename
                if name not in files:
                    files[name] = "".join(linecache.getlines(name))[:MAX_SOURCE]
    return {name: text for name, text in files.items() if text}


@contextmanager
def _fresh_classes() -> Iterator[None]:
    """Unpickle new classes: cloudpickle would otherwise overwrite a loaded version in place."""
    tracked = getattr(cloudpickle.cloudpickle, "_DYNAMIC_CLASS_TRACKER_BY_ID", None)
    before = dict(tracked.items()) if tracked is not None else {}
    if tracked is not None:
        tracked.clear()
    try:
        yield
    finally:
        if tracked is not None:
            tracked.update(before)


@contextmanager
def _by_value(cls: type) -> Iterator[None]:
    """Pickle what the class uses of modules that nobody else can import by value, as of ``__main__``."""
    modules = {owner.__module__: sys.modules.get(owner.__module__) for owner in cls.__mro__ if not importable(owner)}
    here = [
        module
        for name, module in modules.items()
        if name != "__main__" and module is not None and getattr(module, "__spec__", None) is None
    ]
    known = cloudpickle.list_registry_pickle_by_value()
    here = [module for module in here if module.__name__ not in known]
    for module in here:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in here:
            cloudpickle.unregister_pickle_by_value(module)


def _code_of(file: str, build: Callable[..., CodeType], arguments: tuple[Any, ...]) -> CodeType:
    """A code object as its file's: some versions of cloudpickle leave the file's name out."""
    return build(*arguments).replace(co_filename=file)


class _ClassPickler(cloudpickle.Pickler):
    """Keeps the names of files, for tracebacks; leaves out what msgspec keeps on classes it has seen."""

    def reducer_override(self, obj: Any) -> Any:
        """Reduce code with its file's name, and a class without msgspec's cache, which cannot be pickled."""
        if isinstance(obj, CodeType):
            build, arguments = self.dispatch_table[CodeType](obj)[:2]
            return _code_of, ("".join(obj.co_filename), build, arguments)  # a new text: a shared one has other bytes
        reduced = super().reducer_override(obj)
        if isinstance(obj, type) and isinstance(reduced, tuple) and len(reduced) > 2:
            for part in reduced[2] or ():
                if isinstance(part, dict):
                    part.pop("__msgspec_cache__", None)
        return reduced


def _digest(name: str, pickled: bytes) -> str:
    return hashlib.sha256(name.encode() + pickled).hexdigest()[:16]


def _pickled(cls: type) -> bytes:
    with io.BytesIO() as file:
        _ClassPickler(file).dump(cls)
        return file.getvalue()


def _names_in(code: CodeType) -> Iterator[str]:
    """The names that code, and the functions in it, look up."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _culprit(cls: type) -> str:
    """Which global of the class's functions cannot be pickled, and what to do about it; empty where none is found."""
    for label, value in vars(cls).items():
        function = getattr(value, "__func__", value)
        if not isinstance(function, FunctionType):
            continue
        for name in _names_in(function.__code__):
            if name not in function.__globals__:
                continue
            used = function.__globals__[name]
            try:
                with _by_value(cls):
                    _ClassPickler(io.BytesIO()).dump(used)
            except Exception:  # whatever it is, this is what the class cannot take along
                return (
                    f"{label} uses the global {name!r}, a {type(used).__name__}, which cannot leave this process; "
                    "a paglet reaches hosts and other paglets by self.context, and makes the rest itself: "
                )
    return ""


class CodeStore:
    """The bundles this process has made or was sent, at most ``MAX_BUNDLES``."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._bundles: OrderedDict[str, Bundle] = OrderedDict()
        self._loaded: weakref.WeakValueDictionary[str, type] = weakref.WeakValueDictionary()
        self._names: weakref.WeakKeyDictionary[type, str] = weakref.WeakKeyDictionary()

    def name_of(self, cls: type) -> str:
        """The wire name of a class; one that cannot be imported elsewhere is bundled.

        Raises:
            SerializationError: the class refers to something that cannot be shipped.
        """
        with self._lock:
            loaded = self._names.get(cls)
        if loaded is not None:
            return loaded
        return qualified_name(cls) if importable(cls) else self._bundle(cls)

    def _bundle(self, cls: type) -> str:
        module = sys.modules.get(cls.__module__)
        if isinstance(module, ModuleType):
            _resolve_annotations(vars(module))
        try:
            with self._lock, _by_value(cls):
                pickled = _pickled(cls)
        except Exception as error:
            raise SerializationError(f"class {cls.__qualname__} cannot be shipped: {_culprit(cls)}{error}") from error
        name = qualified_name(cls)
        digest = _digest(name, pickled)
        wire_name = f"{name}#{digest}"
        with self._lock:
            if digest not in self._bundles:
                self.add(Bundle(digest, name, pickled, _sources(cls)))
            self._loaded[wire_name] = cls
        return wire_name

    def bundle(self, digest: str) -> Bundle | None:
        """A bundle by its key."""
        with self._lock:
            return self._bundles.get(digest)

    def add(self, bundle: Bundle) -> None:
        """Keep a bundle; the oldest go past ``MAX_BUNDLES``.

        Raises:
            SerializationError: its content is not what its digest stands for.
        """
        if bundle.digest != _digest(bundle.name, bundle.pickled):
            raise SerializationError(f"the code of {bundle.name} is not what its version {bundle.digest} stands for")
        with self._lock:
            self._bundles[bundle.digest] = bundle
            self._bundles.move_to_end(bundle.digest)
            while len(self._bundles) > MAX_BUNDLES:
                self._bundles.popitem(last=False)

    def resolve(self, name: str) -> Any:
        """The class of a wire name.

        Raises:
            MissingCodeError: shipped by value, and its bundle is not here.
            SerializationError: not a class name, or it cannot be loaded.
        """
        plain, hashed, digest = name.partition("#")
        if not hashed:
            return resolve_qualified_name(plain)
        with self._lock:
            found = self._loaded.get(name)
            if found is not None:
                return found
            bundle = self._bundles.get(digest)
            if bundle is None:
                raise MissingCodeError(digest, plain)
            return self._load(name, bundle)

    def _load(self, name: str, bundle: Bundle) -> type:
        for file, text in bundle.sources.items():
            linecache.cache.setdefault(file, (len(text), None, text.splitlines(keepends=True), file))
        try:
            with _fresh_classes():
                cls: type = cloudpickle.loads(bundle.pickled)
        except Exception as error:
            raise SerializationError(f"class {bundle.name} cannot be loaded here: {error!r}") from error
        self._loaded[name] = cls
        self._names[cls] = name
        return cls


code_store = CodeStore()
"""The process's store."""
