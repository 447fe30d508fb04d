"""Real meshes and a real notebook kernel for the stories."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paglets_nb import Mesh
from tests.integration.notebook_kernel import NotebookKernel


@pytest.fixture(scope="module")
def mesh() -> Iterator[Mesh]:
    """Two hosts in kernels of their own, alpha and beta."""
    with Mesh(2) as running:
        yield running


@pytest.fixture
def notebook() -> Iterator[NotebookKernel]:
    """A notebook's kernel, as JupyterLab would start it."""
    with NotebookKernel() as kernel:
        yield kernel


@pytest.fixture(scope="module")
def shared_notebook() -> Iterator[NotebookKernel]:
    """A notebook's kernel with the extension loaded and a mesh of two up, for a whole file."""
    with NotebookKernel() as kernel:
        kernel.run("%load_ext paglets_nb").check()
        kernel.run("mesh = %paglet up 2").check()
        yield kernel
