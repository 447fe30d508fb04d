"""The mesh panel and the notifications in the page: what a person sees, and does by mouse and by keyboard."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import Notebook, wait_until

HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
ODD_CLASS = "<script>hacked=3</script>"
MESH = """
%load_ext paglets_nb
mesh = %paglet up alpha beta

from paglets_nb import NotificationMixin, Paglet, PagletState
from paglets_nb.patterns.notifications import NotificationSeverity

class Teller(NotificationMixin, Paglet[PagletState]):
    def handle_message(self, message):
        severity = NotificationSeverity(message.args["severity"])
        return self.notify_user_info(severity, message.args["title"], message.args["text"], job_id="job-7")

HOSTILE = {hostile}
Odd = type({odd}, (Teller,), {"__module__": "__main__"})
teller = mesh.create(Odd, on="alpha", name="teller")
mesh.create(Teller, on="beta", name="second")
mesh.notifications.show = None

def tell(severity, title, text):
    return teller.send("tell", {"severity": severity, "title": title, "text": text})
""".replace("{hostile}", repr(HOSTILE)).replace("{odd}", repr(ODD_CLASS))
PANEL, LIST = "%paglet panel", "%paglet notifications"
SLOW = 30_000
"""Milliseconds that a host may take to start where much else goes on."""


class Panel:
    """The panel in a notebook's page."""

    def __init__(self, notebook: Notebook, cell: int) -> None:
        self.page = notebook.page
        self.place = notebook.output(cell)
        self.root = self.place.locator(".pgp-panel")

    def row(self, host: str) -> Locator:
        """The row of a host."""
        return self.root.locator("tr.pgp-host").filter(has=self.page.get_by_label(f"Paglets of {host}", exact=True))

    def button(self, label: str) -> Locator:
        """A button by its label."""
        return self.root.get_by_role("button", name=label, exact=True)

    def pid(self, host: str) -> int:
        """The process of a host, as it is shown."""
        shown = self.row(host).locator(".pgp-pid")
        expect(shown).to_have_text(re.compile(r"^\d+$"))
        return int(shown.inner_text())

    def listed(self, host: str) -> Locator:
        """The list of a host's paglets."""
        return self.root.get_by_role("region", name=f"Paglets of {host}")


def run_again(notebook: Notebook, number: int) -> None:
    """Run a cell once more."""
    notebook.cell(number).locator(".jp-InputPrompt").click()
    notebook.command("notebook:run-cell")


def test_a_panel_by_mouse(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None]
) -> None:
    """Hosts that die, hang, come, restart and go are seen; what they are called is shown as text."""
    notebook = open_notebook("panel.ipynb", [MESH, PANEL, "tell('warning', 'Disk <b>full</b>', HOSTILE)"])
    notebook.run_all()
    assert notebook.errors() == {}
    panel = Panel(notebook, 1)
    expect(panel.row("beta").locator(".pgp-memory")).to_contain_text("MiB", timeout=SLOW)
    expect(panel.root.locator(".pgp-unread")).to_have_text("1", timeout=SLOW)
    panel.button("Paglets of alpha").click()
    expect(panel.listed("alpha")).to_contain_text("teller", timeout=SLOW)
    expect(panel.listed("alpha")).to_contain_text(ODD_CLASS)

    killed = panel.pid("beta")
    os.kill(killed, signal.SIGKILL)
    expect(panel.row("beta")).to_contain_text("killed by SIGKILL", timeout=SLOW)
    expect(panel.row("beta").locator(".pgp-restarts")).to_have_text("1", timeout=SLOW)
    expect(panel.row("beta")).to_contain_text("killed by SIGKILL; lost: second", timeout=SLOW)
    expect(panel.root.locator(".pgp-unread")).to_have_text("2", timeout=SLOW)
    assert panel.pid("beta") != killed

    stopped = panel.pid("beta")
    os.kill(stopped, signal.SIGSTOP)
    try:
        expect(panel.row("beta")).to_contain_text("not answering for", timeout=SLOW)
        run_again(notebook, 2)
        expect(panel.root.locator(".pgp-unread")).to_have_text("3", timeout=SLOW)
        screenshot("panel-silent")
    finally:
        os.kill(stopped, signal.SIGCONT)
    expect(panel.row("beta").locator(".pgp-state")).to_have_text("up", timeout=SLOW)

    panel.button("Notifications, 3 unread").click()
    notices = panel.place.locator(".pgn-notices")
    expect(notices.locator(".pgn-line")).to_have_count(3)
    notices.locator(".pgn-line").first.click()
    expect(notices.locator(".pgn-whole pre")).to_have_text(HOSTILE)
    expect(notices.locator(".pgn-whole")).to_contain_text("Disk <b>full</b>")
    notices.get_by_role("button", name=re.compile("Errors")).click()
    expect(notices).to_contain_text("None of these.")
    screenshot("panel-light")
    dark = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme}).then(() => null)"
    page.evaluate(dark, "JupyterLab Dark")
    try:
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
        assert brightness(panel.root.locator(".pgp-title"), "color") > 150
        assert brightness(panel.place.locator(".paglets-panel"), "backgroundColor") < 100
        screenshot("panel-dark")
    finally:
        page.evaluate(dark, "JupyterLab Light")

    panel.button("Add a host").click()
    expect(panel.row("gamma").locator(".pgp-state")).to_have_text("up", timeout=SLOW)
    panel.button("Restart gamma").click()
    expect(panel.row("gamma")).to_contain_text("last restart: by request", timeout=SLOW)
    expect(panel.row("gamma").locator(".pgp-state")).to_have_text("up", timeout=SLOW)
    panel.button("Remove alpha").click()
    expect(panel.root).to_contain_text("Remove alpha? 1 paglet will be moved away first.")
    panel.button("Remove").click()
    expect(panel.row("alpha")).to_have_count(0, timeout=SLOW)
    expect(panel.root.locator(".pgp-headline")).to_contain_text("2 hosts, 1 paglet,", timeout=SLOW)
    panel.button("Remove gamma").click()
    panel.button("Remove").click()
    expect(panel.row("gamma")).to_have_count(0, timeout=SLOW)
    panel.button("Remove beta").click()
    panel.button("Remove").click()
    expect(panel.root.get_by_role("alert")).to_contain_text("is the only host", timeout=SLOW)
    assert page.evaluate("() => window.hacked === undefined")


