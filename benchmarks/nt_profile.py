"""What a profile costs: the Nucleotide Transformer and NucEL, beside transformers' whole maps.

    python -m benchmarks.nt_profile

One random sequence, random weights, 22 layers of 512 in 16 heads for all, fp32. Ours reduces
attention as it goes (`profile_sequences`); the peer is a forward pass of transformers' own class
with ``attn_implementation="eager"`` and ``output_attentions=True``, without the reduction that
would follow. EsmModel is the Nucleotide Transformer v1; v2 is in no release of transformers. Tables
of positions are as long as the longest input needs, which the published v1 (5,994 bp) is not.

Every row is a process of its own. Seconds of wall time and of CPU time: one pass after a warm-up
on 150 bp, the median of three where a pass takes under 3 s. Memory is the peak during the passes,
over what the process held before them (weights and libraries). A peer whose maps alone would not
fit into three quarters of the free memory is not run. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from nucel_model import NTConfig, NucelConfig, every_third_global
from nucel_model.config import config_to_json
from nucel_model.nt_config import nt_config_to_json
from nucel_model.nt_tokenizer import Version

LENGTHS = (1_002, 6_000, 12_000)
QUICK_S = 3
LAYERS, HIDDEN, HEADS, INNER = 22, 512, 16, 2048
READERS = {
    "NT v1, profile": 6,
    "NT v1, transformers' EsmModel": 6,
    "NT v2, profile": 6,
    "NT v2, profile in six frames": 6,
    "NucEL, transformers' ModernBertModel": 1,
    "NucEL, profile": 1,
}
"""Name -> bases of a token."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=list(LENGTHS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs=2, metavar=("READER", "LENGTH"), help="one row, as JSON")
    given = parser.parse_args()
    if given.only is not None:
        print(json.dumps(measure(given.only[0], int(given.only[1]), given.threads)))
        return
    print(f"load average at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
    print("| | bp | tokens | seconds | CPU seconds | memory, GB | maps alone, GB |")
    print("|---|---|---|---|---|---|---|")
    for name, token_bp in READERS.items():
        for length in given.lengths:
            tokens = length // token_bp + 1
            maps = LAYERS * HEADS * tokens**2 * 4 / 1e9
            row = f"| {name} | {length:,} | {tokens:,} |"
            if "transformers'" in name and maps > 0.75 * free_gb():
                print(f"{row} does not fit | | | {maps:.1f} |", flush=True)
                continue
            got = run(name, length, given.threads)
            print(
                f"{row} {got['seconds']:.2f} | {got['cpu']:.2f} | {got['gb']:.2f} | {maps:.2f} |",
                flush=True,
            )
    print(f"\nload average at the end: {os.getloadavg()[0]:.1f}")


def run(name: str, length: int, threads: int) -> dict[str, float]:
    """One row, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.nt_profile", "--threads", str(threads)]
    done = subprocess.run(
        [*command, "--only", name, str(length)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{name} at {length:,} bp failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(name: str, length: int, threads: int) -> dict[str, float]:
    """Seconds and peak memory of one reader on one length."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with torch.inference_mode():
        read = reader(name)
        sequence = "".join(random.Random(0).choices("ACGT", k=length))
        read(sequence[:150])
        before = memory_gb("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
        walls, cpus = [], []
        while True:
            started, cpu = time.perf_counter(), time.process_time()
            read(sequence)
            walls.append(time.perf_counter() - started)
            cpus.append(time.process_time() - cpu)
            if walls[0] >= QUICK_S or len(walls) == 3:
                break
    return {
        "seconds": statistics.median(walls),
        "cpu": statistics.median(cpus),
        "gb": memory_gb("VmHWM") - before,
    }


def reader(name: str) -> Callable[[str], object]:
    """What reads a sequence; the caller lets the result go."""
    from nucel_interp.scoring import score_sequences
    from nucel_model import Nucel, NucelEncoder, NucleotideTransformer

    kind, how = name.split(", ")
    if kind == "NucEL":
        config = nucel_shape()
        if how.startswith("transformers'"):
            return peer("ModernBert", config_to_json(config), NucelEncoder(config).tokens)
        model = Nucel(NucelEncoder(config)).eval()
    else:
        shape = nt_shape("v1" if kind == "NT v1" else "v2")
        if how.startswith("transformers'"):
            return peer("Esm", nt_config_to_json(shape), NucleotideTransformer(shape).tokens)
        model = Nucel(NucleotideTransformer(shape)).eval()
    if how == "profile":
        return lambda sequence: model.profile_sequences([sequence])
    return lambda sequence: score_sequences(model, [sequence], strands="forward", frames=True)


def nucel_shape() -> NucelConfig:
    """NucEL's published shape, with room for the longest input."""
    return NucelConfig(
        hidden_size=HIDDEN,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        layer_types=every_third_global(LAYERS),
        max_position_embeddings=max(LENGTHS) + 1,
    )


def nt_shape(version: Version) -> NTConfig:
    """The shape of NT v2-100M, in either version, with room for the longest input."""
    return NTConfig(
        version=version,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=max(LENGTHS) // 6 + 3,
    )


def peer(family: str, words: dict[str, Any], tokens: Any) -> Callable[[str], object]:
    """A transformers model of the same configuration, made to return every map."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    kept = {k: v for k, v in words.items() if k not in ("architectures", "model_type")}
    config = getattr(transformers, f"{family}Config")(**kept, attn_implementation="eager")
    model = getattr(transformers, f"{family}Model")(config).eval()

    def read(sequence: str) -> object:
        output = model(input_ids=tokens([sequence])[0], output_attentions=True)
        assert len(output.attentions) == LAYERS
        return output

    return read


def memory_gb(field: str) -> float:
    """VmRSS (held now) or VmHWM (the most so far) of this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1e6


def free_gb() -> float:
    """What the system could still give out."""
    return int(Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0]) / 1e6


if __name__ == "__main__":
    main()
