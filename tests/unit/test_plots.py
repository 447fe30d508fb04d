"""Charts as outputs of a notebook."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from paglets_nb.errors import PagletError
from paglets_nb.plots import VEGA_LITE, Plot, altair

PNG = b"\x89PNG\r\n"


@pytest.fixture
def plot() -> Plot:
    """Two bars."""
    alt = altair()
    data = alt.Data(values=[{"host": "alpha", "seconds": 1}, {"host": "beta", "seconds": 2}])
    return Plot(alt.Chart(data).mark_bar().encode(x="seconds:Q", y="host:N"), "alpha 1 s, beta 2 s")


def test_an_output_is_drawn_by_the_page_kept_as_a_picture_and_said_in_words(plot: Plot) -> None:
    """One output for JupyterLab, for a page that only shows pictures, and for a terminal."""
    bundle: dict[str, Any] = plot._repr_mimebundle_()
    assert bundle["text/plain"] == repr(plot) == "alpha 1 s, beta 2 s"
    assert bundle[VEGA_LITE]["encoding"]["x"]["field"] == "seconds"
    assert "/v5" in bundle[VEGA_LITE]["$schema"]
    assert base64.b64decode(bundle["image/png"]).startswith(PNG)


def test_a_plot_is_saved(plot: Plot, tmp_path: Path) -> None:
    """``save`` writes the PNG."""
    plot.save(str(tmp_path / "bars.png"))
    assert (tmp_path / "bars.png").read_bytes().startswith(PNG)


def test_what_is_missing_is_said(plot: Plot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without vl-convert there is no PNG and the rest stays; without Altair the error says what to install."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert set(plot._repr_mimebundle_()) == {"text/plain", VEGA_LITE}
    with pytest.raises(PagletError, match=r"pip install 'paglets_nb\[plots\]'"):
        plot.png()
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(PagletError, match=r"pip install 'paglets_nb\[plots\]'"):
        altair()


@pytest.mark.parametrize("source", ["", "raise ValueError('broken')"])
def test_what_charts_need_is_imported_in_the_background(tmp_path: Path, source: str) -> None:
    """Once, by a thread that nobody waits for, and that says nothing where it fails."""
    (tmp_path / "altair.py").write_text(f"import os, sys\nos.write(1, b'began\\n')\nsys.stdin.read()\n{source}")
    script = r"""
import os, sys, threading
from paglets_nb.plots import prepare
prepare(), prepare()
(thread,) = [thread for thread in threading.enumerate() if thread.name == "paglets-charts"]
os.write(1, b"goes on\n")
thread.join(20)
print("ended" if not thread.is_alive() else "hangs")
"""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert {process.stdout.readline(), process.stdout.readline()} == {"began\n", "goes on\n"}
        process.stdin.close()
        assert process.stdout.read() == "ended\n"
