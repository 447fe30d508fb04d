"""Results as a file: JSON with a version, written whole or not at all."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import secrets
from os import PathLike
from pathlib import Path
from typing import Any

from paglets_nb.core.ports import codec
from paglets_nb.errors import ExperimentError, PagletError
from paglets_nb.experiments.cells import ENDED, RUNNING, WAITING, Cell
from paglets_nb.experiments.results import Results

__all__ = ["FORMAT", "VERSION", "load", "save"]

FORMAT, VERSION = "paglets_nb fan-out", 1
_BYTES, _ARRAY, _TEXT = "$bytes", "$array", "$repr"
_FIELDS = {field.name for field in dataclasses.fields(Cell)} - {"exception"}
_NUMBERS = ("sent", "queued", "run", "total")


def _plain(value: Any) -> Any:
    """A value as JSON has it: bytes and arrays marked, what JSON cannot hold as its ``repr``."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else {_TEXT: repr(value)}
    if isinstance(value, bytes | bytearray | memoryview):
        return {_BYTES: base64.b64encode(bytes(value)).decode()}
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return {_ARRAY: value.tolist(), "dtype": str(value.dtype)} if value.ndim else value.item()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        try:
            return _plain(codec().to_wire(value))
        except PagletError:
            return {_TEXT: repr(value)}
    return {_TEXT: repr(value)}


def _revived(value: Any) -> Any:
    """The value again; an array as one where numpy is installed, else as lists."""
    if isinstance(value, list):
        return [_revived(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_BYTES}:
        return base64.b64decode(value[_BYTES])
    if set(value) == {_TEXT}:
        text = value[_TEXT]
        return float(text) if text in ("nan", "inf", "-inf") else text
    if set(value) == {_ARRAY, "dtype"}:
        try:
            import numpy
        except ImportError:
            return value[_ARRAY]
        return numpy.array(value[_ARRAY], dtype=value["dtype"])
    return {key: _revived(entry) for key, entry in value.items()}


def save(results: Results, path: str | PathLike[str]) -> None:
    """Write results to a file; one that is there already is replaced in one step."""
    cells = [{name: _plain(getattr(cell, name)) for name in sorted(_FIELDS)} for cell in results.cells]
    content = {"format": FORMAT, "version": VERSION, "title": results.title, "elapsed": results.elapsed, "cells": cells}
    target = Path(path)
    staged = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with staged.open("x", encoding="utf-8") as file:
            json.dump(content, file, indent=1, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        staged.replace(target)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def load(path: str | PathLike[str]) -> Results:
    """Results from a file; see ``Results.load``."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ExperimentError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ExperimentError(f"{path} is damaged, or no fan-out's results: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ExperimentError(f"{path} holds no fan-out's results (wanted format {FORMAT!r})")
    if content.get("version") != VERSION:
        raise ExperimentError(f"{path} is of version {content.get('version')!r}; this one reads version {VERSION}")
    try:
        cells = [_cell(entry, number) for number, entry in enumerate(content["cells"])]
        return Results(str(content["title"]), cells, float(content["elapsed"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ExperimentError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _cell(entry: dict[str, Any], number: int) -> Cell:
    if set(entry) != _FIELDS or entry["number"] != number or not isinstance(entry["fields"], dict):
        raise ValueError(f"cell {number} has not the fields of a cell")
    if entry["state"] not in (*ENDED, WAITING, RUNNING):
        raise ValueError(f"cell {number} is {entry['state']!r}")
    if any(not isinstance(entry[name], int | float | None) for name in _NUMBERS):
        raise ValueError(f"cell {number} has a time that is no number")
    values = {name: _revived(value) for name, value in entry.items()}
    return Cell(**values)