def test_a_panel_by_keyboard_and_its_picture(
    open_notebook: Callable[..., Notebook], page: Page, screenshot: Callable[[str], None]
) -> None:
    """Arrow keys, Enter and Escape do it all; without a kernel the last picture is seen, and no script runs."""
    tell = "tell('info', 'First', 'it begins'); tell('error', HOSTILE, 'no space left ' * 100)"
    notebook = open_notebook("keys.ipynb", [MESH, PANEL, LIST, tell])
    notebook.run_all()
    assert notebook.errors() == {}
    panel, keys = Panel(notebook, 1), page.keyboard
    panel.button("Paglets of alpha").focus()
    keys.press("Enter")
    expect(panel.listed("alpha")).to_contain_text("teller", timeout=SLOW)
    keys.press("ArrowDown")
    expect(panel.button("Paglets of beta")).to_be_focused()
    for _step in range(3):
        keys.press("ArrowRight")
    expect(panel.button("Remove beta")).to_be_focused()
    keys.press("Enter")
    expect(panel.button("Remove")).to_be_focused()
    keys.press("Escape")
    expect(panel.button("Remove beta")).to_be_focused()
    keys.press("ArrowLeft")
    keys.press("Enter")
    expect(panel.root).to_contain_text("Restart beta? 1 paglet would be lost: second.", timeout=SLOW)
    expect(panel.button("Restart")).to_be_focused()
    screenshot("panel-restart")
    keys.press("Escape")
    expect(panel.button("Restart beta")).to_be_focused()
    expect(panel.row("beta").locator(".pgp-restarts")).to_have_text("0")
    keys.press("Enter")
    expect(panel.button("Restart")).to_be_focused()
    keys.press("Enter")
    expect(panel.row("beta")).to_contain_text("lost: second", timeout=SLOW)
    expect(panel.row("beta").locator(".pgp-restarts")).to_have_text("1", timeout=SLOW)
    expect(panel.row("beta").locator(".pgp-state")).to_have_text("up", timeout=SLOW)
    expect(panel.button("Restart beta")).to_be_focused()
    panel.button("Add a host").focus()
    keys.press("Space")
    expect(panel.row("gamma").locator(".pgp-state")).to_have_text("up", timeout=SLOW)

    notices = notebook.output(2).locator(".pgn-notices")
    expect(notices.locator(".pgn-line")).to_have_count(2)
    notices.locator(".pgn-line").first.focus()
    keys.press("Enter")
    expect(notices.locator(".pgn-whole pre")).to_have_text(("no space left " * 100).strip(), timeout=SLOW)
    keys.press("Escape")
    expect(notices.locator(".pgn-whole")).to_have_count(0)
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(notices.locator(".pgn-whole")).to_contain_text("it begins")
    notices.get_by_role("button", name=re.compile("Errors")).focus()
    keys.press("Enter")
    expect(notices.locator(".pgn-line")).to_have_count(1)
    assert "jp-mod-commandMode" in (page.locator(".jp-Notebook").get_attribute("class") or "")

    wait_until(lambda: "gamma" in saved_picture(notebook, 1), 30.0, "the picture shows gamma")
    wait_until(lambda: "&lt;script&gt;" in saved_picture(notebook, 2), 30.0, "the picture shows what was told")
    notebook.shut_down()
    again = open_notebook("keys.ipynb")
    for host in ("alpha", "beta", "gamma"):
        expect(again.output(1).locator("td").get_by_text(host, exact=True)).to_be_visible()
    expect(again.output(1).locator("td").get_by_text(ODD_CLASS)).to_be_visible()
    expect(again.output(2).get_by_text(HOSTILE)).to_be_visible()
    expect(again.page.locator(".pgp-panel, .pgn-notices")).to_have_count(0)
    assert page.evaluate("() => window.hacked === undefined")
    screenshot("panel-picture")


def saved_picture(notebook: Notebook, cell: int) -> str:
    """The HTML that a cell leaves in the file."""
    outputs = notebook.saved_now().cells[cell].outputs
    return "".join(str(output.get("data", {}).get("text/html", "")) for output in outputs)


def brightness(place: Locator, style: str) -> float:
    """How bright a colour of an element is, from 0 to 255."""
    colour = place.evaluate("(element, style) => getComputedStyle(element)[style]", style)
    return sum(float(part) for part in re.findall(r"[\d.]+", colour)[:3]) / 3
