"""One mesh for all the verbs' tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paglets_nb import Mesh
from paglets_nb.mesh.runtime_files import detached_meshes
from tests.unit.magics.notebook import Notebook, meshed_notebook


@pytest.fixture(scope="package")
def meshed(shell: Any) -> Iterator[Notebook]:
    """The shell with the extension loaded, two hosts up and the sample paglets defined."""
    with meshed_notebook(shell) as made:
        yield made


@pytest.fixture
def own_folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run-time folders of the test's own; whatever detached mesh it leaves there is ended."""
    with tempfile.TemporaryDirectory(prefix="pn-") as folder:
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", folder)
        yield Path(folder)
        for name in detached_meshes():
            Mesh.attach(name).stop()


@pytest.fixture
def notebook(meshed: Notebook) -> Iterator[Notebook]:
    """The same shell as if no mesh were up yet."""
    mesh, meshed.session.mesh = meshed.session.mesh, None
    yield meshed
    meshed.session.stop_mesh()
    meshed.session.mesh = mesh
