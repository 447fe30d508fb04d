from __future__ import annotations

import sys

import pytest

from paglets_nb.mesh.kernel_host import adopt_path


def test_modules_are_found_where_the_owner_finds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder stays first, then comes the owner's path in its order, then what only the host has."""
    monkeypatch.setattr(sys, "path", ["", "/site", "/own"])
    adopt_path(["/mine", "/site"])
    assert sys.path == ["", "/mine", "/site", "/own"]


def test_without_an_owners_path_all_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that tells of none changes nothing."""
    monkeypatch.setattr(sys, "path", ["", "/site"])
    adopt_path(())
    assert sys.path == ["", "/site"]
