"""What a row of the main table opens: one motif's logos, places, heads, loci and numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from nucel_interp.controls.beyond import CONTROLS
from nucel_interp.controls.claims import BEST_HEAD
from nucel_interp.io.meme import write_meme
from nucel_interp.plots import aligned_svg, logo_svg, match_of, site_figures, site_loci
from nucel_interp.report.page import figure_markup, rows_of
from nucel_interp.report.phrasing import Facts, fixed, interval, is_missing, number, share, unbroken

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.analysis.result import MotifAnalysis
    from nucel_interp.plots.gallery import Gallery

MOST_DRAWN = 6
"""Motifs whose sites are drawn; those after them have logos and numbers."""
MOST_MATCHES = 3
_JASPAR = re.compile(r"(MA|UN)\d{4}\.\d+")
_LABELS = {
    "positions": "sites of {} by distance from the centre",
    "head_sites": "AUROC of every head at the sites of {}",
    "loci": "sites of {} with the highest and the lowest track",
}
Numbers = list[tuple[str, list[tuple[str, str]]]]


def panel(
    result: MotifAnalysis, row: Mapping[str, Any], rank: int, drawn: Gallery | None = None
) -> dict[str, Any]:
    """Everything about one motif.

    Args:
        result: What it is a part of.
        row: Its row of the main table.
        rank: Its place there, from 1.
        drawn: Figures that are at hand, by `result_figures`' names.

    Returns:
        ``rank``, ``pairs`` (title and logo, one per strand), ``matches``, ``figures`` (name to
        SVG), ``loci``, ``numbers``, and ``meme``.
    """
    motif_id = str(row["motif_id"])
    plan = site_figures(result, motif_id) if rank <= MOST_DRAWN else {}
    figures = Facts()
    for name, draw in plan.items():
        figure, _ = (drawn or {}).get(f"{name}_{rank:02d}") or draw()
        label = _LABELS[name].format(motif_id)
        figures[name] = figure_markup(figure, f"{name.replace('_', '-')}-{rank}", label)
    return {
        "rank": rank,
        "pairs": _pairs(result, motif_id),
        "matches": [_match(m) for m in rows_of(_best(result.matches, motif_id))],
        "figures": figures,
        "loci": site_loci(result, motif_id) if "loci" in figures else [],
        "numbers": numbers(row, _beyond(result.controls, motif_id)),
        "meme": write_meme([result.pwms[motif_id]]) if motif_id.split() == [motif_id] else "",
    }


def linked(text: str, best_match: Any) -> Markup:
    """What a motif is, its JASPAR matrix with a link to the page about it."""
    matrix = str(best_match or "").split(" ")[0]
    if matrix not in text or not _JASPAR.fullmatch(matrix):
        return unbroken(text)
    before, _, after = text.partition(matrix)
    return unbroken(before) + jaspar(matrix) + unbroken(after)


def jaspar(matrix: str) -> Markup:
    """A matrix by its id, linked if the id is one of JASPAR's."""
    if not _JASPAR.fullmatch(matrix):
        return escape(matrix)
    return Markup('<a href="https://jaspar.elixir.no/matrix/{0}" rel="noopener">{0}</a>').format(
        matrix
    )


def evidence(row: Mapping[str, Any]) -> str:
    """``head 2:0, AUROC 0.81 (0.78 to 0.84)``; "" where nothing was measured."""
    if is_missing(row["head_auroc"]):
        return ""
    head = str(row["best_head"])
    named = f"head{'s' if '/' in head else ''} {head}, " if head else ""
    return f"{named}AUROC {_between(row, 'head_auroc')}"


def verdict_rank(row: Mapping[str, Any]) -> float:
    """For sorting: yes before cannot tell before no, then by AUROC; NaN if nothing was measured."""
    if is_missing(row["head_auroc"]):
        return float("nan")
    order = {"yes": 2, "cannot tell": 1, "no": 0}
    return order.get(str(row["looked_at"]), 0) + float(row["head_auroc"]) / 2


def numbers(row: Mapping[str, Any], beyond: Mapping[str, Any] | None = None) -> Numbers:
    """The numbers of one motif under four questions, as a page shows them.

    Args:
        row: Of ``motifs``.
        beyond: Of ``controls``, about the best head (or the track); None if it has none.
    """
    return [
        ("Is it there?", _there(row)),
        ("Where?", _where(row)),
        ("Is it looked at?", _looked_at(row, beyond)),
        ("What is it?", _named(row)),
    ]


