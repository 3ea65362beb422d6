"""Genome to windows: what is drawn, what is never drawn, and regions that cannot be meant."""

from __future__ import annotations

import dataclasses
import gzip

import numpy as np
import pytest

from nucel_genome import Genome, GenomeError
from nucel_model import tokenizer
from nucel_pretrain.data import DataConfig, EnrichConfig, Windows
from nucel_pretrain.errors import DataError
from tests.genome.genome_files import FILES

N_DRAWN = 20_000


def random_ids(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(tokenizer.BASE_IDS, length).astype(np.uint8)


def bases_drawn(windows: Windows) -> dict[str, np.ndarray]:
    """How often each position was part of a window, by chromosome, from `place`."""
    counts = {name: np.zeros(10_000, dtype=int) for name in windows.names}
    for index in range(N_DRAWN):
        name, start, _ = windows.place(7, index)
        counts[name][start : start + windows.config.window] += 1
    return counts


def test_a_window_is_cls_and_the_bases_at_its_place():
    ids = random_ids(500)
    windows = Windows({"c": ids}, DataConfig(window=20, batch=2))
    batch = windows.batch(3, range(200))
    assert batch.shape == (200, 21)
    assert (batch[:, 0] == tokenizer.CLS).all()
    flips = 0
    for index, row in enumerate(batch):
        _, start, flip = windows.place(3, index)
        forward = ids[start : start + 20]
        # A <-> T and C <-> G: the ids 11 .. 14 of a pair add up to 25
        assert row[1:].tolist() == ((25 - forward)[::-1] if flip else forward).tolist()
        flips += flip
    assert 70 < flips < 130


def test_without_reverse_complement_every_window_is_forward():
    windows = Windows({"c": random_ids(500)}, DataConfig(window=20, reverse_complement=False))
    assert not any(windows.place(0, i)[2] for i in range(200))


def test_seed_and_index_decide_the_window():
    chromosomes = {"a": random_ids(5000), "b": random_ids(3000, 1)}
    one, two = (Windows(chromosomes, DataConfig(window=50)) for _ in range(2))
    assert one.batch(5, range(40)).tolist() == two.batch(5, range(40)).tolist()
    assert one.batch(5, [17])[0].tolist() == one.batch(5, range(40))[17].tolist()
    assert one.batch(5, range(40)).tolist() != one.batch(6, range(40)).tolist()
    assert len({one.place(5, i) for i in range(40)}) > 35


def test_every_start_is_drawn_alike():
    chromosomes = {"a": random_ids(19), "b": random_ids(14, 1), "short": random_ids(9, 2)}
    windows = Windows(chromosomes, DataConfig(window=10))
    assert windows.n_starts == 10 + 5
    assert windows.usable_bases == 19 + 14
    drawn = [windows.place(0, i)[:2] for i in range(15_000)]
    counts = {place: drawn.count(place) for place in set(drawn)}
    assert set(counts) == {("a", i) for i in range(10)} | {("b", i) for i in range(5)}
    # 1000 expected, standard deviation 31
    assert all(850 < count < 1150 for count in counts.values())


def test_n_is_never_in_a_window():
    ids = random_ids(2000)
    ids[[0, 300, 301, 1500, 1999]] = tokenizer.UNK
    windows = Windows({"c": ids}, DataConfig(window=100))
    assert tokenizer.UNK not in windows.batch(0, range(N_DRAWN))
    counts = bases_drawn(windows)["c"]
    assert counts[1] > 0
    assert counts[299] > 0
    assert counts[302] > 0


def test_excluded_and_validation_regions_are_never_trained_on():
    # sentinel: outside the regions all is A or T, inside all is C or G
    ids = np.where(np.arange(4000) % 2, tokenizer.A, tokenizer.T).astype(np.uint8)
    inside = np.zeros(4000, dtype=bool)
    inside[1000:1500] = inside[2500:2600] = inside[3990:] = True
    ids[inside] = np.where(np.arange(4000) % 2, tokenizer.C, tokenizer.G)[inside]
    config = DataConfig(
        window=100,
        exclude=("chr1:1,000-1_500", "chr1:3990-9999"),
        validation=("chr1:2500-2600",),
    )
    chromosomes = {"chr1": ids, "chr2": ids[:1000]}
    windows = Windows(chromosomes, config)
    drawn = windows.batch(0, range(N_DRAWN))[:, 1:]
    assert np.isin(drawn, (tokenizer.A, tokenizer.T)).all()
    counts = bases_drawn(windows)["chr1"]
    # half-open: the bases just outside are used
    assert (counts[[999, 1500, 2499, 2600, 3989]] > 0).all()
    assert windows.usable_bases == 1000 + 1000 + 1390 + 1000

    held = Windows(chromosomes, config, validation=True)
    assert held.usable_bases == 100
    assert np.isin(held.batch(0, range(50))[:, 1:], (tokenizer.C, tokenizer.G)).all()


def test_validation_leaves_out_what_is_excluded():
    config = DataConfig(window=100, exclude=("c:500-1000",), validation=("c:400-700",))
    held = Windows({"c": random_ids(2000)}, config, validation=True)
    assert {held.place(0, i)[1] for i in range(20)} == {400}


def test_no_usable_window():
    ids = random_ids(1000)
    ids[::50] = tokenizer.UNK
    with pytest.raises(DataError, match=r"no stretch of 50 bases without N is left to train on"):
        Windows({"c": ids}, DataConfig(window=50))
    assert Windows({"c": ids}, DataConfig(window=49)).n_starts == 20
    with pytest.raises(DataError, match="left to validate on"):
        Windows(
            {"c": random_ids(1000)}, DataConfig(window=50, validation=("c:0-20",)), validation=True
        )


@pytest.mark.parametrize("where", ["include", "exclude", "validation"])
@pytest.mark.parametrize("bed", [False, True], ids=["region", "bed"])
@pytest.mark.parametrize(
    ("region", "names", "hint"),
    [
        ("20", ["chr20", "chrX"], "'chr' missing.* FASTA writes 'chr20', the region '20'"),
        ("chr20", ["20", "X"], "'chr' too many.* FASTA writes '20', the region 'chr20'"),
        ("NC_1", ["chr20", "chrX"], "'chr' missing or too many"),
    ],
)
def test_a_region_of_an_unknown_chromosome_hints_at_chr(tmp_path, where, bed, region, names, hint):
    written = f"{region}:100-200"
    if bed:
        written = str(tmp_path / "regions.bed")
        (tmp_path / "regions.bed").write_text(f"{region}\t100\t200\n")
    config = DataConfig(window=50, **{where: (written,)})
    found = rf"of {region}, which is not in the FASTA; it has {', '.join(names)}.*{hint}"
    with pytest.raises(DataError, match=rf"data\.{where}.* {found}"):
        Windows({name: random_ids(1000) for name in names}, config)


def test_a_region_beyond_the_chromosome_hints_at_the_assembly():
    config = DataConfig(window=50, exclude=("c:1000-1200",))
    with pytest.raises(DataError, match=r"c has 1000 bases. Is it of another assembly"):
        Windows({"c": random_ids(1000)}, config)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"window": 7}, "data.window must be >= 8"),
        ({"batch": 0}, "data.batch >= 1; got 256, 0"),
        ({"exclude": ("chr20:",)}, "want chrom:start-end"),
        ({"include": ("chr20 1 100",)}, "want chrom:start-end"),
        ({"repeat_weight": -0.1}, "data.repeat_weight must lie in 0 .. 1; got -0.1"),
        ({"validation": ("chr20:1-",)}, "want chrom:start-end"),
        ({"exclude": ("chr20:500-100",)}, "'chr20:500-100' is empty"),
        ({"repeats": ("chr20 mask",)}, "want chrom:start-end"),
    ],
)
def test_values_that_make_no_sense(values, words):
    with pytest.raises(ValueError, match=words):
        DataConfig(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"regions": ()}, "data.enrich.regions is empty"),
        ({"share": 0.0}, "data.enrich.share must be above 0 and at most 1; got 0.0"),
        ({"share": 1.5}, "got 1.5"),
        ({"flank": -1}, "data.enrich.flank must be 0 or more; got -1"),
        ({"regions": ("chr20:5-",)}, "want chrom:start-end"),
    ],
)
def test_enriched_regions_that_make_no_sense(values, words):
    with pytest.raises(ValueError, match=words):
        EnrichConfig(**{"regions": ("c",), "share": 0.1, **values})


