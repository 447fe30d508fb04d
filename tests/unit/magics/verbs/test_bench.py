from __future__ import annotations

import os
from pathlib import Path

import pytest

from paglets_nb.agents.performance import PerformanceResult
from paglets_nb.magics.progress import ProgressLine
from tests.unit.magics.notebook import Notebook


def test_hosts_are_measured(meshed: Notebook, tmp_path: Path) -> None:
    """Every host, where the user says; the result is an object, and no paglet or file is left."""
    result = meshed.run(f"%paglet bench --quick --volumes {tmp_path} {tmp_path}/none")
    assert isinstance(result, PerformanceResult)
    assert [host.host for host in result.hosts] == ["alpha", "beta"]
    for host in result.hosts:
        assert len(host.measurements) == 12
        assert [entry.path for entry in host.skipped] == [f"{tmp_path}/none"]
    assert meshed.run("%paglet ls") == []
    assert os.listdir(tmp_path) == []


def test_one_host_and_no_time(meshed: Notebook, tmp_path: Path) -> None:
    """What was not done in time has expired, and is told so."""
    result = meshed.run(f"%paglet bench beta --volumes {tmp_path} --timeout 1")
    assert [host.host for host in result.hosts] == ["beta"]
    assert result.expired == ["beta"]
    assert meshed.run("%paglet ls") == []


def test_the_stop_button_keeps_what_has_come(
    meshed: Notebook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The run is ended on the hosts, and the result is what there was."""
    update = ProgressLine.update

    def pressed(self: ProgressLine, text: str, shown: str = "") -> None:
        if "running" in text:
            raise KeyboardInterrupt
        update(self, text, shown)

    monkeypatch.setattr(ProgressLine, "update", pressed)
    result = meshed.run(f"%paglet bench --volumes {tmp_path}")
    assert (result.done, result.cancelled) == (True, True)
    assert "stopped\n" in capsys.readouterr().out
    assert meshed.run("%paglet ls") == []
    assert os.listdir(tmp_path) == []


def test_mistakes_are_one_line(meshed: Notebook) -> None:
    """A host that is none, a time that is none, a field."""
    assert meshed.refused("%paglet bench gamma").startswith("no host 'gamma' in the mesh")
    assert "wants seconds above 0" in meshed.refused("%paglet bench --timeout 0")
    assert "takes no fields" in meshed.refused("%paglet bench quick=yes")


def test_it_needs_a_mesh(notebook: Notebook) -> None:
    """And says how to start one."""
    assert "start one with: %paglet up" in notebook.refused("%paglet bench")
