"""What a process holds in memory, as the system tells it."""

from __future__ import annotations

import pytest

from paglets_nb import platform


def test_memory_grows_with_what_is_held() -> None:
    """What is resident goes up by what was written to; what is shared with nobody is a part of it."""
    before, _share = platform.memory_bytes()
    held = bytearray(b"x" * (64 << 20))
    after, share = platform.memory_bytes()
    assert after - before > 48 << 20
    assert held[-1:] == b"x"
    if platform.LINUX:
        assert 0 < share <= after


def test_where_the_system_says_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere the most it has been is told, and no share."""
    monkeypatch.setattr(platform, "LINUX", False)
    peak, share = platform.memory_bytes()
    assert peak > 1_000_000
    assert share == 0
