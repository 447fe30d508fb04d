"""The guides do what they say: each block of Python runs in a notebook kernel, in order; so do other pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.notebook_kernel import NotebookKernel

DOCS = Path(__file__).resolve().parents[2] / "docs"
BEGINNING = DOCS / "guides" / "index.md"
PAGES = [DOCS / "index.md", DOCS / "choosing.md", *sorted({*DOCS.glob("guides/*.md")} - {BEGINNING})]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def _blocks(page: Path) -> list[str]:
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom(notebook: NotebookKernel, page: Path) -> None:
    """No block raises, warns or is refused by a verb, after the two lines that the guides begin with."""
    blocks = _blocks(page)
    assert blocks, "there is something to run"
    begins_itself = "%load_ext" in blocks[0]
    for block in [*(() if begins_itself else _blocks(BEGINNING)), *blocks, "%paglet down"]:
        cell = notebook.run(block)
        assert not cell.ename, f"{block}\n{cell.evalue}\n{cell.traceback}"
        assert not cell.stderr, f"{block}\n{cell.stderr}"