def test_shares_above_one_in_all():
    entry = EnrichConfig(regions=("c",), share=0.6)
    with pytest.raises(ValueError, match=r"add up to 1 at most; they add up to 1\.2"):
        DataConfig(enrich=(entry, entry))


def test_the_draw_of_a_window_never_changes():
    # as drawn by the first version: a run is resumed, and a published one repeated, by this
    ids = random_ids(5000)
    ids[1000:1010] = ids[4990:] = tokenizer.UNK
    config = DataConfig(window=50, exclude=("a:2000-2500",), validation=("b:0-700",))
    windows = Windows({"a": ids, "b": random_ids(3000, 1)}, config)
    assert [windows.place(5, index) for index in (0, 1, 2, 3, 1000, 10**9)] == [
        ("b", 783, True),
        ("a", 871, True),
        ("b", 1587, False),
        ("b", 2761, True),
        ("a", 4472, False),
        ("a", 3599, True),
    ]
    assert [tokenizer.decode(row[1:13]) for row in windows.batch(5, [0, 1, 2])] == [
        "ATATCTGCCTAA",
        "AACTCGAATCCC",
        "ATTCGAAATTTT",
    ]


def test_a_configuration_without_enriched_regions_draws_what_it_always_drew():
    # computed by the code before there were enriched regions and repeats from a BED file
    ids = random_ids(4000, 5)
    ids[700:720] = tokenizer.UNK
    ids[::3] |= 128
    arrays = {"a": ids, "short": random_ids(30, 6), "b": random_ids(2500, 7)}
    config = DataConfig(
        window=40,
        include=("a", "b:100-2400"),
        exclude=("a:1500-1900", "b:600-650"),
        validation=("a:3000-3500", "b:0-300"),
        repeat_weight=0.25,
    )
    indices = (0, 1, 2, 3, 4, 5, 77, 10**6)
    train, held = Windows(arrays, config), Windows(arrays, config, validation=True)
    assert [train.place(3, i) for i in indices] == [
        ("b", 1438, False),
        ("b", 2254, False),
        ("b", 1598, False),
        ("a", 2041, False),
        ("a", 43, True),
        ("a", 117, False),
        ("a", 820, False),
        ("a", 2283, False),
    ]
    assert [held.place(3, i)[:2] for i in indices] == [
        ("b", 124),
        ("b", 245),
        ("b", 148),
        ("a", 3227),
        ("a", 3006),
        ("a", 3017),
        ("a", 3112),
        ("a", 3263),
    ]
    for windows, weight, total in ((train, 2213.5, 687048), (held, 2171.5, 686391)):
        assert windows.weights(3, range(64)).sum() == weight
        assert (windows.batch(3, range(64)) * np.arange(1, 42)).sum() == total


