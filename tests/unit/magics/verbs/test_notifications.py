from __future__ import annotations

import pytest

from tests.unit.magics.notebook import Notebook


def test_what_paglets_told_is_listed(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """Severity and number narrow it down; one that has not come yet can be waited for."""
    meshed.run("_herald = %paglet create Herald --on beta")
    before = len(meshed.session.require_mesh().notifications.list())
    meshed.run("%paglet send _herald tell severity=info text=hello")
    meshed.run("%paglet send _herald tell severity=error text='oh no'")
    assert meshed.session.require_mesh().notifications.wait(before + 1, 5)
    told = meshed.run(f"%paglet notifications --since {before} --wait 5")
    assert [(entry.severity, entry.message, entry.host_name) for entry in told] == [
        ("info", "hello", "beta"),
        ("error", "oh no", "beta"),
    ]
    assert meshed.run("%paglet notifications --severity error --limit 1")[0].message == "oh no"
    assert meshed.run("%paglet notifications --limit 1") == told[1:]
    told._ipython_display_()
    assert "oh no" in capsys.readouterr().out
    meshed.run("%paglet dispose _herald")


def test_waiting_ends_in_time(meshed: Notebook) -> None:
    """Nothing told is an empty list."""
    assert meshed.run("%paglet notifications --since 100000 --wait 0.05") == []
