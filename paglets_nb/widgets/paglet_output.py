"""What one paglet prints and displays, live: a view of its ``PagletLog``."""

from __future__ import annotations

import html
import re
from typing import Any

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.mesh.outputs import OutputPiece, PagletLog, paglet_log
from paglets_nb.widgets.background import Coalesced
from paglets_nb.widgets.markup import escaped, muted
from paglets_nb.widgets.shown import Shown, close_widgets

__all__ = ["OutputArea", "PagletOutput", "PagletOutputView", "output_html"]

SHOWN = 200
"""Lines and displays that are shown live."""
KEPT = 50
"""Those of them that stay in the saved notebook."""
_PER_SECOND = 5.0
_LARGEST = 400_000
"""Characters of a picture that stays in the saved notebook."""
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_VIEW = "application/vnd.jupyter.widget-view+json"
_PRE = "margin:0;max-height:16em;overflow:auto;white-space:pre-wrap"
_ERROR = "background:var(--jp-rendermime-error-background,#fdd8)"


def _outputs(pieces: list[OutputPiece]) -> tuple[dict[str, Any], ...]:
    """The pieces as a notebook keeps outputs."""
    made: list[dict[str, Any]] = []
    for piece in pieces:
        if piece.kind == "display":
            data = {kind: value for kind, value in piece.data.items() if kind != _VIEW}
            made.append({"output_type": "display_data", "data": data, "metadata": piece.metadata})
        elif made and made[-1].get("name") == piece.kind:
            made[-1]["text"] += piece.text
        else:
            made.append({"output_type": "stream", "name": piece.kind, "text": piece.text})
    return tuple(made)


def _still(piece: OutputPiece) -> str:
    png = piece.data.get("image/png", "")
    if isinstance(png, str) and png and len(png) < _LARGEST:
        alt = html.escape(piece.text.strip(), quote=True)
        return f"<img alt='{alt}' src='data:image/png;base64,{html.escape(png, quote=True)}'>"
    text = html.escape(_ANSI.sub("", piece.text))
    return f"<span style='{_ERROR}'>{text}</span>" if piece.kind == "stderr" else text


def output_html(log: PagletLog) -> str:
    """The last lines as a still picture; nothing where nothing was printed."""
    pieces = log.pieces()
    if not pieces:
        return ""
    left = len(pieces) - KEPT
    more = muted(f"{left} earlier lines").html if left > 0 else ""
    return f"{more}<pre style='{_PRE}'>{''.join(_still(piece) for piece in pieces[-KEPT:])}</pre>"


class OutputArea:
    """A widget with the last output of a paglet, which is kept up to date until it is closed.

    Args:
        log: the paglet's.

    Attributes:
        widget: the widget; hidden while there is nothing.
    """

    def __init__(self, log: PagletLog) -> None:
        import ipywidgets

        self.log = log
        self.widget = ipywidgets.Output(layout={"max_height": "18em", "overflow": "auto", "display": "none"})
        self.widget.add_class("paglets-output")
        self._paint = Coalesced(self._show, _PER_SECOND)
        self._remove = log.add_listener(self._paint)
        self._paint()

    def _show(self) -> None:
        pieces = self.log.pieces()[-SHOWN:]
        self.widget.outputs = _outputs(pieces)
        self.widget.layout.display = "block" if pieces else "none"

    def close(self) -> None:
        """Take the widget away."""
        self._remove()
        self._paint.close()
        close_widgets(self.widget)


class PagletOutput:
    """What a paglet has printed and displayed, wherever it was; it shows as a live area.

    Args:
        paglet: its proxy.
        label: as messages call it; its name or id when empty.

    Attributes:
        log: the lines and displays themselves.
    """

    def __init__(self, paglet: PagletProxy, label: str = "") -> None:
        self.proxy = paglet
        self.label = label or paglet.name or paglet.agent_id
        self.log = paglet_log(paglet)

    def text(self, lines: int | None = None) -> str:
        """The last lines as text, all that are kept for None."""
        return self.log.text(lines)

    def live(self) -> PagletOutputView:
        """A view of it."""
        return PagletOutputView(self)

    def __repr__(self) -> str:
        return repr(self.log)

    def _repr_html_(self) -> str:
        return f"<b>{escaped(self.label)}</b>{output_html(self.log) or '<br>nothing was printed'}"


class PagletOutputView(Shown):
    """The live area of a ``PagletOutput``.

    Args:
        output: what it shows.
    """

    def __init__(self, output: PagletOutput) -> None:
        import ipywidgets

        super().__init__()
        self._output = output
        self._title = ipywidgets.HTML(f"<b>{escaped(output.label)}</b> {muted('what it prints, as it comes').html}")
        self._area = OutputArea(output.log)
        self.widget = ipywidgets.VBox([self._title, self._area.widget])
        self._remove = output.log.add_listener(self.changed)

    def text(self) -> str:
        """The last lines."""
        return self._output.text(KEPT).rstrip("\n") or "nothing was printed"

    def html(self) -> str:
        """The same as a picture."""
        return self._output._repr_html_()

    def close(self) -> None:
        """Follow no more, and take the widgets away."""
        if self._closed:
            return
        self._closed = True
        self._remove()
        self._area.close()
        close_widgets(self._title, self.widget)
