import subprocess
import sys

import numpy as np
import pytest

from nucel_interp.errors import NucelWarning
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


def test_p_values_are_calibrated():
    # unrelated matrices: a share x of the p-values should lie below x
    p = tomtom(random_motifs(200, 2), random_motifs(200, 3)).p
    for x, low, high in [(0.05, 0.03, 0.065), (0.01, 0.005, 0.015), (0.001, 0.0003, 0.002)]:
        assert low < (p < x).mean() < high


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


def test_warm_and_notice(monkeypatch, tmp_path):
    assert similarity.warm() > 0
    assert similarity.is_warm()
    assert similarity.notice() is None
    monkeypatch.setattr(similarity.importlib.util, "find_spec", lambda name: None)
    assert not similarity.is_warm()
    assert "90 seconds" in similarity.notice()


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
