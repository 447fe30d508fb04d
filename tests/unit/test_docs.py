"""The documents keep up with the code."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import paglets_nb
from paglets_nb import errors, patterns
from paglets_nb.magics import cells, verbs
from paglets_nb.magics.parser import VerbParser

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("[!_]*/*.md")])
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = sorted((ROOT / "docs" / "pictures").iterdir())
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
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


@pytest.mark.parametrize("document", ["README.md", "docs/index.md"])
def test_installing_is_told_as_it_can_be_done(document: str) -> None:
    """From a folder, with extras that there are, before the ten lines."""
    told = (ROOT / document).read_text(encoding="utf-8").partition("Ten lines")[0]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"pip install '\.\[(\w+)\]'", told)) == {"lab", "plots"}
    assert {"lab", "plots"} <= set(extras)
    assert "it is not on PyPI" in told
    assert "pip install paglets" not in told


@pytest.fixture(scope="module")
def reference() -> str:
    """What the site's page of the verbs has below its first lines."""
    pytest.importorskip("sphinx")
    spec = importlib.util.spec_from_file_location("verb_reference", ROOT / "docs" / "_ext" / "verb_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text: str = module.verb_reference()
    return text


def _verbs() -> list[tuple[str, str, Any]]:
    lines = [("%paglet", name, verbs.load_line_verb(name)) for name in verbs.LINE_VERBS]
    return lines + [("%%paglet", name, cells.load_cell_verb(name)) for name in cells.CELL_VERBS]


@pytest.mark.parametrize(("kind", "name", "verb"), _verbs(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_site_has_every_verb_with_its_options(reference: str, kind: str, name: str, verb: Any) -> None:
    """The generated reference has a section for each verb, and in it each option and its help."""
    section = reference.partition(f"### `{kind} {name}`\n")[2].partition("\n### ")[0]
    parser = VerbParser(f"{kind} {name}", "", fields=verb.fields)
    verb.configure(parser)
    assert parser.format_usage_line() in section
    for option, action in parser.options().items():
        if option != "--help":
            assert f"`{option}" in section
            assert (action.help or "?").split()[0].strip(",;") in section


@pytest.mark.parametrize("name", sorted({*paglets_nb.__all__, *errors.__all__}))
def test_the_site_documents_every_public_name(name: str) -> None:
    """A page of the API has each name of ``paglets_nb``; that of the errors has them all."""
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "api").glob("*.md"))
    if name in errors.__all__:
        assert ".. automodule:: paglets_nb.errors\n   :members:" in pages
    else:
        assert len(re.findall(rf"^\.\. auto(?:class|function):: paglets_nb\.{name}$", pages, re.MULTILINE)) == 1


@pytest.mark.parametrize("name", patterns.__all__)
def test_the_site_documents_every_name_of_the_patterns(name: str) -> None:
    """A name of ``paglets_nb.patterns`` has an entry of its own, or its module has one for all of its names."""
    text = (ROOT / "docs" / "api" / "patterns.md").read_text(encoding="utf-8")
    text += (ROOT / "docs" / "api" / "messages.md").read_text(encoding="utf-8")
    thing = getattr(patterns, name)
    module = getattr(thing, "__module__", "")
    whole = isinstance(thing, type | FunctionType) and f".. automodule:: {module}\n   :members:" in text
    assert whole or re.search(rf"^\.\. \S+:: paglets_nb\.(?:\w+\.)*{name}$", text, re.MULTILINE)


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


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_shown_and_described(picture: Path) -> None:
    """A picture of a view is a PNG that some document shows, with a text for who cannot see it; and none is large."""
    shown = {
        (document.parent / target).resolve(): text
        for document in DOCUMENTS
        for text, target in _PICTURE.findall(document.read_text(encoding="utf-8"))
    }
    assert len(shown[picture.resolve()].split()) > 5
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert picture.stat().st_size <= 120 * 1024


def test_pictures_are_not_much_together() -> None:
    """Who clones the project has them all."""
    assert sum(picture.stat().st_size for picture in PICTURES) <= 700 * 1024
