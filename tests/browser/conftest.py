from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.lab import CHROMIUM, CHROMIUM_OPTIONS, LabServer, Notebook, write_notebook

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(os.environ.get("PAGLETS_SCREENSHOTS", ROOT / "build" / "screenshots"))
WIDE = {"width": 1280, "height": 900}
expect.set_options(timeout=20_000)  # the first chart of a kernel takes its time on a busy machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser takes its time; without one the tests are skipped."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(240))
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="there is no Chromium"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A server for all the tests."""
    server = LabServer(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser for all the tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@contextmanager
def opened_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page that says yes to what it asks."""
    page = browser.new_page(**options)
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    page.close()


@pytest.fixture(scope="session")
def shared_page(browser: Browser) -> Iterator[Page]:
    """A page for all the tests; a new one takes seconds."""
    with opened_page(browser, viewport=WIDE) as page:
        yield page


@pytest.fixture
def page(shared_page: Page, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page; what it shows when a test fails is kept."""
    failed_before = request.session.testsfailed
    yield shared_page
    if request.session.testsfailed > failed_before:
        keep_screenshot(shared_page, f"failed-{request.node.name}")
    shared_page.goto("about:blank")


def keep_screenshot(page: Page, name: str) -> None:
    """Keep what the page shows, for whoever looks at the tests' results."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{re.sub(r'[^-a-zA-Z0-9_.]+', '-', name)}.png")


@pytest.fixture
def screenshot(page: Page) -> Callable[[str], None]:
    """Keeps what the page shows under a name."""
    return lambda name: keep_screenshot(page, name)


@pytest.fixture
def open_notebook(page: Page, server: LabServer) -> Iterator[Callable[..., Notebook]]:
    """Opens notebooks, and ends their kernels after the test."""
    opened: list[Notebook] = []

    def open_it(name: str, sources: Sequence[str] | None = None, *, interface: str = "lab") -> Notebook:
        """Open a notebook of these cells, or one that is in the server's folder already."""
        if sources is not None:
            write_notebook(server.root / name, sources)
        opened.append(Notebook(page, server, name, interface))
        return opened[-1]

    yield open_it
    server.end_kernels()
