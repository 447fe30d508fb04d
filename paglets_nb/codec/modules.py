"""Modules made of text: defined in one process, importable by name in every process of a mesh.

Owns the texts that this process knows, and the finder by which ``import`` finds them. A
text's lines are known to tracebacks and to ``inspect``; no file has to exist.
"""

from __future__ import annotations

import importlib
import importlib.util
import linecache
import secrets
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import ModuleType

from paglets_nb.errors import SerializationError

__all__ = ["ModuleStore", "ModuleText", "module_store"]

MAX_TEXT = 4_000_000
"""Characters of a module."""
MAX_MODULES = 1024


@dataclass(frozen=True)
class ModuleText:
    """The text of a module.

    Attributes:
        name: by which it is imported.
        text: its source.
        version: a new one for each definition, also of the same text.
    """

    name: str
    text: str
    version: str


class _Loader:
    """Executes one text as a module."""

    def __init__(self, module: ModuleText, file_name: str) -> None:
        self._module = module
        self._file_name = file_name

    def create_module(self, _spec: ModuleSpec) -> None:
        """The usual kind of module."""
        return

    def exec_module(self, module: ModuleType) -> None:
        """Run the text in the module."""
        exec(compile(self._module.text, self._file_name, "exec"), vars(module))

    def get_source(self, _name: str) -> str:
        """The text, for ``inspect`` and ``linecache``."""
        return self._module.text


class ModuleStore:
    """The modules of this process that are made of text; at most ``MAX_MODULES``."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._known: dict[str, ModuleText] = {}
        self._files: dict[str, dict[str, str]] = {}

    def all(self) -> list[ModuleText]:
        """The texts, in the order of their first definition."""
        with self._lock:
            return list(self._known.values())

    def get(self, name: str) -> ModuleText | None:
        """A text by the module's name."""
        return self._known.get(name)

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: object = None) -> ModuleSpec | None:
        """What ``import`` asks of a finder."""
        known = self._known.get(name)
        if known is None:
            return None
        file_name = self._file_name(known)
        spec = importlib.util.spec_from_loader(name, _Loader(known, file_name), origin=file_name)  # type: ignore[arg-type]
        if spec is not None:
            spec.has_location = True  # gives the module its __file__, which inspect looks for
        return spec

    def _file_name(self, module: ModuleText) -> str:
        """What tracebacks call a text: each text of a module has a name, for code of an older one may still run."""
        with self._lock:
            files = self._files.setdefault(module.name, {})
            if module.text not in files:
                name = files[module.text] = f"<{module.name}{f' {len(files) + 1}' if files else ''}>"
                linecache.cache[name] = (len(module.text), None, module.text.splitlines(keepends=True), name)
            return files[module.text]

    def _check(self, module: ModuleText) -> None:
        name = module.name
        if not name.isidentifier() or name.startswith("__"):
            raise SerializationError(f"{name!r} is not a module's name (letters, digits and underscores)")
        if len(module.text) > MAX_TEXT:
            raise SerializationError(f"module {name!r} is {len(module.text)} characters long, {MAX_TEXT} allowed")
        if name in self._known:
            return
        if len(self._known) >= MAX_MODULES:
            raise SerializationError(f"{MAX_MODULES} modules are defined already")
        if name in sys.modules or importlib.util.find_spec(name) is not None:
            raise SerializationError(f"there is a module {name!r} already, which is not made of a cell")

    def _keep(self, module: ModuleText) -> None:
        self._known[module.name] = module
        if self not in sys.meta_path:
            sys.meta_path.append(self)

    def add(self, module: ModuleText) -> None:
        """Know a module; it is executed when first imported, anew where its text has changed.

        Raises:
            SerializationError: it cannot have this name, or is too long.
        """
        with self._lock:
            self._check(module)
            known = self._known.get(module.name)
            if known is not None and known.text != module.text:
                sys.modules.pop(module.name, None)
            self._keep(module)

    def define(self, name: str, text: str, version: str = "") -> ModuleType:
        """Execute a module, in the place of the one that had the name.

        Args:
            name: by which it is imported.
            text: its source.
            version: of this definition; a new one when empty. Nothing happens where it is known.

        Raises:
            SerializationError: it cannot have this name, or is too long.
            Exception: what the text raised; the module that was there before stays.
        """
        module = ModuleText(name, text, version or secrets.token_hex(8))
        with self._lock:
            known = self._known.get(name)
            if known is not None and known.version == version:
                return importlib.import_module(name)
            self._check(module)
            before = sys.modules.pop(name, None)
            self._keep(module)
            try:
                return importlib.import_module(name)
            except BaseException:
                self._restore(name, known, before)
                raise

    def _restore(self, name: str, known: ModuleText | None, before: ModuleType | None) -> None:
        if known is None:
            del self._known[name]
        else:
            self._known[name] = known
        if before is not None:
            sys.modules[name] = before

    def forget(self, name: str) -> None:
        """Know a module no more, and unload it."""
        with self._lock:
            known = self._known.pop(name, None)
            if known is not None:
                sys.modules.pop(name, None)
            for file_name in self._files.pop(name, {}).values():
                linecache.cache.pop(file_name, None)


module_store = ModuleStore()
"""The process's store."""
