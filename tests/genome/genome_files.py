"""One small genome in every form of file that is read."""

from __future__ import annotations

import gzip
import struct

import numpy as np

SEQUENCES = {
    "chr1": "NNacgtACGTTTgacRYnnACGTACGGATCNN" * 9 + "A",
    "chr2": "ttgacaGGCCTA" * 40,
    "chrN": "NNNN",
}


def fasta(sequences: dict[str, str], width: int = 50) -> bytes:
    lines = []
    for name, bases in sequences.items():
        lines.append(f">{name} made up, {len(bases)} bases")
        lines += [bases[i : i + width] for i in range(0, len(bases), width)]
    return "\n".join([*lines, ""]).encode()


def bgzip(data: bytes, block: int = 300) -> bytes:
    """Gzip members with the extra field that bgzip writes, and its end-of-file block."""
    out = b""
    for start in range(0, len(data) + block, block):
        member = gzip.compress(data[start : start + block], mtime=0)
        extra = struct.pack("<H2sHH", 6, b"BC", 2, len(member) + 8 - 1)
        out += member[:3] + b"\x04" + member[4:10] + extra + member[10:]
    return out


def twobit(sequences: dict[str, str], order: str = "<", version: int = 0) -> bytes:
    """A .2bit file as its format's page describes it."""

    def blocks(inside: np.ndarray) -> bytes:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
        starts, ends = edges[::2], edges[1::2]
        numbers = [len(starts), *starts, *(ends - starts)]
        return struct.pack(f"{order}{len(numbers)}I", *map(int, numbers))

    records = []
    for bases in sequences.values():
        letters = np.array(list(bases))
        codes = [max("TCAG".find(base), 0) for base in bases.upper()]
        codes += [0] * (-len(codes) % 4)
        packed = bytes(
            codes[i] << 6 | codes[i + 1] << 4 | codes[i + 2] << 2 | codes[i + 3]
            for i in range(0, len(codes), 4)
        )
        unknown = ~np.isin(np.char.upper(letters), list("ACGT"))
        records.append(
            struct.pack(f"{order}I", len(bases))
            + blocks(unknown)
            + blocks(np.char.islower(letters))
            + struct.pack(f"{order}I", 0)
            + packed
        )
    offset_form = f"{order}{'Q' if version else 'I'}"
    at = 16 + sum(1 + len(n) + struct.calcsize(offset_form) for n in sequences)
    index = b""
    for name, record in zip(sequences, records, strict=True):
        index += bytes([len(name)]) + name.encode() + struct.pack(offset_form, at)
        at += len(record)
    return (
        struct.pack(f"{order}4I", 0x1A412743, version, len(records), 0) + index + b"".join(records)
    )


FILES = {
    "g.fa": fasta(SEQUENCES),
    "one_line.fa": fasta(SEQUENCES, width=10_000),
    "dos.fa": fasta(SEQUENCES).replace(b"\n", b"\r\n"),
    "comments.fa": b"# by hand\n\n" + fasta(SEQUENCES).replace(b"\n>chr2", b"\n#>x\n\n>chr2"),
    "g.fa.gz": gzip.compress(fasta(SEQUENCES)),
    "g.fa.bgz": bgzip(fasta(SEQUENCES)),
    "g.2bit": twobit(SEQUENCES),
    "big_endian.2bit": twobit(SEQUENCES, ">"),
    "long_offsets.2bit": twobit(SEQUENCES, "<", 1),
}
