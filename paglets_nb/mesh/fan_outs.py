"""``Mesh.fan_out``, which the room above provides: a mesh must not know experiments."""

from __future__ import annotations

from typing import Any

__all__ = ["FansOut"]


class FansOut:
    """What of a mesh begins a fan-out."""

    def fan_out(self, target: Any, operation: Any = None, grid: Any = None, **options: Any) -> Any:
        """Call an operation, a task or a function over a grid of requests and hosts, and wait for the end.

        Args:
            target: a paglet class, a function, or the proxies of paglets; see ``FanOut``.
            operation: a ``ServiceOperation`` or its name; None for a task or a function.
            grid: what is asked; see ``FanOut``.
            **options: further arguments of ``FanOut``, and ``on_cell`` of its ``run``.

        Returns:
            The ``FanOut``, run.
        """
        import paglets_nb

        on_cell = options.pop("on_cell", None)
        return paglets_nb.FanOut(self, target, operation, grid, **options).run(on_cell)
