"""Files as text: marks, locales, pipes and damaged archives."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from nucel_genome.errors import GenomeError
from nucel_genome.text import bare_name, read_bytes, read_text, unpacked

_DRAW = random.Random(0)
TEXT = "".join(f"chr{_DRAW.randrange(20)}\t{_DRAW.randrange(10**6)}\tü\n" for _ in range(3000))
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_plain_text_with_or_without_a_mark(tmp_path: Path, mark: bytes) -> None:
    path = tmp_path / "a.bed"
    path.write_bytes(mark + TEXT.encode())
    assert read_text(path, "BED") == TEXT


@pytest.mark.parametrize("kind", PACK)
def test_packed_text_is_told_by_content(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.bed"
    path.write_bytes(PACK[kind](b"\xef\xbb\xbf" + TEXT.encode()))
    assert read_text(path, "BED") == TEXT


@pytest.mark.parametrize("name", ["a.bed.gz", "a.bed.xz", "a.bed"])
@pytest.mark.parametrize("kind", [*PACK, "plain"])
def test_what_a_name_ends_in_does_not_matter(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(PACK.get(kind, bytes)(TEXT.encode()))
    assert read_text(path, "BED") == TEXT


def test_a_name_without_its_packing() -> None:
    names = ("x/a.bed", "x/a.bed.gz", "a.bed.zst", "a.gz.bed")
    assert [bare_name(name) for name in names] == ["a.bed"] * 3 + ["a.gz.bed"]


def test_all_members_of_a_gzip_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert read_bytes(path, "BED") == b"one\ntwo\n"


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("how", ["cut", "turned"])
def test_a_damaged_archive_is_said_in_one_line(tmp_path: Path, kind: str, how: str) -> None:
    path = tmp_path / "a.bed"
    raw = bytearray(PACK[kind](TEXT.encode()))
    middle = len(raw) // 2
    if how == "cut":
        del raw[middle:]
    else:
        raw[middle] ^= 0x55
    path.write_bytes(raw)
    with pytest.raises(GenomeError, match="as BED: it is cut short or damaged") as caught:
        read_text(path, "BED")
    assert "\n" not in str(caught.value)


def test_a_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.bed"
    path.write_bytes(b"good\nGr\xf6\xdfe\n")
    with pytest.raises(GenomeError, match=r"line 2 holds the byte 0xf6.* Save the file as UTF-8"):
        read_text(path, "BED")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(GenomeError, match=r"no\.bed as BED: there is no such file"):
        read_text(tmp_path / "no.bed", "BED")
    with pytest.raises(GenomeError, match="Is a directory"):
        read_text(tmp_path, "BED")


def test_faults_of_the_reading_code_are_not_taken_for_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.bed"
    path.write_text("x")
    with pytest.raises(ValueError, match="mine"), unpacked(path, "BED"):
        raise ValueError("mine")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("kind", ["plain", "gz"])
def test_a_pipe_is_read_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    raw = TEXT.encode() if kind == "plain" else gzip.compress(TEXT.encode())
    writer = threading.Thread(target=path.write_bytes, args=(raw,))
    writer.start()
    assert read_text(path, "BED") == TEXT
    writer.join()


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_the_locale_does_not_matter(tmp_path: Path, locale: str) -> None:
    path = tmp_path / "a.bed"
    path.write_text("Größe\n", encoding="utf-8")
    code = (
        "import sys; from nucel_genome.text import read_text;"
        "print(ascii(read_text(sys.argv[1], 'x')), ascii(read_text('-', 'x')))"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", code, str(path)],
        env={**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        input="Maß".encode(),
        capture_output=True,
        check=True,
    )
    assert run.stdout.decode().split() == [r"'Gr\xf6\xdfe\n'", r"'Ma\xdf'"]


def test_reading_text_does_not_wait_for_torch() -> None:
    code = "import sys, nucel_interp.io.tracks, nucel_genome.bed; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True)
    assert run.stdout.decode().strip() == "False"
