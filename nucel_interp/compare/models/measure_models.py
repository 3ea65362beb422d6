"""Every model measured on the same windows, and what all of it comes to as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.find_motifs import analyse_motifs
from nucel_interp.baselines.cls_row import cls_row_scores
from nucel_interp.compare.models.evaluation import Evaluation, prepare_evaluation
from nucel_interp.compare.models.layers import layer_table
from nucel_interp.compare.models.measure import (
    Measured,
    Reader,
    SnrValues,
    add_snr,
    at_resolutions,
    at_windows,
    measure,
    read_windows,
)
from nucel_interp.compare.models.motif_sites import make_motif_sites, scan_sites
from nucel_interp.compare.models.result import Comparison, Locus
from nucel_interp.compare.models.summary import facts, warnings_for
from nucel_interp.compare.models.tables import (
    difference_table,
    head_snr_table,
    model_table,
    most_sites,
    recall_table,
    recovery_table,
    snr_table,
)
from nucel_interp.compare.models.user_tracks import Tracks, in_windows, track_table
from nucel_interp.compare.shared.head_selection import head_mean
from nucel_interp.compare.shared.snr import signal_to_noise
from nucel_interp.compare.shared.windows import SharedWindows, common_window, cut_windows
from nucel_interp.controls.beyond import AtQuestions, beyond_controls
from nucel_interp.controls.claims import BEST_HEAD, Claim, control_table
from nucel_interp.errors import InputError
from nucel_interp.io.provenance import folder_sha256
from nucel_interp.io.sites import BedSite
from nucel_interp.match import JasparDatabase, load_jaspar
from nucel_interp.progress import OnProgress, Stages
from nucel_interp.scoring.distance import distance_profile
from nucel_interp.scoring.shuffle import shuffled
from nucel_interp.sequences import Sequences
from nucel_interp.types import Motif, Record, as_records

if TYPE_CHECKING:
    import pandas as pd

    from nucel_model import Nucel

MOST_LOCI = 6
RANDOM_CONTROL = ", randomly initialised"
"""Behind a model's name: the network of its shape with random weights."""


def measure_models(
    records: list[Record],
    models: Sequence[str | Nucel],
    *,
    sites: Sequence[BedSite] | None = None,
    motifs: Sequence[Motif] | None = None,
    tracks: Tracks | None = None,
    database: JasparDatabase | None = None,
    seed: int = 0,
    cls_row: bool = False,
    find: bool = True,
    on_progress: OnProgress | None = None,
) -> Comparison:
    """Compare models on the same windows of the same sequences; see `api.compare_models`.

    Args:
        records: Sequences.
        models: Shipped names, folders or loaded models, at least one; names must differ.
        sites: Intervals at which attention is measured; a motif per name.
        motifs: Without sites: measure at FIMO's sites of these. If neither is given, at those of
            the motif of ``database`` that most more sequences hold than shuffled copies do.
        tracks: Scores of the user's own to measure at the same sites: name -> one array per record.
        database: JASPAR's vertebrates if not given; also names the motifs that are found.
        seed: Seed of every random draw.
        cls_row: Measure the attention of [CLS] in the last layer too; default False.
        find: Find motifs with every trained model too, which takes most of the time; default True.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No record, window or site, two models of one name, or a track that does not fit
            the records.
        FolderError, ConfigError: A model cannot be loaded.
    """
    records = as_records(records)
    if not records:
        raise InputError("there is no sequence to look at")
    stages = Stages(on_progress)
    readers = load_readers(models, seed)
    window_bp = common_window([r.model.config.context_bp for r in readers])
    windows = cut_windows(records, window_bp, seed)
    own = in_windows(tracks or {}, records, windows)
    database = load_jaspar("vertebrates") if database is None else database
    evaluation = prepare_evaluation(
        records, windows, max(r.model.config.token_bp for r in readers),
        sites=sites, motifs=motifs, database=database, seed=seed, on_progress=on_progress,
    )  # fmt: skip
    tracked = track_table(own, evaluation) if own else None
    shown = most_sites(evaluation.motif_sites, windows, MOST_LOCI)
    measured, layers, distances = _measure_all(readers, evaluation, shown, stages)
    trained = [r for r in readers if not r.control_of]
    found = _find(trained, windows, database, seed, stages) if find else {}
    copies, null, in_copies = _shuffled_input(trained, evaluation, stages)
    claims = _claims(measured, in_copies, evaluation)
    rows = _cls_rows(readers, evaluation, stages) if cls_row else None
    motif_sites = evaluation.motif_sites
    with stages.stage("drawing intervals", 1):
        result = Comparison(
            models=model_table(measured, found),
            snr=_joined([snr_table(m.reader.name, m.snr, motif_sites) for m in measured]),
            recovery=_joined([recovery_table(m, motif_sites) for m in measured]),
            recall=_joined([recall_table(m) for m in measured]),
            layers=layers,
            distances=distances,
            heads=_joined([head_snr_table(m, motif_sites) for m in measured]),
            differences=difference_table(measured, null, motif_sites),
            motifs=_logos(evaluation),
            loci=[_locus(window, evaluation, measured, own) for window in shown],
            controls=control_table(claims),
            shuffled=_joined(copies),
            cls_row=rows,
            tracks=tracked,
            summary=facts(records, evaluation, [r.name for r in trained]),
            warnings=warnings_for(evaluation) + (_local_cls(trained, window_bp) if cls_row else []),
        )
    result.summary["looked_at"] = [one.sentence for one in claims]
    if own:
        result.summary["own_tracks"] = ", ".join(own)
    result.summary["model_sha256"] = _digests(trained)
    result.summary["stage_seconds"] = {k: round(v, 2) for k, v in stages.seconds.items()}
    return result


