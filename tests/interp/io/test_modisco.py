"""TF-MoDISco's files: every seqlet where it is, in the motif's orientation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from nucel_interp.errors import InputError
from nucel_interp.io import modisco
from nucel_interp.io.modisco import sites_in_seqlets, write_modisco
from nucel_interp.types import SITE_COLUMNS, Location, Motif, Record, Site, reverse_complement
from tests.toy import dna, plant

WORD = "TGACGTCATC"


def planted(n: int, at: int, seed: int, *, turned: bool = False) -> str:
    word = reverse_complement(WORD) if turned else WORD
    return plant(dna(n, seed), word, at)


RECORDS = [
    Record("a", planted(60, 25, 0), Location("chr1", 1000, 1060)),
    Record("b", planted(61, 0, 1, turned=True), Location("chr2", 500, 561)),
    Record("c", planted(33, 23, 2), Location("chr2", 900, 933)),
    Record("plain", "ACGTN", Location("chr3", 5, 10)),
]
SITES = [
    Site(0, 25, 35, "+", 9.0, 1e-6),
    Site(1, 0, 10, "-", 9.0, 1e-6),
    Site(2, 23, 33, "+", 9, 0),
]
TRACKS = [np.arange(len(r), dtype=float) + 100 * i for i, r in enumerate(RECORDS)]
MOTIF = Motif("motif_1", np.full((4, 10), 0.25))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lonely = Motif("without_sites", np.full((4, 8), 0.25))
    assert write_modisco(tmp_path / "x", RECORDS, TRACKS, [lonely, MOTIF], {"motif_1": SITES}) == 1
    return tmp_path / "x"


def arrays(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    return np.load(folder / "sequences.npz")["arr_0"], np.load(folder / "scores.npz")["arr_0"]


def test_npz_holds_one_hot_and_one_hot_times_score(folder: Path) -> None:
    one_hot, scores = arrays(folder)
    assert one_hot.shape == scores.shape == (4, 4, one_hot.shape[2])
    for i, record in enumerate(RECORDS):
        shift = one_hot.shape[2] // 2 - len(record) // 2
        bases = one_hot[i, :, shift : shift + len(record)]
        letters = [
            "ACGT"[b] if some else "N"
            for b, some in zip(bases.argmax(0), bases.any(0), strict=True)
        ]
        assert "".join(letters) == record.sequence
        assert one_hot[i].sum() == len(record.sequence.replace("N", ""))
        known = bases.sum(axis=0) == 1
        got = scores[i, :, shift : shift + len(record)]
        np.testing.assert_array_equal(got.sum(axis=0)[known], TRACKS[i][known])
        assert (scores[i][one_hot[i] == 0] == 0).all()


def test_every_seqlet_shows_the_word_in_its_own_orientation(folder: Path) -> None:
    with h5py.File(folder / "modisco_results.h5") as file:
        pattern = file["pos_patterns/pattern_0"]
        assert pattern.attrs["motif_id"] == "motif_1"
        assert list(file["pos_patterns"]) == ["pattern_0"]
        assert pattern["sequence"].shape == (30, 4)
        core = pattern["sequence"][10:20]
        assert "".join("ACGT"[b] for b in core.argmax(axis=1)) == WORD
        np.testing.assert_array_equal(core.max(axis=1), 1)
        seqlets = pattern["seqlets"]
        assert seqlets["n_seqlets"][:].tolist() == [3]
        assert seqlets["example_idx"][:].tolist() == [0, 1, 2]
        assert seqlets["is_revcomp"][:].tolist() == [False, True, False]
        # the reverse-complemented word at the start of b: scores 100..109 are read backwards
        np.testing.assert_array_equal(
            seqlets["contrib_scores"][1, 10:20].sum(axis=1), np.arange(109.0, 99.0, -1)
        )
        mean = seqlets["contrib_scores"][:].mean(axis=0)
        np.testing.assert_allclose(pattern["contrib_scores"][:], mean)
        np.testing.assert_allclose(pattern["hypothetical_contribs"][:], mean)


def test_coordinates_lead_back_to_the_genome(folder: Path) -> None:
    one_hot, _ = arrays(folder)
    peaks = [line.split("\t") for line in (folder / "peaks.bed").read_text().splitlines()]
    with h5py.File(folder / "modisco_results.h5") as file:
        window = int(file.attrs["window_size"])
        seqlets = file["pos_patterns/pattern_0/seqlets"]
        start, end = seqlets["start"][:], seqlets["end"][:]
        assert window == one_hot.shape[2]
        assert start.min() >= 0
        assert end.max() <= window
        for k, site in enumerate(SITES):
            _, first, last, *_ = peaks[k]
            centre = (int(first) + int(last)) // 2
            place = RECORDS[k].location
            assert place is not None
            assert centre - window // 2 + start[k] + 10 == place.start + site.start
            cut = one_hot[k, :, start[k] : end[k]].T
            turned = cut[::-1, ::-1] if site.strand == "-" else cut
            np.testing.assert_array_equal(seqlets["sequence"][k], turned)


def test_four_numbers_per_base_are_hypothetical_contributions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    four = [rng.normal(size=(len(r), 4)) for r in RECORDS]
    write_modisco(tmp_path, RECORDS, four, [MOTIF], {"motif_1": SITES[:1]})
    with h5py.File(tmp_path / "modisco_results.h5") as file:
        pattern = file["pos_patterns/pattern_0"]
        np.testing.assert_allclose(
            pattern["hypothetical_contribs"][10:20], four[0][25:35], rtol=1e-6
        )
        own = four[0][np.arange(25, 35), ["ACGT".index(b) for b in WORD]]
        np.testing.assert_allclose(pattern["contrib_scores"][10:20].sum(axis=1), own, rtol=1e-6)


def test_wide_motifs_widen_every_pattern_and_missing_scores_are_zero(tmp_path: Path) -> None:
    wide = Motif("wide", np.full((4, 41), 0.25))
    tracks = [np.full(len(r), np.nan) for r in RECORDS]
    sites = {"wide": [Site(0, 0, 41, "-", 0, 0)], "motif_1": SITES}
    assert write_modisco(tmp_path, RECORDS, tracks, [wide, MOTIF], sites) == 2
    with h5py.File(tmp_path / "modisco_results.h5") as file:
        assert {p["sequence"].shape for p in file["pos_patterns"].values()} == {(41, 4)}
        assert not file["pos_patterns/pattern_0/contrib_scores"][:].any()


def test_without_motifs_the_arrays_are_written_alone(tmp_path: Path) -> None:
    assert write_modisco(tmp_path, RECORDS, TRACKS) == 0
    one_hot, _ = arrays(tmp_path)
    assert one_hot.shape[2] == 61
    with h5py.File(tmp_path / "modisco_results.h5") as file:
        assert list(file["pos_patterns"]) == []


def test_the_same_input_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_modisco(tmp_path / "again", RECORDS, TRACKS, [MOTIF], {"motif_1": SITES})
    names = {path.name for path in folder.iterdir()}
    assert len(names) > 3
    assert names == {path.name for path in (tmp_path / "again").iterdir()}
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


@pytest.mark.parametrize(
    "site",
    [
        Site(0, 20, 31, "+", 0, 0), Site(0, -1, 9, "+", 0, 0), Site(0, 55, 65, "+", 0, 0),
        Site(9, 0, 10, "+", 0, 0), Site(0, 0, 10, ".", 0, 0),
    ],
)  # fmt: skip
def test_a_site_that_does_not_fit_is_refused(tmp_path: Path, site: Site) -> None:
    with pytest.raises(InputError, match=r"a site of motif_1 \(10 bp\)"):
        write_modisco(tmp_path / "x", RECORDS, TRACKS, [MOTIF], {"motif_1": [site]})
    assert not (tmp_path / "x").exists()


def test_a_track_or_a_size_that_does_not_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"track of a .* 60 bases"):
        write_modisco(tmp_path / "x", RECORDS, [t[1:] for t in TRACKS])
    monkeypatch.setattr(modisco, "MAX_NUMBERS", 900)
    with pytest.raises(InputError, match="4 windows of 61 bp are 976 numbers"):
        write_modisco(tmp_path / "x", RECORDS, TRACKS)
    assert not (tmp_path / "x").exists()


def test_sites_in_seqlets_are_counted_in_the_record() -> None:
    rows = [
        ["chr1", 1025, 1035, "motif_1", 9, "+", 1e-6, "a", 1, "test"],
        ["chr1", 1001, 1011, "motif_1", 9, "+", 1e-6, "a", 0, "test"],
        ["chr3", 5, 9, "motif_2", 9, "-", 1e-6, "plain", 1, "test"],
    ]
    found = sites_in_seqlets(pd.DataFrame(rows, columns=SITE_COLUMNS), RECORDS)
    assert found == {
        "motif_1": [Site(0, 25, 35, "+", 9.0, 1e-6)],
        "motif_2": [Site(3, 0, 4, "-", 9.0, 1e-6)],
    }


def test_records_of_the_reverse_strand_are_turned_with_their_tracks_and_sites(
    tmp_path: Path,
) -> None:
    """What is written of records given as their reverse complement is what the records gave."""
    turned, tracks, sites = [], [], []
    for i, (record, track) in enumerate(zip(RECORDS, TRACKS, strict=True)):
        place = record.location
        assert place is not None
        text, there = reverse_complement(record.sequence), replace(place, strand="-")
        turned.append(Record(record.name, text, there) if i % 2 == 0 else record)
        tracks.append(track[::-1] if i % 2 == 0 else track)
    for site in SITES:
        n = len(RECORDS[site.record])
        strand = "-" if site.strand == "+" else "+"
        flipped = replace(site, start=n - site.end, end=n - site.start, strand=strand)
        sites.append(flipped if site.record % 2 == 0 else site)
    for name, records, values, found in (
        ("plain", RECORDS, TRACKS, SITES), ("turned", turned, tracks, sites),
    ):  # fmt: skip
        write_modisco(tmp_path / name, records, values, [MOTIF], {"motif_1": found})
    for file in ("sequences.npz", "scores.npz"):
        one, two = (np.load(tmp_path / name / file)["arr_0"] for name in ("plain", "turned"))
        np.testing.assert_array_equal(one, two)
    peaks = [(tmp_path / name / "peaks.bed").read_text() for name in ("plain", "turned")]
    assert peaks[0] == peaks[1]
    for key in ("sequence", "contrib_scores", "seqlets/start", "seqlets/is_revcomp"):
        arrays_of = []
        for name in ("plain", "turned"):
            with h5py.File(tmp_path / name / "modisco_results.h5") as results:
                arrays_of.append(results[f"pos_patterns/pattern_0/{key}"][:])
        np.testing.assert_array_equal(*arrays_of)


def test_four_numbers_per_base_are_turned_by_base_and_letter(tmp_path: Path) -> None:
    record = Record("a", "AACG", Location("c", 0, 4, "-"))
    track = np.zeros((4, 4))
    track[0, 0] = 7.0  # the first A, which is the genome's last T
    write_modisco(tmp_path / "x", [record], [track])
    _, scores = arrays(tmp_path / "x")
    assert np.argwhere(scores[0]).tolist() == [[3, 3]]


def test_peaks_count_in_names_if_any_record_has_no_place(tmp_path: Path) -> None:
    records = [*RECORDS[:2], Record("#spike", "ACGTN")]
    write_modisco(tmp_path / "x", records, [np.ones(len(r)) for r in records])
    peaks = (tmp_path / "x" / "peaks.bed").read_text().splitlines()
    assert [line.split("\t")[:3] for line in peaks] == [
        ["a", "0", "60"],
        ["b", "0", "61"],
        ["\\#spike", "0", "5"],
    ]