def test_the_draw_of_an_enriched_window_never_changes():
    enrich = (
        EnrichConfig(regions=("a:500-501", "b:40-90"), share=0.4),
        EnrichConfig(regions=("a:700-800",), share=0.3, flank=10),
    )
    arrays = {"a": random_ids(1000, 5), "b": random_ids(400, 7)}
    windows = Windows(arrays, DataConfig(window=40, enrich=enrich))
    assert [windows.place(3, i) for i in range(8)] == [
        ("a", 484, False),
        ("b", 35, False),
        ("b", 34, True),
        ("a", 499, False),
        ("a", 772, False),
        ("a", 468, True),
        ("a", 809, True),
        ("a", 804, True),
    ]


def test_windows_have_the_stated_probability(tmp_path):
    # 10 bases a window; every window of an entry shares a base with one of its regions
    ids = random_ids(60)
    ids[30] = tokenizer.UNK
    bed = tmp_path / "sites.bed"
    bed.write_text("a\t12\t13\na\t15\t16\nelsewhere\t0\t5\n")
    enrich = (
        EnrichConfig(regions=(str(bed),), share=0.5),
        EnrichConfig(regions=("a:50-52", "b"), flank=2, share=0.25),
    )
    config = DataConfig(window=10, enrich=enrich, exclude=("a:5-7",), validation=("a:56-58",))
    windows = Windows({"a": ids, "b": random_ids(11, 1)}, config)
    usable = {("a", s) for s in (*range(7, 21), *range(31, 47))} | {("b", 0), ("b", 1)}
    one = {("a", s) for s in range(7, 16)}  # from 3 on, but for what is excluded
    two = {("a", s) for s in range(39, 47)} | {("b", 0), ("b", 1)}
    assert windows.n_starts == len(usable) == 32
    assert windows.enriched == (len(one), len(two))
    assert windows.unmatched == ["elsewhere"]
    n = 40_000
    drawn = [windows.place(1, i)[:2] for i in range(n)]
    assert set(drawn) == usable
    for place in usable:
        p = 0.5 * (place in one) / 9 + 0.25 * (place in two) / 10 + 0.25 / 32
        assert abs(drawn.count(place) / n - p) < 5 * (p * (1 - p) / n) ** 0.5, place
    strands = [windows.place(1, i)[2] for i in range(4000)]
    assert 0.45 < np.mean(strands) < 0.55


