"""The tables of a comparison of models, from what was measured of each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from nucel_interp.bootstrap import UNKNOWN, centre, interval, paired
from nucel_interp.columns import compare as columns
from nucel_interp.compare.models.measure import RESOLUTIONS, Measured, Reader, SnrValues
from nucel_interp.compare.models.motif_sites import MotifSites
from nucel_interp.compare.shared.recovery import SHARES
from nucel_interp.compare.shared.windows import SharedWindows

if TYPE_CHECKING:
    import pandas as pd

SHUFFLED = ", shuffled input"
MODEL_COLUMNS = list(columns.MODELS)
SNR_COLUMNS = list(columns.SNR)
RECOVERY_COLUMNS = list(columns.RECOVERY)
RECALL_COLUMNS = list(columns.RECALL)
HEAD_SNR_COLUMNS = list(columns.HEAD_SNR)
DIFFERENCE_COLUMNS = list(columns.DIFFERENCES)


def model_table(measured: Sequence[Measured], found: dict[str, tuple[int, str]]) -> pd.DataFrame:
    """A row per model and control (columns `MODEL_COLUMNS`).

    Args:
        measured: Numbers of each model and control, in the order of the rows.
        found: Model -> motifs of its main table and the archetypes they match, where sought.
    """
    import pandas as pd

    rows = []
    for m in measured:
        reader, config = m.reader, m.reader.model.config
        motifs, archetypes = found.get(reader.name, (np.nan, ""))
        chosen = m.chosen["matched"]
        rows.append(
            {
                "model": reader.name,
                "shape": shape_of(reader),
                "trained": "no" if reader.control_of else "yes",
                "control_of": reader.control_of,
                "layers": config.num_hidden_layers,
                "heads": config.num_attention_heads,
                "parameters": sum(p.numel() for p in reader.model.parameters()),
                "context_bp": config.context_bp,
                "token_bp": config.token_bp,
                "best_head_1": reader.label(chosen.head[0]),
                "best_head_2": reader.label(chosen.head[1]),
                "rc_consistency": float(centre(m.scores.rc_consistency, "mean")),
                "cls_share": float(m.scores.cls_share.mean()),
                "sink_heads": np.nan if m.sink_heads is None else m.sink_heads,
                "motifs": motifs,
                "archetypes": archetypes,
                "seconds": round(m.cost.seconds, 2),
                "peak_mb": round(m.cost.peak_mb, 1),
            }
        )
    return pd.DataFrame(rows, columns=MODEL_COLUMNS)


def shape_of(reader: Reader) -> str:
    """``NucEL``, ``NT v1`` or ``NT v2``."""
    from nucel_model import NTConfig

    config = reader.model.config
    return f"NT {config.version}" if isinstance(config, NTConfig) else "NucEL"


def snr_table(name: str, values: SnrValues, motif_sites: Sequence[MotifSites]) -> pd.DataFrame:
    """Signal-to-noise of one model (columns `SNR_COLUMNS`): medians over sequences."""
    import pandas as pd

    by_name = {t.name: t for t in motif_sites}
    rows = []
    for key, real in values.values.items():
        resolution, layers, definition, motif, heads = key
        one = interval(real, by_name[motif].index, "median")
        rows.append(
            (name, resolution, layers, definition, motif, heads, int(np.isfinite(real).sum()),
             one.value, one.low, one.high, float(centre(values.random[key], "median")))
        )  # fmt: skip
    return pd.DataFrame(rows, columns=SNR_COLUMNS)


def recovery_table(measured: Measured, motif_sites: Sequence[MotifSites]) -> pd.DataFrame:
    """AUROC and AUPRC of one model (columns `RECOVERY_COLUMNS`): means over sequences."""
    import pandas as pd

    rows = []
    for (resolution, motif), one in measured.recovery.items():
        index = next(t.index for t in motif_sites if t.name == motif)
        known = np.isfinite(one.auroc).any()
        a, p = (interval(v, index, "mean") if known else UNKNOWN for v in (one.auroc, one.auprc))
        rows.append(
            (measured.reader.name, resolution, motif, a.value, a.low, a.high,
             p.value, p.low, p.high, float(centre(one.base_rate, "mean")), one.decoy_auroc,
             int(np.isfinite(one.auroc).sum()))
        )  # fmt: skip
    return pd.DataFrame(rows, columns=RECOVERY_COLUMNS)


def recall_table(measured: Measured) -> pd.DataFrame:
    """Recall curves of one model (columns `RECALL_COLUMNS`), means over sequences."""
    import pandas as pd

    rows = [
        (measured.reader.name, resolution, motif, share, found)
        for (resolution, motif), one in measured.recovery.items()
        if np.isfinite(one.recall).all()
        for share, found in zip(SHARES.tolist(), one.recall.tolist(), strict=True)
    ]
    return pd.DataFrame(rows, columns=RECALL_COLUMNS)


def head_snr_table(measured: Measured, motif_sites: Sequence[MotifSites]) -> pd.DataFrame:
    """Every head's mean ratio, median over all motifs' sequences (columns `HEAD_SNR_COLUMNS`)."""
    import pandas as pd

    reader = measured.reader
    n = reader.model.config.num_attention_heads
    index = np.arange(reader.n_heads)
    frames = []
    for resolution in RESOLUTIONS:
        every = [measured.snr.every_head[resolution, t.name] for t in motif_sites]
        first, second = measured.chosen[resolution].head
        columns = {
            "model": reader.name,
            "resolution": resolution,
            "layer": index // n,
            "head": index % n,
            "kind": np.where(reader.is_global, "global", "local"),
            "snr": centre(np.concatenate(every, axis=1), "median", axis=1),
            "chosen_1": index == (-1 if first is None else first),
            "chosen_2": index == (-1 if second is None else second),
        }
        frames.append(pd.DataFrame(columns)[HEAD_SNR_COLUMNS])
    return pd.concat(frames, ignore_index=True)


def difference_table(
    measured: Sequence[Measured], shuffled: dict[str, SnrValues], motif_sites: Sequence[MotifSites]
) -> pd.DataFrame:
    """Signal-to-noise of model a over model b, paired over sequences (`DIFFERENCE_COLUMNS`).

    Every two trained models, and each of them over its randomly initialised control and over
    itself at the same places of shuffled copies ("NAME, shuffled input"), which tells what the
    places alone attract.
    ``ratio`` is missing for z, which may be 0 or below; ``difference`` is a - b.

    Args:
        measured: Every model and control.
        shuffled: Trained model -> its values in shuffled copies.
        motif_sites: The motifs.
    """
    import pandas as pd

    trained = [m for m in measured if not m.reader.control_of]
    pairs = [(a, b.reader.name, b.snr) for a, b in combinations(trained, 2)]
    for a in trained:
        name = a.reader.name
        pairs += [(a, m.reader.name, m.snr) for m in measured if m.reader.control_of == name]
        pairs += [(a, name + SHUFFLED, shuffled[name])] if name in shuffled else []
    by_name = {t.name: t for t in motif_sites}
    rows = []
    for a, other, values in pairs:
        for key, x in a.snr.values.items():
            y = values.values.get(key)
            if y is None:
                continue
            ratio, difference = paired(x, y, by_name[key[3]].index, "median")
            if key[2] == "z":
                ratio = UNKNOWN
            rows.append(
                (a.reader.name, other, *key, ratio.value, ratio.low, ratio.high,
                 difference.value, difference.low, difference.high,
                 int((np.isfinite(x) & np.isfinite(y)).sum()))
            )  # fmt: skip
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)


def most_sites(motif_sites: Sequence[MotifSites], windows: SharedWindows, most: int) -> list[int]:
    """Windows with most sites, at most one of a record, ties by sequence: what is drawn."""
    count = np.zeros(len(windows.sequences), dtype=np.int64)
    for motif in motif_sites:
        for site in motif.sites:
            count[windows.place(site)[0]] += 1
    rank = windows.sequences.rank
    order = sorted(np.flatnonzero(count).tolist(), key=lambda w: (-count[w], rank[w]))
    taken: dict[int, int] = {}
    for window in order:
        taken.setdefault(int(windows.number[window]), window)
    return list(taken.values())[:most]
