"""Every base in every place, as the discriminator judges it; and pairs of bases that depend."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as CommandLine
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nucel_interp.api.given import DEFAULT_MODEL, SequenceInput, paths, records_of
from nucel_interp.api.result import FolderResult, Run

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from nucel_interp.api.given import Model
    from nucel_interp.api.result import Figures
    from nucel_interp.progress import OnProgress, Stages
    from nucel_interp.scoring.dependency_pairs import Pairs
    from nucel_interp.scoring.scores import Strands
    from nucel_interp.types import Record
    from nucel_model import Nucel

MOST_FIGURES = 10
"""Records that are drawn."""
MOST_PAIRS = 20
"""Pairs of a record that are in its table."""


class MapsOnDisk(Mapping[str, "NDArray[np.float32]"]):
    """Record name -> (bases, bases), nats; rows are replaced, columns watched.

    Maps are large: they lie in a temporary file, which goes when this is forgotten, and are read
    one at a time.

    Attributes:
        path: The file, npz.
    """

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="nucel-interp-"))
        self.path = folder / "dependency.npz"
        self._names: list[str] = []
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def fill(self, maps: Iterable[tuple[str, NDArray[np.float32]]]) -> None:
        """Write every map as it comes.

        Args:
            maps: Record names and maps.
        """
        from nucel_interp.io.npz import npz_writer

        with npz_writer(self.path) as npz:
            for name, values in maps:
                npz.add(name, values)
                self._names.append(name)

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        with np.load(self.path) as file:
            return np.asarray(file[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, eq=False)
class Dependencies:
    """Which bases of a record depend on each other.

    Attributes:
        pairs: The strongest pairs of every record (columns `types.DEPENDENCY_COLUMNS`).
        maps: The map of every record, by its name.
        words: Sentence for the answer that says what was found.
        own_base_best: Share of bases of the shuffled copies that are the best of the four, in
            words, for the answer.
    """

    pairs: pd.DataFrame
    maps: MapsOnDisk
    words: str
    own_base_best: str


@dataclass(frozen=True, eq=False, repr=False)
class SubstitutionResult(FolderResult):
    """What `substitution` found.

    Attributes:
        substitution: A row per record (columns `types.SUBSTITUTION_COLUMNS`).
        records: The input, in its order.
        arrays: Per record (bases, 4) for A, C, G, T: log-odds, nats, high = replaced, that the base
            put there is taken for a replaced one; NaN at N.
        dependencies: Pairs of bases that depend on each other; None unless asked for.
        summary: Flat facts.
        run: Facts of the run (model, versions, time), for run.json.
        warnings: Sentences that must be read before any number.
    """

    substitution: pd.DataFrame
    records: list[Record]
    arrays: list[NDArray[np.float32]]
    dependencies: Dependencies | None
    summary: dict[str, Any]
    run: Run
    warnings: list[str] = field(default_factory=list)

    _shown = ("substitution_record1", "dependency_record1")

    @property
    def maps(self) -> dict[str, NDArray[np.float32]]:
        """Record name -> (bases, 4) log-odds."""
        return {r.name: a for r, a in zip(self.records, self.arrays, strict=True)}

    @property
    def contributions(self) -> dict[str, NDArray[np.float64]]:
        """Record name -> (bases,), how much better the standing base fits than the mean of four."""
        from nucel_interp.scoring.substitution_tables import own_contribution

        pairs = zip(self.records, self.arrays, strict=True)
        return {r.name: own_contribution(r.sequence, found) for r, found in pairs}

    @property
    def answer(self) -> str:
        """How often the standing base is the best of the four, and what pairs were found."""
        return str(self.summary["answer"])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by the name of its file."""
        pairs = {} if self.dependencies is None else {"dependency": self.dependencies.pairs}
        return {"substitution": self.substitution, **pairs}

    def figures(self) -> Figures:
        """Log-odds and contributions of the first ten records, and their maps of pairs."""
        from nucel_interp.plots.substitution import (
            dependency_data,
            dependency_figure,
            substitution_data,
            substitution_figure,
        )

        found: Figures = {}
        own = list(self.contributions.values())
        for number, record in enumerate(self.records[:MOST_FIGURES]):
            if self.dependencies is not None:
                table = self.dependencies.pairs
                table = table[table["record"] == record.name]
                values = self.dependencies.maps[record.name]
                found[f"dependency_record{number + 1}"] = (
                    dependency_figure(record, values, table),
                    dependency_data(record, values),
                )
            found[f"substitution_record{number + 1}"] = (
                substitution_figure(record, self.arrays[number], own[number]),
                substitution_data(record, self.arrays[number], own[number]),
            )
        return found

    def save(
        self,
        folder: str | Path,
        *,
        force: bool = False,
        command: CommandLine[str] | None = None,
        export: Literal["modisco"] | None = None,
    ) -> Path:
        """Write the folder that `nucel-interp substitution` writes, whole or not at all.

        Args:
            folder: Path of the folder to write; parents are made.
            force: Replace an earlier output of ours.
            command: The command line, for run.json; the function's name if not given.
            export: "modisco" also writes one-hot sequences and hypothetical contributions, which
                TF-MoDISco reads.

        Returns:
            The folder.

        Raises:
            InputError: No such form of export.
            OutputError: Something else is there, or it cannot be written.
        """
        from nucel_interp.errors import InputError

        if export not in (None, "modisco"):
            raise InputError(f"results cannot be exported as {export!r}; give 'modisco' or nothing")
        return self._save(folder, force, command, self._export_modisco if export else None)

    def _export_modisco(self, folder: Path) -> None:
        from nucel_interp.io.modisco import write_modisco_arrays
        from nucel_interp.scoring import hypothetical_contributions

        hypothetical = [hypothetical_contributions(found) for found in self.arrays]
        write_modisco_arrays(folder / "modisco", self.records, hypothetical)

    def _write(self, folder: Path, run: dict[str, Any]) -> None:
        from nucel_interp.io.npz import npz_writer
        from nucel_interp.io.tracks import write_bedgraph
        from nucel_interp.scoring.substitution_tables import substitution_range

        with npz_writer(folder / "substitution.npz") as npz:
            for name, found in self.maps.items():
                npz.add(name, found)
        if self.dependencies is not None:
            shutil.copyfile(self.dependencies.maps.path, folder / "dependency.npz")
        tracks = folder / "tracks"
        tracks.mkdir()
        own = list(self.contributions.values())
        write_bedgraph(tracks / "contribution.bedGraph", self.records, own)
        ranges = [substitution_range(found) for found in self.arrays]
        write_bedgraph(tracks / "range.bedGraph", self.records, ranges)
        super()._write(folder, run)


