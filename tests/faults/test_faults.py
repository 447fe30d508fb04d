"""A few runs of each fault story; ``make faults`` runs all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import chain, detach, fanout, messages, movement

SEED = 20


@pytest.mark.timeout(180)
def test_a_movement_survives_kills_at_its_points(tmp_path: Path) -> None:
    """After kill -9 at each of some points there is exactly one active copy within 15 s."""
    assert movement.run_cases(movement.cases(SEED)[:10], tmp_path) == []


@pytest.mark.timeout(120)
def test_acknowledged_messages_survive_kills_once(tmp_path: Path) -> None:
    """No acknowledged message to a durable paglet is lost or applied twice over some kills."""
    assert messages.run_kills(tmp_path, SEED, 1600, 3) == []


@pytest.mark.timeout(120)
def test_travellers_arrive_whole() -> None:
    """A paglet visits hosts by itself, from handlers and by itinerary, with its file and in order."""
    assert chain.run_rounds(2, 4) == []


@pytest.mark.timeout(120)
def test_fan_outs_end_in_time_and_leave_nothing(tmp_path: Path) -> None:
    """Grids with one host killed and one stopped have every cell soon after the deadline, and no stray after it."""
    assert fanout.run_faults(fanout.faults(SEED, 3), tmp_path, patience=2.5) == []


@pytest.mark.timeout(120)
def test_a_detached_mesh_survives_its_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Owners killed while attached, and while they start it: the same hosts, no acknowledged call lost, no orphan."""
    for kind in ("RUNTIME", "DATA"):
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(tmp_path / kind))
    assert detach.run_kills(SEED, 5) + detach.run_starts(SEED, 3) == []
