"""Which paglet a word of a line means: variables, names and ids, and what becomes of a word that is two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import HostDiedError, InvalidAgentError
from paglets_nb.magics.missing import no_paglet

if TYPE_CHECKING:
    from paglets_nb.host.protocol import PagletInfo
    from paglets_nb.magics.session import Session
    from paglets_nb.mesh.asking import Listed

__all__ = ["paglet_of"]


def _proxy_in(value: Any) -> PagletProxy | None:
    """The proxy that a value is, or holds as a task's handle does."""
    proxy = getattr(value, "proxy", value)
    return proxy if isinstance(proxy, PagletProxy) else None


def paglet_of(session: Session, word: str) -> PagletProxy:
    """A paglet by variable, name, id or unique start of an id.

    Raises:
        UsageError: there is no such paglet, or a name and a variable lead to different ones.
    """
    handed_over = _proxy_in(getattr(word, "value", None))
    if handed_over is not None:
        return handed_over
    held = _proxy_in(session.namespace.get(str(word)))
    if held is not None:
        return _held_or_named(session, str(word), held)
    mesh = session.require_mesh()
    for _attempt in range(2):
        listed = _listed(session, str(word))
        info = listed.find(str(word))
        if info is not None:
            return _proxy(session, info)
        if not session.await_host():
            break
    raise UsageError(no_paglet(str(word), listed, mesh.losses.fate(str(word))))


def _listed(session: Session, word: str) -> Listed:
    """The paglets of the mesh, or as many as it took to find the one meant."""
    from paglets_nb.mesh.asking import LISTED, list_paglets

    mesh = session.require_mesh()
    return list_paglets(mesh.client, mesh.hosts(), session.deadline.patience(LISTED), word)


def _proxy(session: Session, info: PagletInfo) -> PagletProxy:
    client = session.require_mesh().client
    return PagletProxy(info.host_url, info.agent_id, client, name=info.name, class_name=info.class_name)


def _held_or_named(session: Session, word: str, held: PagletProxy) -> PagletProxy:
    """The paglet that a variable holds, unless it has gone and another bears the variable's name now."""
    mesh = session.mesh
    if mesh is None or not mesh.running:
        return held
    there = held.client is mesh.client and _exists(session, held)
    if there and held.name == word:
        return held
    named = next((info for info in _listed(session, word).paglets if info.name == word), None)
    if named is None or named.agent_id == held.agent_id:
        return held
    if not there:
        return _proxy(session, named)
    raise UsageError(
        f"{word!r} is the name of a paglet on {named.host_name}, and a variable that holds another, "
        f"{session.label(held)}: say {named.agent_id} for the one, ${word} for the other"
    )


def _exists(session: Session, proxy: PagletProxy) -> bool:
    """Whether a paglet is there, as far as its host answers."""
    from paglets_nb.mesh.asking import ANSWER

    try:
        proxy.info(timeout=session.deadline.patience(ANSWER))
    except (InvalidAgentError, HostDiedError):
        return False
    except TimeoutError:
        return True
    return True
