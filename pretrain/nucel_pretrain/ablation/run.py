"""Run a grid: train every arm to equal compute, measure it on the way, write table and figure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from nucel_genome import Genome
from nucel_pretrain import messages
from nucel_pretrain.ablation.figure import draw
from nucel_pretrain.ablation.flops import step_cost
from nucel_pretrain.ablation.grid import Arm, GridConfig
from nucel_pretrain.ablation.scores import base_scores, embeddings
from nucel_pretrain.batches import Batches
from nucel_pretrain.config import PretrainConfig, as_dict
from nucel_pretrain.data import Windows
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.evaluation.metrics import estimate
from nucel_pretrain.evaluation.planted import planted, ranked
from nucel_pretrain.messages import Say
from nucel_pretrain.objectives import load_model
from nucel_pretrain.runfolder import check_folder
from nucel_pretrain.tokens import Tokens, make_tokens
from nucel_pretrain.train import build_model, train
from nucel_pretrain.warm_start import Start, saved_encoders

Probe = Callable[[Callable[[np.ndarray], np.ndarray]], dict[str, float]]
"""From a function that embeds (n, bases + 1) windows to a score per labelled set."""

SEED = 31
"""Of the planted changes: the same windows and changes for every arm."""


def ablate(
    grid: GridConfig,
    arms: list[Arm],
    out: Path,
    *,
    probe: Probe | None = None,
    say: Say | None = None,
    cache: Path | None = None,
) -> pd.DataFrame:
    """Train and compare every arm; a grid that was cut off goes on where it was.

    Writes ``out/ablation.tsv``, ``out/ablation.svg``, ``.png`` and ``out/runs/ARM-seedN/``, each a
    run's folder. Every arm trains until it has spent ``grid.flops``, counted in matrix products.

    Args:
        grid: Settings that all arms share.
        arms: Ways to train, each by its differences from the grid.
        out: Folder for everything.
        probe: Scores a model's embeddings on labelled sets; None = planted changes alone.
        say: Takes each line of progress; None = standard error.
        cache: Folder in which converted genomes are kept; None = the user's cache.

    Returns:
        One row per arm, seed and milestone.

    Raises:
        PretrainError: The budget is too small for a step, or as `train`.
    """
    say = say or messages.say
    check_folder(out)
    genome = Genome.open(arms[0].config.data.fasta, cache=cache, say=say)
    jobs = [(arm, seed) for seed in grid.seeds for arm in arms]
    rows: list[dict[str, Any]] = []
    for number, (arm, seed) in enumerate(jobs, 1):
        say(f"arm {number} of {len(jobs)}: {arm.name}, seed {seed}")
        folder = out / "runs" / f"{arm.name}-seed{seed}"
        done = folder / "milestones.json"
        loop = dataclasses.replace(arm.config.loop, seed=seed)
        config = dataclasses.replace(arm.config, loop=loop)
        wanted = {
            "probe": probe is not None,
            "windows": grid.windows,
            "flops": grid.flops,
            "config": as_dict(config),
        }
        if done.exists():
            kept = json.loads(done.read_text(encoding="utf-8"))
            # older folders say less of what was wanted
            if kept["wanted"] == {key: wanted[key] for key in kept["wanted"]}:
                rows += kept["rows"]
                continue
        found = _run(config, grid, folder, genome, probe, say, cache)
        found = [{"arm": arm.name, "seed": seed, **row} for row in found]
        partial = done.with_suffix(".partial")
        partial.write_text(
            json.dumps({"wanted": wanted, "rows": found}, indent=1), encoding="utf-8"
        )
        partial.replace(done)
        rows += found
    table = pd.DataFrame(rows)
    partial = out / ".ablation.tsv.partial"
    table.to_csv(partial, sep="\t", index=False, float_format="%.6g")
    partial.replace(out / "ablation.tsv")
    draw(table, out)
    say(f"table and figure written to {out / 'ablation.tsv'}, .svg and .png")
    return table


def _run(
    config: PretrainConfig,
    grid: GridConfig,
    folder: Path,
    genome: Genome,
    probe: Probe | None,
    say: Say,
    cache: Path | None,
) -> list[dict[str, Any]]:
    """One arm: train it, then measure each milestone."""
    windows = Windows(genome, config.data)
    folder.mkdir(parents=True, exist_ok=True)
    tokens = make_tokens(config.tokens, windows.stretches(), folder / "tokenizer.json")
    batches = Batches(windows, tokens, config.masking, config.loop.seed)
    encoders = Start.open(config).encoders if config.loop.start_from else None
    cost, n_tokens = step_cost(config, batches, tokens, encoders)
    steps = int(grid.flops / cost)
    at = sorted({round(share * steps) for share in grid.milestones})
    if steps < 1 or at[0] < 1:
        raise PretrainError(
            f"the budget of {grid.flops:.2g} FLOPs is {grid.flops / cost:.2f} steps of this arm; "
            "give more, or smaller batches"
        )
    config = dataclasses.replace(config, loop=dataclasses.replace(config.loop, steps=steps))
    say(f"{steps:,} steps of {cost:.3g} FLOPs")
    train(config, folder, say=say, cache=cache, milestones=at)
    ids, changed = planted(Windows(genome, config.data, validation=True), grid.windows, SEED)
    losses = _losses(folder / "metrics.jsonl")
    rows = []
    for step in at:
        saved = folder / "milestones" / f"step-{step:06d}"
        model = build_model(config, tokens, torch.device("cpu"), saved_encoders(saved))
        load_model(saved, model)
        rows.append(
            {
                "share": step / steps,
                "step": step,
                "flops": step * cost,
                "bases": step * config.data.batch * config.data.window,
                "tokens": step * n_tokens,
                "parameters": sum(p.numel() for p in model.parameters()),
                "score": "discriminator" if config.objective == "electra" else "masked marginal",
                **_planted_auroc(model, tokens, ids, changed),
                **_probed(model, tokens, probe),
                "own_loss": losses.get(step, float("nan")),
            }
        )
    return rows


def _planted_auroc(
    model: nn.Module, tokens: Tokens, ids: np.ndarray, changed: np.ndarray
) -> dict[str, float]:
    """AUROC over the bases that every arm scores: all but the few no 6-mer covers."""
    scores = base_scores(model, tokens, ids)
    covered = slice(0, ids.shape[1] // 6 * 6)
    found = estimate(ranked(scores[:, covered], changed[:, covered]).auroc, len(ids))
    return {
        "planted_auroc": found.value,
        "planted_low": found.low,
        "planted_high": found.high,
    }


def _probed(model: nn.Module, tokens: Tokens, probe: Probe | None) -> dict[str, float]:
    if probe is None:
        return {}
    scores = probe(lambda windows: embeddings(model, tokens, windows))
    return {
        **{f"probe_{name}": value for name, value in scores.items()},
        "probe_mean": float(np.mean(list(scores.values()))),
    }


def _losses(path: Path) -> dict[int, float]:
    """Held-out loss by step: ELECTRA's discriminator's, or the masked model's."""
    out = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        numbers = json.loads(line)
        for key in ("validation_discriminator_loss", "validation_mlm_loss"):
            if key in numbers:
                out[int(numbers["step"])] = float(numbers[key])
    return out
