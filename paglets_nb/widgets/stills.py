"""Still pictures: SVG for a page that trusts its notebook, PNG for everywhere else.

Owns how a drawing becomes a notebook's output; it must not know what is drawn.
"""

from __future__ import annotations

import base64
import html
import importlib
import secrets
from collections.abc import Callable
from contextlib import suppress

__all__ = ["SURFACE", "image", "opening", "png_of", "still", "style_of"]

SURFACE = {
    "paper": ("--jp-layout-color0", "#ffffff"),
    "panel": ("--jp-layout-color1", "#fafafa"),
    "line": ("--jp-border-color1", "#c4c4c4"),
    "ink": ("--jp-ui-font-color0", "#1b1b1b"),
    "faint": ("--jp-ui-font-color2", "#5f5f5f"),
    "bad": ("--jp-error-color1", "#b3261e"),
    "mark": ("--jp-brand-color1", "#1565c0"),
}
"""The page's colours that drawings use, with what stands for them where there is no page."""
FONT = "var(--jp-ui-font-family, system-ui, sans-serif)"
STILL_FONT = "DejaVu Sans, Arial, sans-serif"
_SCALE = 2.0
_LARGE = 700.0
"""Height in pixels from which a drawing has one pixel of its PNG for each of its own."""


def style_of(rules: str, *, fixed: bool) -> str:
    """A drawing's rules with the colours and the font put in.

    Args:
        rules: CSS with ``$paper``, ``$font`` and the like.
        fixed: put the colours themselves in place of the page's variables.
    """
    for name, (variable, colour) in SURFACE.items():
        rules = rules.replace(f"${name}", colour if fixed else f"var({variable}, {colour})")
    return rules.replace("$font", STILL_FONT if fixed else FONT)


def opening(size: tuple[float, float], title: str, rules: str, *, fixed: bool) -> str:
    """How an SVG begins: its size, its rules, and with fixed colours its paper."""
    width, height = (f"{value:.0f}" for value in size)
    head = f"viewBox='0 0 {width} {height}' width='{width}' height='{height}' role='img'"
    words = html.escape(title, quote=True)
    paper = f"<rect width='{width}' height='{height}' fill='{SURFACE['paper'][1]}'/>" if fixed else ""
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' {head} aria-label='{words}' style='max-width:100%;height:auto'>"
        f"<style>{style_of(rules, fixed=fixed)}</style>{paper}"
    )


def png_of(svg: str, scale: float = _SCALE) -> bytes:
    """An SVG as a PNG; empty where vl-convert is not installed or cannot draw it."""
    with suppress(ImportError, RuntimeError, ValueError):
        png: bytes = importlib.import_module("vl_convert").svg_to_png(svg, scale=scale)
        return png
    return b""


def image(svg: str, size: tuple[float, float], title: str) -> str:
    """A drawing with fixed colours as an image of HTML; the drawing itself where no PNG can be made."""
    width, height = size
    png = png_of(svg, _SCALE if height < _LARGE else 1.0)
    if not png:
        return svg
    data, words = base64.b64encode(png).decode(), html.escape(title, quote=True)
    return f"<img alt='{words}' style='max-width:100%;width:{width:.0f}px' src='data:image/png;base64,{data}'>"


def still(draw: Callable[[bool], str], size: tuple[float, float], title: str) -> str:
    """A drawing as HTML: as it is where the page trusts the notebook, as an image where it does not.

    A page that does not trust takes away the style and the drawing, and leaves what is hidden hidden.

    Args:
        draw: makes the SVG, with fixed colours or with the page's.
        size: its width and height in pixels.
        title: all of it in words.
    """
    fixed, key = draw(True), f"paglets-still-{secrets.token_hex(4)}"
    shown = image(fixed, size, title)
    if shown == fixed:
        return draw(False)
    rules = f".{key}-svg{{display:block!important}}.{key}-png{{display:none}}"
    return (
        f"<style>{rules}</style><div hidden class='{key}-svg'>{draw(False)}</div><div class='{key}-png'>{shown}</div>"
    )