def test_shares_of_one_leave_nothing_to_chance():
    enrich = tuple(EnrichConfig(regions=(f"a:{at}-{at + 1}",), share=0.1) for at in range(10))
    windows = Windows({"a": random_ids(500)}, DataConfig(window=10, enrich=enrich))
    assert max(windows.place(0, i)[1] for i in range(3000)) == 9


def test_seed_and_index_decide_an_enriched_window():
    arrays = {"a": random_ids(5000), "b": random_ids(3000, 1)}
    config = DataConfig(window=50, enrich=(EnrichConfig(regions=("b:0-900",), share=0.5),))
    one, two = Windows(arrays, config), Windows(arrays, config)
    assert one.batch(5, range(40)).tolist() == two.batch(5, range(40)).tolist()
    assert one.batch(5, [17])[0].tolist() == one.batch(5, range(40))[17].tolist()
    assert len({one.place(5, i) for i in range(40)}) > 35


def test_enriched_regions_are_no_way_into_what_is_held_out():
    ids = np.where(np.arange(4000) % 2, tokenizer.A, tokenizer.T).astype(np.uint8)
    inside = np.zeros(4000, dtype=bool)
    inside[1000:1500] = inside[2500:2600] = True
    ids[inside] = np.where(np.arange(4000) % 2, tokenizer.C, tokenizer.G)[inside]
    enrich = (EnrichConfig(regions=("c:900-1600", "c:2550-2551"), flank=100, share=0.9),)
    config = DataConfig(
        window=60, exclude=("c:1000-1500",), validation=("c:2500-2600",), enrich=enrich
    )
    drawn = Windows({"c": ids}, config).batch(0, range(5000))[:, 1:]
    assert np.isin(drawn, (tokenizer.A, tokenizer.T)).all()
    held = Windows({"c": ids}, config, validation=True)
    assert held.enriched == ()
    # validation is uniform, as without
    plain = Windows({"c": ids}, dataclasses.replace(config, enrich=()), validation=True)
    assert [held.place(2, i) for i in range(30)] == [plain.place(2, i) for i in range(30)]


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ("c:100-200", r"number 2 \(c:100-200\): no window that may be trained on overlaps"),
        ("d", r"number 2\) names a region of d, which is not in the FASTA"),
        ("c:900-950", r"the configuration names c:900-950, but c has 500 bases"),
    ],
)
def test_an_entry_of_which_nothing_is_usable(region, words):
    enrich = tuple(EnrichConfig(regions=(r,), share=0.1) for r in ("c:300-301", region))
    config = DataConfig(window=20, exclude=("c:50-250",), enrich=enrich)
    with pytest.raises(DataError, match=words) as caught:
        Windows({"c": random_ids(500)}, config)
    assert "\n" not in str(caught.value)


