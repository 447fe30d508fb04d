"""A round trip over every directed pair: Euler's circuit of a complete directed graph.

Knows graphs only. As many edges lead into each node as lead out of it, so such a circuit
exists, however many nodes there are (Hierholzer's algorithm finds it in linear time).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

__all__ = ["eulerian_circuit"]


def eulerian_circuit(nodes: Sequence[str], *, self_pairs: bool = False) -> list[tuple[str, str]]:
    """Every ordered pair of different nodes once, each beginning where the one before it ends.

    Args:
        nodes: their names, no two alike.
        self_pairs: the pair of each node with itself as well.

    Returns:
        The pairs, from the first node and back to it; none of fewer than two nodes, but for self pairs.

    Raises:
        ValueError: two nodes are alike.
    """
    if len(set(nodes)) < len(nodes):
        raise ValueError(f"nodes must be different, not {list(nodes)}")
    left = {node: [other for other in nodes if other != node or self_pairs] for node in nodes}
    path, circuit = list(nodes[:1]), []
    while path:
        onward = left[path[-1]]
        if onward:
            path.append(onward.pop())
        else:
            circuit.append(path.pop())
    circuit.reverse()
    return list(itertools.pairwise(circuit))
