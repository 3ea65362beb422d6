"""Every Python block of the pages, and every example of a docstring, is run.

They run in a folder that holds what they name: sequences with a motif planted, a genome, variants,
motifs, a track, and models, of which one is as if fine-tuned. In place of nucel-mini stands a model
of as many layers and heads that is quick.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from importlib import resources

import numpy as np
import pytest

import nucel_interp
from nucel_interp.io.meme import write_meme
from nucel_interp.io.tracks import write_bedgraph
from nucel_interp.match import load_jaspar
from tests import toy
from tests.test_docs import COMMANDS, DOCS, FENCE, fences

N, LENGTH = 44, 60
MOST_LINES = 5
PAGE = DOCS / "howto" / "python.md"
HEADING = re.compile(r"^### ([^\n]+)\n+```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PUBLIC = {
    name: module
    for name, module in nucel_interp._PUBLIC.items()
    if module.startswith("nucel_interp.api") and name[0].islower()
}


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """The folder, as the current one."""
    records, tracks = toy.planted("CTCF", n=N, length=LENGTH)
    toy.fasta_of(tmp_path / "peaks.fa", {r.name: r.sequence for r in records})
    write_bedgraph(tmp_path / "mine.bedGraph", records, [np.abs(t) for t in tracks])
    ctcf = [m for m in load_jaspar().motifs if m.name == "CTCF"]
    (tmp_path / "known.meme").write_text(write_meme(ctcf))
    sites = "".join(f"{r.name}\t{20}\t{34}\tsite\n" for r in records)
    (tmp_path / "sites.bed").write_text(sites)
    genome = toy.dna(600, 3)
    toy.fasta_of(tmp_path / "genome.fa", {"chr1": genome})
    (tmp_path / "regions.bed").write_text("chr1\t100\t400\n")
    other = {"A": "C", "C": "A", "G": "T", "T": "G"}
    lines = [f"chr1\t{at + 1}\t.\t{genome[at]}\t{other[genome[at]]}\t.\t.\t." for at in (90, 300)]
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    (tmp_path / "calls.vcf").write_text(head + "\n".join(lines) + "\n")
    toy.tiny(context=LENGTH).save_pretrained(tmp_path / "my-model")
    toy.tuned(context=LENGTH, head=True).save_pretrained(tmp_path / "tuned")
    small = toy.nucel(toy.shape(layers=6, width=24, context=512, num_attention_heads=6))
    small.save_pretrained(tmp_path / "checkpoints" / "nucel-mini")
    where = resources.files
    monkeypatch.setattr(
        resources, "files", lambda name: tmp_path if name == "nucel_model" else where(name)
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", fences("python"))
def test_python_blocks_of_the_pages_run(block, desk):
    exec(compile(block, "block", "exec"), {"__name__": "block"})


def jobs() -> dict[str, str]:
    """Command, as the page's headings name it -> its block."""
    return dict(HEADING.findall(PAGE.read_text(encoding="utf-8")))


def test_every_commands_job_takes_at_most_five_lines_of_python():
    found = jobs()
    assert sorted({name.split("`")[1].split()[0] for name in found}) == COMMANDS
    lines = {name: len([x for x in text.splitlines() if x.strip()]) for name, text in found.items()}
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


def examples() -> list:
    """Every public function whose docstring has an example."""
    return [pytest.param(name, id=name) for name in sorted(PUBLIC)]


@pytest.mark.parametrize("name", examples())
def test_the_example_of_a_function_runs_and_gives_what_it_says(name, desk):
    function = getattr(nucel_interp, name)
    module = importlib.import_module(PUBLIC[name])
    (test,) = [t for t in doctest.DocTestFinder(recurse=False).find(function, name) if t.examples]
    assert not any(doctest.SKIP in e.options for e in test.examples)
    said: list[str] = []
    result = doctest.DocTestRunner().run(test, out=said.append)
    assert result.failed == 0, "".join(said)
    assert result.attempted >= 2
    assert module.__doc__


def test_blocks_are_seen():
    assert len(fences("python")) >= 20
    assert len(PUBLIC) >= 16
    assert ast.parse(
        "".join(text for kind, text in FENCE.findall(PAGE.read_text()) if kind == "python")
    )
