"""What a host can be asked: each verb with its request type and what answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paglets_nb.codec.shipping import Bundle, code_store
from paglets_nb.errors import SerializationError
from paglets_nb.host.event_log import event_verbs
from paglets_nb.host.interrupts import interrupt_verbs
from paglets_nb.host.modules import module_verbs
from paglets_nb.host.protocol import (
    Arrival,
    CloneRequest,
    CodeBundle,
    CodeRequest,
    CreateRequest,
    DeactivateRequest,
    DispatchRequest,
    DisposeRequest,
    FindRequest,
    Members,
    Nothing,
    OutcomeRequest,
    RetractRequest,
    Settle,
)
from paglets_nb.host.upgrade import upgrade_verbs

if TYPE_CHECKING:
    from paglets_nb.host.host import Host
    from paglets_nb.host.requests import Verb

__all__ = ["verbs_of"]


def verbs_of(host: Host) -> dict[str, Verb]:
    """The verbs of one host, by kind; each function takes the target and the request."""
    information, sleep, arrivals, movement = host.information, host.sleep, host.arrivals, host.movement
    return {
        "@create": (CreateRequest, lambda _target, request: host.lifecycle.create(request)),
        "@dispose": (DisposeRequest, lambda target, request: host.lifecycle.dispose(target, request.timeout)),
        "@dispatch": (DispatchRequest, movement.dispatch),
        "@retract": (RetractRequest, movement.retract),
        "@clone": (CloneRequest, movement.clone),
        "@outcome": (OutcomeRequest, movement.outcome),
        "@prepare": (Arrival, arrivals.prepare),
        "@activate": (Settle, arrivals.activate),
        "@abandon": (Settle, arrivals.abandon),
        "@deactivate": (DeactivateRequest, sleep.deactivate),
        "@wake": (Nothing, lambda target, _request: sleep.activate(target)),
        "@save": (Nothing, lambda _target, _request: _saved(host)),
        "@info": (Nothing, lambda target, _request: information.of(target)),
        "@list": (Nothing, lambda _target, _request: information.listing()),
        "@health": (Nothing, lambda _target, _request: information.health()),
        "@find": (FindRequest, lambda _target, request: information.find(request.key)),
        "@members": (Members, lambda _target, request: _take_members(host, request)),
        "@code": (CodeRequest, lambda _target, request: _give_code(host, request)),
        "@code-put": (CodeBundle, lambda _target, request: _take_code(request)),
        **host.names.verbs(),
        **host.services.verbs(),
        **event_verbs(host.events),
        **host.file_source.verbs(),
        **host.artifacts.verbs(),
        **upgrade_verbs(host),
        **interrupt_verbs(host),
        **module_verbs(host),
    }


def _saved(host: Host) -> Nothing:
    host.save()
    return Nothing()


def _take_members(host: Host, members: Members) -> Nothing:
    host.members.update(members.epoch, list(members.hosts))
    return Nothing()


def _give_code(host: Host, request: CodeRequest) -> CodeBundle:
    bundle = code_store.bundle(request.digest)
    if bundle is None:
        raise SerializationError(f"the code {request.digest} is not on {host.name}")
    return CodeBundle(bundle.digest, bundle.name, bundle.pickled, bundle.sources)


def _take_code(bundle: CodeBundle) -> Nothing:
    code_store.add(Bundle(bundle.digest, bundle.name, bundle.pickled, bundle.sources))
    return Nothing()