def _there(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    tested, found, passed = (
        number(row[name]) for name in ("test_sequences", "halves_found", "halves_passed")
    )
    return [
        ("held-out sequences with a site", f"{share(row['found_in'])} of {tested}"),
        ("shuffled copies with a site", share(row["found_in_shuffled"])),
        ("enrichment q", number(row["enrichment_q"])),
        ("against 3-mer shuffles, q", number(row["enrichment_3mer_q"])),
        ("halves that found it, that passed", f"{found}, {passed}"),
        ("built from", f"{number(row['n_seqlets'])} stretches"),
        ("of these of low complexity", share(row["low_complexity"])),
        ("of these soft-masked", share(row["soft_masked"])),
    ]  # fmt: skip


def _where(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("sites in all sequences", number(row["n_sites"])),
        ("median distance from the centre", f"{number(row['centre_distance'])} bp"),
        ("nearer than uniform places, p", number(row["centre_p"])),
        ("on the + strand", share(row["plus_share"])),
        ("strands unlike, p", number(row["strand_p"])),
    ]


def _looked_at(row: Mapping[str, Any], beyond: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    in_copies = f"{number(row['hits_shuffled'])}, q {number(row['hits_q'])}"
    return [
        ("verdict", number(row["looked_at"])),
        ("head (on half 1 / half 2)", number(row["best_head"])),
        ("AUROC at the sites", _between(row, "head_auroc")),
        *(
            (f"beyond {name.replace('_', ' ')}", _between(beyond or {}, f"beyond_{name}"))
            for name in CONTROLS
        ),
        ("attention at the sites, fold", _between(row, "head_fold")),
        ("the control's best head, fold", _between(row, "random_control_head_fold")),
        ("in high-scoring stretches (seqlets)", f"{number(row['hits'])} sequences"),
        ("the same in shuffled copies", in_copies),
        ("attention_fold of the score", _between(row, "attention_fold")),
        ("of random weights", _between(row, "random_control_fold")),
        ("at other sequences' offsets", fixed(row["other_offsets_fold"])),
        ("at random places", fixed(row["uniform_fold"])),
    ]


def _named(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("best match, E", number(row["E_value"])),
        ("q over all pairs", number(row["q_global"])),
        ("archetype", number(row["archetype"])),
        ("width", f"{number(row['width'])} bp"),
        ("information", f"{number(row['information_bits'])} bits"),
    ]


def _between(row: Mapping[str, Any], name: str) -> str:
    """``0.81 (0.78 to 0.84)``; a dash if it was not measured."""
    ends = interval(row.get(f"{name}_low"), row.get(f"{name}_high"))
    return fixed(row.get(name)) + (f" ({ends})" if ends else "")


def _beyond(controls: pd.DataFrame, motif_id: str) -> dict[str, Any] | None:
    """The controls' row about a motif's best head, or about the track."""
    rows = [r for r in rows_of(controls) if str(r["motif"]).split(" ")[0] == motif_id]
    rows = [r for r in rows if r["score"] == BEST_HEAD] or rows
    return rows[0] if rows else None


def _best(matches: pd.DataFrame, motif_id: str) -> pd.DataFrame:
    rows = matches[matches["Query_ID"].astype(str) == motif_id]
    return rows.sort_values("E-value", kind="stable").head(MOST_MATCHES)


def _match(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "link": jaspar(str(row["Target_ID"]))}


def _pairs(result: MotifAnalysis, motif_id: str) -> list[tuple[str, Markup]]:
    """The motif, above its best match if it has one, on both strands."""
    motif, match = result.pwms[motif_id], match_of(result, motif_id)
    if match is None:
        return [("as it is", Markup(logo_svg(motif, label=f"logo of {motif_id}")))]
    target = result.targets[str(match["Target_ID"])]
    return [
        (
            strand,
            Markup(
                aligned_svg(
                    motif,
                    target,
                    offset=int(match["Optimal_offset"]),
                    orientation=str(match["Orientation"]),
                    turned=turned,
                    label=f"{motif_id} above {match['Target_ID']}, {strand}",
                )
            ),
        )
        for strand, turned in (("one strand", False), ("the other strand", True))
    ]
