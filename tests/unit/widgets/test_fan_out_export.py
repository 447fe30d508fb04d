from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.results import Results
from paglets_nb.widgets.fan_out_export import FanOutExport
from tests.unit.experiments.conftest import done


def test_only_what_was_put_there_is_replaced(tmp_path: Path) -> None:
    """A variable or a file of the user's is not; another export of the same notebook is the user's too."""
    results, namespace = Results("r", [done(0, 0.1, n=1)]), dict[str, Any]()
    export, other = FanOutExport(namespace), FanOutExport(namespace)
    path = tmp_path / "cells.csv"
    for _ in range(2):
        assert len(export.frame(results, "frame")) == 1
        export.csv(results, f" {path} ")
    with pytest.raises(ExperimentError, match="frame is taken"):
        other.frame(results, "frame")
    with pytest.raises(ExperimentError, match="exists already"):
        other.csv(results, str(path))
    with pytest.raises(ExperimentError, match="wants a name"):
        export.csv(results, " ")