def load_readers(models: Sequence[str | Nucel], seed: int) -> list[Reader]:
    """Each model with its randomly initialised control behind it.

    Raises:
        InputError: No model, or two of one name.
    """
    from nucel_interp.scoring.device import load_model
    from nucel_model import random_control

    if not models:
        raise InputError("name at least one model to compare")
    loaded = [load_model(m) for m in models]
    for name, times in Counter(m.name for m in loaded).items():
        if times > 1:
            folders = " and ".join(str(m.path or "(in memory)") for m in loaded if m.name == name)
            raise InputError(
                f"{times} models are called {name!r}: {folders}; a model has its folder's name in "
                "every table, so give one of the folders another name"
            )
    readers = []
    for model in loaded:
        readers.append(Reader(model.name, model))
        control = random_control(model, seed)
        readers.append(Reader(model.name + RANDOM_CONTROL, control, control_of=model.name))
    return readers


def _measure_all(
    readers: Sequence[Reader], evaluation: Evaluation, shown: Sequence[int], stages: Stages
) -> tuple[list[Measured], pd.DataFrame, pd.DataFrame]:
    """Every model and control measured, and the tables of their layers and distances."""
    measured, distances, layers = [], [], []
    for reader in readers:
        one = measure(reader, evaluation, shown, stages)
        measured.append(one)
        with stages.stage(f"how far {reader.name} looks", 1):
            far = distance_profile(reader.model, evaluation.windows.sequences, evaluation.seed)
        distances.append(far.table.assign(model=reader.name))
        layers.append(layer_table(one, evaluation.windows, far.mean))
    columns = ["model", "layer", "distance_bp", "mass", "uniform"]
    return measured, _joined(layers), _joined(distances)[columns]


def _find(
    trained: Sequence[Reader],
    windows: SharedWindows,
    database: JasparDatabase,
    seed: int,
    stages: Stages,
) -> dict[str, tuple[int, str]]:
    """Model -> motifs in its main table, and the archetypes they match."""
    found = {}
    records = windows.as_records()
    for reader in trained:

        def tell(done: int, total: int, stage: str, name: str = reader.name) -> None:
            if stages.on_progress is not None:
                stages.on_progress(done, total, f"{name}: {stage}")

        with stages.stage(f"{reader.name}: motifs", 1):
            result = analyse_motifs(
                records, reader.model, database=database, seed=seed, on_progress=tell
            )
        names = [str(a) for a in result.motifs["archetype"] if isinstance(a, str) and a]
        found[reader.name] = len(result.motifs), ", ".join(dict.fromkeys(names))
    return found


def _shuffled_input(
    trained: Sequence[Reader], evaluation: Evaluation, stages: Stages
) -> tuple[list[pd.DataFrame], dict[str, SnrValues], dict[str, AtQuestions]]:
    """The same in shuffled copies: at the same places, and at the matrices' sites there.

    The former per sequence too, by model, and for the controls.
    """
    windows, motifs, seed = evaluation.windows, evaluation.chosen.motifs, evaluation.seed
    copies = replace(
        windows, sequences=Sequences(shuffled(s, seed=seed) for s in windows.sequences)
    )
    places = [("same places", evaluation.motif_sites)]
    if motifs is not None:
        there = {n: s for n, s in scan_sites(motifs, copies).items() if s}
        again = make_motif_sites(there, motifs, copies, evaluation.known, seed, n_decoys=0)
        places.append(("sites in the copies", [m for m in again if len(m.with_site)]))
    tables, at_places, at_sites = [], {}, {}
    for reader in trained:
        with stages.stage(f"shuffled input: {reader.name}", copies.sequences.n_bases) as step:
            scores = read_windows(reader, copies.sequences, step)
        found = [SnrValues() for _ in places]
        for resolution, tracks in at_resolutions(reader, scores, evaluation):
            for values, (_, here) in zip(found, places, strict=True):
                add_snr(values, resolution, tracks, reader.is_global, copies, here)
            if resolution == "matched":
                at_sites[reader.name] = at_windows(evaluation.questions, tracks, windows)
        for values, (at, here) in zip(found, places, strict=True):
            tables.append(snr_table(reader.name, values, here).assign(at=at))
        at_places[reader.name] = found[0]
    return tables, at_places, at_sites


