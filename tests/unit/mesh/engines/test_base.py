"""Engines by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from paglets_nb.errors import MeshError
from paglets_nb.mesh.engines.base import HostSpec, make_engine
from paglets_nb.mesh.engines.local import LocalEngine


def test_the_local_engine() -> None:
    """The engine of local kernels is found by its name, a fresh one each time."""
    first, second = make_engine("local"), make_engine("local")
    assert isinstance(first, LocalEngine)
    assert first is not second


def test_an_unknown_engine_names_the_known() -> None:
    """A name that is no engine is refused with those there are."""
    with pytest.raises(MeshError, match=r"no engine 'cloud' \(engines: local"):
        make_engine("cloud")


def test_a_spec_has_properties_of_its_own() -> None:
    """Two specs share no properties."""
    first, second = (HostSpec(name, "m", Path("/run"), Path("/data")) for name in ("alpha", "beta"))
    assert first.properties == {}
    assert first.properties is not second.properties
