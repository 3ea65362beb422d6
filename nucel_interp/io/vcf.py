"""VCF in: variants whose reference allele is what the genome has.

pysam (htslib) splits and checks the file; what is scored, skipped, refused and said is decided
here.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nucel_genome import Genome
from nucel_genome.text import MARK
from nucel_interp.errors import InputError
from nucel_interp.io.regions import unknown_sequence
from nucel_interp.io.text import beginning, shown, unpacked
from nucel_interp.types import BASES, Variant, reverse_complement
from nucel_model import tokenizer


@dataclass(frozen=True)
class Variants:
    """What a VCF file holds.

    Attributes:
        scored: A variant per alternative allele, in the file's order.
        skipped: The other alleles, and why each is not read.
        records: Lines of the file.
    """

    scored: list[Variant]
    skipped: list[tuple[Variant, str]]
    records: int


def require_vcf() -> None:
    """Say before the work begins that VCF cannot be read.

    Raises:
        InputError: pysam is not installed.
    """
    try:
        import pysam  # noqa: F401
    except ImportError as error:
        raise InputError("VCF is read by pysam: pip install 'nucel-interp[vcf]'") from error


def read_variants(path: str | Path, genome: Genome, *, longest: int) -> Variants:
    """The variants of a VCF file, each reference allele compared with the genome.

    Alleles of any lengths are taken: substitutions, insertions, deletions. Skipped, with a reason,
    is what lies on a sequence the genome does not have, is no sequence (``<DEL>``, ``*``,
    breakends, no alternative), holds other letters than A, C, G, T, is as long as ``longest``
    allows no more, or changes nothing. Genotypes and filters are not looked at.

    Args:
        path: VCF, plain or packed, a pipe, or ``-``, standard input; or BCF. No index is needed.
        genome: Genome of the assembly that the variants were called on.
        longest: Bases of the longest allele, reference or alternative.

    Raises:
        InputError: No such file, damaged, no VCF, no variant in it; no variant on a sequence of the
            genome, a place beyond its end, or a reference allele that is not what the genome has.
    """
    require_vcf()
    called = shown(path)
    scored: list[Variant] = []
    skipped: list[tuple[Variant, str]] = []
    wrong: list[tuple[int, Variant, str]] = []
    known = set(genome.names)
    unknown: dict[str, str] = {}
    number = 0
    for number, record in enumerate(_records(path), start=1):
        chromosome, start, ref = str(record.chrom), int(record.start), str(record.ref).upper()
        here = Variant(chromosome, start, ref, "", record.id or "")
        where = f"{called}, record {number} ({_name(here)})"
        if chromosome not in known:
            if chromosome not in unknown:
                unknown[chromosome] = unknown_sequence(chromosome, genome.names)
            alts = record.alts or (".",)
            skipped += [(replace(here, alt=alt), unknown[chromosome]) for alt in alts]
            continue
        if start < 0:
            skipped.append((here, "position 0 lies before the first base"))
            continue
        if start + len(ref) > genome.length(chromosome):
            raise InputError(
                f"{where}: it reaches beyond the end of {chromosome}, which has "
                f"{genome.length(chromosome):,} bases. Is it of another assembly?"
            )
        if set(ref) <= set(BASES):
            stands = tokenizer.decode(genome.fetch(chromosome, start, start + len(ref)))
            if stands != ref:
                alts = ",".join(record.alts or ())
                wrong.append((number, replace(here, alt=alts.upper()), stands))
                continue
        for alt in record.alts or (".",):
            variant = replace(here, alt=alt.upper() if set(alt.upper()) <= set(BASES) else alt)
            reason = _not_read(variant, longest)
            if reason:
                skipped.append((variant, reason))
            else:
                scored.append(variant)
    if not number:
        raise InputError(f"{called} holds no variant: there is a header and no record behind it")
    if wrong:
        raise InputError(f"{called}, {_mismatch(wrong, number, genome)}")
    if unknown and not scored:
        first = next(iter(unknown.values()))
        raise InputError(f"{called} holds no variant that can be scored: {first}")
    return Variants(scored, skipped, number)


def _not_read(variant: Variant, longest: int) -> str:
    """Why a variant cannot be scored; "" if it can."""
    ref, alt = variant.ref, variant.alt
    if alt == ".":
        return "no alternative allele"
    if alt == "*":
        return "* stands for a deletion that another record gives"
    if alt.startswith("<"):
        return "a symbolic allele is no sequence"
    if "[" in alt or "]" in alt:
        return "a breakend is no sequence"
    for name, allele in (("reference", ref), ("alternative", alt)):
        if not set(allele) <= set(BASES):
            return f"the {name} allele has other letters than A, C, G, T"
    if max(len(ref), len(alt)) > longest:
        return f"an allele is longer than {longest:,} bases, half of what the model reads"
    return "" if ref != alt else "the alternative is the reference"


def _mismatch(wrong: list[tuple[int, Variant, str]], records: int, genome: Genome) -> str:
    """The first reference allele that is not the genome's, how many there are, and why."""
    number, first, stands = wrong[0]
    count = (
        f"so are {len(wrong) - 1:,} more of {records:,} records"
        if len(wrong) > 1
        else f"the other {records - 1:,} records agree"
        if records > 1
        else "it is the only record"
    )
    return (
        f"record {number} ({_name(first)}): the reference allele is {first.ref:.20}, but the "
        f"genome has {stands:.20} there; {count}. {_cause(wrong, records, genome)}"
    )


