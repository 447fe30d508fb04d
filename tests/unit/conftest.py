"""Hosts of this process, for all that stands on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paglets_nb.host.host import Host
from paglets_nb.testing import in_process_mesh


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Alpha and beta."""
    with in_process_mesh() as hosts:
        yield hosts
