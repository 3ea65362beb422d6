"""Which head attends to which motif: every head against every motif, beyond every control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nucel_interp.api.given import (
    DEFAULT_MODEL,
    SequenceInput,
    database_of,
    motifs_to_measure,
    paths,
    records_of,
)
from nucel_interp.api.result import FolderResult, Run

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.api.given import Model
    from nucel_interp.api.result import Figures
    from nucel_interp.match import JasparDatabase
    from nucel_interp.progress import OnProgress
    from nucel_interp.scoring.scores import Strands
    from nucel_interp.sequences import Sequences
    from nucel_interp.types import Motif


@dataclass(frozen=True, eq=False, repr=False)
class HeadMotifResult(FolderResult):
    """What `head_motifs` found.

    Attributes:
        head_motifs: A row per tested motif and head (columns `types.HEAD_MOTIF_COLUMNS`).
        controls: A row per motif: the AUROC of its chosen heads beyond each control (columns
            `types.CONTROL_COLUMNS`).
        sinks: A row per head: does it give its attention to one base? (columns
            `types.SINK_COLUMNS`).
        sentences: The outcome in words: in all, motif by motif, and sinks.
        summary: Flat facts, for summary.json.
        run: Facts of the run (model, seed, versions, time), for run.json.
        warnings: Sentences that must be read before any number.
    """

    head_motifs: pd.DataFrame
    controls: pd.DataFrame
    sinks: pd.DataFrame
    sentences: list[str]
    summary: dict[str, Any]
    run: Run
    warnings: list[str] = field(default_factory=list)

    _shown = ("head_motifs",)

    @property
    def answer(self) -> str:
        """The outcome over all motifs, in a sentence."""
        return self.sentences[0]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by the name of its file."""
        return {"head_motifs": self.head_motifs, "controls": self.controls, "sinks": self.sinks}

    def figures(self) -> Figures:
        """A map of all heads for each motif, coloured by t."""
        from nucel_interp.plots.head_motifs import head_motif_map

        return {"head_motifs": (head_motif_map(self.head_motifs), self.head_motifs)}


def head_motifs(
    sequences: SequenceInput,
    motifs: str | Path | Sequence[Motif] | None = None,
    model: Model = DEFAULT_MODEL,
    *,
    motif: str | Sequence[str] | None = None,
    context: int | None = None,
    tax: str = "vertebrates",
    database: str | Path | JasparDatabase | None = None,
    strand: Strands = "both",
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> HeadMotifResult:
    """Test every head against every motif.

    Sites are FIMO's (p < 1e-4). A head is chosen on one half of the sequences and measured on the
    other: the AUROC of the attention that a site's bases receive, against the other bases of the
    same sequences, beyond place, composition, randomly initialised weights and shuffled sequence
    (`controls.beyond`); and a permutation test with a family-wise p over all heads and motifs
    (`compare.heads.head_motifs`).

    Args:
        sequences: A FASTA file, a list of strings, a dict of name to string, or records.
        motifs: A MEME file or motifs.
        model: A shipped name, a model folder, or a loaded model.
        motif: Ids or names in ``database``, such as ``"CTCF"``, in place of ``motifs``. If neither
            is given: those of ``database`` with sites in more sequences than in their shuffled
            copies.
        context: Bases the model reads at once; by default what its folder says.
        tax: JASPAR tax group to take motifs from, if no ``database`` is given.
        database: A MEME file or collection to take motifs from.
        strand: "both" averages the attention on both strands; "forward" reads the given one.
        seed: Seed of the halves, shuffled copies, decoys and permutations.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No sequence, no motif in the file or of that name, none of the collection's in
            the sequences, or no such strand.
        FolderError, ConfigError: The model cannot be loaded.

    Example:
        >>> import nucel_interp as ni
        >>> found = ni.head_motifs("peaks.fa", "known.meme")
        >>> folder = found.save("heads")
    """
    import numpy as np

    from nucel_interp.compare.heads.head_motifs import measure_heads
    from nucel_interp.compare.heads.tables import describe, head_claims, head_motif_table
    from nucel_interp.compare.shared.sinks import sink_table
    from nucel_interp.controls.claims import control_table
    from nucel_interp.progress import Stages
    from nucel_interp.scoring import cut_units, score_sequences, shuffle_records, split_units
    from nucel_interp.scoring.device import load_model, model_facts
    from nucel_interp.scoring.scores import check_strands
    from nucel_interp.sequences import Sequences
    from nucel_model import random_control

    started = perf_counter()
    check_strands(strand)
    records = records_of(sequences)
    collection = database_of(database, tax)
    given = motifs_to_measure(motifs, motif, collection)
    loaded = load_model(model, context)
    units = cut_units(records, loaded.config.context_bp)
    texts = Sequences(u.sequence for u in units)
    in_test, rule = split_units(records, units, seed)
    whole = [r.sequence for r in records]
    wanted = _enriched(texts, collection, seed, on_progress) if given is None else given
    copy = shuffle_records(records, units, k=2, seed=seed, copy=0)
    tracks, stages = [], Stages(on_progress)
    for reader, read, stage in (
        (loaded, whole, "reading with the model"),
        (random_control(loaded, seed), whole, "reading with random weights"),
        (loaded, copy, "reading a shuffled copy"),
    ):
        with stages.stage(stage, sum(map(len, read))) as step:
            tracks.append(score_sequences(reader, read, strands=strand, on_progress=step))
    result = measure_heads(
        texts, tracks[0].received, wanted, in_test,
        record=np.array([u.record for u in units]), random_control=tracks[1].received,
        copies=[tracks[2].received], seed=seed, on_progress=on_progress,
    )  # fmt: skip
    config = loaded.config
    sinks = sink_table(
        config, tracks[0].received, texts.offsets, tracks[0].cls_share,
        # a token's bases share what it receives, and the other strand's tokens may lie across them
        both_strands=strand == "both", width=2 * config.token_bp - 1,
    )  # fmt: skip
    claims = head_claims(loaded.name, config, result)
    sentences = describe(config, result, claims, sinks)
    summary = {
        "model": loaded.name,
        "motifs": len(wanted),
        "tested": len(result.tested),
        "not_tested": {o.motif.id: o.reason for o in result.occurrences if o.reason},
        "units": len(units),
        "units_used": int(result.used.sum()),
        "split": rule,
        "null": result.null,
        "permutations": result.permutations,
        "answer": sentences,
    }
    facts = {**model_facts(loaded, profile=True), "seed": seed}
    return HeadMotifResult(
        head_motifs=head_motif_table(config, result),
        controls=control_table(claims),
        sinks=sinks,
        sentences=sentences,
        summary=summary,
        run=Run("head_motifs", paths(sequences, motifs, database), facts, perf_counter() - started),
    )


def _enriched(
    texts: Sequences, database: JasparDatabase, seed: int, on_progress: OnProgress | None
) -> list[Motif]:
    """Motifs of a collection with sites in more of the sequences than in their shuffled copies."""
    from nucel_interp.compare.shared.enriched_motifs import enriched_archetypes
    from nucel_interp.errors import InputError

    found = enriched_archetypes(texts, database, seed, on_progress=on_progress)
    if not found:
        raise InputError(
            f"none of {f'{database.release} {database.tax}'.strip()}'s motifs has sites in 40 "
            "sequences and more than in shuffled copies. Give your own with --motifs, name some "
            "with --motif, or give more sequences."
        )
    return found
