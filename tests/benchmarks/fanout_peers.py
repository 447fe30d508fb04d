"""Peers that call the same counter in four workers at once: ipyparallel, Dask and Ray, each as it comes."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from typing import Any, ClassVar, Protocol

from tests.benchmarks.workload import NOTE, PlainCounter

__all__ = ["PEERS", "FanOutPeer"]


class FanOutPeer(Protocol):
    """One peer, started.

    Class attributes:
        name: of its row.
        package: what must be installed.
    """

    name: ClassVar[str]
    package: ClassVar[str]

    def __init__(self, workers: int) -> None:
        """Start so many workers with a counter each."""

    def batch(self, calls: int) -> None:
        """Call all of them and wait for every reply, ``calls`` times."""

    def close(self) -> None:
        """End everything."""


def _add(by: int, note: str) -> tuple[int, int]:
    """What an engine of ipyparallel does: its counter is a global."""
    counter: Any = globals().setdefault("_counter", PlainCounter())
    found: tuple[int, int] = counter.add(by, note)
    return found


class IpyparallelPeer:
    """A direct view of engines."""

    name: ClassVar[str] = "ipyparallel (DirectView.apply_sync)"
    package: ClassVar[str] = "ipyparallel"

    def __init__(self, workers: int) -> None:
        import ipyparallel

        self._folder = tempfile.mkdtemp(prefix="bench-")
        self._cluster = ipyparallel.Cluster(n=workers, log_level=logging.ERROR, profile_dir=self._folder)
        self._client = self._cluster.start_and_connect_sync(activate=False)
        self._view = self._client[:]

    def batch(self, calls: int) -> None:
        """Apply to all engines."""
        apply = self._view.apply_sync
        for _ in range(calls):
            apply(_add, 1, NOTE)

    def close(self) -> None:
        """End client and cluster."""
        self._client.close()
        self._cluster.stop_cluster_sync()
        shutil.rmtree(self._folder, ignore_errors=True)


class DaskPeer:
    """Actors, one on each worker process."""

    name: ClassVar[str] = "Dask (actors)"
    package: ClassVar[str] = "distributed"

    def __init__(self, workers: int) -> None:
        from distributed import Client, LocalCluster

        self._cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
        )
        self._client = Client(self._cluster)
        addresses = list(self._client.scheduler_info(n_workers=-1)["workers"])
        futures = [self._client.submit(PlainCounter, actor=True, workers=[one], pure=False) for one in addresses]
        self._actors = [future.result() for future in futures]

    def batch(self, calls: int) -> None:
        """Call all actors."""
        for _ in range(calls):
            for future in [actor.add(1, NOTE) for actor in self._actors]:
                future.result()

    def close(self) -> None:
        """End actors, client and cluster."""
        self._actors.clear()
        self._client.close()
        self._cluster.close()


class RayPeer:
    """Actors, each a process of its own."""

    name: ClassVar[str] = "Ray (actors)"
    package: ClassVar[str] = "ray"

    def __init__(self, workers: int) -> None:
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray = ray
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        made = ray.remote(PlainCounter)
        self._actors = [made.remote() for _ in range(workers)]
        ray.get([actor.add.remote(0, NOTE) for actor in self._actors])

    def batch(self, calls: int) -> None:
        """Call all actors."""
        get, actors = self._ray.get, self._actors
        for _ in range(calls):
            get([actor.add.remote(1, NOTE) for actor in actors])

    def close(self) -> None:
        """End everything."""
        self._ray.shutdown()


PEERS: tuple[type[FanOutPeer], ...] = (IpyparallelPeer, DaskPeer, RayPeer)
