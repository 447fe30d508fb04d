"""Fan-outs over in-process hosts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from paglets_nb import Host, HostRef, OperationPaglet, PagletProxy, PagletProxyRef, ServiceOperation
from paglets_nb.core.events import CloneEvent, DisposalEvent
from paglets_nb.errors import HostDiedError, InvalidAgentError, TransferError
from paglets_nb.host.protocol import Arrival
from paglets_nb.patterns import ChildRoleState, MeshFanoutMixin, MeshFanoutState, OperationClient
from paglets_nb.services.contracts import EmptyPayload
from paglets_nb.testing import in_process_mesh, wait_until

NAMES = ("alpha", "beta", "gamma", "delta")


@dataclass
class SurveyState(MeshFanoutState):
    found: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Survey:
    """Which hosts, for how long."""

    targets: list[str] = field(default_factory=list)
    timeout: float = 10.0
    include_self: bool = True


@dataclass(frozen=True)
class Finding:
    """What a child found."""

    host_name: str = ""
    value: int = 0
    error: str = ""


@dataclass(frozen=True)
class Findings:
    """What the parent gathered."""

    found: dict[str, int] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    elapsed: float = 0.0


COLLECT = ServiceOperation("collect", Survey, Findings)
CHILD_RESULT = ServiceOperation("child_result", Finding)
CLEANUP = ServiceOperation("cleanup", EmptyPayload, Findings)


class Surveyor(MeshFanoutMixin, OperationPaglet[SurveyState]):
    """Asks every host a question, by a child there."""

    silent: ClassVar[set[str]] = set()
    refusing: ClassVar[set[str]] = set()
    stubborn: ClassVar[set[str]] = set()
    failing: ClassVar[set[str]] = set()
    fanout_cleanup_timeout = 2.0

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """collect, child_result, cleanup."""
        return {COLLECT: self.collect, CHILD_RESULT: self.child_result, CLEANUP: self.cleanup}

    def collect(self, request: Survey) -> Findings:
        """Clone to the hosts and wait for what the children report."""
        begin = time.monotonic()
        self.fanout_reset(timeout=request.timeout)
        self.state.found = {}
        for host in self.fanout_select_hosts(request.targets, include_self=request.include_self):
            self.fanout_clone_to(host)
        self.fanout_wait_for(lambda: not self.state.pending_hosts, wait_timeout=60.0)
        self.fanout_expire_pending("no answer by the deadline")
        return self._findings(time.monotonic() - begin)

    def _findings(self, elapsed: float = 0.0) -> Findings:
        state = self.state
        return Findings(state.found, state.done_hosts, state.errors, state.pending_hosts, elapsed)

    def child_result(self, request: Finding) -> None:
        """Record what a child reports."""
        if request.error:
            self.fanout_record_error(request.host_name, request.error)
            return
        with self.locked():
            self.state.found[request.host_name] = request.value
            self.fanout_record_done(request.host_name)

    def cleanup(self, _request: EmptyPayload) -> Findings:
        """Dispose of the children."""
        self.fanout_cleanup_children()
        return self._findings()

    def on_cloning(self, event: CloneEvent) -> None:
        """Refuse where told to."""
        if self.state.target_host_name in Surveyor.refusing:
            raise TransferError("this one will not be cloned")

    def on_disposing(self, event: DisposalEvent) -> None:
        """Refuse where told to."""
        if self.context.name in Surveyor.stubborn:
            raise TransferError("will not go")

    def run(self) -> None:
        """Report, as a child."""
        state = self.state
        if state.role != "child" or self.context.name in Surveyor.silent:
            return
        assert (state.target_host_name, state.target_host_url) == (self.context.name, self.context.address)
        parent = PagletProxyRef(state.parent_host_url, state.parent_agent_id)
        error = "it hurts" if self.context.name in Surveyor.failing else ""
        finding = Finding(self.context.name, len(self.context.name), error)
        OperationClient(parent.resolve(self.context)).call(CHILD_RESULT, finding)


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Four hosts."""
    for rule in (Surveyor.silent, Surveyor.refusing, Surveyor.stubborn, Surveyor.failing):
        rule.clear()
    with in_process_mesh(NAMES) as mesh:
        yield mesh


@pytest.fixture
def parent(hosts: list[Host]) -> PagletProxy:
    """A parent on the first host."""
    return hosts[0].create(Surveyor)


def collect(parent: PagletProxy, *targets: str, **options: Any) -> Findings:
    """Have the parent collect."""
    found: Findings = OperationClient(parent).call(COLLECT, Survey(list(targets), **options), timeout=30.0)
    return found


def paglet_of(host: Host, proxy: PagletProxy) -> Surveyor:
    """The paglet behind a proxy."""
    found: Any = host.residents.require(proxy.agent_id).paglet
    assert isinstance(found, Surveyor)
    return found


