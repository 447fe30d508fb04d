"""The list of a paglet's registered files, as it is kept in the paglet's folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from paglets_nb.core.paglet_files import RegisteredFile
from paglets_nb.errors import HostError
from paglets_nb.host.folders import write_file

__all__ = ["REGISTERED", "WORK", "load_registered", "save_registered"]

REGISTERED = "registered.json"
WORK = "work"


def load_registered(home: Path) -> dict[str, RegisteredFile]:
    """The registered files of the paglet whose folder this is, by name; HostError where the list is damaged."""
    try:
        with open(home / REGISTERED, encoding="utf-8") as source:
            listed = json.load(source)
        return {
            entry["name"]: RegisteredFile(entry["name"], home / WORK / entry["path"], entry["mode"]) for entry in listed
        }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise HostError(f"the list of registered files is damaged: {home / REGISTERED} ({error})") from error


def save_registered(home: Path, files: Iterable[RegisteredFile], *, durable: bool) -> None:
    """Write the list; a file in the work folder is named by its place there."""
    work = home / WORK
    listed = [
        {
            "name": file.name,
            "path": str(file.path.relative_to(work) if file.path.is_relative_to(work) else file.path),
            "mode": file.mode,
        }
        for file in files
    ]
    write_file(home / REGISTERED, json.dumps(listed).encode(), durable=durable)
