"""One mesh for all the verbs' tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.magics.notebook import Notebook, meshed_notebook


@pytest.fixture(scope="package")
def meshed(shell: Any) -> Iterator[Notebook]:
    """The shell with the extension loaded, two hosts up and the sample paglets defined."""
    with meshed_notebook(shell) as made:
        yield made


@pytest.fixture
def notebook(meshed: Notebook) -> Iterator[Notebook]:
    """The same shell as if no mesh were up yet."""
    mesh, meshed.session.mesh = meshed.session.mesh, None
    yield meshed
    meshed.session.stop_mesh()
    meshed.session.mesh = mesh
