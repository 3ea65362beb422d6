import subprocess
import sys

import numpy as np
import pytest

from nucel_interp.errors import NucelWarning
from nucel_interp.match import load_jaspar
from nucel_interp.motifs import similarity
from nucel_interp.motifs.pwm import reverse_complement
from nucel_interp.motifs.similarity import tomtom
from nucel_interp.types import Motif


def random_motifs(n, seed, width=10, alpha=0.3):
    rng = np.random.default_rng(seed)
    return [Motif(f"m{i}", rng.dirichlet([alpha] * 4, size=width).T) for i in range(n)]


def test_self_queries_rank_first_with_their_alignment():
    targets = random_motifs(60, 0)
    found = tomtom(targets, targets)
    assert found.p.shape == found.offset.shape == found.overlap.shape == found.strand.shape
    assert (found.p.argmin(axis=1) == np.arange(60)).all()
    assert ((found.p >= 0) & (found.p <= 1)).all()
    assert (np.diag(found.offset) == 0).all()
    assert (np.diag(found.overlap) == 10).all()
    assert (np.diag(found.strand) == "+").all()


def test_offset_and_strand_have_tomtoms_sign():
    targets = random_motifs(60, 1)
    whole = targets[7].pwm
    flat = np.full((4, 3), 0.25)
    queries = [
        Motif("part", whole[:, 2:9]),
        Motif("wide", np.hstack([flat, whole])),
        Motif("turned", reverse_complement(whole)[:, 1:7]),
    ]
    found = tomtom(queries, targets)
    assert (found.p.argmin(axis=1) == 7).all()
    # positive: the query begins to the right of the target
    assert found.offset[:, 7].tolist() == [2, -3, 1]
    assert found.overlap[:, 7].tolist() == [7, 10, 6]
    assert found.strand[:, 7].tolist() == ["+", "+", "-"]


def mixed_motifs(n, seed):
    """Unrelated matrices of 6 to 19 columns."""
    rng = np.random.default_rng(seed)
    widths = rng.integers(6, 20, size=n)
    return [Motif(f"m{i}", rng.dirichlet([0.3] * 4, size=w).T) for i, w in enumerate(widths)]


def drawn_columns(n, seed):
    """Matrices of 6 to 19 columns drawn from all of JASPAR's: real columns, unrelated motifs."""
    rng = np.random.default_rng(seed)
    columns = np.hstack([motif.pwm for motif in load_jaspar().motifs])
    widths = rng.integers(6, 20, size=n)
    return [Motif(f"c{i}", columns[:, rng.integers(columns.shape[1], size=w)])
            for i, w in enumerate(widths)]  # fmt: skip


def assert_calibrated(p, *levels):
    """A share x of unrelated pairs lies below x, within a fifth."""
    for x in levels:
        assert 0.8 * x < (p < x).mean() < 1.2 * x


def test_p_values_are_calibrated():
    assert_calibrated(tomtom(mixed_motifs(400, 2), mixed_motifs(400, 3)).p, 0.05, 0.01)
    assert_calibrated(tomtom(drawn_columns(60, 4), load_jaspar().motifs).p, 0.05, 0.01)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_p_values_are_calibrated_far_out(seed):
    one, two = mixed_motifs(1500, seed), mixed_motifs(1500, 100 + seed)
    assert_calibrated(tomtom(one, two).p, 0.05, 0.01, 0.001)
    columns = drawn_columns(2000, 200 + seed)
    assert_calibrated(tomtom(columns, load_jaspar().motifs).p, 0.05, 0.01, 0.001)


def test_few_targets_warn_unless_a_null_is_given():
    queries, targets = random_motifs(2, 4), random_motifs(5, 5)
    with pytest.warns(NucelWarning, match="5 motifs only"):
        tomtom(queries, targets)
    null = random_motifs(100, 6)
    few = tomtom(queries, targets, null=null)
    assert few.p.shape == (2, 5)
    # the same null, the same p: what is reported does not matter
    np.testing.assert_allclose(few.p, tomtom(queries, [*targets, *null]).p[:, :5])


def test_weak_queries_are_left_out():
    targets = random_motifs(30, 7)
    weak = [Motif("flat", np.full((4, 8), 0.25)), Motif("short", targets[0].pwm[:, :4])]
    found = tomtom([*weak, targets[0]], targets, min_bits=4, min_width=5)
    assert (found.p[:2] == 1).all()
    assert (found.strand[:2] == ".").all()
    assert (found.overlap[:2] == 0).all()
    assert found.p[2].argmin() == 0
    # compared when asked for, and a flat query still is like nothing
    assert tomtom(weak, targets).p[0].min() > 0.01


def test_nothing_to_compare():
    motifs = random_motifs(30, 8)
    assert tomtom([], motifs).p.shape == (0, 30)
    assert tomtom(motifs, []).p.shape == (30, 0)


def test_warm_and_notice():
    assert similarity.warm() > 0
    assert similarity.is_warm()
    assert similarity.notice() is None


def test_imports_stay_light():
    code = (
        "import sys, nucel_interp, nucel_interp.io.meme, nucel_interp.motifs.similarity, "
        "nucel_interp.motifs.scan, nucel_interp.match\n"
        "print({'memelite', 'numba', 'pymemesuite', 'torch', 'pyjaspar'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_number_of_torch_threads_stays():
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        similarity.warm()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
