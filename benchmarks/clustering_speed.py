"""How time and memory of clustering grow with the number of seqlets, beside modisco-lite.

    python -m benchmarks.clustering_speed
    python -m benchmarks.clustering_speed --sizes 2700 20000 --modisco-python other/bin/python

Thirty planted motifs among 30 % random seqlets (`benchmarks/planted_data.py`), each motif with more
sites the larger the set. Every run is a process of its own; its time is that of clustering alone,
its peak memory that of the whole process, imports and sequences included. modisco-lite, in an
environment of its own (never a dependency: it brings GPL packages), gets the same sequences in
files, with contributions that are the made-up track within our seqlets and all but 0 outside, and
as many seqlets as there are; its time is that of its command. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.modisco_lite import read_patterns
from benchmarks.planted_data import LONG_FLANK, SEQLET, Planted, hold_against, planted
from nucel_interp.io.modisco import write_modisco

SEED = 0
NOISE = 0.3
SIZES = (2700, 20_000, 100_000)
GOAL = {2700: "6 s", 20_000: "60 s, 1.5 GB", 100_000: "480 s"}
MODISCO_LIMIT_S = 3600
FAINT = 0.01
"""modisco-lite stops at tracks that are never below 0: so much noise stands in for 0."""

CHILD = """
import json, sys, time
from pathlib import Path

import graspologic_native, sklearn.metrics

from benchmarks.clustering_speed import planted_set
from benchmarks.planted_data import hold_against
from benchmarks.planted_motifs import UNIFORM
from nucel_interp.motifs.clustering import cluster_seqlets

truth = planted_set(int(sys.argv[1]))
real, null = truth.regions(), truth.null(0)
started = time.perf_counter()
clusters = cluster_seqlets(real, null, UNIFORM).clusters
seconds = time.perf_counter() - started
status = Path("/proc/self/status").read_text()  # getrusage would count what the parent had used
found = hold_against(truth, [c.pwm for c in clusters], [c.members for c in clusters])
print(json.dumps(dict(n=len(real), seconds=seconds, recovered=found.recovered,
    by_archetype=found.by_archetype, clusters=found.clusters, noise=found.noise_kept,
    gb=int(status.split("VmHWM:")[1].split()[0]) / 1e6)))
"""
WRAPPER = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
if done.returncode:
    sys.exit(done.stderr[-1000:])
print(json.dumps(dict(seconds=time.perf_counter() - started,
    gb=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6)))
"""
"""Small, so that the memory it counts for its child is not its own."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--modisco-python", type=Path)
    given = parser.parse_args()
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    threads = {**os.environ, **dict.fromkeys(names, str(given.threads))}
    print("| method | seqlets | seconds | peak GB | goal | clusters | recovered | by archetype |")
    print("|---|---|---|---|---|---|---|---|")
    measured = []
    for size in given.sizes:
        got = _json_of([sys.executable, "-c", CHILD, str(size)], threads)
        measured.append((got["n"], got["seconds"]))
        _print("clustering", size, got)
        if given.modisco_python is not None:
            _print("modisco-lite", size, modisco(given.modisco_python, size, threads))
    if len(measured) > 1:
        n, seconds = np.log(np.array(measured)).T
        print(f"\nseconds grow as seqlets to the power {np.polyfit(n, seconds, 1)[0]:.2f}")


def planted_set(size: int) -> Planted:
    """About ``size`` seqlets: as many sites of each motif as that takes."""
    plain = len(planted(SEED, NOISE).records)
    return planted(SEED, NOISE, times=size / plain, flank=LONG_FLANK)


def modisco(python: Path, n: int, threads: dict[str, str]) -> dict[str, float]:
    """Its time, memory and motifs on the same set; empty if it fails or takes too long."""
    truth = planted_set(n)
    size = len(truth.records[0])
    inside = np.zeros(size, dtype=np.float32)
    inside[LONG_FLANK : LONG_FLANK + SEQLET] = 1
    rng = np.random.default_rng(SEED)
    tracks = [
        t * inside + (FAINT * (1 - inside) * rng.normal(size=size)).astype(np.float32)
        for t in truth.track(SEED)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_modisco(folder, truth.records, tracks)
        command = [
            str(python.with_name("modisco")), "motifs",
            "-s", f"{folder}/sequences.npz", "-a", f"{folder}/scores.npz",
            "-n", str(len(truth.records)), "-w", str(size // 2 * 2), "-o", f"{folder}/out.h5",
        ]  # fmt: skip
        try:
            got = _json_of([sys.executable, "-c", WRAPPER, *command], threads, MODISCO_LIMIT_S)
        except (subprocess.TimeoutExpired, RuntimeError) as error:
            print(f"modisco-lite, {n}: {str(error)[-300:]}", file=sys.stderr)
            return {}
        motifs, members = read_patterns(folder / "out.h5")
    found = hold_against(truth, [m.pwm for m in motifs], members)
    return {
        **got, "n": len(truth.records), "clusters": found.clusters, "recovered": found.recovered,
        "by_archetype": found.by_archetype,
    }  # fmt: skip


def _json_of(
    command: list[str], threads: dict[str, str], limit: float | None = None
) -> dict[str, float]:
    done = subprocess.run(
        command, env=threads, capture_output=True, text=True, check=False, timeout=limit
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    numbers: dict[str, float] = json.loads(done.stdout)
    return numbers


def _print(method: str, size: int, got: dict[str, float]) -> None:
    if not got:
        print(f"| {method} | {size:,} | did not end | | | | | |", flush=True)
        return
    goal = GOAL.get(size, "") if method == "clustering" else ""
    print(
        f"| {method} | {got['n']:,} | {got['seconds']:.1f} | {got['gb']:.2f} | {goal} "
        f"| {got['clusters']} | {got['recovered']} | {got['by_archetype']} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
