"""Lessons are executed with an IPython folder of their own, gone after the build.

What a reader's profile starts or configures is not in the pages, and what the lessons run
is not in the reader's history.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

_CONFIG = "c.IPKernelApp.log_level = 40  # no word about each kernel's transport\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    folder = tempfile.TemporaryDirectory(prefix="paglets-docs-")
    profile = Path(folder.name, "profile_default")
    profile.mkdir()
    (profile / "ipython_kernel_config.py").write_text(f"c = get_config()\n{_CONFIG}", encoding="utf-8")
    os.environ["IPYTHONDIR"] = folder.name
    app.connect("build-finished", lambda _app, _error: folder.cleanup())
    return {"parallel_read_safe": False}
