"""Fetch the human sequence nucel-mini is trained on, for those who lack a genome.

Two Debian packages carry it as example data: vt-examples all of chromosome 20 and smalt-examples
the first 70 Mb of chromosome X, both of GRCh37/hg19, upper case. Any other genome does as well.

    python pretrain/fetch_genome.py -o genome/

needs apt-get and dpkg-deb (Debian, Ubuntu), not root, 90 MB of download and about a minute.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One sequence, where it lies and what it must be."""

    package: str
    path: str
    """Inside the package."""
    name: str
    """Of the sequence in the file written."""
    out: str
    md5: str
    """Of the upper-case sequence without line breaks."""


SOURCES = (
    Source(
        "vt-examples",
        "usr/share/doc/vt/examples/ref/20.fa.gz",
        "chr20",
        "hg19_chr20.fa.gz",
        "0dec9660ec1efaaf33281c0d5ea2560f",
    ),
    Source(
        "smalt-examples",
        "usr/share/doc/smalt/test/data/hs37chrXtrunc.fa.gz",
        "chrX",
        "hg19_chrX_1-70M.fa.gz",
        "bdf3143e0e1b4b9de64dc022c40559bf",
    ),
)


class FetchError(Exception):
    """Says what went wrong and what to do."""


def main() -> None:
    """Fetch what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("genome"), help="folder to write to")
    out = parser.parse_args().out
    try:
        out.mkdir(parents=True, exist_ok=True)
        for source in SOURCES:
            target = out / source.out
            if target.exists():
                print(f"{target} is there already", file=sys.stderr)
                continue
            with tempfile.TemporaryDirectory(dir=out, prefix=".fetch-") as scratch:
                fetch(source, target, Path(scratch))
    except (FetchError, OSError, EOFError) as error:
        sys.exit(f"error: {error}")


def fetch(source: Source, target: Path, scratch: Path) -> None:
    """Download a package into ``scratch``, check its sequence and write ``target``.

    Raises:
        FetchError: A tool is missing, the package cannot be had, or it holds other sequence.
    """
    print(f"downloading the package {source.package} ...", file=sys.stderr)
    run(
        ["apt-get", "download", source.package],
        scratch,
        "Is the package list fresh (apt-get update)? Any other genome FASTA works in its place",
    )
    package = next(scratch.glob("*.deb"))
    run(["dpkg-deb", "-x", package.name, "files"], scratch, "Is the disk full?")
    found = scratch / "files" / source.path
    if not found.is_file():
        raise FetchError(
            f"{package.name} holds no {source.path}; another version of the package may have "
            "moved it: look with dpkg-deb -c"
        )
    with gzip.open(found) as file:
        file.readline()  # the header
        sequence = b"".join(file.read().upper().split())
    if hashlib.md5(sequence).hexdigest() != source.md5:
        raise FetchError(
            f"{source.path} of {package.name} is not the sequence expected (MD5 of its "
            f"{len(sequence):,} bases differs); nothing was written"
        )
    unfinished = scratch / source.out
    with gzip.GzipFile(unfinished, "wb", compresslevel=6, mtime=0) as file:
        file.write(f">{source.name}\n".encode())
        for start in range(0, len(sequence), 60):
            file.write(sequence[start : start + 60] + b"\n")
    unfinished.rename(target)
    print(f"{target}: {len(sequence):,} bases", file=sys.stderr)


def run(command: list[str], folder: Path, hint: str) -> None:
    """Run a tool in ``folder``.

    Raises:
        FetchError: It is missing or fails; with the last line it said, and ``hint``.
    """
    if shutil.which(command[0]) is None:
        raise FetchError(
            f"{command[0]} is not here: this script needs Debian or Ubuntu. Any other genome "
            "FASTA works in its place"
        )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise FetchError(f"{' '.join(command)} failed: {said}. {hint}")


if __name__ == "__main__":
    main()
