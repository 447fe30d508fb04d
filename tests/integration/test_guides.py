"""The guides do what they say: each block of Python runs in a notebook kernel, in order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.notebook_kernel import NotebookKernel

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
NAMES = sorted(path.stem for path in GUIDES.glob("*.md") if path.stem != "index")
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def _blocks(name: str) -> list[str]:
    return _BLOCK.findall((GUIDES / f"{name}.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_a_guide_runs_from_top_to_bottom(notebook: NotebookKernel, name: str) -> None:
    """No block of a guide raises, warns or is refused by a verb, after the two lines that the index begins with."""
    blocks = _blocks(name)
    assert blocks, "a guide shows something to run"
    for block in [*_blocks("index"), *blocks, "%paglet down"]:
        cell = notebook.run(block)
        assert cell.status == "ok" and not cell.stderr, f"{block}\n{cell.evalue}\n{cell.traceback}\n{cell.stderr}"
