"""Shards over many GPUs or machines, by Ray Data (the extra `cluster`).

Each of its actors prepares once (reads the model, opens the genome) and then works shard by shard.
What a shard gives is written by the actor itself, so nothing large passes through Ray. An actor
whose process dies is started anew by Ray Data and its shard handed out again; since the work on a
shard may so be done twice, it must leave the same whether done once or twice.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nucel_interp.errors import InputError, NucelError

Work = Callable[[int], int]
"""Does shard number n, and returns how many bases that were."""
Prepare = Callable[[str], Work]
"""Makes ready on a device ("cuda" or "cpu"); must be picklable."""


def on_cluster(
    prepare: Prepare, shards: Sequence[int], *, address: str, threads: int = 0
) -> Iterator[tuple[int, int]]:
    """Have shards done by the actors of a Ray cluster: one a GPU, or one per ``threads`` CPUs.

    Args:
        prepare: Called once in each actor; what it returns is called with the numbers of shards.
        shards: The numbers.
        address: "local" starts Ray on this machine and ends it again; "auto" finds the cluster that
            runs here; otherwise the host and port of one.
        threads: CPUs of an actor where there is no GPU; 0 is one.

    Yields:
        Number and bases of each shard, as they are finished.

    Raises:
        InputError: Ray is not installed, or no cluster answers at ``address``.
        NucelError: The work failed, with the reason.
    """
    # read when ray is imported: it shall not report to its makers, nor print what is no error
    for name, value in (("RAY_USAGE_STATS_ENABLED", "0"), ("RAY_BACKEND_LOG_LEVEL", "fatal")):
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError(
            f"--cluster {address} needs Ray Data: pip install 'nucel-interp[cluster]', here and on "
            "every machine of the cluster"
        ) from error
    if not shards:
        return
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:
        raise InputError(
            f"no Ray cluster answers at {address}: start one (ray start --head), or give local. If "
            "one runs there, it may want a token: docs.ray.io, Ray security, token authentication"
        ) from error
    try:
        yield from _finished(ray, prepare, shards, max(1, threads))
    finally:
        ray.shutdown()


def _finished(
    ray: Any, prepare: Prepare, shards: Sequence[int], threads: int
) -> Iterator[tuple[int, int]]:
    resources = ray.cluster_resources()
    gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 0))
    if not gpus and cpus < threads:
        raise InputError(
            f"the Ray cluster has {cpus} CPUs and no GPU, fewer than --threads {threads}"
        )
    actors = min(len(shards), gpus or cpus // threads)
    ray.data.DataContext.get_current().enable_progress_bars = False  # the caller shows one
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    done = ray.data.from_items(
        [{"shard": number} for number in shards], override_num_blocks=len(shards)
    ).map_batches(
        _Actor,
        fn_constructor_args=(prepare, "cuda" if gpus else "cpu", 0 if gpus else threads),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=actors),
        **({"num_gpus": 1} if gpus else {"num_cpus": threads}),
    )
    for row in done.iter_rows():
        if row["error"]:
            raise NucelError(f"shard {row['shard']} failed on a worker: {row['error']}")
        yield int(row["shard"]), int(row["bases"])


class _Actor:
    """What runs in a process of the cluster; an error travels as data, in one line."""

    def __init__(self, prepare: Prepare, device: str, threads: int) -> None:
        self._prepare, self._device, self._threads = prepare, device, threads
        self._work: Work | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Do the shards of a batch, a column of numbers."""
        bases, errors = [], []
        for number in batch["shard"]:
            try:
                if self._work is None:
                    self._work = self._ready()
                bases.append(self._work(int(number)))
                errors.append("")
            except Exception as error:
                told = isinstance(error, OSError | NucelError)
                kind = "" if told else f"{type(error).__name__}: "
                bases.append(0)
                errors.append(kind + " ".join(str(error).split()))
        return {"shard": batch["shard"], "bases": bases, "error": errors}

    def _ready(self) -> Work:
        if self._threads:
            import torch

            torch.set_num_threads(self._threads)
        return self._prepare(self._device)