def _cause(wrong: list[tuple[int, Variant, str]], records: int, genome: Genome) -> str:
    def mostly(hits: int) -> bool:
        return hits > 0.8 * len(wrong)

    if mostly(sum(stands in v.alt.split(",") for _, v, stands in wrong)):
        return "The genome has the alternative: REF and ALT seem to be swapped"
    few = len(wrong) < max(2, 0.05 * records)
    if few:
        return "Is that record damaged, or the genome edited or masked there?"
    if mostly(sum(reverse_complement(v.ref) == stands for _, v, stands in wrong)):
        return "Alleles seem to be given on the other strand; VCF counts on the forward one"
    for shift in (1, -1):
        if mostly(sum(_stands_at(v, shift, genome) for _, v, _ in wrong)):
            return (
                f"They agree with the genome {abs(shift)} base to the "
                f"{'right' if shift > 0 else 'left'}: VCF counts from 1"
            )
    return "Is the file of another assembly than the genome?"


def _stands_at(variant: Variant, shift: int, genome: Genome) -> bool:
    start = variant.start + shift
    end = start + len(variant.ref)
    if start < 0 or end > genome.length(variant.chromosome):
        return False
    return tokenizer.decode(genome.fetch(variant.chromosome, start, end)) == variant.ref


def _name(variant: Variant) -> str:
    return f"{variant.chromosome:.60}:{variant.start + 1}" + (
        f", {variant.id:.60}" if variant.id else ""
    )


def _records(path: str | Path) -> Iterator[Any]:
    """Records as pysam gives them; what goes wrong on the way becomes an InputError."""
    import pysam

    called, last = shown(path), ""
    before = pysam.set_verbosity(0)  # htslib writes to stderr what is said here
    try:
        with _plain(path) as plain, pysam.VariantFile(str(plain)) as file:
            for record in file:
                yield record
                last = f"{record.chrom}:{record.pos}"
    except (ValueError, NotImplementedError) as error:
        raise InputError(
            f"{called} is not VCF: it should begin with ##fileformat=VCFv4 and a line #CHROM POS "
            "ID REF ALT ..., with tabs between columns"
        ) from error
    except OSError as error:
        if error.errno:
            raise InputError(f"{called} cannot be read: {error.strerror or error}") from error
        place = f"behind {last}" if last else "behind the header"
        raise InputError(
            f"{called}: the record {place} is not VCF: it needs eight columns between tabs, CHROM "
            "POS ID REF ALT QUAL FILTER INFO, and a whole number as POS"
        ) from error
    finally:
        pysam.set_verbosity(before)


@contextmanager
def _plain(path: str | Path) -> Iterator[str | Path]:
    """The file unpacked and without a byte order mark.

    Htslib reads bgzip alone, says little of a damaged one, and opens what it reads by its name.
    """
    with tempfile.TemporaryDirectory(prefix="nucel-interp-") as folder:
        plain: str | Path = path
        with unpacked(path, "VCF") as packed:
            head, stream = beginning(packed, 4)
            if head[:3] == MARK or not _begins_with(path, head):
                plain = Path(folder) / "plain.vcf"
                with plain.open("wb") as sink:
                    if head[:3] == MARK:
                        stream.read(len(MARK))
                    shutil.copyfileobj(stream, sink)
        yield plain


def _begins_with(path: str | Path, head: bytes) -> bool:
    """Whether a file that can be opened again has these bytes in front."""
    if str(path) == "-" or not Path(path).is_file():
        return False
    with Path(path).open("rb") as raw:
        return raw.read(len(head)) == head
