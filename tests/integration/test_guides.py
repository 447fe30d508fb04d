"""The guides do what they say: each block of Python runs in a notebook kernel, in order; so do other pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from paglets_nb import Mesh
from paglets_nb.errors import MeshError
from paglets_nb.mesh.runtime_files import detached_meshes
from tests.integration.notebook_kernel import NotebookKernel

DOCS = Path(__file__).resolve().parents[2] / "docs"
BEGINNING = DOCS / "guides" / "index.md"
PAGES = [DOCS / "index.md", DOCS / "choosing.md", *sorted({*DOCS.glob("guides/*.md")} - {BEGINNING})]
_RESTART = "<!-- the kernel is restarted here -->"
_BLOCK = re.compile(rf"^```python\n(.*?)^```$|^({_RESTART})$", re.DOTALL | re.MULTILINE)


def _blocks(page: Path) -> list[str]:
    return [code or mark for code, mark in _BLOCK.findall(page.read_text(encoding="utf-8"))]


@pytest.fixture(autouse=True)
def folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run-time and data folders of the test's own; a mesh that a page detached is ended."""
    place = tmp_path_factory.mktemp("g")
    for kind in ("RUNTIME", "DATA"):
        (place / kind).mkdir(mode=0o700)
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(place / kind))
    yield
    for name in detached_meshes():
        with suppress(MeshError):
            Mesh.attach(name).stop()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom(notebook: NotebookKernel, page: Path) -> None:
    """No block raises, warns or is refused by a verb, after the two lines that the guides begin with."""
    blocks = _blocks(page)
    assert blocks, "there is something to run"
    begins_itself = "%load_ext" in blocks[0]
    for block in [*(() if begins_itself else _blocks(BEGINNING)), *blocks, "%paglet down"]:
        if block == _RESTART:
            notebook.restart()
            continue
        cell = notebook.run(block)
        assert not cell.ename, f"{block}\n{cell.evalue}\n{cell.traceback}"
        assert not cell.stderr, f"{block}\n{cell.stderr}"
