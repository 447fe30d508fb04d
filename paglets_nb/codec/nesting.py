"""How deeply a msgpack value is nested, found without recursion.

Source of the layout: the MessagePack specification.
"""

from __future__ import annotations

__all__ = ["depth"]

_FIXED = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8}
_FIXED |= {0xCC + i: 1 << i for i in range(4)} | {0xD0 + i: 1 << i for i in range(4)}
_FIXED |= {0xD4 + i: 1 + (1 << i) for i in range(5)}
_SIZED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_COUNTED = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


def _item(data: bytes, at: int) -> tuple[int, int]:
    """Where the item at ``at`` ends, and how many items it holds."""
    tag = data[at]
    if tag < 0x80 or tag >= 0xE0:
        return at + 1, 0
    if tag < 0x90:
        return at + 1, 2 * (tag & 15)
    if tag < 0xA0:
        return at + 1, tag & 15
    if tag < 0xC0:
        return at + 1 + (tag & 31), 0
    if tag in _COUNTED:
        width, per = _COUNTED[tag]
        return at + 1 + width, per * int.from_bytes(data[at + 1 : at + 1 + width], "big")
    if tag in _SIZED:
        width = _SIZED[tag]
        size = int.from_bytes(data[at + 1 : at + 1 + width], "big")
        return at + 1 + width + size + (tag in (0xC7, 0xC8, 0xC9)), 0
    return at + 1 + _FIXED.get(tag, 0), 0


def depth(data: bytes) -> int:
    """The nesting of the first value in ``data``: 0 for a scalar, 1 for a flat list."""
    at, deepest = 0, 0
    open_items: list[int] = [1]
    while open_items and at < len(data):
        at, held = _item(data, at)
        open_items[-1] -= 1
        if held:
            open_items.append(held)
            deepest = max(deepest, len(open_items) - 1)
        while open_items and open_items[-1] == 0:
            open_items.pop()
    return deepest
