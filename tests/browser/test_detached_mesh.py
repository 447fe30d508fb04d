"""A mesh that goes on when its notebook's kernel is shut down in the page, and the next notebook."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import expect

from paglets_nb.errors import MeshError
from paglets_nb.mesh.runtime_files import RuntimeFolder
from tests.browser.lab import LabServer, Notebook

FIRST = [
    "%load_ext paglets_nb",
    """
from paglets_nb import Paglet, PagletState

class Speaker(Paglet[PagletState]):
    def handle_message(self, message):
        print("said:", message.args["text"])
        return message.args["text"].upper()
""",
    "%paglet up 1 --detach --name NAME",
    "%paglet create Speaker --name speaker\n%paglet send speaker say text=before",
]
SECOND = ["%load_ext paglets_nb", "%paglet attach NAME", "%paglet send speaker say text=after", "%paglet down"]


@pytest.fixture
def name(server: LabServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mesh's name; its hosts end by themselves where the test did not get as far as to end them."""
    made = f"kept_{secrets.token_hex(3)}"
    yield made
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.root.parent / "run"))
    with suppress(MeshError):
        RuntimeFolder.take_over(made).remove()


def test_the_next_notebook_takes_the_mesh_up(
    open_notebook: Callable[..., Notebook], screenshot: Callable[[str], None], name: str
) -> None:
    """A shut-down kernel leaves the mesh; the next kernel has its paglet, and its output in the cell that calls."""
    first = open_notebook("first.ipynb", [source.replace("NAME", name) for source in FIRST])
    first.run_all()
    assert first.errors() == {}
    expect(first.output(3)).to_contain_text("said: before")
    first.shut_down()
    second = open_notebook("second.ipynb", [source.replace("NAME", name) for source in SECOND])
    second.run_all()
    screenshot("attach")
    assert second.errors() == {}
    expect(second.output(1)).to_contain_text(f"mesh {name} is attached: 1 host, 1 paglet; nobody was attached for")
    expect(second.output(2)).to_contain_text("said: after")
    expect(second.output(2)).to_contain_text("'AFTER'")
    expect(second.output(3)).to_contain_text(f"mesh {name} is down (1 host)")
