"""A restarted kernel takes its mesh up again, and the panel shows the task and the events that it missed."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Page, expect

from paglets_nb.errors import MeshError
from paglets_nb.mesh.runtime_files import RuntimeFolder
from tests.browser.lab import LabServer, Notebook
from tests.browser.test_panel import SLOW, Panel, run_again
from tests.integration.test_detached_mesh import PAGLETS

START = """
mesh = %paglet up 2 --detach --name NAME
task = %paglet create Ticker --on beta --name t
future = task.send_future("start", {"request": {}})
"""
READ = """%%paglet drain t --limit 7
print("read", event["n"])"""
ENOUGH = "rest = []; print(mesh.paglet('t').send('enough'))"
REST = """%%paglet drain t --no-follow
rest.append(event["n"])"""


@pytest.fixture
def name(server: LabServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mesh's name; its hosts end by themselves where the test did not get as far as to end them."""
    made = f"kept_{secrets.token_hex(3)}"
    yield made
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.root.parent / "run"))
    with suppress(MeshError):
        RuntimeFolder.take_over(made).remove()


def test_all_is_in_the_panel_after_a_restart(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None], name: str
) -> None:
    """The same processes, the running task, the missed events; a drain reads on behind the last one, without a hole."""
    pids = "print([host.pid for host in mesh.hosts()])"
    cells = ["%load_ext paglets_nb", PAGLETS, START.replace("NAME", name), READ, pids]
    again = [f"mesh = %paglet attach {name}", "%paglet panel", ENOUGH, REST, "print(rest)", "%paglet down"]
    notebook = open_notebook("again.ipynb", [*cells, *again])
    notebook.wait_kernel()
    for number in range(5):
        run_again(notebook, number)
    expect(notebook.output(4)).to_contain_text("[", timeout=SLOW)
    assert notebook.errors() == {}
    shown = re.findall(r"\d+", notebook.output(4).inner_text())
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    notebook.wait_kernel()
    for number in (0, 5, 6):
        run_again(notebook, number)
    expect(notebook.output(5)).to_contain_text("1 task runs; t has ", timeout=SLOW)
    expect(notebook.output(5)).to_contain_text("events after cursor 7")
    panel = Panel(notebook, 6)
    assert [str(panel.pid(host)) for host in ("alpha", "beta")] == shown
    expect(panel.root.locator(".pgp-headline")).to_contain_text("1 task running", timeout=SLOW)
    panel.button("Paglets of beta").click()
    told = re.compile(r"RUNNING 50% tick \d+, \d+ new events after 7")
    expect(panel.listed("beta")).to_contain_text(told, timeout=SLOW)
    screenshot("attach_panel")
    run_again(notebook, 7)
    over = re.compile(r"COMPLETED, (\d+) new events after 7")
    expect(panel.listed("beta")).to_contain_text(over, timeout=SLOW)
    expect(panel.root.locator(".pgp-headline")).not_to_contain_text("running")
    [missed] = over.findall(panel.listed("beta").inner_text())
    run_again(notebook, 8)
    run_again(notebook, 9)
    expect(notebook.output(9)).to_contain_text("]", timeout=SLOW)
    read = [int(number) for number in re.findall(r"\d+", notebook.output(9).inner_text())]
    assert read == list(range(8, 8 + int(missed)))
    expect(panel.listed("beta")).to_contain_text(f"0 new events after {read[-1]}", timeout=SLOW)
    run_again(notebook, 10)
    expect(notebook.output(10)).to_contain_text(f"mesh {name} is down (2 hosts)", timeout=SLOW)
    assert notebook.errors() == {}
