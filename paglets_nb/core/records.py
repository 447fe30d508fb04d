"""Records: what is made anew for every call, without a constructor in Python.

Owns which library makes them; must not know what they hold, or that it may travel.
"""

from __future__ import annotations

from msgspec import Struct as Record
from msgspec import field

__all__ = ["Record", "field"]
