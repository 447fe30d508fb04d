"""Names: unique in the mesh while a paglet is being created.

Before a paglet is made under a name, its host claims the name at one host of the mesh
(the first by name of those online) and looks for it on all of them. A claim bridges the
moments in which two creators could both find nobody; it ends with the creation.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paglets_nb.errors import HostDiedError, LifecycleError, NameTakenError, PagletError
from paglets_nb.host.protocol import FindRequest, Found, Nothing

if TYPE_CHECKING:
    from paglets_nb.host.host import Host
    from paglets_nb.host.requests import Verb

__all__ = ["Claim", "Names"]

CLAIMED_FOR = 15.0
"""Seconds after which a claim ends by itself, its claimer being gone."""
_ASK = 5.0


@dataclass(frozen=True)
class Claim:
    """``@claim`` and ``@release``: a name, and who wants it."""

    name: str
    claimer: str


class Names:
    """The claims that one host holds for the mesh, and its own creations' claims."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._claims: dict[str, tuple[str, float]] = {}

    def verbs(self) -> dict[str, Verb]:
        """What the host is asked about names."""
        return {"@claim": (Claim, self.claim), "@release": (Claim, self.release)}

    def claim(self, _target: str, claim: Claim) -> Nothing:
        """Hold a name for a creator; NameTakenError while another one holds it."""
        now = time.monotonic()
        with self._lock:
            claimer, until = self._claims.get(claim.name, ("", 0.0))
            if until > now and claimer != claim.claimer:
                raise NameTakenError(claim.name, self._host.name)
            self._claims[claim.name] = (claim.claimer, now + CLAIMED_FOR)
        return Nothing()

    def release(self, _target: str, claim: Claim) -> Nothing:
        """The creation has ended, one way or the other."""
        with self._lock:
            if self._claims.get(claim.name, ("", 0.0))[0] == claim.claimer:
                del self._claims[claim.name]
        return Nothing()

    @contextmanager
    def claimed(self, name: str) -> Iterator[None]:
        """Within this the name is ours to give; nothing is asked for an empty one.

        Raises:
            NameTakenError: a paglet of the mesh has it, or is being made under it.
            LifecycleError: it is no name.
        """
        if not name:
            yield
            return
        if not name.isidentifier():
            raise LifecycleError(f"{name!r} is not a paglet's name (letters, digits and _, no - and no digit first)")
        claim = Claim(name, secrets.token_hex(8))
        keeper = self._claim_at_keeper(claim)
        try:
            self._refuse_taken(name)
            yield
        finally:
            with suppress(PagletError, TimeoutError):
                if keeper == self._host.address:
                    self.release("", claim)
                else:
                    self._host.client.ask(keeper, "@release", claim, Nothing, timeout=_ASK)

    def _claim_at_keeper(self, claim: Claim) -> str:
        """Claim at the first host that answers; its address."""
        for member in sorted(self._host.members.hosts(), key=lambda host: host.name):
            if member.url == self._host.address:
                break
            try:
                self._host.client.ask(member.url, "@claim", claim, Nothing, timeout=_ASK)
            except HostDiedError:
                continue
            return member.url
        self.claim("", claim)
        return self._host.address

    def _refuse_taken(self, name: str) -> None:
        host = self._host
        if host.information.find(name).agent_id:
            raise NameTakenError(name, host.name)
        for member in host.members.hosts():
            if member.url == host.address:
                continue
            with suppress(HostDiedError):
                if host.client.ask(member.url, "@find", FindRequest(name), Found, timeout=_ASK).agent_id:
                    raise NameTakenError(name, member.name)
