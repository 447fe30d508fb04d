"""What is said of a word that stands for no paglet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paglets_nb.magics.boundary import did_you_mean

if TYPE_CHECKING:
    from paglets_nb.mesh.asking import Listed

__all__ = ["no_paglet"]

_LISTED = 12


def no_paglet(word: str, listed: Listed, fate: str) -> str:
    """Why a word stands for no paglet.

    Args:
        word: the word.
        listed: the paglets there are, and the hosts that did not answer.
        fate: what became of the paglet of this name; empty where that is not known.
    """
    begun = [info.agent_id for info in listed.paglets if len(word) >= 3 and info.agent_id.startswith(word)]
    if len(begun) > 1:
        return f"{word!r} begins {len(begun)} paglets' ids: {', '.join(begun[:4])}"
    names = [info.name for info in listed.paglets if info.name]
    told = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    unnamed = len(listed.paglets) - len(names)
    more = f"{unnamed} without a name, by their ids; %paglet ls shows them" if unnamed else ""
    known = " and ".join(part for part in (told, more) if part) or "none"
    why = listed.unknown() or fate
    return f"no paglet {word!r} in the mesh{f': {why}' if why else ''} (paglets: {known}){did_you_mean(word, names)}"
