"""Every command looks at its output and at what it is given before any work begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import typer
from typer.testing import CliRunner

import nucel_genome.genome
import nucel_interp.motifs.similarity
import nucel_interp.scoring.device
import nucel_model
import nucel_runtime.program
from nucel_interp.cli import app
from nucel_interp.io.meme import write_meme
from nucel_interp.match import load_jaspar
from nucel_model import save_pretrained
from tests.toy import dna, tiny, tuned

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
INPUT = {  # what each command is given before its options
    "agree": "{fa} -m {tuned}",
    "attention": "{fa} -m {before}",
    "attribute": "{fa} -m {tuned}",
    "calibrate": "{fa} -m {before}",
    "compare": "{fa} --models {before}",
    "discriminator": "{fa} -m {before}",
    "heads": "{fa} -m {before}",
    "kmers": "{fa} -m {before}",
    "match": "{meme}",
    "motifs": "{fa} -m {before}",
    "seqlets": "{fa} -m {before}",
    "substitution": "{fa} -m {before}",
    "variants": "{vcf} --genome {fa} -m {before}",
}
WRITES = sorted(
    name for name, command in COMMANDS.items() if any("--out" in p.opts for p in command.params)
)


class Begun(Exception):
    """The work has begun."""


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Inputs that are all right."""
    folder = tmp_path_factory.mktemp("given")
    save_pretrained(tiny(), folder / "before")
    save_pretrained(tuned(head=True, strands="forward"), folder / "tuned")
    places = [(f"chr{i % 5 + 1}", 100 * i) for i in range(50)]
    (folder / "fa").write_text(
        "".join(f">{c}:{s}-{s + 40}\n{dna(40, i)}\n" for i, (c, s) in enumerate(places))
    )
    (folder / "meme").write_text(write_meme(load_jaspar().motifs[:2]))
    (folder / "vcf").write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    return {name: folder / name for name in ("before", "tuned", "fa", "meme", "vcf")}


def run(given: dict[str, Path], name: str, *options: str):
    """One command; what it says, whether it ended well or not."""
    words = [word.format(**given) for word in INPUT[name].split()]
    result = CliRunner().invoke(app, [name, *words, *options])
    assert not isinstance(result.exception, Begun), "the work had begun"
    return result


@pytest.fixture
def nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is loaded, no genome opened, no motif compared."""

    def begun(*_: object, **__: object) -> None:
        raise Begun

    monkeypatch.setattr(nucel_model, "from_pretrained", begun)
    monkeypatch.setattr(nucel_interp.scoring.device, "from_pretrained", begun)
    monkeypatch.setattr(nucel_genome.Genome, "open", begun)
    monkeypatch.setattr(nucel_interp.motifs.similarity, "_memelite", begun)
    monkeypatch.setattr(nucel_runtime.program, "in_one_line", reraised)


@pytest.fixture
def nothing_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models may be loaded, and read nothing."""

    def begun(*_: object, **__: object) -> None:
        raise Begun

    for method in ("forward", "profile"):
        monkeypatch.setattr(nucel_model.Nucel, method, begun)
        monkeypatch.setattr(nucel_model.NucelEncoder, method, begun)
    monkeypatch.setattr(nucel_runtime.program, "in_one_line", reraised)


def reraised(error: Exception) -> str:
    """A line for the user, but for our own error."""
    if isinstance(error, Begun):
        raise error
    return str(error)


def test_every_command_that_writes_is_here() -> None:
    assert sorted(INPUT) == WRITES


def earlier_folder(path: Path) -> None:
    path.mkdir()
    (path / "run.json").write_text(json.dumps({"versions": {"nucel-interp": "0"}}))


def earlier_file(path: Path) -> None:
    path.write_text("what somebody needs")


def is_folder(name: str) -> bool:
    """Whether a command writes a folder."""
    (out,) = (p for p in COMMANDS[name].params if "--out" in p.opts)
    return "Folder" in (out.help or "")


@pytest.mark.usefixtures("nothing_is_read")
@pytest.mark.parametrize("name", WRITES)
def test_an_earlier_output_is_refused(name: str, given: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    (earlier_folder if is_folder(name) else earlier_file)(out)
    result = run(given, name, "-o", str(out))
    assert result.exit_code == 1
    assert "give --force to replace it" in result.stderr
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.usefixtures("nothing_is_read")
@pytest.mark.parametrize("name", WRITES)
def test_an_output_that_cannot_be_is_refused(
    name: str, given: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    result = run(given, name, "-o", str(tmp_path / "file" / "out"), "--force")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


@pytest.mark.usefixtures("nothing_is_read")
@pytest.mark.parametrize("name", ["attention", "discriminator"])
def test_an_earlier_output_of_a_genome_is_refused(
    name: str, given: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out.bw"
    (earlier_folder if is_folder(name) else earlier_file)(out)
    (tmp_path / "r.bed").write_text("chr1:0-40\t0\t10\n")
    result = run(given, name, "--bed", str(tmp_path / "r.bed"), "-o", str(out))
    assert result.exit_code == 1
    assert "give --force to replace it" in result.stderr


FILES = ("--track", "--null-track", "--db", "--sites", "--motifs", "--bed", "--genome")


def takes() -> list[tuple[str, str]]:
    """Every command with every option of an input file that it has."""
    return [
        (name, option)
        for name in WRITES
        for option in FILES
        for parameter in COMMANDS[name].params
        if option in parameter.opts
    ]


def test_options_that_take_paths_are_here() -> None:
    """A new one is put into `FILES`, if it is an input."""
    paths = set()
    for command in app.registered_commands:
        assert command.callback is not None
        for hint in get_type_hints(command.callback, include_extras=True).values():
            kind, *about = get_args(hint) or (None,)
            if "Path" in str(kind):
                for info in about:  # inside Annotated the first name stands where a default would
                    paths |= {info.default, *(info.param_decls or ())}
    names = {path for path in paths if str(path).startswith("--")}
    assert names - {"--out"} == set(FILES)


@pytest.mark.usefixtures("nothing_is_scored")
@pytest.mark.parametrize(("name", "option"), takes())
def test_a_file_that_is_not_there_is_told(
    name: str, option: str, given: dict[str, Path], tmp_path: Path
) -> None:
    missing = tmp_path / "misspelt.x"
    more = ["--track", str(npz(given, tmp_path))] if option == "--null-track" else []
    if name == "match":
        more = []
    out = tmp_path / ("out.bw" if name == "discriminator" else "out")
    result = run(given, name, option, str(missing), *more, "-o", str(out))
    assert result.exit_code == 1, result.output
    assert "misspelt.x" in result.stderr
    assert not out.exists()


def npz(given: dict[str, Path], folder: Path) -> Path:
    """A track of the records."""
    import numpy as np

    from nucel_interp.io.fasta import read_records

    path = folder / "track.npz"
    np.savez(path, **{r.name: np.zeros(len(r)) for r in read_records(given["fa"])})
    return path


@pytest.mark.usefixtures("nothing_is_scored")
@pytest.mark.parametrize(
    ("name", "option"), [(n, o) for n, o in takes() if o in ("--sites", "--bed", "--track")]
)
def test_a_misspelt_chromosome_is_told(
    name: str, option: str, given: dict[str, Path], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("chrom1\t0\t10\t1\n")
    out = tmp_path / ("out.bw" if name == "discriminator" else "out")
    result = run(given, name, option, str(wrong), "-o", str(out))
    assert result.exit_code == 1, result.output
    assert "chrom1" in result.stderr
    assert not out.exists()