def substitution(
    sequences: SequenceInput,
    model: Model = DEFAULT_MODEL,
    *,
    dependency: bool = False,
    strand: Strands = "both",
    context: int | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> SubstitutionResult:
    """Replace every base by each of the other three, and let the discriminator score each.

    Three forward passes per base and strand. With ``dependency`` the change of the log-odds at all
    other bases is kept too: an analogue of the dependency maps of Tomaz da Silva et al. (bioRxiv
    2024.07.27.605418), against dinucleotide-shuffled copies.

    Args:
        sequences: A FASTA file, a list of strings, a dict of name to string, or records.
        model: A shipped name, a model folder, or a loaded model, with a discriminator.
        dependency: Find the pairs of bases that depend on each other too; default False. Records
            must fit the context.
        strand: "both" averages both strands; "forward" reads the given one.
        context: Bases the model reads at once; by default what its folder says.
        seed: Seed of the shuffled copies.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        FolderError: The model cannot be loaded, or has no discriminator.
        InputError: No such strand; with ``dependency``, a record that does not fit the context.

    Example:
        >>> import nucel_interp as ni
        >>> found = ni.substitution(["ACGTTGCAAGCTTGAC"])
        >>> found.maps["sequence_1"].shape
        (16, 4)
    """
    from nucel_interp.progress import Stages
    from nucel_interp.scoring.device import load_model, model_facts
    from nucel_interp.scoring.scores import check_strands
    from nucel_interp.scoring.substitution import substitution_map
    from nucel_interp.scoring.substitution_tables import own_base_best, substitution_table

    started = perf_counter()
    check_strands(strand)
    records = records_of(sequences)
    loaded = load_model(model, context)
    loaded.require_discriminator()  # before the work
    stages = Stages(on_progress)
    texts = [record.sequence for record in records]
    warnings: list[str] = []
    dependencies: Dependencies | None = None
    if dependency:
        arrays, dependencies = _dependencies(records, loaded, strand, seed, stages)
        warnings = _uneven(records)
    else:
        with stages.stage("reading with every base replaced", sum(map(len, texts))) as step:
            arrays = substitution_map(loaded, texts, strands=strand, on_progress=step)
    best, read = own_base_best(texts, arrays)
    facts = {**model_facts(loaded, profile=False), "strand": strand, "seed": seed}
    return SubstitutionResult(
        substitution=substitution_table(records, arrays),
        records=records,
        arrays=arrays,
        dependencies=dependencies,
        summary={
            "model": loaded.name,
            "records": len(records),
            "bases_read": read,
            "own_base_best": best / read if read else None,
            "strand": strand,
            "answer": _words(len(records), best, read, dependencies),
        },
        run=Run("substitution", paths(sequences), facts, perf_counter() - started),
        warnings=warnings,
    )


def _uneven(records: list[Record]) -> list[str]:
    """What must be known of p_record where records differ much in length."""
    shortest, longest = min(map(len, records)), max(map(len, records))
    if longest <= 2 * shortest:
        return []
    return [
        f"Records have {shortest:,} to {longest:,} bases, and the shuffled copies of all are one "
        "null: p_record is too small for the long ones, whose pairs are more."
    ]


def _words(records: int, best: int, read: int, dependencies: Dependencies | None) -> str:
    if not read:
        return f"no base could be read: {records:,} records hold no A, C, G or T"
    drawn = f"; figures of the first {MOST_FIGURES}" if records > MOST_FIGURES else ""
    share, words = (
        ("", "") if dependencies is None else (dependencies.own_base_best, dependencies.words)
    )
    return (
        f"{read:,} bases of {records:,} records; the standing base is the best of the four at "
        f"{best / read:.1%} (by chance 25 %{share}){words}{drawn}"
    )


def _dependencies(
    records: list[Record], model: Nucel, strand: Strands, seed: int, stages: Stages
) -> tuple[list[NDArray[np.float32]], Dependencies]:
    """The substitution maps, and the pairs; maps of pairs go to a file as they are made."""
    from nucel_interp.plots.substitution import SURE
    from nucel_interp.scoring.dependency import DependencyMap, dependency_map, require_fit
    from nucel_interp.scoring.dependency_pairs import pair_null, rank_pairs
    from nucel_interp.scoring.substitution_tables import (
        dependency_table,
        own_base_best,
        shuffled_copies,
    )

    require_fit(model, {record.name: len(record) for record in records})
    longest = max(map(len, records))
    copies = shuffled_copies([record.sequence for record in records], seed)
    total = sum(map(len, copies)) + sum(map(len, records))
    arrays: list[NDArray[np.float32]] = []
    pairs: list[Pairs] = []
    counts: list[tuple[int, int]] = []
    maps = MapsOnDisk()
    with stages.stage("reading with every base replaced", total) as step:

        def read(text: str) -> DependencyMap:
            return dependency_map(model, [text], strands=strand, on_progress=step)[0]

        def read_copies() -> Iterator[NDArray[np.float32]]:
            for text in copies:
                found = read(text)
                counts.append(own_base_best([text], [found.substitution]))
                yield found.dependency

        null = pair_null(read_copies(), longest)

        def read_records() -> Iterator[tuple[str, NDArray[np.float32]]]:
            for record in records:
                found = read(record.sequence)
                arrays.append(found.substitution)
                pairs.append(rank_pairs(found.dependency, null, MOST_PAIRS))
                yield record.name, found.dependency

        maps.fill(read_records())
    sure = sum(bool((p.p_record < SURE).any()) for p in pairs)
    best, known = (sum(numbers) for numbers in zip(*counts, strict=True))
    words = (
        f"; a pair of bases stronger than in 95 % of {len(copies):,} shuffled copies in {sure:,} "
        f"of {len(records):,} records (by chance 5 %)"
    )
    share = f", {best / max(known, 1):.1%} in shuffled copies"
    return arrays, Dependencies(dependency_table(records, pairs), maps, words, share)
