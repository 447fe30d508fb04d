from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.errors import MeshError
from paglets_nb.mesh.naming import host_names


@pytest.mark.parametrize("hosts", ["abc", b"ab", 1.5, None, True, [1, 2]])
def test_what_is_neither_a_count_nor_names_is_told(hosts: Any) -> None:
    """A text is not taken for the names of its letters."""
    with pytest.raises(MeshError, match="a mesh wants how many hosts, or a list of their names, e.g. 2 or"):
        host_names(hosts)


def test_all_is_no_hosts_name() -> None:
    """It stands for every host; other names may be any that can be."""
    with pytest.raises(MeshError, match="'all' stands for every host, as in %%paglet on all; choose another name"):
        host_names(["all", "beta"])
    assert host_names(("all-of-them", "b_1")) == ["all-of-them", "b_1"]
