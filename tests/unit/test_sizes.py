"""The sizes that keep a room readable at one sitting."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import paglets_nb

PACKAGE = Path(paglets_nb.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("module", MODULES, ids=_room)
def test_module_is_short(module: Path) -> None:
    """No module is longer than 400 lines."""
    lines = len(module.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_MODULE_LINES, f"{_room(module)} has {lines} lines"


@pytest.mark.parametrize("module", MODULES, ids=_room)
def test_functions_are_short(module: Path) -> None:
    """No function, decorators and docstring included, is longer than 60 lines."""
    too_long = {
        node.name: length
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert not too_long, f"{_room(module)}: {too_long}"


def test_every_module_says_what_it_owns() -> None:
    """Every module begins with a docstring."""
    silent = [_room(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not silent
