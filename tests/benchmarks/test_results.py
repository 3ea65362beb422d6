"""The tables in benchmarks/results: what was run, when, and numbers that a program can read."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TABLES = sorted((BENCHMARKS / "results").glob("*.tsv"))
README = (BENCHMARKS / "README.md").read_text(encoding="utf-8")


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    """The comment lines at the top, and the rows below them, the header first."""
    lines = path.read_text(encoding="utf-8").splitlines()
    above = [line for line in lines if line.startswith("#")]
    assert lines[: len(above)] == above, "comments stand at the top only"
    return above, list(csv.reader(lines[len(above) :], delimiter="\t"))


def test_there_are_tables():
    assert len(TABLES) > 30


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_it_says_what_was_run_when_and_at_which_commit(path):
    above, _ = read(path)
    assert re.fullmatch(r"# command: \S.+", above[0])
    assert re.fullmatch(r"# date: 20\d\d-\d\d-\d\d", above[1])
    assert re.fullmatch(r"# commit: [0-9a-f]{7}(, [0-9a-f]{7})*", above[2])


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_it_has_a_header_and_rows_of_its_width(path):
    _, rows = read(path)
    header, *body = rows
    assert body
    assert len(set(header)) == len(header)
    assert all(re.fullmatch(r"[a-z][a-z0-9_.]*", name) for name in header)
    assert {len(row) for row in body} == {len(header)}
    assert len({tuple(row) for row in body}) == len(body), "a row stands twice"


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_an_interval_has_two_ends_in_order(path):
    """Equal or empty ends are allowed: one run, or a value without an interval."""
    _, (header, *body) = read(path)
    lows = [i for i, name in enumerate(header) if re.search(r"(^|_)low$", name)]
    for low in lows:
        high = header.index(re.sub("low$", "high", header[low]))
        for row in body:
            assert bool(row[low]) == bool(row[high])
            assert not row[low] or float(row[low]) <= float(row[high])


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_the_readme_links_to_it(path):
    assert f"(results/{path.name})" in README


def test_the_readme_names_no_table_and_no_script_that_is_not_there():
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(linked) > 30
    for target in linked:
        assert (BENCHMARKS / target).exists(), target
    for script in re.findall(r"python -m benchmarks\.(\w+)", README):
        assert (BENCHMARKS / f"{script}.py").is_file(), script


def test_every_script_is_in_the_readme():
    scripts = [
        path.stem
        for path in BENCHMARKS.glob("*.py")
        if "__main__" in path.read_text(encoding="utf-8")
    ]
    assert len(scripts) > 15
    assert [name for name in scripts if not re.search(rf"\b{name}\b", README)] == []