def random_regions(rng: np.random.Generator, lengths: dict[str, int], n: int) -> list[tuple]:
    """Overlapping, touching and distant intervals; some end beyond the chromosome."""
    found = []
    for name in rng.choice(list(lengths), n):
        start = int(rng.integers(lengths[name]))
        found.append((str(name), start, start + int(rng.choice([1, 20, 150]))))
        if rng.random() < 0.3:
            found.append((str(name), found[-1][2] - 1, found[-1][2] + 30))
    return [region for region in found if region[1] < lengths[region[0]]]


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("validation", [False, True])
def test_windows_are_those_a_mask_of_every_base_gives(tmp_path, seed, validation):
    rng = np.random.default_rng(seed)
    arrays = {}
    for name in ("chr1", "chr2", "chr3"):
        ids = random_ids(int(rng.integers(1, 900)), seed)
        ids[rng.random(len(ids)) < 0.4] |= 128
        for at in rng.integers(len(ids), size=4):
            ids[at : at + int(rng.integers(1, 40))] = rng.choice([1, 129])
        arrays[name] = ids
    lengths = {name: len(ids) for name, ids in arrays.items()}
    regions, written = {}, {}
    for option, n in (("include", 6), ("exclude", 5), ("validation", 4)):
        regions[option] = random_regions(rng, lengths, n)
        bed = tmp_path / f"{option}.bed.gz"
        lines = "".join(f"{name}\t{a}\t{b}\tx\n" for name, a, b in regions[option][::2])
        bed.write_bytes(gzip.compress(f"# some\ntrack name=x\n\n{lines}".encode()))
        written[option] = (str(bed), *(f"{n}:{a}-{b}" for n, a, b in regions[option][1::2]))
    if seed % 3 == 0:
        regions["include"], written["include"] = [(n, 0, m) for n, m in lengths.items()], ()
    if seed % 3 == 1:
        regions["exclude"].append(("chr2", 0, lengths["chr2"]))
        written["exclude"] += ("chr2",)

    def covered(option: str, name: str) -> np.ndarray:
        mask = np.zeros(lengths[name], dtype=bool)
        for chrom, start, end in regions[option]:
            if chrom == name:
                mask[start:end] = True
        return mask

    width = 12
    expected = []
    for name, ids in arrays.items():
        held = covered("validation", name)
        usable = ((ids & 127) >= tokenizer.A) & ~covered("exclude", name)
        usable &= held if validation else covered("include", name) & ~held
        fits = np.convolve(usable, np.ones(width), "valid") == width if len(ids) >= width else []
        expected += [(name, int(start)) for start in np.flatnonzero(fits)]
    config = DataConfig(window=width, **written)
    if not expected:
        with pytest.raises(DataError, match="no stretch of 12 bases"):
            Windows(arrays, config, validation=validation)
        return
    windows = Windows(arrays, config, validation=validation)
    assert windows.n_starts == len(expected)
    for index in range(60):
        # the place is the drawn one of all starts, in order
        at = int(np.random.default_rng([9, index]).integers(len(expected)))
        name, start, _ = windows.place(9, index)
        assert (name, start) == expected[at]
    used = {(name, start + i) for name, start in expected for i in range(width)}
    assert windows.usable_bases == len(used) == sum(map(len, windows.stretches()))


def test_a_name_stands_for_the_whole_sequence():
    arrays = {name: random_ids(100, n) for n, name in enumerate(("chr1", "chr2", "x:1-50"))}
    assert Windows(arrays, DataConfig(window=20, include=("chr2",))).usable_bases == 100
    windows = Windows(arrays, DataConfig(window=20, include=("chr2", "x:1-50")))
    assert windows.usable_bases == 200  # x:1-50 is a name here
    held = DataConfig(window=20, include=("chr2:0-50",), validation=("chr1",), exclude=("chr2",))
    assert Windows(arrays, held, validation=True).usable_bases == 100
    with pytest.raises(DataError, match="left to train on"):
        Windows(arrays, held)


def test_names_of_a_bed_that_the_genome_lacks_are_kept(tmp_path):
    bed = tmp_path / "regions.bed"
    bed.write_text("chr1\t10\t60\nchrUn\t0\t10\nchr1\t50\t90\nalt 5 9\n")
    windows = Windows({"chr1": random_ids(100)}, DataConfig(window=20, include=(str(bed),)))
    assert windows.unmatched == ["alt", "chrUn"]
    assert windows.usable_bases == 80


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, r"cannot read .*in\.bed as BED"),
        ("", r"in\.bed holds no interval"),
        ("# nothing\nchr1\t5\t5\n", r"in\.bed holds no interval"),
        ("chr1\t0\t9\nchr1\t5\n", r"in\.bed, line 2: .*; found 'chr1\\t5'"),
        ("chr1\t0\tmany\n", r"line 1: expected chrom, start, end .*; found 'chr1\\t0\\tmany'"),
        ("\nchr1\t9\t5\n", r"line 2: expected .* 0 <= start <= end"),
        ("chr1\t-1\t5\n", r"line 1: expected .* 0 <= start <= end"),
        ("chr1\t100\t120\n", r"chr1:100-120, but chr1 has 100 bases\. Is it of another"),
    ],
)
def test_bad_bed_in_one_line(tmp_path, content, words):
    path = tmp_path / "in.bed"
    if content is not None:
        path.write_text(content)
    with pytest.raises((DataError, GenomeError), match=words) as caught:
        Windows({"chr1": random_ids(100)}, DataConfig(window=20, exclude=(str(path),)))
    assert "\n" not in str(caught.value)


