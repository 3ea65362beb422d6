"""What variants change: at the site, around it, and in a fine-tuned prediction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nucel_interp.api.given import DEFAULT_MODEL, paths
from nucel_interp.api.result import FolderResult, Run

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.api.given import Model
    from nucel_interp.io.vcf import Variants
    from nucel_interp.progress import OnProgress
    from nucel_interp.scoring.scores import Strands
    from nucel_interp.scoring.target import Target
    from nucel_interp.scoring.variants import VariantScores


@dataclass(frozen=True, eq=False, repr=False)
class VariantResult(FolderResult):
    """What `score_variants` found.

    Attributes:
        variants: A row per alternative allele (columns `types.VARIANT_COLUMNS`, and
            ``change_LABEL`` per label of a fine-tuned model).
        skipped: Alleles that were not read, with the reason (`types.SKIPPED_VARIANT_COLUMNS`).
        summary: Flat facts.
        run: Facts of the run (model, versions, time), for run.json.
        warnings: Sentences that must be read before any number.
    """

    variants: pd.DataFrame
    skipped: pd.DataFrame
    summary: dict[str, Any]
    run: Run
    warnings: list[str] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """How many alleles were read or skipped, and how large changes are."""
        return str(self.summary["answer"])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by the name of its file."""
        return {"variants": self.variants, "variants_skipped": self.skipped}


def score_variants(
    variants: str | Path,
    genome: str | Path | Sequence[str | Path],
    model: Model = DEFAULT_MODEL,
    *,
    strand: Strands = "both",
    context: int | None = None,
    on_progress: OnProgress | None = None,
) -> VariantResult:
    """Compare every alternative allele with the reference in the same window.

    The window is as wide as the model's context and centred on the variant. Read are the
    discriminator's log-odds that a base was replaced, and what a fine-tuned head predicts.

    Args:
        variants: VCF file, plain or compressed; ``-`` is standard input.
        genome: FASTA or 2bit file of the assembly that the variants were called on, or several.
        model: A shipped name, a model folder, or a loaded model, with a discriminator, a fine-tuned
            head, or both.
        strand: "both" averages both strands; "forward" reads the given one.
        context: Bases the model reads at once; by default what its folder says.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No such file, no VCF, no genome, no such strand, or a reference allele that is
            not the genome's.
        FolderError: The model cannot be loaded, or has neither head.
        GenomeError: The genome cannot be read.

    Example:
        >>> import nucel_interp as ni
        >>> found = ni.score_variants("calls.vcf", "genome.fa")
        >>> len(found.variants)
        2
    """
    from nucel_genome import Genome
    from nucel_interp.errors import InputError
    from nucel_interp.io.vcf import read_variants, require_vcf
    from nucel_interp.progress import Stages, say
    from nucel_interp.scoring.device import load_model, model_facts
    from nucel_interp.scoring.scores import check_strands
    from nucel_interp.scoring.substitution_tables import skipped_table, variant_table
    from nucel_interp.scoring.variants import read_alleles, variant_targets

    started = perf_counter()
    check_strands(strand)
    require_vcf()
    files = [genome] if isinstance(genome, (str, Path)) else list(genome)
    if not files:
        raise InputError("no genome was given; give the FASTA or 2bit file of the VCF's assembly")
    if str(variants) != "-" and not Path(variants).exists():  # before the genome, which takes long
        raise InputError(f"there is no VCF file {variants}")
    loaded = load_model(model, context)
    targets = variant_targets(loaded)
    opened = Genome.open([Path(file) for file in files], say=say)
    found = read_variants(variants, opened, longest=loaded.config.context_bp // 2)
    with Stages(on_progress).stage("reading both alleles", len(found.scored)) as step:
        scores = read_alleles(loaded, found.scored, opened, strands=strand, on_progress=step)
    table = variant_table(found.scored, scores)
    facts = {**model_facts(loaded, profile=False), "strand": strand, "seed": None}
    return VariantResult(
        variants=table,
        skipped=skipped_table(found.skipped),
        summary={
            "model": loaded.name,
            "records": found.records,
            "alleles": len(found.scored),
            "skipped": len(found.skipped),
            "moved": int((scores.moved > 0).sum()),
            "answer": _words(found, scores, table, targets),
        },
        run=Run("score_variants", paths(variants, *files), facts, perf_counter() - started),
    )


def _words(
    found: Variants, scores: VariantScores, table: pd.DataFrame, targets: Sequence[Target]
) -> str:
    words = (
        f"{len(found.scored):,} alleles of {found.records:,} records, all as the genome has them"
    )
    moved = int((scores.moved > 0).sum())
    if moved:
        words += f"; {moved:,} {_was(moved)} moved left, to where the same change begins first"
    if found.skipped:
        reasons = Counter(reason.partition(";")[0] for _, reason in found.skipped)
        why = "; ".join(f"{n:,}: {reason}" for reason, n in reasons.most_common(3))
        count = len(found.skipped)
        words += f"; {count:,} {_was(count)} skipped ({why}), see variants_skipped.tsv"
    if len(table) and table["site_change"].notna().any():
        words += f"; median change at the site {table['site_change'].median():.2f} nats"
    for target in targets:
        change = table[f"change_{target.label}"].abs().max() if len(table) else 0.0
        words += f"; largest change of {target.label} {change:.2f}"
    return words


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
