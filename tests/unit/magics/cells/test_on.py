from __future__ import annotations

import pytest

from tests.unit.magics.notebook import Notebook


@pytest.mark.parametrize("hosts", ["alpha,beta", "alpha beta", "all", "all --parallel"])
def test_a_cell_runs_on_each_host(meshed: Notebook, capsys: pytest.CaptureFixture[str], hosts: str) -> None:
    """Output comes here, each line with its host."""
    meshed.run(f"%%paglet on {hosts}\nimport os\nprint('pid', os.getpid())")
    lines = sorted(line for line in capsys.readouterr().out.splitlines() if "pid" in line)
    pids = {host.name: host.pid for host in meshed.run("%paglet hosts")}
    assert lines == [f"[{name}] pid {pid}" for name, pid in sorted(pids.items())]


def test_names_stay_on_the_host(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """A host's kernel keeps what a cell defines there, and only there."""
    meshed.run("%%paglet on alpha\nkept = 5")
    meshed.run("%%paglet on alpha\nprint(kept + 1)")
    assert "6" in capsys.readouterr().out
    assert "kept" not in meshed.shell.user_ns
    assert meshed.refused("%%paglet on beta\nkept") == "the cell failed on beta (NameError)"


def test_a_remote_error_shows_there_and_is_one_line_here(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """The traceback of each host is shown; what is raised names the hosts; the others still run."""
    said = meshed.refused("%%paglet on all\nimport os\nprint('ran')\n1 / (os.environ.get('no such') is not None)")
    assert said == "the cell failed on alpha (ZeroDivisionError), beta (ZeroDivisionError)"
    shown = capsys.readouterr()
    assert shown.out.count("ran") == 2
    assert shown.err.count("division by zero") == 2


def test_unknown_hosts_run_nothing(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong host among right ones is told before anything runs."""
    assert meshed.refused("%%paglet on alpha,gamma\nprint('ran')").startswith("no host 'gamma'")
    assert "ran" not in capsys.readouterr().out


def test_what_only_the_notebook_has_is_told(meshed: Notebook) -> None:
    """A name that is here and not there says how it comes there."""
    meshed.run("_only_here = 1")
    said = meshed.refused("%%paglet on beta\n_only_here")
    assert said.startswith("the cell failed on beta (NameError); _only_here is defined in this notebook only: run its")
