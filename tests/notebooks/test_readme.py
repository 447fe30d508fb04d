"""The README's example, run in a real notebook kernel."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[2]
_PYTHON = re.compile(r"In plain Python, after `([^`]+)`, the same call is `([^`]+)`")
_EXAMPLE = re.compile(r"## Ten lines\n+```python\n(.*?)```", re.DOTALL)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # nbclient leaves its event loop to the collector
def test_readme_example_answers_what_it_says(tmp_path: Path) -> None:
    """The README's example, run as one cell, ends with the ten words it promises; so does the call in plain Python."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    example, python = _EXAMPLE.search(text), _PYTHON.search(text)
    assert example is not None
    assert python is not None
    sources = [example[1], f"{python[1]}\n{python[2]}", "%paglet down"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    config = Config(KernelManager={"transport": "ipc", "ip": str(tmp_path / "k")})
    NotebookClient(notebook, timeout=40, kernel_name="python3", config=config).execute()
    results = [output for output in notebook.cells[0].outputs if output.output_type == "execute_result"]
    assert "Seen(words=10)" in results[-1]["data"]["text/plain"]
    (again,) = (output for output in notebook.cells[1].outputs if output.output_type == "execute_result")
    assert "Seen(words=14)" in again["data"]["text/plain"]
