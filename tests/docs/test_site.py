"""The site as a reader gets it: built once, lessons executed, and looked at page by page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import paglets_nb
from paglets_nb import errors
from paglets_nb.magics.cells import CELL_VERBS
from paglets_nb.magics.verbs import LINE_VERBS

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
_LOADED = re.compile(r"<(?:script|img|link|iframe)\b[^>]*?\b(?:src|href)=\"((?:https?:)?//[^\"]+)\"")
_REFERENCE = re.compile(r"<(?:a|img|link|script)\b[^>]*?\b(?:href|src)=\"(?!https?:|data:|mailto:)([^\"#?]+)")

pytestmark = pytest.mark.timeout(420)  # the first test waits for the site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages, built as ``make docs`` does."""
    pytest.importorskip("myst_nb")
    folder = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-q", "-c", "docs", "-d", str(folder / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *options, ".", str(folder / "html")]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "html"


def _page(site: Path, name: str) -> str:
    return (site / f"{name}.html").read_text(encoding="utf-8")


def _pages(site: Path) -> list[Path]:
    return [page for page in site.rglob("*.html") if "_static" not in page.parts]


def test_every_verb_has_an_entry(site: Path) -> None:
    """The page of the verbs has a heading for each line and cell verb, and the options of each."""
    page = _page(site, "docs/verbs")
    headings = re.findall(r"<h3>.*?</h3>", page, re.DOTALL)
    titles = [re.sub(r"<[^>]+>", "", heading).rstrip("#") for heading in headings]
    assert titles == [*(f"%paglet {verb}" for verb in LINE_VERBS), *(f"%%paglet {verb}" for verb in CELL_VERBS)]
    assert "--max-per-file N" in page


@pytest.mark.parametrize("name", paglets_nb.__all__)
def test_every_public_name_has_an_entry(site: Path, name: str) -> None:
    """A public name is documented on a page of the API, and the table of names links to it."""
    path = f"paglets_nb.errors.{name}" if name in errors.__all__ else f"paglets_nb.{name}"
    assert sum(f'id="{path}"' in page.read_text(encoding="utf-8") for page in site.glob("docs/api/*.html")) == 1
    assert f'#{path}"' in _page(site, "docs/api/index")


@pytest.mark.parametrize(
    "path",
    ["mesh.html#paglets_nb.Mesh.call_each", "mesh.html#paglets_nb.Mesh.fan_out"]
    + [f"paglets.html#paglets_nb.Paglet.{name}" for name in ("register_file", "require_contract", "wait_state")],
)
def test_what_a_class_has_from_its_bases_is_there(site: Path, path: str) -> None:
    """The entries of Mesh and Paglet have the methods that they inherit."""
    page, _, anchor = path.partition("#")
    assert f'id="{anchor}"' in (site / "docs" / "api" / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_shows_what_its_cells_gave(site: Path, lesson: str) -> None:
    """A lesson's page has outputs, its mesh came up, and every live view left its picture."""
    page = _page(site, f"notebooks/{lesson}")
    assert page.count("cell_output") > 5
    assert re.search(r"\d hosts in \d", page)
    assert "widget-view+json" not in page


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """A page needs no network: scripts, styles and pictures are the site's own."""
    loaded = {url for page in _pages(site) for url in _LOADED.findall(page.read_text(encoding="utf-8"))}
    assert loaded == set()


def test_references_lead_to_files_of_the_site(site: Path) -> None:
    """Whatever a page refers to by a relative address is there."""
    missing = [
        (page.relative_to(site).as_posix(), target)
        for page in _pages(site)
        for target in _REFERENCE.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert missing == []
