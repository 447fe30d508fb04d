"""Every lesson runs by Run All in JupyterLab, and shows no error that it does not mean to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.browser.lab import LabServer, Notebook, wait_until

LESSONS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs(
    lesson: Path, server: LabServer, open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None]
) -> None:
    """Run All reaches the last cell; those cells alone show errors that did when the lesson was saved."""
    shutil.copy(lesson, server.root / lesson.name)
    notebook = open_notebook(lesson.name)
    notebook.command("notebook:clear-all-cell-outputs")
    notebook.run_all()
    saved = nbformat.read(lesson, as_version=4).cells
    expected = [number for number, cell in enumerate(saved) if any(map(_is_error, cell.get("outputs", ())))]
    wait_until(lambda: notebook.errors().keys() >= set(expected), 20.0, f"the page has drawn errors at {expected}")
    assert sorted(notebook.errors()) == expected, notebook.errors()
    screenshot(lesson.stem)


def _is_error(output: nbformat.NotebookNode) -> bool:
    return output.output_type == "error" or output.get("name") == "stderr"
