"""What every test shares: no thread or process may outlive it unnoticed, no user folder is touched."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _interrupts_arrive() -> None:
    """What a shell starts in the background ignores Ctrl-C, which some tests send."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the folders of the user, and of tests that run at the same time, out of these.

    The temporary folder is short, so that paths of sockets in it are; ``tmp_path`` is not in it.
    """
    tmp_path_factory.getbasetemp()
    names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "TMPDIR")
    with (
        tempfile.TemporaryDirectory(prefix="t-", ignore_cleanup_errors=True) as root,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in names:
            folder = Path(root) / name.removeprefix("JUPYTER_").removesuffix("_DIR").lower()
            folder.mkdir(mode=0o700)
            patch.setenv(name, os.fspath(folder))
        patch.setattr(tempfile, "tempdir", os.environ["TMPDIR"])
        patch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        yield
