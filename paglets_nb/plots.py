"""Charts that stay: interactive in JupyterLab, a PNG in the saved notebook, words elsewhere.

Owns how a chart (Altair) becomes a notebook's output. It must not know what is drawn.
"""

from __future__ import annotations

import base64
import importlib
import threading
from contextlib import suppress
from functools import cache
from typing import Any

from paglets_nb.errors import PagletError

__all__ = ["Plot", "altair", "prepare"]

SCALE = 2.0
"""Pixels of the PNG for each of the chart's own."""
VEGA_LITE = "application/vnd.vegalite.v5+json"
"""What JupyterLab 4 draws by itself, without the network."""
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_INSTALL = "plots need Altair; install it with: pip install 'paglets_nb[plots]'"


def altair() -> Any:
    """The module ``altair``; PagletError where it is not installed."""
    try:
        return importlib.import_module("altair")
    except ImportError as error:
        raise PagletError(_INSTALL) from error


@cache
def prepare() -> None:
    """Begin to import what charts are drawn with, in the background; harmless when repeated.

    It takes seconds the first time. Whether it can be imported is told by who draws.
    """
    threading.Thread(target=_import, name="paglets-charts", daemon=True).start()


def _import() -> None:
    with suppress(Exception):
        importlib.import_module("altair")
        importlib.import_module("vl_convert")


class Plot:
    """A chart and what it says in words.

    Args:
        chart: an Altair chart.
        text: what a terminal, a log or a screen reader gets.
    """

    def __init__(self, chart: Any, text: str) -> None:
        self.chart = chart
        self.text = text

    def png(self) -> bytes:
        """The chart as a PNG; PagletError where vl-convert is not installed."""
        try:
            convert = importlib.import_module("vl_convert")
        except ImportError as error:
            raise PagletError(_INSTALL) from error
        png: bytes = convert.vegalite_to_png(self.chart.to_json(), scale=SCALE)
        return png

    def save(self, path: str) -> None:
        """Write the PNG to a file."""
        with open(path, "wb") as file:
            file.write(self.png())

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": self.text, VEGA_LITE: {**self.chart.to_dict(), "$schema": _SCHEMA}}
        with suppress(PagletError):  # without vl-convert the page draws it all the same
            bundle["image/png"] = base64.b64encode(self.png()).decode()
        return bundle

    def __repr__(self) -> str:
        return self.text
