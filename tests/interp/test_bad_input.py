"""Odd input works, or ends in one clear line and exit code 1 or 2, with nothing left behind."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nucel_interp.cli import app
from tests.toy import dna

RANDOM = random.Random(1)


def fasta(n: int = 5, length: int = 120) -> str:
    return "".join(f">s{i}\n{dna(length, RANDOM)}\n" for i in range(n))


def run(folder: Path, content: str | bytes, model: Path, name: str = "in.fa", *more: str) -> Result:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return CliRunner().invoke(
        app, ["motifs", str(path), "-o", str(folder / "out"), "-m", str(model), *more]
    )


def assert_refused(result: Result, folder: Path, *words: str) -> None:
    assert result.exit_code in (1, 2), result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in lines[0]
    left = [p for p in folder.iterdir() if p.name.startswith(("out", ".out"))]
    assert not left, f"left behind: {left}"


def assert_works(result: Result, folder: Path) -> str:
    assert result.exit_code == 0, result.stderr
    for name in ("report.html", "motifs.tsv", "motifs_untested.tsv", "summary.json", "run.json"):
        assert (folder / "out" / name).exists(), name
    return (folder / "out" / "report.html").read_text()


REFUSED = {
    "empty": (b"", ["empty"]),
    "protein": (b">p\nMKVLAAGIVGLLLAQWERTYIPASDFGHKLCVNM\n", ["p"]),
    "binary": (bytes(range(256)) * 20, []),
    "no header": (b"ACGTACGTACGTACGT\n", []),
    "zero-length record": (b">a\nACGTACGTACGTACGT\n>b\n>c\nACGTACGTACGTTTGT\n", ["b"]),
    "gz cut short": (gzip.compress(fasta(200).encode(), mtime=0)[:-900], []),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_line(case: str, tmp_path: Path, tiny_folder: Path) -> None:
    content, words = REFUSED[case]
    assert_refused(run(tmp_path, content, tiny_folder), tmp_path, *words)


def test_no_such_file(tmp_path: Path, tiny_folder: Path) -> None:
    result = CliRunner().invoke(
        app,
        ["motifs", str(tmp_path / "none.fa"), "-o", str(tmp_path / "out"), "-m", str(tiny_folder)],
    )
    assert_refused(result, tmp_path, "none.fa")


def test_no_such_model(tmp_path: Path) -> None:
    assert_refused(run(tmp_path, fasta(), tmp_path / "nothing"), tmp_path, "nothing", "nucel-mini")


def test_wrong_option_is_a_usage_error(tmp_path: Path, tiny_folder: Path) -> None:
    result = run(tmp_path, fasta(), tiny_folder, "in.fa", "--tax", "mammals")
    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()


SHORT = 50  # bases: a run takes as long as its hundred shuffled copies
WORKS = {
    "lower case": fasta(length=SHORT).lower(),
    "IUPAC codes": "".join(
        f">s{i}\n{dna(30, RANDOM)}RYSWKMBDHVN{dna(30, RANDOM)}\n" for i in range(5)
    ),
    "all N": "".join(f">s{i}\n{'N' * 100}\n" for i in range(5)),
    "shorter than a seqlet": ">a\nACGTAC\n>b\nA\n>c\n" + dna(300, RANDOM) + "\n",
    "CRLF": fasta(length=SHORT).replace("\n", "\r\n"),
    "five sequences": fasta(length=SHORT),
    "duplicate names": "".join(f">same\n{dna(SHORT, RANDOM)}\n" for _ in range(5)),
    "one base": ">a\nA\n",
}


@pytest.mark.parametrize("case", WORKS)
@pytest.mark.filterwarnings("ignore::nucel_interp.errors.NucelWarning")
def test_works_and_says_untested(case: str, tmp_path: Path, tiny_folder: Path) -> None:
    result = run(tmp_path, WORKS[case], tiny_folder)
    page = assert_works(result, tmp_path)
    assert "40 needed" in result.stdout
    assert "40 needed" in page
    assert (tmp_path / "out" / "motifs.tsv").read_text().count("\n") == 1  # the header alone


@pytest.mark.filterwarnings("ignore::nucel_interp.errors.NucelWarning")
def test_odd_names_are_data_not_paths_or_markup(tmp_path: Path, tiny_folder: Path) -> None:
    names = [
        "a/b/../../c",
        "<script>alert(1)</script>",
        "x" * 500,
        "with blanks in it",
        '"quoted"&amp;',
    ]
    text = "".join(f">{name}\n{dna(SHORT, RANDOM)}\n" for name in names)
    page = assert_works(run(tmp_path, text, tiny_folder), tmp_path)
    assert "<script>alert" not in page
    written = {p.name for p in (tmp_path / "out").rglob("*")}
    assert not any("alert" in name or "xxx" in name for name in written)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.fa", "out"]
    track = (tmp_path / "out" / "tracks" / "score.bedGraph").read_text()
    assert {line.split("\t")[0] for line in track.splitlines()} == {n.split()[0] for n in names}


def test_existing_output_is_kept_without_force(tmp_path: Path, tiny_folder: Path) -> None:
    text = ">a\nA\n"
    assert run(tmp_path, text, tiny_folder).exit_code == 0
    before = (tmp_path / "out" / "summary.json").read_bytes()
    again = run(tmp_path, text, tiny_folder)
    assert again.exit_code == 1
    assert "--force" in again.stderr
    assert (tmp_path / "out" / "summary.json").read_bytes() == before
    assert run(tmp_path, ">b\nA\n", tiny_folder, "in.fa", "--force").exit_code == 0
    assert (tmp_path / "out" / "tracks" / "score.bedGraph").read_text().startswith("b\t")


def test_standard_input_gz(tmp_path: Path, tiny_folder: Path) -> None:
    result = CliRunner().invoke(
        app,
        ["motifs", "-", "-o", str(tmp_path / "out"), "-m", str(tiny_folder)],
        input=gzip.compress(fasta(1, SHORT).encode()),
    )
    assert_works(result, tmp_path)


def test_track_of_another_length_is_refused(tmp_path: Path, tiny_folder: Path) -> None:
    import numpy as np

    np.savez(tmp_path / "t.npz", **{f"s{i}": np.zeros(7) for i in range(5)})
    result = run(tmp_path, fasta(), tiny_folder, "in.fa", "--track", str(tmp_path / "t.npz"))
    assert_refused(result, tmp_path, "s0")


def test_discriminator_needs_its_head(tmp_path: Path, tiny_folder: Path) -> None:
    from nucel_model import from_pretrained, save_pretrained

    model = from_pretrained(tiny_folder)
    model.discriminator_head = None
    bare = save_pretrained(model, tmp_path / "bare")
    (tmp_path / "in.fa").write_text(fasta())
    result = CliRunner().invoke(app, ["discriminator", str(tmp_path / "in.fa"), "-m", str(bare)])
    assert result.exit_code == 1
    assert "fit-head" in result.stderr
    assert_refused(
        run(tmp_path, fasta(), bare, "in.fa", "--score", "discriminator"), tmp_path, "fit-head"
    )


def test_attention_maps(tmp_path: Path, tiny_folder: Path) -> None:
    path = tmp_path / "in.fa"
    path.write_text(fasta(2, 60))
    call = ["attention", str(path), "-o", str(tmp_path / "out"), "-m", str(tiny_folder)]
    result = CliRunner().invoke(app, [*call, "--map", "1:0", "--map", "0:1"])
    assert result.exit_code == 0, result.stderr
    assert len(list((tmp_path / "out" / "figures").glob("*.svg"))) == 4
    for wrong, code in (("9:0", 1), ("x", 2), ("1", 2)):
        refused = CliRunner().invoke(app, [*call, "--force", "--map", wrong])
        assert refused.exit_code == code
        assert wrong in refused.stderr
    path.write_text(fasta(1, 2500))
    long = CliRunner().invoke(app, [*call, "--force", "--map", "1:0"])
    assert long.exit_code == 1
    assert "256" in long.stderr


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["100,000 tiny records", "one 2 Mb record"])
def test_very_many_and_very_long(shape: str, tmp_path: Path, tiny_folder: Path) -> None:
    text = (
        "".join(f">r{i}\n{dna(20, RANDOM)}\n" for i in range(100_000))
        if shape.startswith("100")
        else f">big\n{dna(2_000_000, RANDOM)}\n"
    )
    result = run(tmp_path, text, tiny_folder)
    assert_works(result, tmp_path)
    assert "No motif was found" in result.stdout


def npz(folder: Path, **tracks: object) -> str:
    import numpy as np

    np.savez(folder / "t.npz", **tracks)  # type: ignore[arg-type]
    return str(folder / "t.npz")


def bedgraph(folder: Path, text: str) -> str:
    (folder / "t.bedGraph").write_text(text)
    return str(folder / "t.bedGraph")


BAD_TRACKS = {
    "one value throughout": ("s0\t0\t120\t3\ns1\t0\t120\t3\n", ["no contrast"]),
    "one value per record": ("s0\t0\t120\t3\ns1\t0\t60\t4\n", ["no contrast"]),
    "only NaN": ("s0\t0\t120\tnan\n", ["no value at all"]),
    "infinity": ("s0\t0\t120\tinf\n", ["line 1", "finite"]),
    "other names": ("chr7\t0\t120\t1\n", ["chr7", "s0", "names"]),
    "beyond the record's end": ("s0\t0\t120\t1\ns1\t100\t121\t1\n", ["line 2", "121", "120"]),
    "words": ("s0\t0\t120\thigh\n", ["line 1", "number"]),
    "empty": ("", ["nothing"]),
}


@pytest.mark.parametrize("command", ["motifs", "seqlets"])
@pytest.mark.parametrize("case", BAD_TRACKS)
@pytest.mark.filterwarnings("ignore::nucel_interp.errors.NucelWarning")
def test_a_bad_track_is_refused(case: str, command: str, tmp_path: Path) -> None:
    text, words = BAD_TRACKS[case]
    (tmp_path / "in.fa").write_text(fasta())
    call = [command, str(tmp_path / "in.fa"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*call, "--track", bedgraph(tmp_path, text)])
    assert_refused(result, tmp_path, *words)


@pytest.mark.parametrize("shape", [119, 121, (120, 4)])
def test_an_array_of_another_shape_names_its_record(shape: int, tmp_path: Path) -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    tracks = {f"s{i}": rng.normal(size=120) for i in range(5)}
    tracks["s3"] = rng.normal(size=shape)
    (tmp_path / "in.fa").write_text(fasta())
    call = ["seqlets", str(tmp_path / "in.fa"), "-o", str(tmp_path / "out.bed")]
    result = CliRunner().invoke(app, [*call, "--track", npz(tmp_path, **tracks)])
    assert_refused(result, tmp_path, "s3", "120 bases")


def test_a_null_track_without_contrast_or_track_is_refused(tmp_path: Path) -> None:
    import numpy as np

    (tmp_path / "in.fa").write_text(fasta())
    track = npz(tmp_path, **{f"s{i}": np.arange(120.0) for i in range(5)})
    flat = bedgraph(tmp_path, "".join(f"s{i}\t0\t120\t1\n" for i in range(5)))
    call = ["seqlets", str(tmp_path / "in.fa"), "-o", str(tmp_path / "out.bed")]
    result = CliRunner().invoke(app, [*call, "--track", track, "--null-track", flat])
    assert_refused(result, tmp_path, "null track", "no contrast")
    alone = CliRunner().invoke(app, [*call, "--null-track", flat])
    assert alone.exit_code == 2
    assert "--null-track needs --track" in alone.stderr
