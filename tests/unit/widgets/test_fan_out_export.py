from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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


def test_a_file_is_where_it_was_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the same name in another folder is the user's; two names of one file are one."""
    results, export = Results("r", [done(0, 0.1, n=1)]), FanOutExport({})
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    monkeypatch.chdir(here)
    export.csv(results, "cells.csv")
    export.csv(results, str(here / "cells.csv"))
    (there / "cells.csv").write_text("mine")
    monkeypatch.chdir(there)
    with pytest.raises(ExperimentError, match="exists already"):
        export.csv(results, "cells.csv")
    assert (there / "cells.csv").read_text() == "mine"


def test_a_file_that_has_just_appeared_is_known(tmp_path: Path) -> None:
    """Another thread that sees it may put it again at once."""
    results = Results("r", [done(0, 0.1, n=1)])
    with ThreadPoolExecutor(1) as pool:
        for number in range(200):
            export, path = FanOutExport({}), tmp_path / f"{number}.csv"
            put = pool.submit(export.csv, results, str(path))
            while not (path.exists() or put.done()):
                pass
            export.csv(results, str(path))
            put.result(20)
