import gzip
import io

import numpy as np
import pytest

from nucel_interp.errors import InputError
from nucel_interp.io.meme import read_meme, write_meme
from nucel_interp.types import Motif
from tests.interp.pipes import piped

HEAD = "MEME version 4\n\nALPHABET= ACGT\n\nBackground letter frequencies\nA .3 C .2 G .2 T .3\n\n"
ROWS = "0.1 0.2 0.3 0.4\n1 0 0 0\n"


def read(text):
    return read_meme(io.StringIO(text))


def motif_text(header, rows=ROWS, name="MOTIF m1 one"):
    return f"{HEAD}{name}\n{header}\n{rows}"


def test_round_trip():
    rng = np.random.default_rng(0)
    motifs = [
        Motif(f"m{i}", rng.dirichlet([0.3] * 4, size=w).T, n_sites=i + 1, name=f"n{i}" * (i % 2))
        for i, w in enumerate([1, 5, 20])
    ]
    again = read(write_meme(motifs))
    assert [m.id for m in again] == ["m0", "m1", "m2"]
    assert [m.name for m in again] == ["", "n1", ""]
    assert [m.n_sites for m in again] == [1, 2, 3]
    for a, b in zip(motifs, again, strict=True):
        assert b.pwm.shape == (4, a.width)
        np.testing.assert_allclose(a.pwm, b.pwm, atol=1e-6)
        np.testing.assert_allclose(b.pwm.sum(axis=0), 1)
    assert write_meme(again) == write_meme(read(write_meme(again)))


def test_rows_are_positions_and_columns_acgt():
    (motif,) = read(motif_text("letter-probability matrix: alength= 4 w= 2 nsites= 7 E= 0"))
    np.testing.assert_allclose(motif.pwm, [[0.1, 1], [0.2, 0], [0.3, 0], [0.4, 0]])
    assert motif.n_sites == 7
    assert motif.name == "one"


@pytest.mark.parametrize(
    "header",
    [
        "letter-probability matrix: alength= 4 w= 2 nsites= 7 E= 1e-5",
        "letter-probability matrix: E= 0 nsites= 7 w= 2 alength= 4",
        "letter-probability matrix: alength=4 w=2 nsites=7 E=0",
        "letter-probability matrix: alength = 4 w = 2 nsites = 7 E = 0",
        "letter-probability matrix: nsites= 7.2",
        "letter-probability matrix: alength= 4 w= 2 nsites= 7E= 1e-3",
        "letter-probability matrix: alength= 4 w= 2 nsites= 7.E=1.5e-3",
        "letter-probability matrix: nsites=7E=0 w=2E=0",
        "letter-probability matrix: alength= 4 nsites= 7",
    ],
)
def test_attributes_in_any_form(header):
    for text in (motif_text(header), motif_text(header).rstrip("\n")):
        for ends in (text, text.replace("\n", "\r\n")):
            (motif,) = read(ends)
            assert (motif.width, motif.n_sites) == (2, 7)


def test_defaults_and_extra_lines():
    text = (
        HEAD + "MOTIF a=b::c x = y\n\nletter-probability matrix:\n\n" + ROWS + "URL http://x\n\n"
        "MOTIF second\nlog-odds matrix: alength= 4 w= 2\n-100 200 -3 4\n5 6 7 8\n"
        "letter-probability matrix: w= 1\n\n  0.25 0.25\t0.25 0.25  \n---\nsome words\n"
    )
    first, second = read(text)
    assert (first.id, first.name, first.width, first.n_sites) == ("a=b::c", "x", 2, 20)
    assert (second.id, second.name, second.width) == ("second", "", 1)


def test_rounded_rows_are_normalised():
    (motif,) = read(motif_text("letter-probability matrix:", "0.33 0.33 0.33 0\n"))
    np.testing.assert_allclose(motif.pwm[:, 0], [1 / 3, 1 / 3, 1 / 3, 0])


