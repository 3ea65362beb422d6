"""Whole attention maps of chosen heads: from every base to every base."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from nucel_interp.api.given import DEFAULT_MODEL, SequenceInput, paths, records_of
from nucel_interp.api.result import FolderResult, Run
from nucel_interp.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from nucel_interp.api.given import Model
    from nucel_interp.api.result import Figures
    from nucel_interp.progress import OnProgress
    from nucel_interp.types import Record
    from nucel_model import Nucel

MAX_MAP_BP = 2000
MAX_MAPS = 40

Head = str | tuple[int, int]
"""A head as ``"3:2"`` or ``(3, 2)``: layer and head, counted from 0."""
Heads = Head | Iterable[Head]
"""One, or several."""


@dataclass(frozen=True, eq=False, repr=False)
class AttentionMapResult(FolderResult):
    """What `attention_map` found.

    Attributes:
        records: The input, in its order.
        maps: A dictionary per record, (layer, head) -> (bases, 1 + bases) probabilities on the
            forward strand; column 0 is [CLS]. Rows are the bases that attend; NaN at N. Of a model
            of longer tokens a token's attention fills the square of its bases, undivided.
        kinds: "local" or "global" for each layer.
        summary: Flat facts.
        run: Facts of the run (model, versions, time), for run.json.
        warnings: Sentences that must be read before any number.
    """

    records: list[Record]
    maps: list[dict[tuple[int, int], NDArray[np.float32]]]
    kinds: list[str]
    summary: dict[str, Any]
    run: Run
    warnings: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> dict[tuple[int, int], NDArray[np.float32]]:
        """The maps of one record, by (layer, head)."""
        for record, maps in zip(self.records, self.maps, strict=True):
            if record.name == name:
                return maps
        raise KeyError(name)

    @property
    def answer(self) -> str:
        """How many maps of how many records."""
        n = sum(map(len, self.maps))
        return f"{n:,} maps of {len(self.records):,} records by {self.summary['model']}"

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """One row per map: record, layer, head, and how much of the attention goes to [CLS]."""
        import pandas as pd

        rows = [
            (record.name, layer, head, float(np.nanmean(values[:, 0])) if len(values) else np.nan)
            for record, maps in zip(self.records, self.maps, strict=True)
            for (layer, head), values in maps.items()
        ]
        return {"maps": pd.DataFrame(rows, columns=["record", "layer", "head", "cls_share"])}

    def figures(self) -> Figures:
        """Every map, with its numbers."""
        import pandas as pd

        from nucel_interp.plots import attention_map as draw

        found: Figures = {}
        for number, (record, maps) in enumerate(zip(self.records, self.maps, strict=True)):
            for (layer, head), matrix in maps.items():
                figure = draw(
                    matrix[:, 1:], record, layer, head, kind=self.kinds[layer], to_cls=matrix[:, 0]
                )
                columns = ["CLS", *(f"{base}{i}" for i, base in enumerate(record.sequence))]
                data = pd.DataFrame(matrix, columns=columns)
                data.insert(0, "query", columns[1:])
                found[f"map_record{number + 1}_layer{layer}_head{head}"] = (figure, data)
        return found

    def _shown_figures(self) -> Figures:
        return dict(list(self.figures().items())[:1])

    def save_figures(self, folder: Path) -> None:
        """Write every map as SVG, PDF, PNG and CSV.

        Args:
            folder: Path of the folder to write into; made if it is not there.
        """
        from nucel_interp.plots import save_figure

        for stem, (figure, data) in self.figures().items():
            save_figure(figure, folder, stem, data)


def attention_map(
    sequences: SequenceInput,
    heads: Heads,
    model: Model = DEFAULT_MODEL,
    *,
    context: int | None = None,
    on_progress: OnProgress | None = None,
) -> AttentionMapResult:
    """Read whole attention maps of a few heads of a few short sequences.

    Args:
        sequences: A FASTA file, a list of strings, a dict of name to string, or records; each of at
            most 2,000 bp and within the model's context.
        heads: A head or several, as ``"3:2"`` or ``(3, 2)``: layer and head, counted from 0.
        model: A shipped name, a model folder, or a loaded model.
        context: Bases the model reads at once; by default what its folder says.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No head, no such head, a record that is too long, or more than 40 maps.
        FolderError: The model cannot be loaded.

    Example:
        >>> import nucel_interp as ni
        >>> found = ni.attention_map({"a": "ACGTTGCAAGCTTGAC"}, ["3:2"])
        >>> found["a"][3, 2].shape
        (16, 17)
    """
    from nucel_interp.scoring.device import load_model

    records = records_of(sequences)
    loaded = load_model(model, context)
    wanted = heads_of(heads, loaded)
    if not wanted:
        raise InputError("no head was given: name at least one, such as 3:2")
    check_maps(wanted, records, loaded)
    return maps_of(records, wanted, loaded, inputs=paths(sequences), on_progress=on_progress)


def maps_of(
    records: list[Record],
    wanted: list[tuple[int, int]],
    model: Nucel,
    *,
    inputs: Sequence[Path] = (),
    on_progress: OnProgress | None = None,
) -> AttentionMapResult:
    """`attention_map` of what was checked by `check_maps`.

    Args:
        records: Records to read.
        wanted: Layer and head of each map.
        model: Model that is read, as `from_pretrained` gives it.
        inputs: Files that the records come from, for run.json.
        on_progress: Called as ``on_progress(done, total, stage)``.
    """
    from nucel_interp.progress import Stages
    from nucel_interp.scoring.device import model_facts

    started = perf_counter()
    config = model.config
    found = []
    with Stages(on_progress).stage("reading maps", len(records)) as step:
        for record in records:
            found.append(_maps(model, record, wanted))
            step(1)
    return AttentionMapResult(
        records=records,
        maps=found,
        kinds=[
            "global" if config.window(layer) is None else "local"
            for layer in range(config.num_hidden_layers)
        ],
        summary={
            "model": model.name,
            "records": len(records),
            "heads": [f"{layer}:{head}" for layer, head in wanted],
        },
        run=Run(
            "attention_map",
            inputs,
            {**model_facts(model, profile=False), "seed": None},
            perf_counter() - started,
        ),
    )


def heads_of(heads: Heads, model: Nucel) -> list[tuple[int, int]]:
    """Layer and head of each, once it is known that the model has them.

    Args:
        heads: A head or several, as ``"3:2"`` or ``(3, 2)``.
        model: Model that must have them.

    Raises:
        InputError: Another form, or no such head.
    """
    given: list[Any] = [heads] if isinstance(heads, str) else list(heads)
    if len(given) == 2 and all(isinstance(one, Integral) for one in given):
        given = [tuple(given)]  # (3, 2) is one head
    return [_head_of(one, model) for one in given]


def _head_of(head: Head, model: Nucel) -> tuple[int, int]:
    text = head if isinstance(head, str) else ":".join(map(str, np.atleast_1d(head)))
    match = re.fullmatch(r"(\d+):(\d+)", text)
    if not match:
        raise InputError(f"a map wants LAYER:HEAD, counted from 0, such as 3:2; got {text!r}")
    layer, number = int(match[1]), int(match[2])
    config = model.config
    if layer >= config.num_hidden_layers or number >= config.num_attention_heads:
        raise InputError(
            f"map {text}: {model.name} has layers 0 to {config.num_hidden_layers - 1} and heads "
            f"0 to {config.num_attention_heads - 1}"
        )
    return layer, number


def check_maps(wanted: list[tuple[int, int]], records: list[Record], model: Nucel) -> None:
    """Refuse maps that are too large or too many.

    Args:
        wanted: Heads.
        records: Records.
        model: Model that reads them.

    Raises:
        InputError: A record is too long for a map, or there would be more than 40.
    """
    from nucel_interp.scoring.tokens import token_of_base

    longest = max(records, key=len)
    limit = min(MAX_MAP_BP, model.config.context_bp)
    if len(longest) > limit:
        raise InputError(
            f"a map needs records of at most {limit:,} bp with {model.name}; {longest.name:.60} "
            f"has {len(longest):,}. Cut out the part to look at; the track and profile.h5 have no "
            "limit"
        )
    for record in records:
        n_tokens = int(token_of_base(model, record.sequence).max(initial=0))
        if n_tokens * model.config.token_bp > model.config.context_bp:
            raise InputError(
                f"a map: {record.name:.60} makes {n_tokens:,} tokens, since N and the bases beside "
                f"them are read one by one; {model.name} reads "
                f"{model.config.context_bp // model.config.token_bp:,}. Cut out the part to look at"
            )
    n = len(wanted) * len(records)
    if n > MAX_MAPS:
        few = max(1, MAX_MAPS // len(wanted))
        raise InputError(
            f"{len(wanted)} heads x {len(records):,} records are {n:,} maps, more than "
            f"{MAX_MAPS}: give a FASTA file with the few records to look at, such as the first "
            f"{few} (head -{2 * few} peaks.fa, where every record has one line of sequence)"
        )


def _maps(
    model: Nucel, record: Record, wanted: list[tuple[int, int]]
) -> dict[tuple[int, int], NDArray[np.float32]]:
    """The maps of one record on the forward strand."""
    import torch

    from nucel_interp.scoring.tokens import token_of_base
    from nucel_interp.types import BASES

    input_ids, mask = model.tokens([record.sequence])
    token = token_of_base(model, record.sequence)
    with torch.inference_mode():
        device = next(model.parameters()).device
        output: Any = model(input_ids.to(device), mask.to(device), output_attentions=True)
    is_base = np.array([c in BASES for c in record.sequence], dtype=bool)
    found = {}
    for layer, head in wanted:
        # a token's attention is kept, undivided, over the square of its bases
        matrix = output.attentions[layer][0, head].float().cpu().numpy()[token][:, [0, *token]]
        matrix[~is_base] = np.nan  # an N asks nothing that could be read
        found[layer, head] = matrix
    return found
