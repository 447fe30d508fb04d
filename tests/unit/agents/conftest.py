"""Hosts of one process, and a folder to search in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from paglets_nb.host.host import Host
from paglets_nb.testing import in_process_mesh


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Two hosts of one mesh, alpha and beta."""
    with in_process_mesh() as made:
        yield made


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three files, two of them with hits."""
    folder = tmp_path / "tree"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.py").write_text("import os\nvalue = 1  # the value\n\nprint(value)\n")
    (folder / "deep" / "two.md").write_text("Some value\n")
    (folder / "three.txt").write_text("nothing\n")
    return folder