def test_no_motifs_is_no_error():
    assert read(HEAD) == []


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (motif_text("letter-probability matrix: w= 3"), 9, "3 rows .* has 2"),
        (motif_text("letter-probability matrix: w= 1"), 9, "1 rows .* has 2"),
        (motif_text("letter-probability matrix: w= x"), 9, "width w= x"),
        (motif_text("letter-probability matrix: w= 0"), 9, "width w= 0"),
        (motif_text("letter-probability matrix: w= -2"), 9, "width w= -2"),
        (motif_text("letter-probability matrix: alength= 20"), 9, "alength= 20"),
        (motif_text("letter-probability matrix: nsites= many"), 9, "nsites= many"),
        (motif_text("letter-probability matrix:", ""), 9, "has 0"),
        (motif_text("letter-probability matrix:", "5 10 0 0\n"), 10, "divide each row"),
        (motif_text("letter-probability matrix:", "1.2 -0.2 0 0\n"), 10, "probabilities"),
        (motif_text("letter-probability matrix:", "nan 0 0 1\n"), 10, "probabilities"),
        (motif_text("letter-probability matrix:", "0.5 0.5\n"), 10, "2 numbers"),
        (motif_text("letter-probability matrix: w= 2", "1 0 0 0\nA C G T\n"), 11, "no row"),
        (motif_text("letter-probability matrix:", "0.5 0.5 O 0\n"), 10, "no row"),
        (motif_text("", name="MOTIF"), 8, "without an id"),
        (motif_text("", rows=""), 9, "no letter-probability matrix"),
        (HEAD + "letter-probability matrix:\n" + ROWS, 8, "without a MOTIF"),
        (motif_text("letter-probability matrix:") + "\nMOTIF m1\n", 13, "used before"),
        (HEAD.replace("= ACGT", "= ACGU"), 3, "only DNA"),
    ],
)
def test_errors_name_file_line_and_remedy(tmp_path, text, line, says):
    path = tmp_path / "x.meme"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as error:
        read_meme(path)
    assert str(error.value).startswith(f"{path}, line {line}: ")


def test_not_a_motif_file(tmp_path):
    for name, data in {
        "empty": b"",
        "fasta": b">a\nACGT\n",
        "binary": bytes(range(256)),
        "bad.gz": b"\x1f\x8bMEME version",
        "cut.gz": gzip.compress(HEAD.encode())[:-9],
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(InputError, match=name):
            read_meme(str(path))
    with pytest.raises(InputError, match="there is no such file"):
        read_meme(tmp_path / "absent.meme")


@pytest.mark.parametrize("name", ["x.meme.gz", "x.meme"])
def test_gzip_is_told_by_content_and_a_byte_order_mark_is_dropped(tmp_path, name):
    text = ("\ufeff" + motif_text("letter-probability matrix:")).encode()
    path = tmp_path / name
    for content in (text, gzip.compress(text)):
        path.write_bytes(content)
        assert read_meme(path)[0].id == "m1"
        with piped(content) as pipe:
            assert read_meme(pipe)[0].id == "m1"


def test_a_damaged_archive_is_said_in_one_line(tmp_path):
    raw = bytearray(gzip.compress(motif_text("letter-probability matrix:").encode()))
    raw[len(raw) // 2] ^= 0x55
    (tmp_path / "x.meme.gz").write_bytes(raw)
    with pytest.raises(InputError, match=r"as MEME motifs: it is cut short or damaged"):
        read_meme(tmp_path / "x.meme.gz")


def test_of_meme_s_own_output_the_name_is_one_word():
    text = motif_text(
        "letter-probability matrix: alength= 4 w= 2 nsites= 17 E= 1.2e-003",
        name="MOTIF ACGTA MEME-1\twidth =   2  sites =  17  llr = 205  E-value = 1.2e-003",
    )
    (motif,) = read(text)
    assert (motif.id, motif.name, motif.n_sites) == ("ACGTA", "MEME-1", 17)


def test_write_refuses_what_cannot_be_read_back():
    pwm = np.full((4, 3), 0.25)
    for bad in ([Motif("a b", pwm)], [Motif("", pwm)], [Motif("a", pwm)] * 2):
        with pytest.raises(InputError, match="id must be one word"):
            write_meme(bad)
    with pytest.raises(InputError, match="no columns"):
        write_meme([Motif("a", pwm[:, :0])])
    assert "MOTIF a x_y\n" in write_meme([Motif("a", pwm, name="x y")])
