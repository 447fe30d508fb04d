"""Names: one paglet of the mesh has one, however many want it at once."""

from __future__ import annotations

import threading

import pytest

from paglets_nb.errors import LifecycleError, NameTakenError
from paglets_nb.host.names import Claim
from paglets_nb.testing import Counter, in_process_mesh


def test_of_creators_at_once_one_gets_the_name() -> None:
    """Eight creators on four hosts want one name at the same moment: one has it, seven hear that it is taken."""
    with in_process_mesh(["alpha", "beta", "gamma", "delta"]) as hosts:
        for number in range(5):
            barrier = threading.Barrier(8)
            outcomes: list[str] = []

            def create(host: int, name: str, barrier: threading.Barrier, outcomes: list[str]) -> None:
                barrier.wait(10)
                try:
                    outcomes.append(hosts[host].create(Counter, name=name).name)
                except NameTakenError as error:
                    outcomes.append(f"taken {error.name}")

            name = f"wanted{number}"
            threads = [threading.Thread(target=create, args=(n % 4, name, barrier, outcomes)) for n in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            assert sorted(outcomes) == [*[f"taken {name}"] * 7, name]


def test_a_sleepers_name_is_taken() -> None:
    """A name stays with a paglet that sleeps, on its own host and on others."""
    with in_process_mesh(["alpha", "beta"]) as hosts:
        hosts[1].create(Counter, name="sleeper").deactivate()
        for host in hosts:
            with pytest.raises(NameTakenError, match="'sleeper' is taken by a paglet on beta"):
                host.create(Counter, name="sleeper")


def test_a_name_is_free_again_after_a_creation_that_failed() -> None:
    """A claim ends with its creation, also when that fails; what is no name is refused."""
    with in_process_mesh(["alpha", "beta"]) as hosts:
        with pytest.raises(LifecycleError, match="'1st' is not a paglet's name \\(letters, digits and _, no - and"):
            hosts[0].create(Counter, name="1st")
        hosts[0].names.claim("", Claim("held", "somebody"))
        with pytest.raises(NameTakenError):
            hosts[1].create(Counter, name="held")
        hosts[0].names.release("", Claim("held", "somebody"))
        assert hosts[1].create(Counter, name="held").name == "held"
