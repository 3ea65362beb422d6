"""Tracks of the records of a FASTA file of any size: read as a stream, in shards, resumable.

What `attention` and `discriminator` share. While the model reads a shard, the next one is taken
from the file and the last one is written as a part; the parts are joined in the end.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from nucel_interp.progress import OnProgress, say
from nucel_interp.runs import sharded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nucel_interp.io.profile import Block
    from nucel_interp.runs.fasta_index import Survey
    from nucel_interp.scoring.long_sequences import LongSequence, Stretch, Tracks
    from nucel_interp.scoring.scores import Strands
    from nucel_interp.types import Record
    from nucel_model import Nucel

MOST_NUMBERS = 1 << 24
"""Of a shard, where every head's attention is kept (heads x bases)."""
BLOCK_BP = 1 << 16
"""Bases that are joined at a time."""

Track = Literal["attention", "replaced"]
_T = TypeVar("_T")


class RecordRun(sharded.ShardedRun):
    """One run over the records of a file, or of memory.

    Attributes:
        survey: Lengths and locations of the records.
    """

    def __init__(
        self,
        survey: Survey,
        model: Nucel,
        out: Path | None,
        strands: Strands,
        *,
        writes: Iterable[Track],
        heads: bool = False,
    ) -> None:
        """Plan the run.

        Args:
            survey: Index of the records.
            model: Model that is read, as `from_pretrained` gives it.
            out: Output beside which the parts are kept until it is there; None keeps them as long
                as the run is held.
            strands: "both" or "forward"; `score_sequences` says what either means.
            writes: The tracks that will be asked for.
            heads: Keep what every head gives, for `blocks`.

        Raises:
            InputError: Another word for the strands.
        """
        super().__init__(model, strands, survey.bases, out)
        self.survey = survey
        self._writes, self._heads = list(writes), heads
        self._numbers: dict[str, int] | None = None
        self._part_ends: list[int] | None = None
        self._last: tuple[int, str, NDArray[Any]] | None = None

    def score(self, *, anew: bool, on_progress: OnProgress | None = None) -> None:
        """Do the shards that are not done.

        Args:
            anew: Throw away what another run left, in place of refusing.
            on_progress: Called with the bases read so far.

        Raises:
            NucelError: A part cannot be written, or is of another run.
        """
        from nucel_interp.scoring.device import best_device
        from nucel_interp.scoring.long_sequences import score_stretches

        about = {
            "input": self.survey.digest(),
            "set of tracks": [*self._writes, *(["every head"] if self._heads else [])],
        }
        with self._going_on(about, anew=anew, on_progress=on_progress) as (finished, step):
            if self._bases(finished) == self.bases:
                return
            model = self.model.to(best_device())
            left = ((n, shard) for n, shard in enumerate(self._shards()) if n not in finished)
            with _behind(self._parts.write) as write:
                for number, shard in _ahead(left):
                    tracks = score_stretches(
                        model, shard, strands=self.strands, heads=self._heads, on_progress=step
                    )
                    write(number, self._arrays(tracks))

    def bases_of(self, number: int) -> int:
        """Bases of a part."""
        return int(self._parts.read(number, ["bases"])["bases"])

    def close(self) -> None:
        """Remove the parts, and the copy of what came through a pipe."""
        super().close()
        self._last = None
        self.survey.close()

    def tracks(self, track: Track) -> Iterator[tuple[str, int, Iterator[NDArray[np.float32]]]]:
        """Of each record its chromosome, first base, and numbers in blocks.

        In genome coordinates, sorted, if every record has a location and no two overlap, those of
        the reverse strand turned; otherwise the record's name stands for the chromosome, and
        records are in the order of the file.
        """
        import numpy as np

        survey = self.survey
        first = survey.offsets
        with self._joined(track) as read:
            if survey.chromosomes:
                for i in np.lexsort((survey.start, survey.chromosome)).tolist():
                    name = survey.chromosomes[survey.chromosome[i]]
                    span = int(first[i]), int(first[i + 1])
                    yield name, int(survey.start[i]), read(*span, bool(survey.turned[i]))
                return
            for i, record in enumerate(survey.records()):
                yield record.name, 0, read(int(first[i]), int(first[i + 1]))

    def index(self, name: str) -> int:
        """The number of a record by its name.

        Raises:
            KeyError: There is none of that name.
        """
        if self._numbers is None:
            names = (record.name for record in self.survey.records())
            self._numbers = {name: number for number, name in enumerate(names)}
        if name not in self._numbers:
            few = ", ".join(f"{other:.60}" for other in list(self._numbers)[:3])
            raise KeyError(f"there is no record {name!r}; the first are {few}")
        return self._numbers[name]

    def record(self, name: str) -> Record:
        """A record by its name.

        Raises:
            KeyError: There is none of that name.
        """
        number = self.index(name)
        return next(r for i, r in enumerate(self.survey.records()) if i == number)

    def numbers(self, record: int, name: str) -> NDArray[Any]:
        """What the parts hold of one record: (bases,), or (heads, bases) of "received".

        Args:
            record: Number of the record.
            name: Name of the array.

        Raises:
            InputError: The run was closed.
        """
        import numpy as np

        self._require_open()
        if self._part_ends is None:
            sizes = [self.bases_of(number) for number in sorted(self._parts.done())]
            self._part_ends = np.cumsum(sizes).tolist()
        ends = self._part_ends
        start, end = (int(self.survey.offsets[i]) for i in (record, record + 1))
        found = []
        for number in range(bisect_right(ends, start), bisect_left(ends, end) + 1):
            first = ends[number - 1] if number else 0
            found.append(self._part(number, name)[..., max(0, start - first) : end - first])
        return np.concatenate(found, axis=-1)

    def _part(self, number: int, name: str) -> NDArray[Any]:
        """An array of a part; the last one is held, since records are mostly read in order."""
        if self._last is None or self._last[:2] != (number, name):
            self._last = (number, name, self._parts.read(number, [name])[name])
        return self._last[2]

    def values(self, track: Track) -> Iterator[NDArray[np.float32]]:
        """All numbers, in the order of the file, in blocks.

        Raises:
            InputError: The run was closed.
        """
        self._require_open()
        for number in sorted(self._parts.done()):
            yield self._parts.read(number, [track])[track]

    def blocks(self) -> Iterator[Block]:
        """What every head gives, in the order of the file.

        Raises:
            InputError: The run was closed.
        """
        self._require_open()
        for number in sorted(self._parts.done()):
            found = self._parts.read(number)
            yield found["received"], found.get("replaced")

    def bedgraph(self, track: Track) -> Iterator[str]:
        """Lines of one track."""
        from nucel_interp.io.tracks import bedgraph_lines

        for chromosome, start, blocks in self.tracks(track):
            yield from bedgraph_lines(chromosome, start, blocks)

    def write_bigwig(self, track: Track, path: Path) -> int:
        """One track as bigWig; gives how many bases have a value.

        A chromosome is taken to end where its last record does, and this is said; without
        locations, every record is a chromosome.
        """
        from nucel_interp.io.bigwig_writer import write_bigwig

        sizes: dict[str, int] = {}
        survey = self.survey
        if survey.chromosomes:
            for chromosome, start, length in zip(
                survey.chromosome.tolist(), survey.start.tolist(), survey.lengths, strict=True
            ):
                name = survey.chromosomes[chromosome]
                sizes[name] = max(sizes.get(name, 0), start + int(length))
            say(
                "note: FASTA does not tell how long chromosomes are: in the bigWig each ends with "
                "its last record"
            )
        else:
            sizes = {record.name: len(record) for record in survey.records()}
        return write_bigwig(path, sizes, self._by_name(track, list(sizes)))

    def _by_name(
        self, track: Track, names: list[str]
    ) -> Iterator[tuple[str, int, NDArray[np.float32]]]:
        """Blocks sorted by chromosome."""
        if self.survey.chromosomes:
            for chromosome, start, blocks in self.tracks(track):
                for block in blocks:
                    yield chromosome, start, block
                    start += len(block)
            return
        first = self.survey.offsets
        with self._joined(track) as read:
            for i in sorted(range(len(names)), key=names.__getitem__):
                start = 0
                for block in read(int(first[i]), int(first[i + 1])):
                    yield names[i], start, block
                    start += len(block)

    def _shards(self) -> Iterator[list[Stretch]]:
        from nucel_interp.scoring.long_sequences import Stretch, cut_shards

        config = self.model.config
        n_heads = config.num_hidden_layers * config.num_attention_heads
        most = sharded.SHARD_BP
        if self._heads:
            most = min(most, MOST_NUMBERS // n_heads)
        whole = (
            Stretch(_sequence(record.sequence), 0, len(record)) for record in self.survey.records()
        )
        return cut_shards(whole, config.context_bp, config.token_bp, max(most, config.context_bp))

    def _arrays(self, tracks: list[Tracks]) -> dict[str, NDArray[Any]]:
        import numpy as np

        found: dict[str, NDArray[Any]] = {}
        names: list[str] = list(self._writes)
        if self._heads and self.model.discriminator_head is not None:
            names.append("replaced")
        for name in dict.fromkeys(names):
            found[name] = np.concatenate([getattr(t, name) for t in tracks])
        if self._heads:
            found["received"] = np.concatenate([t.received for t in tracks], axis=1)
        found["bases"] = np.array(sum(len(t.attention) for t in tracks))
        return found

    @contextmanager
    def _joined(self, track: Track) -> Iterator[Callable[..., Iterator[NDArray[np.float32]]]]:
        """Numbers of bases start to end, counted through the file, from wherever in it.

        What is given takes start, end, and whether to begin with the last.
        """
        import numpy as np

        self._require_open()
        with tempfile.TemporaryFile(dir=self._parts.folder) as file:
            for block in self.values(track):
                file.write(block.tobytes())

            def read(start: int, end: int, turned: bool = False) -> Iterator[NDArray[np.float32]]:
                begins = range(start, end, BLOCK_BP)
                for at in reversed(begins) if turned else begins:
                    file.seek(4 * at)
                    # np.fromfile takes a tenth of a millisecond a call, and records are many
                    data = file.read(4 * min(BLOCK_BP, end - at))
                    yield np.frombuffer(data, dtype=np.float32)[:: -1 if turned else 1]

            yield read


def _sequence(text: str) -> LongSequence:
    from nucel_interp.scoring.long_sequences import LongSequence, is_flipped

    def fetch(start: int, end: int) -> str:
        return text[start:end]

    return LongSequence(len(text), fetch, is_flipped(fetch, len(text)))


def _ahead(items: Iterator[_T]) -> Iterator[_T]:
    """The same items, each taken while the one before is worked on."""
    with ThreadPoolExecutor(1) as pool:
        waiting: Future[_T | None] = pool.submit(next, items, None)
        while (item := waiting.result()) is not None:
            waiting = pool.submit(next, items, None)
            yield item


@contextmanager
def _behind(write: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """Calls that are done while the next one's arguments are made; never two at a time."""
    last: list[Future[None]] = []
    with ThreadPoolExecutor(1) as pool:

        def later(*arguments: Any) -> None:
            if last:
                last.pop().result()
            last.append(pool.submit(write, *arguments))

        yield later
        if last:
            last.pop().result()