def _claims(
    measured: Sequence[Measured], in_copies: Mapping[str, AtQuestions], evaluation: Evaluation
) -> list[Claim]:
    """What may be said of every trained model at every motif."""
    questions = evaluation.questions
    claims = []
    for m in measured:
        if m.reader.control_of:
            continue
        controls = [c.at_sites for c in measured if c.reader.control_of == m.reader.name]
        found = beyond_controls(
            questions,
            m.at_sites,
            evaluation.windows.second_half,
            random_control=controls[0] if controls else None,
            shuffled=[in_copies[m.reader.name]] if m.reader.name in in_copies else [],
        )
        claims += [
            Claim(one, m.reader.name, BEST_HEAD, len(questions), m.reader.label) for one in found
        ]
    return claims


def _cls_rows(readers: Sequence[Reader], evaluation: Evaluation, stages: Stages) -> pd.DataFrame:
    """What [CLS] attends to in the last layer, at the sites; heads are summed, none is chosen."""
    windows, known = evaluation.windows, evaluation.known
    tables = []
    for reader in readers:
        with stages.stage(f"[CLS] row of {reader.name}", windows.sequences.n_bases) as step:
            rows = cls_row_scores(reader.model, windows.sequences, step)
        track = np.where(known, np.concatenate(rows), np.float32(np.nan))[np.newaxis]
        values = SnrValues()
        for m in evaluation.motif_sites:
            offsets = windows.by_record.offsets
            real = signal_to_noise(track, offsets, m.inside, ~m.inside)
            null = signal_to_noise(track, offsets, m.random, ~(m.inside | m.random))
            for definition in real:
                key = ("native", "last", definition, m.name, "cls_row")
                one = np.ones(1, dtype=bool)
                values.values[key] = head_mean(real[definition][:, m.with_site], one)
                values.random[key] = head_mean(null[definition][:, m.with_site], one)
        tables.append(snr_table(reader.name, values, evaluation.motif_sites))
    return _joined(tables)


def _local_cls(trained: Sequence[Reader], window_bp: int) -> list[str]:
    """Models whose last [CLS] does not see the whole window."""
    told = []
    for reader in trained:
        reach = reader.model.config.window(reader.model.config.num_hidden_layers - 1)
        if reach is not None and reach < window_bp:
            told.append(
                f"the last layer of {reader.name} is local: its [CLS] sees the first {reach} bases "
                "alone, and its row is 0 elsewhere"
            )
    return told


def _digests(readers: Sequence[Reader]) -> dict[str, str | None]:
    """sha256 of the files of each model, by model and file."""
    return {
        f"{r.name}/{file}": digest
        for r in readers
        if r.model.path is not None
        for file, digest in folder_sha256(r.model.path).items()
    }


def _logos(evaluation: Evaluation) -> dict[str, Motif]:
    """The matrices to draw, of the motifs that were measured."""
    names = {m.name for m in evaluation.motif_sites}
    return {name: m for name, m in evaluation.chosen.logos.items() if name in names}


def _locus(
    window: int,
    evaluation: Evaluation,
    measured: Sequence[Measured],
    own: Mapping[str, NDArray[np.float32]],
) -> Locus:
    import pandas as pd

    windows = evaluation.windows
    record = windows.as_records()[window]
    rows = []
    for motif in evaluation.motif_sites:
        for site in motif.sites:
            where, start, end = windows.place(site)
            if where == window:
                rows.append((record.name, record.name, start, end, motif.name, site.strand))
    half = bool(windows.second_half[windows.number[window]])
    span = windows.sequences.span(window)
    return Locus(
        record,
        pd.DataFrame(rows, columns=["record", "chrom", "start", "end", "name", "strand"]),
        {m.reader.name: m.tracks["native", window] for m in measured},
        {m.reader.name: m.tracks["matched", window] for m in measured},
        {m.reader.name: m.reader.label(m.chosen["matched"].of(half)) for m in measured},
        {name: track[span] for name, track in own.items()},
    )


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    filled = [f for f in frames if len(f)] or list(frames[:1])
    return pd.concat(filled, ignore_index=True)
