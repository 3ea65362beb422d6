"""The house: few rooms and arrows inside the comparisons, and no file too long to be read."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "nucel_interp": ROOT, "nucel_genome": ROOT, "nucel_runtime": ROOT,
    "nucel_model": ROOT / "model", "nucel_pretrain": ROOT / "pretrain",
}  # fmt: skip
MOST_LINES = 430


def arrows(package: str) -> tuple[set[str], set[tuple[str, str]]]:
    """The rooms inside a package, and which imports from which."""
    graph = grimp.build_graph(package.partition(".")[0])
    inside = {m for m in graph.modules if m.startswith(f"{package}.")}
    depth = package.count(".") + 1
    drawn = {
        (module.split(".")[depth], other.split(".")[depth])
        for module in inside
        for other in graph.find_modules_directly_imported_by(module)
        if other in inside
    }
    return {m.split(".")[depth] for m in inside}, {(a, b) for a, b in drawn if a != b}


def has_circle(rooms: set[str], drawn: set[tuple[str, str]]) -> bool:
    """Whether one can come back to a room along arrows."""
    left = set(rooms)
    while free := {room for room in left if not any(a == room and b in left for a, b in drawn)}:
        left -= free
    return bool(left)


def test_comparisons_have_few_rooms_few_arrows_and_no_circle():
    rooms, drawn = arrows("nucel_interp.compare")
    assert {"models", "heads", "agreement", "intervention", "shared"} <= rooms
    assert len(rooms) <= 7
    assert 0 < len(drawn) <= 10
    assert not has_circle(rooms, drawn)


def test_a_circle_is_seen():
    assert has_circle({"a", "b", "c"}, {("a", "b"), ("b", "c"), ("c", "b")})
    assert not has_circle({"a", "b", "c"}, {("a", "b"), ("b", "c"), ("a", "c")})


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_is_too_long_to_be_read(package):
    files = sorted((PACKAGES[package] / package).rglob("*.py"))
    assert files
    lengths = {f.name: len(f.read_text(encoding="utf-8").splitlines()) for f in files}
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}


CLIPPED = re.compile(
    r"(Of|As|See|Whose|That|Which|Where|How|What|Those|The same|Loaded|In|To|From|Also|Its|It|Their"
    r"|By|For|Each|One per|With|At|On)\b"
)
DESCRIBED = re.compile(r"    \*{0,2}\w+(?:, \w+)*: (.*)")


def descriptions(doc: str, section: str) -> list[str]:
    """The first line of what a docstring says of each argument or attribute."""
    found = re.search(rf"^{section}:\n((?:    .*\n?|\n)+)", doc, re.M)
    lines = found[1].split("\n") if found else []
    return [entry[1] for line in lines if (entry := DESCRIBED.match(line))]


def test_a_clipped_description_is_seen():
    doc = "Do.\n\nArgs:\n    seed: Of the draw.\n    a, b: Ends,\n        As given.\n\nRaises:\n"
    assert descriptions(doc, "Args") == ["Of the draw.", "Ends,"]
    assert CLIPPED.match("Of the draw.")
    assert not CLIPPED.match("Offsets of units.")


@pytest.mark.parametrize(("section", "least"), [("Args", 900), ("Attributes", 600)])
def test_a_description_is_understood_with_the_name_covered(section, least):
    seen, clipped = 0, []
    for folder in (*(root / package for package, root in PACKAGES.items()), ROOT / "benchmarks"):
        for file in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    told = descriptions(ast.get_docstring(node) or "", section)
                    seen += len(told)
                    clipped += [f"{file.name}: {node.name}: {t}" for t in told if CLIPPED.match(t)]
    assert clipped == []
    assert seen > least
