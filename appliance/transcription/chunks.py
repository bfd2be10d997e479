"""From a stream of samples to chunks of speech that fit the model's window, in bounded memory.

Silero's voice-activity model decides what is speech. It looks at blocks; speech that touches the end of a block waits
for the next one, so that no word is cut by a block's border.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from appliance.transcription.media import SAMPLE_RATE_HZ

Samples = np.ndarray[Any, Any]

# The window of the model is 30 s; two seconds are left for the paddings of the voice-activity model.
CHUNK_S = 28.0
BLOCK_S = 60.0
# Silero's default keeps a burst of any length; a spoken "no" lasts longer than this, a click or a beep does not.
MIN_SPEECH_MS = 200
# Upstream's default. With one second, quiet words at the end of a sentence were taken for silence ("135 pounds").
MIN_SILENCE_MS = 2000


@dataclass(frozen=True)
class Region:
    """A stretch of speech: float32 samples and where they began in the recording."""

    start_s: float
    samples: Samples

    @property
    def duration_s(self) -> float:
        """Length."""
        return len(self.samples) / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Chunk:
    """Regions put one behind the other, without the silence between them; at most the model's window."""

    regions: tuple[Region, ...]
    retry: bool = False

    @property
    def samples(self) -> Samples:
        """The samples that the model hears."""
        return np.concatenate([region.samples for region in self.regions])

    @property
    def duration_s(self) -> float:
        """Length of the speech."""
        return sum(region.duration_s for region in self.regions)

    @property
    def start_s(self) -> float:
        """Where it begins in the recording."""
        return self.regions[0].start_s

    @property
    def end_s(self) -> float:
        """Where it ends in the recording."""
        return self.regions[-1].start_s + self.regions[-1].duration_s

    def original(self, inside_s: float, *, end: bool = False) -> float:
        """Return the time in the recording of a time inside of the chunk. A border belongs to both sides; see `end`."""
        for region in self.regions:
            if inside_s < region.duration_s or (end and inside_s <= region.duration_s):
                return region.start_s + max(0.0, inside_s)
            inside_s -= region.duration_s
        return self.end_s

    def rest(self, after_s: float) -> "Chunk | None":
        """Return what lies behind a time inside of the chunk, to be heard once more, or None."""
        regions = []
        for region in self.regions:
            if after_s < region.duration_s:
                skip = max(0, round(after_s * SAMPLE_RATE_HZ))
                if skip < len(region.samples):
                    regions.append(Region(region.start_s + skip / SAMPLE_RATE_HZ, region.samples[skip:]))
            after_s = max(0.0, after_s - region.duration_s)
        return Chunk(tuple(regions), retry=True) if regions else None


def speech_spans(samples: Samples) -> list[tuple[int, int]]:
    """Return [start, end) of the speech in the samples, in order and apart."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        min_speech_duration_ms=MIN_SPEECH_MS, max_speech_duration_s=CHUNK_S, min_silence_duration_ms=MIN_SILENCE_MS
    )
    return [(int(span["start"]), int(span["end"])) for span in get_speech_timestamps(samples, options)]


def regions(blocks: Iterable[Samples]) -> Iterator[Region]:
    """Yield the speech of a stream of float32 samples. Holds one block and at most one region of CHUNK_S."""
    held: list[Samples] = []
    count, begin = 0, 0  # samples held, and where they began
    wanted = round(BLOCK_S * SAMPLE_RATE_HZ)
    for block in blocks:
        held.append(block)
        count += len(block)
        if count < wanted:
            continue
        buffer = np.concatenate(held)
        spans = speech_spans(buffer)
        # The last region may go on in the next block: only this much silence shows its end.
        cut = len(buffer) - SAMPLE_RATE_HZ * MIN_SILENCE_MS // 1000
        if spans and spans[-1][1] > cut:
            cut = spans[-1][0]
            spans = spans[:-1]
        for start, end in spans:
            yield Region((begin + start) / SAMPLE_RATE_HZ, buffer[start:end].copy())
        begin += cut
        held, count = [buffer[cut:].copy()], len(buffer) - cut
    if count:
        buffer = np.concatenate(held)
        for start, end in speech_spans(buffer):
            yield Region((begin + start) / SAMPLE_RATE_HZ, buffer[start:end])


def chunks(found: Iterable[Region]) -> Iterator[Chunk]:
    """Pack regions into chunks of at most CHUNK_S."""
    held: list[Region] = []
    for region in found:
        if held and sum(each.duration_s for each in held) + region.duration_s > CHUNK_S:
            yield Chunk(tuple(held))
            held = []
        held.append(region)
    if held:
        yield Chunk(tuple(held))