def test_soft_masked_bases_weigh_less_and_turn_with_the_strand():
    ids = random_ids(400)
    lower = np.random.default_rng(3).random(400) < 0.3
    windows = Windows(
        {"c": ids | np.where(lower, 128, 0).astype(np.uint8)},
        DataConfig(window=20, repeat_weight=0.25),
    )
    weights = windows.weights(8, range(50))
    assert weights.shape == (50, 21)
    assert weights.dtype == np.float32
    assert (weights[:, 0] == 0).all()
    strands = set()
    for index, (row, tokens) in enumerate(zip(weights, windows.batch(8, range(50)), strict=True)):
        _, start, flip = windows.place(8, index)
        here = slice(start, start + 20)
        expected = np.where(lower[here], 0.25, 1.0)
        forward = ids[here]
        assert row[1:].tolist() == (expected[::-1] if flip else expected).tolist()
        assert tokens[1:].tolist() == ((25 - forward)[::-1] if flip else forward).tolist()
        strands.add(flip)
    assert strands == {False, True}


def test_all_bases_weigh_the_same_unless_told_otherwise():
    weights = Windows({"c": random_ids(400)}, DataConfig(window=20)).weights(8, range(5))
    assert (weights == np.concatenate([[0], np.ones(20)])).all()


@pytest.mark.parametrize("case", [0, 128])
def test_repeats_cannot_weigh_less_where_none_are_marked(case):
    ids = random_ids(400) | np.uint8(case)
    with pytest.raises(DataError, match=r"repeat_weight = 0\.1 needs soft-masked.*one case only"):
        Windows({"c": ids}, DataConfig(window=20, repeat_weight=0.1))


@pytest.mark.parametrize("soft", [False, True])
def test_repeats_of_a_bed_file_weigh_less_too(tmp_path, soft):
    ids = random_ids(400)
    lower = np.random.default_rng(3).random(400) < 0.1 if soft else np.zeros(400, dtype=bool)
    marked = np.zeros(400, dtype=bool)
    marked[0:3] = marked[100:160] = marked[300:301] = marked[399:] = True
    bed = tmp_path / "mask.bed.gz"
    lines = b"c\t300\t301\nc\t100\t150\nc\t0\t3\nc\t140\t160\nc\t399\t500\n"
    bed.write_bytes(gzip.compress(lines))
    windows = Windows(
        {"c": ids | np.where(lower, 128, 0).astype(np.uint8)},
        DataConfig(window=20, repeat_weight=0.25, repeats=(str(bed),)),
    )
    assert windows.has_repeats
    strands = set()
    for index, row in enumerate(windows.weights(8, range(300))):
        _, start, flip = windows.place(8, index)
        expected = np.where((lower | marked)[start : start + 20], 0.25, 1.0)
        assert row[1:].tolist() == (expected[::-1] if flip else expected).tolist()
        strands.add(flip)
    assert strands == {False, True}


def test_repeats_of_sequences_that_are_not_there(tmp_path):
    bed = tmp_path / "mask.bed"
    bed.write_text("chr1\t10\t60\nchrUn\t0\t10\n")
    arrays = {"chr1": random_ids(100), "chr2": random_ids(100)}
    windows = Windows(arrays, DataConfig(window=20, repeats=(str(bed),), repeat_weight=0.5))
    assert windows.unmatched == ["chrUn"]
    assert not windows.is_repeat("chr2", 0, 100).any()
    bed.write_text("1\t10\t60\n")
    with pytest.raises(DataError, match=r"\(data\.repeats\) has intervals of 1.*'chr' missing"):
        Windows(arrays, DataConfig(window=20, repeats=(str(bed),)))


def test_every_form_of_a_genome_gives_the_same_windows(tmp_path):
    config = DataConfig(window=11, repeat_weight=0.25, exclude=("chr2:10-30",))
    batches, weights = [], []
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
        windows = Windows(Genome.open([tmp_path / name], cache=tmp_path / "cache"), config)
        batches.append(windows.batch(4, range(50)).tolist())
        weights.append(windows.weights(4, range(50)).tolist())
    assert all(batch == batches[0] for batch in batches)
    assert all(weight == weights[0] for weight in weights)