def test_a_parent_waits_in_one_operation_for_what_children_report_in_another(
    hosts: list[Host], parent: PagletProxy
) -> None:
    """Children on every host report while the parent's handler waits for them; all arrive."""
    findings = collect(parent)
    assert findings.found == {name: len(name) for name in NAMES}
    assert sorted(findings.done) == sorted(NAMES)
    assert (findings.errors, findings.pending) == ({}, [])
    state = paglet_of(hosts[0], parent).state
    assert (state.role, state.target_host_name, state.target_host_url) == ("parent", "", "")
    assert {name: wired["host_url"] for name, wired in state.child_proxies.items()} == {
        host.name: host.address for host in hosts
    }


def test_cleanup_leaves_no_child(hosts: list[Host], parent: PagletProxy) -> None:
    """After the clean-up the parent alone is left, and nothing is left to clean up."""
    collect(parent)
    assert sum(len(host.residents) for host in hosts) == 5
    OperationClient(parent).call(CLEANUP)
    assert [len(host.residents) for host in hosts] == [1, 0, 0, 0]
    state = paglet_of(hosts[0], parent).state
    assert (state.child_proxies, state.cleanup_errors) == ({}, {})
    OperationClient(parent).call(CLEANUP)


def test_rounds_do_not_mix(hosts: list[Host], parent: PagletProxy) -> None:
    """Each fan-out begins afresh."""
    for _ in range(3):
        assert collect(parent, "beta", "gamma").found == {"beta": 4, "gamma": 5}
        OperationClient(parent).call(CLEANUP)
    assert collect(parent, include_self=False).found.keys() == {"beta", "gamma", "delta"}


def test_unknown_and_offline_targets_are_errors(hosts: list[Host], parent: PagletProxy) -> None:
    """A target that is no host, or not online, is an error of its own and the others are asked."""
    hosts[3].stop()
    findings = collect(parent, "beta", "nowhere", "delta", "beta", hosts[2].address)
    assert findings.found == {"beta": 4, "gamma": 5}
    assert findings.errors == dict.fromkeys(
        ["nowhere", "delta"], "target host is not online or not visible in the mesh"
    )


def test_a_clone_that_fails_is_an_error(hosts: list[Host], parent: PagletProxy) -> None:
    """A clone that cannot be made does not hold up the others, and the parent is itself again."""
    Surveyor.refusing.add("gamma")
    findings = collect(parent)
    assert findings.found.keys() == {"alpha", "beta", "delta"}
    assert findings.errors == {"gamma": "TransferError: this one will not be cloned"}
    assert paglet_of(hosts[0], parent).state.role == "parent"


