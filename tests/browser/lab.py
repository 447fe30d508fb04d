"""JupyterLab in a real browser: a server with folders of its own, and a page that is driven as a user would."""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Locator, Page

CHROMIUM = shutil.which("chromium") or ""
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
_FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}
_START = 60.0
_PORTS = range(20_000, 30_000)


def wait_until(condition: Callable[[], Any], timeout: float, what: str) -> Any:
    """Wait for a condition; its value, once that is true."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout:g} s still not: {what}")
        time.sleep(0.1)
    return value


def free_port() -> int:
    """A port that nobody listens on now, and that the system gives to nobody who asks for any."""
    for port in random.sample(_PORTS, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no port of {_PORTS} is free")


class LabServer:
    """A Jupyter server with JupyterLab and Notebook 7, isolated from the user's own.

    Args:
        folder: an empty folder for all its files.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "notebooks"
        self.root.mkdir()
        self.token = secrets.token_hex(8)
        self.url = f"http://127.0.0.1:{free_port()}"
        env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        for variable, name in _FOLDERS.items():
            (folder / name).mkdir()
            env[variable] = str(folder / name)
        # kernels have sockets there rather than ports, which two that start at once may both choose
        env["JUPYTER_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="run-")
        overrides = folder / "config" / "labconfig" / "default_setting_overrides.json"
        overrides.parent.mkdir()
        overrides.write_text(json.dumps(_SETTINGS), encoding="utf-8")
        env.pop("JPY_PARENT_PID", None)
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"),
            *("--KernelManager.transport=ipc", f"--port={self.url.rpartition(':')[2]}", "--ServerApp.port_retries=0"),
            *(f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.root}", "--allow-root"),
            *("--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"),
        ]
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        wait_until(self._answers, _START, f"a server at {self.url}; its log: {self.log}")

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        with suppress(OSError):
            return bool(self.get("/api/status"))
        return False

    def get(self, path: str, method: str = "GET") -> Any:
        """What the server answers at a path of its API."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}{path}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=20.0) as reply:
            return json.loads(reply.read() or b"null")

    def end_kernels(self) -> None:
        """End every kernel that runs; again where the server could not, since it was just starting one anew."""
        wait_until(self._ended, 20.0, "every kernel has ended")

    def _ended(self) -> bool:
        sessions = self.get("/api/sessions")
        for session in sessions:
            with suppress(urllib.error.HTTPError):
                self.get(f"/api/sessions/{session['id']}", "DELETE")
        return not sessions

    def stop(self) -> None:
        """End it and every kernel it started."""
        self._process.terminate()
        try:
            self._process.wait(20.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10.0)


class Notebook:
    """One notebook that is open in the page.

    Args:
        page: the browser's page.
        server: serves it.
        name: the notebook's file, below the server's root.
        interface: ``lab`` or ``notebooks`` (Notebook 7).
    """

    def __init__(self, page: Page, server: LabServer, name: str, interface: str = "lab") -> None:
        self.page = page
        self.server = server
        self.name = name
        tree = "lab/tree" if interface == "lab" else "notebooks"
        page.goto(f"{server.url}/{tree}/{name}?token={server.token}&reset")
        page.wait_for_selector(".jp-Notebook", timeout=60_000)
        page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.context?.isReady", timeout=60_000)

    # ---- its kernel

    def wait_kernel(self, timeout: float = 60.0) -> None:
        """Wait until its kernel is there and has nothing to do."""
        idle = "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        self.page.wait_for_function(idle, timeout=timeout * 1000)

    def command(self, command: str) -> None:
        """Run a command of JupyterLab, and return when it has ended."""
        self.page.evaluate("command => window.jupyterapp.commands.execute(command).then(() => null)", command)

    def select(self, number: int) -> None:
        """Make a cell the active one, by its place."""
        self.page.evaluate(
            "number => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = number }", number
        )

    def run_all(self, timeout: float = 120.0) -> None:
        """Run every cell, and return when the last has ended."""
        self.wait_kernel()
        self.start_all()
        self.page.wait_for_function("() => window.paglets_ran !== undefined", timeout=timeout * 1000)
        self.wait_kernel()

    def start_all(self) -> None:
        """Begin to run every cell, and return at once."""
        self.page.evaluate(
            "() => { window.paglets_ran = undefined;"
            " window.jupyterapp.commands.execute('notebook:run-all-cells').then(ok => { window.paglets_ran = !!ok; }) }"
        )

    def save(self) -> None:
        """Save it."""
        self.command("docmanager:save")

    def saved(self) -> Any:
        """The notebook as it is in its file."""
        return nbformat.read(self.server.root / self.name, as_version=4)

    def saved_now(self) -> Any:
        """The notebook as it is, saved first."""
        self.save()
        return self.saved()

    def saves_by_key(self) -> None:
        """Press Ctrl+S where the focus is, and return when the notebook is saved by it."""
        self.page.evaluate(
            """() => {
                const context = window.jupyterapp.shell.currentWidget.context;
                const hear = (_context, state) => {
                    if (state !== "completed") return;
                    context.saveState.disconnect(hear);
                    window.savedByKey = true;
                };
                window.savedByKey = false;
                context.saveState.connect(hear);
                context.model.dirty = true;
            }"""
        )
        self.page.keyboard.press("Control+s")
        wait_until(lambda: self.page.evaluate("() => window.savedByKey"), 15.0, "the notebook is saved by its key")

    def shut_down(self) -> None:
        """End its kernel, as its user would."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown().then(() => null)")

    def restart(self) -> None:
        """Start its kernel again, as its user would."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        self.wait_kernel()

    def execute(self, code: str) -> None:
        """Have its kernel execute code that stands in no cell, and return at once."""
        self.page.evaluate(
            "code => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code}) }",
            code,
        )

    # ---- what it shows

    def cell(self, number: int) -> Locator:
        """A cell, by its place from 0."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def output(self, number: int) -> Locator:
        """The output of a cell, by the cell's place."""
        return self.cell(number).locator(".jp-Cell-outputWrapper")

    def errors(self) -> dict[int, str]:
        """The tracebacks and error texts that its cells show, by the cell's place."""
        kinds = ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr")
        selector = ", ".join(f".jp-OutputArea-output[data-mime-type='{kind}']" for kind in kinds)
        found = {}
        for number in range(self.page.locator(".jp-Notebook .jp-Cell").count()):
            text = "\n".join(self.cell(number).locator(selector).all_inner_texts()).strip()
            if text:
                found[number] = text
        return found


def write_notebook(path: Path, sources: Sequence[str]) -> None:
    """Write a notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
