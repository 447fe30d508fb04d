from __future__ import annotations

from tests.unit.magics.notebook import Notebook


def test_one_that_is_awake_stays_so(meshed: Notebook, counter: str) -> None:
    """Waking is harmless; the proxy comes back."""
    assert meshed.run("%paglet activate counter") == meshed.variable("_counter")
    assert meshed.run("%paglet activate counter counter") == [meshed.variable("_counter")] * 2
    assert meshed.refused("%paglet activate nobody").startswith("no paglet 'nobody'")
