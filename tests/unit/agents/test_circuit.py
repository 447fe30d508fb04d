from __future__ import annotations

import itertools

import pytest

from paglets_nb.agents.circuit import eulerian_circuit


@pytest.mark.parametrize("self_pairs", [False, True])
@pytest.mark.parametrize("count", range(8))
def test_every_pair_is_travelled_once(count: int, self_pairs: bool) -> None:
    """Each begins where the one before it ended, and the last one ends where the first began."""
    names = [f"host{number}" for number in range(count)]
    circuit = eulerian_circuit(names, self_pairs=self_pairs)
    wanted = set(itertools.product(names, repeat=2) if self_pairs else itertools.permutations(names, 2))
    assert len(circuit) == len(wanted)
    assert set(circuit) == wanted
    assert all(before[1] == after[0] for before, after in itertools.pairwise(circuit))
    assert not circuit or circuit[0][0] == circuit[-1][1] == names[0]


def test_nodes_must_differ() -> None:
    """Two hosts of one name would be one."""
    with pytest.raises(ValueError, match="must be different"):
        eulerian_circuit(["a", "a"])
