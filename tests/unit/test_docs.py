"""The documents keep up with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from paglets_nb.magics import cells, verbs

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def _modules(package: object) -> list[str]:
    return sorted(path.stem for path in Path(package.__path__[0]).glob("[!_]*.py"))  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", _modules(verbs))
def test_line_verb_is_documented(verb: str) -> None:
    """Every verb of ``%paglet`` stands in the document of the magics and in the README."""
    assert f"`%paglet {verb}" in (ROOT / "docs" / "magics.md").read_text(encoding="utf-8")
    assert re.search(rf"`{verb}\b", (ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("verb", _modules(cells))
def test_cell_verb_is_documented(verb: str) -> None:
    """Every verb of ``%%paglet`` stands in the document of the magics and in the README."""
    for document in ("docs/magics.md", "README.md"):
        assert f"`%%paglet {verb}" in (ROOT / document).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Every link to a file of the project leads to one."""
    targets = _LINK.findall(document.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (document.parent / target).exists()]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_listed_and_its_links_lead_somewhere(lesson: Path) -> None:
    """The README lists every lesson; a lesson's links to files of the project lead to one."""
    assert f"(notebooks/{lesson.name})" in (ROOT / "README.md").read_text(encoding="utf-8")
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert not [target for target in _LINK.findall(text) if not (lesson.parent / target).exists()]