def test_a_host_that_does_not_answer_leaves_time_for_the_others(
    hosts: list[Host], parent: PagletProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that is there but silent is an error before the deadline; the other children are made and report."""
    go_on = threading.Event()
    prepare = hosts[1].arrivals.prepare

    def silent(target: str, arrival: Any) -> Any:
        go_on.wait(20.0)
        return prepare(target, arrival)

    monkeypatch.setitem(hosts[1].requests._verbs, "@prepare", (Arrival, silent))
    findings = collect(parent, timeout=8.0)
    assert not hosts[1].get_proxies()
    go_on.set()
    assert findings.found.keys() == {"alpha", "gamma", "delta"}
    assert findings.errors["beta"].startswith("TransferError")
    assert paglet_of(hosts[0], parent).state.role == "parent"
    wait_until(lambda: not hosts[1].get_proxies(), what="the clone that came too late is gone")


def test_a_child_that_fails_is_an_error(parent: PagletProxy) -> None:
    """What a child reports as an error settles its host."""
    Surveyor.failing.add("beta")
    findings = collect(parent)
    assert findings.errors == {"beta": "it hurts"}
    assert findings.pending == []


def test_silent_children_expire_at_the_deadline(parent: PagletProxy) -> None:
    """Hosts that have not reported by the deadline become errors then; partial results are results."""
    Surveyor.silent.update({"beta", "delta"})
    findings = collect(parent, timeout=2.0)
    assert findings.found.keys() == {"alpha", "gamma"}
    assert findings.errors == dict.fromkeys(["beta", "delta"], "no answer by the deadline")
    assert findings.pending == []
    assert findings.elapsed > 1.9


def test_a_child_host_that_dies_expires_and_is_reported_by_the_cleanup(hosts: list[Host], parent: PagletProxy) -> None:
    """A host that ends after its child was made: an error at the deadline, another at the clean-up, never raised."""
    Surveyor.silent.add("delta")
    outcome: list[Findings] = []
    caller = threading.Thread(target=lambda: outcome.append(collect(parent, timeout=2.0)))
    caller.start()
    state = paglet_of(hosts[0], parent).state
    wait_until(lambda: "delta" in state.child_proxies)
    hosts[3].stop()
    caller.join(20.0)
    (findings,) = outcome
    assert findings.found.keys() == {"alpha", "beta", "gamma"}
    assert findings.errors == {"delta": "no answer by the deadline"}
    OperationClient(parent).call(CLEANUP)
    assert state.cleanup_errors.keys() == {"delta"}
    assert state.cleanup_errors["delta"].startswith(HostDiedError.__name__)
    assert state.child_proxies.keys() == {"delta"}
    assert [len(host.residents) for host in hosts[:3]] == [1, 0, 0]


def test_a_child_that_will_not_go_is_a_cleanup_error(hosts: list[Host], parent: PagletProxy) -> None:
    """A child whose disposal fails is kept in the books and can be cleaned up later."""
    Surveyor.stubborn.add("beta")
    collect(parent, "beta", "gamma")
    OperationClient(parent).call(CLEANUP)
    state = paglet_of(hosts[0], parent).state
    assert state.cleanup_errors == {"beta": "TransferError: will not go"}
    assert state.child_proxies.keys() == {"beta"}
    Surveyor.stubborn.clear()
    OperationClient(parent).call(CLEANUP)
    assert (state.cleanup_errors, state.child_proxies) == ({}, {})


def test_a_child_gone_already_is_clean(hosts: list[Host], parent: PagletProxy) -> None:
    """Disposing of a child that has ended by itself is no error."""
    collect(parent, "beta")
    child = hosts[1].get_proxies()[0]
    child.dispose()
    with pytest.raises(InvalidAgentError):
        child.info()
    OperationClient(parent).call(CLEANUP)
    assert paglet_of(hosts[0], parent).state.cleanup_errors == {}


# ---- the bookkeeping, without a host


class Books(MeshFanoutMixin, OperationPaglet[MeshFanoutState]):
    pass


BETA = HostRef("beta", "unix:///beta.sock")


def test_preparing_and_finishing_a_clone() -> None:
    """Between the two the state is the child's; after it the parent has its own fields back."""
    books = Books(agent_id="mine")
    books.state.parent_agent_id = "grandparent"
    before = ChildRoleState(parent_agent_id="grandparent")
    books.fanout_prepare_clone(BETA)
    books.fanout_prepare_clone(HostRef("gamma", "unix:///gamma.sock"))
    state = books.state
    assert (state.role, state.parent_agent_id) == ("child", "mine")
    assert (state.target_host_name, state.target_host_url) == ("gamma", "unix:///gamma.sock")
    assert state.pending_hosts == ["beta", "gamma"]
    assert not books.fanout_is_child()
    assert Books(state, agent_id="clone").fanout_is_child()
    books.fanout_finish_clone_prepare()
    assert not books.fanout_is_child()
    assert {name: getattr(state, name) for name in vars(before)} == vars(before)
    assert state.pending_hosts == ["beta", "gamma"]
    state.role = "child"
    books.fanout_finish_clone_prepare()
    assert (state.role, state.target_host_name) == ("parent", "")


def test_recording() -> None:
    """Done and failed hosts are pending no longer; an empty name and a repetition change nothing."""
    books = Books()
    books.state.pending_hosts = ["alpha", "beta", "gamma"]
    books.fanout_record_done("")
    books.fanout_record_done("alpha")
    books.fanout_record_done("alpha")
    books.fanout_record_error("beta", ValueError("bad"))
    books.fanout_record_error("other", ValueError())
    state = books.state
    assert (state.pending_hosts, state.done_hosts) == (["gamma"], ["alpha"])
    assert state.errors == {"beta": "ValueError: bad", "other": "ValueError"}
    wired = {"host_url": "unix:///beta.sock", "agent_id": "a1"}
    for proxy in (PagletProxyRef("unix:///beta.sock", "a1"), wired, PagletProxy("unix:///beta.sock", "a1", None)):  # type: ignore[arg-type]
        state.child_proxies = {}
        books.fanout_record_child_proxy("beta", proxy)
        assert state.child_proxies == {"beta": wired}


def test_nothing_expires_before_the_deadline() -> None:
    """Pending hosts expire past the deadline only, and never where there is none."""
    books = Books()
    books.state.pending_hosts = ["beta"]
    assert books.fanout_expire_pending("late") == []
    books.fanout_reset(timeout=60.0)
    assert books.state.pending_hosts == []
    books.state.pending_hosts = ["beta", "gamma"]
    assert books.fanout_expire_pending("late") == []
    books.state.deadline = time.monotonic() - 0.01
    assert books.fanout_expire_pending("late") == ["beta", "gamma"]
    assert books.state.errors == {"beta": "late", "gamma": "late"}
    assert books.state.pending_hosts == []


def test_a_wait_is_capped_by_the_deadline() -> None:
    """A wait ends with its condition, at its own time-out or at the deadline, whichever is first."""
    books = Books()
    begin, long = time.monotonic(), 60.0
    assert books.fanout_wait_for(lambda: False, wait_timeout=0.05) is False
    books.fanout_reset(timeout=0.1)
    assert books.fanout_wait_for(lambda: False, wait_timeout=long) is False
    assert books.fanout_wait_for(lambda: False, wait_timeout=long) is False
    assert books.fanout_wait_for(lambda: True, wait_timeout=long) is True
    assert time.monotonic() - begin < long / 2
