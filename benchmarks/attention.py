"""What attention costs at full length: the profile, our forward pass, transformers, in one table.

    python -m benchmarks.attention
    python -m benchmarks.attention --lengths 1000 2000 --threads 2
    python -m benchmarks.attention --accuracy        # bf16 beside fp32, and the eager definition

The paper's shape (22 layers of 512 in 16 heads, window 128), random weights, one random sequence
without N. Each length is a process of its own in which all readers take turns, round after round;
a ratio is that of the fastest rounds. Memory is the peak during one profile pass over what the
process held after a pass on 64 bases. transformers' eager model is made to return every map, and
the maps are reduced to the profile's numbers (column sums, entropies, shares); where its maps would
not fit into three quarters of the free memory it is not run. Linux only.

Other parts of the same story: `attention_stages` (the motifs command, stage by stage),
`attention_stream` (bases a second from FASTA to bigWig), `attention_seams`, `attention_gpu`.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from benchmarks.nt_profile import HEADS, HIDDEN, INNER, LAYERS, free_gb, memory_gb
from nucel_model import NucelConfig, NucelEncoder, every_third_global, from_pretrained, tokenizer
from nucel_model.config import config_to_json

LENGTHS = (1_000, 2_000, 4_000, 8_000, 16_000)
ROUNDS_S = 20
"""A round as long as this is the only one; shorter ones are repeated, three times at most."""
EXAMPLE = Path(__file__).parents[1] / "nucel_interp" / "data" / "gm12878_ctcf_top500.fa"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=list(LENGTHS))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--accuracy", action="store_true", help="errors in place of times")
    parser.add_argument("--only", type=int, help="one length, as JSON")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.only is not None:
        print(json.dumps(measure(given.only)))
        return
    if given.accuracy:
        accuracy()
        return
    print(f"{given.threads} threads; load average at the start {os.getloadavg()[0]:.1f}\n")
    print(
        "| bases | forward, s | profile, s | profile : forward | forward : transformers sdpa "
        "| profile : transformers sdpa | transformers eager, reduced : profile "
        "| bf16 profile : fp32 profile | memory of the profile, MB |\n" + "|---" * 9 + "|"
    )
    for length in given.lengths:
        got = run(length, given.threads)
        print(row(length, got), flush=True)
    print(f"\nload average at the end {os.getloadavg()[0]:.1f}")


def row(length: int, got: dict[str, float]) -> str:
    """A line of the table."""

    def ratio(a: str, b: str) -> str:
        return f"{got[a] / got[b]:.2f}" if a in got and b in got else "does not fit"

    cells = [
        f"{length:,}", f"{got['forward']:.2f}", f"{got['profile']:.2f}",
        ratio("profile", "forward"), ratio("forward", "sdpa"), ratio("profile", "sdpa"),
        ratio("eager", "profile"), ratio("bf16", "profile"), f"{got['megabytes']:.0f}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def run(length: int, threads: int) -> dict[str, float]:
    """One length, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.attention", "--only", str(length)]
    done = subprocess.run(
        [*command, "--threads", str(threads)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{length} failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def paper_shape() -> NucelConfig:
    """NucEL's published shape, with room for the longest input."""
    return NucelConfig(
        hidden_size=HIDDEN,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        layer_types=every_third_global(LAYERS),
        max_position_embeddings=max(LENGTHS) + 1,
    )


def random_ids(length: int) -> Tensor:
    """[CLS] and ``length`` bases."""
    ids = torch.randint(tokenizer.A, tokenizer.T + 1, (1, length + 1))
    ids[:, 0] = tokenizer.CLS
    return ids


@torch.inference_mode()
def measure(length: int) -> dict[str, float]:
    """Fastest seconds of every reader, and the profile's memory in MB."""
    torch.manual_seed(0)
    ours = NucelEncoder(paper_shape()).eval()
    ids, short = random_ids(length), random_ids(64)
    ours.profile(short)
    before = memory_gb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    ours.profile(ids)
    found = {"megabytes": 1e3 * (memory_gb("VmHWM") - before)}
    half = copy.deepcopy(ours).bfloat16()
    readers: dict[str, Callable[[Tensor], object]] = {
        "forward": ours,
        "profile": ours.profile,
        "sdpa": peer(ours, "sdpa"),
    }
    if torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        readers["bf16"] = half.profile
    if LAYERS * HEADS * length**2 * 4 / 1e9 < 0.75 * free_gb():
        eager = peer(ours, "eager")
        readers["eager"] = lambda ids: reduced(eager(ids), ours.config)
    for read in readers.values():
        read(short)
    for _ in range(3):
        started = time.perf_counter()
        for name, read in readers.items():
            begun = time.perf_counter()
            read(ids)
            found[name] = min(found.get(name, np.inf), time.perf_counter() - begun)
        if time.perf_counter() - started > ROUNDS_S:
            break
    return found


def peer(ours: NucelEncoder, implementation: str) -> Callable[[Tensor], object]:
    """Transformers' ModernBertModel with our weights; returns its maps if it is the eager one."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    words = config_to_json(ours.config)
    kept = {k: v for k, v in words.items() if k not in ("architectures", "model_type")}
    config = transformers.ModernBertConfig(**kept, attn_implementation=implementation)
    model = transformers.ModernBertModel(config).eval()
    model.load_state_dict(ours.state_dict())
    eager = implementation == "eager"

    def read(ids: Tensor) -> object:
        output = model(input_ids=ids, output_attentions=eager)
        return list(output.attentions) if eager else output.last_hidden_state

    return read


def reduced(maps: object, config: NucelConfig) -> list[tuple[Tensor, ...]]:
    """The profile's numbers out of whole maps, for one sequence without N; maps are given back."""
    assert isinstance(maps, list)
    found: list[tuple[Tensor, ...]] = []
    for layer in range(len(maps)):
        probs, maps[layer] = maps[layer][0, :, 1:], None
        seen = visible(probs.shape[-1], config.window(layer))
        expected = (seen[1:] / seen[1:].sum(dim=1, keepdim=True)).sum(dim=0)
        received = probs.sum(dim=1)[:, 1:] / expected[1:]
        entropy = torch.special.entr(probs).sum(dim=-1) / np.log(2)
        found.append((received, entropy, probs[..., 0].mean(dim=-1)))
    return found


def visible(tokens: int, window: int | None) -> Tensor:
    """(queries, keys): 1.0 where a query may look."""
    at = torch.arange(tokens)
    if window is None:
        return torch.ones(tokens, tokens)
    return ((at[:, None] - at[None, :]).abs() <= window).float()


@torch.inference_mode()
def accuracy() -> None:
    """Fp32 against the eager definition in fp64, at the paper's shape; bf16 on `nucel-mini`."""
    torch.manual_seed(0)
    ours, ids = NucelEncoder(paper_shape()).eval(), random_ids(1_000)
    got = ours.profile(ids)
    exact = copy.deepcopy(ours).double()
    maps = exact(ids, output_attentions=True).attentions
    assert maps is not None
    wanted = reduced([m.double() for m in maps], ours.config)
    for number, name in enumerate(("received", "entropy", "cls_share")):
        mine = getattr(got, name)[0].double()
        theirs = torch.stack([layer[number] for layer in wanted])
        worst = ((mine - theirs).abs() / theirs.abs().clamp(min=1)).max().item()
        print(f"{name}: largest difference from fp64 over max(1, value) {worst:.1e}")

    model = from_pretrained("nucel-mini")
    half = copy.deepcopy(model).bfloat16()
    from nucel_interp.io.fasta import read_records

    texts = [record.sequence for record in read_records(EXAMPLE)]
    pairs: list[list[np.ndarray]] = []
    for at in range(0, len(texts), 25):
        some = texts[at : at + 25]
        a, b = (m.profile_sequences(some).received.float() for m in (model, half))
        known = ~a[:, 0, 0].isnan()
        pairs.append(
            tuple(x.permute(1, 2, 0, 3)[:, :, known].flatten(0, 1).numpy() for x in (a, b))
        )
    full, low = (np.concatenate(x, axis=1) for x in zip(*pairs, strict=True))
    rank = [spearmanr(x, y).statistic for x, y in zip(full, low, strict=True)]
    error = np.abs(low - full) / np.abs(full)
    print(
        f"bf16 against fp32, nucel-mini, {len(texts)} sequences, {full.shape[1]:,} bases: Spearman "
        f"per head at least {min(rank):.5f} (median {np.median(rank):.5f}); relative error of "
        f"received: median {np.median(error):.2%}, 99th percentile {np.quantile(error, 0.99):.2%}, "
        f"largest {error.max():.1%}"
    )


if __name__ == "__main__":
    main()
