"""`evaluate`: one model, one set of held-out windows, all its numbers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nucel_genome import Genome
from nucel_model import Nucel, from_pretrained
from nucel_model.errors import ConfigError, FolderError
from nucel_pretrain import messages
from nucel_pretrain.config import as_dict, build
from nucel_pretrain.data import DataConfig, Windows
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.evaluation import planted, probes, replaced, report
from nucel_pretrain.evaluation.metrics import Estimate, estimate
from nucel_pretrain.evaluation.settings import EvaluateConfig
from nucel_pretrain.evaluation.sites import PARTS, Labelled, labelled_windows
from nucel_pretrain.masking import MaskingConfig
from nucel_pretrain.messages import Say
from nucel_pretrain.objectives import ElectraConfig
from nucel_pretrain.regions import resolve


def evaluate(
    model_folder: str | Path,
    settings: EvaluateConfig,
    out: Path,
    *,
    force: bool = False,
    say: Say | None = None,
    cache: Path | None = None,
) -> dict[str, Any]:
    """Measure a model on held-out sequence and write ``evaluation.json/.tsv/.svg/.png``.

    Args:
        model_folder: A `nucel_model` folder or a shipped name.
        settings: Regions, sites and measures; see `settings.read_evaluation`.
        out: The folder for the files; made if need be.
        force: Replace an earlier evaluation there.
        say: Told what is measured; by default stderr.
        cache: Folder in which converted genomes are kept; None = the user's cache.

    Returns:
        What evaluation.json holds: ``rows`` (metric, subset, value, low, high, n),
        ``reliability``, ``probes``, ``not_run`` (what was left out, and why) and the settings.
        `report.markdown` prints it.

    Raises:
        PretrainError: The model cannot be loaded or reads too few bases, or ``out`` is taken.
        DataError: The sequence or the sites do not fit the settings.
    """
    say = say or messages.say
    report.check_output(out, force=force)
    started = time.monotonic()
    model = _load(model_folder)
    widths = [settings.held_out.window] + ([settings.split.window] if settings.split else [])
    if max(widths) > model.config.context_bp:
        raise PretrainError(
            f"windows of {max(widths)} bases were asked for; {model.name} reads "
            f"{model.config.context_bp} at once. Set held_out.window and split.window lower"
        )
    genome = Genome.open(settings.held_out.fasta, cache=cache, say=say)
    options = settings.held_out
    for key in ("regions", "repeats"):  # faults by the user's own key
        resolve(genome, getattr(options, key), f"held_out.{key}")
    held = Windows(
        genome,
        DataConfig(validation=options.regions, window=options.window, repeats=options.repeats),
        validation=True,
    )
    rows: list[dict[str, Any]] = []

    def add(metric: str, subset: str, found: Estimate) -> None:
        rows.append({"metric": metric, "subset": subset, **asdict(found)})

    results: dict[str, Any] = {
        "model": model.name,
        "settings": as_dict(settings),
        "rows": rows,
        "reliability": [],
        "probes": {},
        "not_run": {},
    }
    labelled = _labelled(genome, settings, results, say)
    _own_task(model, held, settings, results, add, say)
    _planted(model, held, settings, results, add, say)
    _probes(model, labelled, settings, results, add, say)
    results["seconds"] = round(time.monotonic() - started, 1)
    report.write(results, out)
    return results


Add = Callable[[str, str, Estimate], None]


def _load(name_or_folder: str | Path) -> Nucel:
    try:
        return from_pretrained(name_or_folder)
    except (FolderError, ConfigError) as error:
        raise PretrainError(str(error)) from error


def _own_task(
    model: Nucel,
    held: Windows,
    settings: EvaluateConfig,
    results: dict[str, Any],
    add: Add,
    say: Say,
) -> None:
    """Generator and discriminator on what the generator makes."""
    assert model.path is not None
    if model.discriminator_head is None or not (model.path / "generator").is_dir():
        lacking = "discriminator head" if model.discriminator_head is None else "generator"
        results["not_run"]["replaced bases"] = f"the folder has no {lacking}"
        return
    generator = _load(model.path / "generator")
    if generator.mlm_head is None:
        results["not_run"]["replaced bases"] = "the generator has no masked-base head"
        return
    masking, electra, source = own_settings(model.path, settings)
    results["task"] = {"from": source, "masking": as_dict(masking), "electra": as_dict(electra)}
    n = settings.held_out.windows
    say(
        f"replaced bases in {n:,} windows: {masking.ratio:.0%} masked, "
        f"temperature {electra.temperature:g} (from {source})"
    )
    judged = replaced.judge(
        model, generator, held, n, masking=masking, electra=electra, seed=settings.held_out.seed
    )
    for found in replaced.summaries(judged, draws=settings.draws):
        add(*found)
    results["reliability"] = replaced.reliability(judged)
    if judged.repeat is None:
        results["not_run"]["by repeat"] = (
            "the sequence is not soft-masked and no BED file of repeats was given (--repeats)"
        )


def own_settings(
    folder: Path, settings: EvaluateConfig
) -> tuple[MaskingConfig, ElectraConfig, str]:
    """Masking and ELECTRA's constants of the run that made a model, and where they were found.

    A run writes ``config.json`` beside its ``model/`` folder; without one the settings' own hold.

    Raises:
        PretrainError: There is such a file and it cannot be read.
    """
    path = folder.resolve().parent / "config.json"
    if not path.is_file():
        return settings.masking, settings.electra, "the settings"
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        if "electra" not in run:
            return settings.masking, settings.electra, "the settings"
        masking = dict(run.get("masking", {}))
        electra = dict(run["electra"])
        if "mask_ratio" in electra:  # runs before masking had a section of its own
            masking["ratio"] = electra.pop("mask_ratio")
        return (
            build(MaskingConfig, masking, {}),
            build(ElectraConfig, electra, {}),
            str(path),
        )
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise PretrainError(f"{path} is not a run's configuration: {error}") from error


def _planted(
    model: Nucel,
    held: Windows,
    settings: EvaluateConfig,
    results: dict[str, Any],
    add: Add,
    say: Say,
) -> None:
    if model.discriminator_head is None:
        results["not_run"]["planted changes"] = "the folder has no discriminator head"
        return
    options = settings.held_out
    say(f"planted changes: {options.changes} in each of {options.windows:,} windows")
    ids, changed = planted.planted(held, options.windows, options.seed, changes=options.changes)
    for subset, both in (("one strand", False), ("both strands averaged", True)):
        ranked = planted.ranked(planted.model_scores(model, ids, both_strands=both), changed)
        add("planted_auroc", subset, estimate(ranked.auroc, len(ids), draws=settings.draws))


def _labelled(
    genome: Genome, settings: EvaluateConfig, results: dict[str, Any], say: Say
) -> list[Labelled]:
    """The windows of every set of sites, before anything is measured: what is misspelt is told."""
    if not settings.sites:
        results["not_run"]["probes"] = "the settings name no [[sites]]"
        return []
    assert settings.split is not None
    if not settings.probes.sites_dir:
        results["not_run"]["probes"] = "no folder of BED files was given (--sites-dir)"
        return []
    folder = Path(settings.probes.sites_dir)
    return [
        labelled_windows(genome, sites, settings.split, folder=folder, say=say)
        for sites in settings.sites
    ]


def _probes(
    model: Nucel,
    labelled: list[Labelled],
    settings: EvaluateConfig,
    results: dict[str, Any],
    add: Add,
    say: Say,
) -> None:
    for sites, windows in zip(settings.sites if labelled else (), labelled, strict=True):
        n = sum(len(part.positive) for part in windows.values())
        say(f"probe {sites.name}: {n:,} windows")
        found = probes.probe_model(
            model,
            windows,
            centred=sites.stranded,
            penalties=settings.probes.penalties,
            draws=settings.draws,
        )
        add("probe_auroc", sites.name, found.auroc)
        add("probe_mcc", sites.name, found.mcc)
        results["probes"][sites.name] = {
            "features": found.features,
            "penalty": found.penalty,
            "choose_auroc": found.choose_auroc,
            "sites": {part: int(windows[part].positive.sum()) for part in PARTS},
            "without_match": {part: windows[part].without_match for part in PARTS},
        }
