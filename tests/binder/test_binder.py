"""Binder's steps, followed here: an environment from binder/, and the quickstart run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "build", "_build", "__pycache__", ".*_cache", "*.egg-info")
READ_BY_REPO2DOCKER = {
    *("environment.yml", "requirements.txt", "runtime.txt", "apt.txt", "install.R", "Project.toml"),
    *("postBuild", "start"),
}


class Image:
    """A folder that is made as repo2docker makes an image: the repository, an environment, then ``postBuild``.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "repository"
        shutil.copytree(ROOT, self.repository, ignore=LEFT_OUT)
        home = folder / "home"
        home.mkdir()
        environment = folder / "env"
        venv.create(environment, with_pip=True)
        self.env = {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "TMPDIR": str(folder),
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_") or "proxy" in name.lower()},
        }

    def run(self, *command: str, timeout: float) -> str:
        """What a command wrote in the image; fails the test when the command did."""
        done = subprocess.run(
            command, cwd=self.repository, env=self.env, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert not done.returncode, f"{command}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def build(self) -> None:
        """What repo2docker reads in binder/, in its order."""
        self.run("python", "-m", "pip", "install", "-q", "notebook", timeout=300.0)  # what each of its images has
        requirements = self.repository / "binder" / "requirements.txt"
        if requirements.exists():
            self.run("python", "-m", "pip", "install", "-q", "-r", str(requirements), timeout=300.0)
        self.run(str(self.repository / "binder" / "postBuild"), timeout=300.0)


def test_binder_has_what_repo2docker_reads() -> None:
    """Nothing lies there that nobody would read; the script can be run; the Python is one we support."""
    assert {path.name for path in (ROOT / "binder").iterdir()} <= READ_BY_REPO2DOCKER
    assert os.access(ROOT / "binder" / "postBuild", os.X_OK)
    wanted = (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip()
    assert wanted in ("python-3.11", "python-3.12", "python-3.13")


@pytest.mark.timeout(900)
def test_the_quickstart_runs_on_binder(tmp_path: Path) -> None:
    """In a fresh environment made from binder/, every cell of the quickstart runs."""
    wanted = (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    if tuple(map(int, wanted.split("."))) != sys.version_info[:2]:
        pytest.skip(f"Binder would use Python {wanted}")
    image = Image(tmp_path)
    image.build()
    image.run("jupyter", "lab", "--version", timeout=60.0)
    ran = tmp_path / "ran.ipynb"
    notebook = str(image.repository / "notebooks" / "01-quickstart.ipynb")
    image.run("jupyter", "execute", "--timeout=60", f"--output={ran}", notebook, timeout=180.0)
    cells = [cell for cell in nbformat.read(ran, as_version=4).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
