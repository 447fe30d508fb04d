"""``%paglet upgrade PAGLET ... | CLASS``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.codec.names import qualified_name, resolve_qualified_name
from paglets_nb.codec.shipping import code_store
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import PagletError, SerializationError
from paglets_nb.host.upgrade import UPGRADE_VERB, Upgraded, UpgradeRequest
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.progress import progress
from paglets_nb.magics.session import Session
from paglets_nb.magics.tokens import Word
from paglets_nb.widgets.records import Upgrade, UpgradeTable
from paglets_nb.widgets.tables import PagletTable

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["VERB"]

_MARGIN = 20.0
"""Seconds for the hooks of the new version and the shipping of its code."""


@dataclass(frozen=True)
class _Step:
    """One paglet and the class it is to be of."""

    proxy: PagletProxy
    cls: type[Paglet[Any]]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "targets", nargs="+", metavar="PAGLET_OR_CLASS", help="paglets, or a class for every paglet of it in the mesh"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=seconds, default=10.0, help="for a handler that runs to end (10)"
    )


def _is_class(session: Session, word: str) -> bool:
    value = word.value if isinstance(word, Word) else None
    if isinstance(value, PagletProxy) or isinstance(getattr(value, "proxy", None), PagletProxy):
        return False
    return isinstance(value, type) or isinstance(session.namespace.get(str(word)), type) or "." in word or ":" in word


def _current_class(session: Session, proxy: PagletProxy) -> type[Paglet[Any]]:
    """The version of a paglet's class that the notebook has now."""
    if not proxy.class_name:
        proxy.class_name = proxy.info()["class_name"]
    name = proxy.class_name.partition("#")[0]
    try:
        cls = resolve_qualified_name(name)
    except SerializationError as error:
        raise UsageError(
            f"{session.label(proxy)} is a {name.partition(':')[2]}, which is not known here: {error}"
        ) from None
    if not (isinstance(cls, type) and issubclass(cls, Paglet)):
        raise UsageError(f"{name} is no paglet class any more but {type(cls).__name__}")
    return cls


def _steps(session: Session, words: list[str]) -> list[_Step]:
    """What is to be done, all of it found before the first one is done."""
    mesh = session.require_mesh()
    steps: dict[str, _Step] = {}
    for word in words:
        if _is_class(session, word):
            cls = session.paglet_class(word)
            name = qualified_name(cls)
            infos = [info for info in session.listing() if info.class_name.partition("#")[0] == name]
            steps.update({proxy.agent_id: _Step(proxy, cls) for proxy in PagletTable(infos, mesh.client)})
        else:
            for proxy in session.paglets([word]):
                steps[proxy.agent_id] = _Step(proxy, _current_class(session, proxy))
    session.await_answer(*(step.proxy.host_url for step in steps.values()))
    for step in steps.values():
        _refuse_running(session, step)
    return list(steps.values())


def _refuse_running(session: Session, step: _Step) -> None:
    """UsageError for a task that runs: its ``run_task`` would go on with nobody to see it."""
    from paglets_nb.patterns.tasks import TASK_STATUS, TaskPaglet, TaskStatus, TaskStatusReply

    if issubclass(step.cls, TaskPaglet) and step.proxy.is_active():
        reply = step.proxy.send(TASK_STATUS.to_message(), reply_type=TaskStatusReply)
        if reply.status in (TaskStatus.RUNNING, TaskStatus.WAITING_FOR_ARRIVAL):
            raise UsageError(f"{session.label(step.proxy)} runs; %paglet wait for it or %paglet cancel it first")


def _upgrade(session: Session, mesh: Mesh, step: _Step, timeout: float) -> Upgrade:
    proxy, request = step.proxy, UpgradeRequest(code_store.name_of(step.cls), timeout)
    label = session.label(proxy)
    reply = mesh.client.ask(
        proxy.host_url, UPGRADE_VERB, request, Upgraded, timeout=timeout + _MARGIN, target=proxy.agent_id
    )
    for known in [proxy, *session.shell.user_ns.values()]:
        if isinstance(known, PagletProxy) and known.agent_id == proxy.agent_id:
            known.host_url, known.class_name = reply.host_url, reply.class_name
    return Upgrade(proxy, label, reply.changed, None)


def run(session: Session, arguments: Arguments) -> UpgradeTable:
    """Upgrade the paglets, one after the other; what became of each, as a table."""
    steps, mesh = _steps(session, arguments.targets), session.require_mesh()
    done = UpgradeTable()
    with progress(session.shell, f"upgrading {len(steps)} paglet{'s' * (len(steps) != 1)}") as line:
        for step in steps:
            try:
                done.append(_upgrade(session, mesh, step, arguments.timeout))
            except Exception as error:  # of several, the others are upgraded all the same
                if len(steps) == 1 or (isinstance(error, PagletError) and not mesh.running):
                    raise
                done.append(Upgrade(step.proxy, session.label(step.proxy), False, error))
            line.tell(f"{len(done)} of {len(steps)}", done._repr_html_())
        line.update(f"{sum(entry.changed for entry in done)} of {len(steps)} upgraded")
    return done


VERB = LineVerb(configure, run)
