"""What was said, with times in seconds from the start of the recording."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """One word; `text` has the space before it, as the model wrote it."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True)
class Segment:
    """A stretch of speech with the model's own measures of how sure it was."""

    text: str
    start_s: float
    end_s: float
    tokens: tuple[int, ...]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Transcript:
    """A whole recording. `unclear` holds the stretches whose text was left out because it was likely invented."""

    language: str
    duration_s: float
    speech_s: float
    segments: tuple[Segment, ...]
    unclear: tuple[tuple[float, float], ...] = ()

    @property
    def text(self) -> str:
        """All segments as one text."""
        return "".join(segment.text for segment in self.segments).strip()


# Speech in our recordings gives no_speech_prob 0.04–0.08. Silence, noise and tones that pass the voice-activity filter
# give 0.53–0.97 with any avg_logprob, so the stock rule (both must be bad) keeps "You" and "Okay." out of a hum.
NO_SPEECH_SURE = 0.6
NO_SPEECH_LIKELY, LOGPROB_UNSURE = 0.5, -1.0


def is_invented(segment: Segment) -> bool:
    """Return whether the text of a segment is likely made up by the model where nobody spoke."""
    if not any(character.isalnum() for character in segment.text):
        return True
    if segment.no_speech_prob > NO_SPEECH_SURE:
        return True
    return segment.no_speech_prob > NO_SPEECH_LIKELY and segment.avg_logprob < LOGPROB_UNSURE


def without_inventions(language: str, duration_s: float, speech_s: float, segments: list[Segment]) -> Transcript:
    """Return the transcript of the segments in which somebody speaks; the others are named by their times."""
    kept = tuple(segment for segment in segments if not is_invented(segment))
    unclear = tuple((segment.start_s, segment.end_s) for segment in segments if is_invented(segment))
    return Transcript(language, duration_s, speech_s, kept, unclear)
