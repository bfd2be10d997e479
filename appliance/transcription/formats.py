"""A transcript in the five shapes of the OpenAI API. Pure."""

import json
from collections.abc import Callable, Collection
from typing import Any

from appliance.transcription.transcript import Segment, Transcript

Rendered = tuple[str, str]
"""A body and its media type."""


def clock(seconds: float, mark: str) -> str:
    """Return HH:MM:SS and milliseconds behind `mark`: a comma in SRT, a point in WebVTT."""
    total_ms = max(0, round(seconds * 1000))
    minutes, ms = divmod(total_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{ms // 1000:02}{mark}{ms % 1000:03}"


def _cue_text(segment: Segment) -> str:
    """One cue is one line: an empty line or an arrow inside it would end it early."""
    return " ".join(segment.text.split()).replace("-->", "→")


def text(transcript: Transcript) -> str:
    """Plain text."""
    return transcript.text + "\n"


def srt(transcript: Transcript) -> str:
    """SubRip."""
    cues = (
        f"{number}\n{clock(segment.start_s, ',')} --> {clock(segment.end_s, ',')}\n{_cue_text(segment)}\n"
        for number, segment in enumerate(transcript.segments, 1)
    )
    return "\n".join(cues)


def vtt(transcript: Transcript) -> str:
    """WebVTT; the text's markup characters are escaped, as the standard asks."""
    cues = []
    for segment in transcript.segments:
        words = _cue_text(segment).replace("&", "&amp;").replace("<", "&lt;")
        cues.append(f"{clock(segment.start_s, '.')} --> {clock(segment.end_s, '.')}\n{words}\n")
    return "WEBVTT\n\n" + "\n".join(cues)


def verbose(transcript: Transcript, granularities: Collection[str]) -> dict[str, Any]:
    """The verbose_json document. `unclear` is ours: stretches left out because nobody seems to speak there."""
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": transcript.language,
        "duration": round(transcript.duration_s, 3),
        "text": transcript.text,
        "unclear": [{"start": round(start, 3), "end": round(end, 3)} for start, end in transcript.unclear],
    }
    if "segment" in granularities:
        body["segments"] = [
            {
                "id": number, "seek": 0, "start": round(segment.start_s, 3), "end": round(segment.end_s, 3),
                "text": segment.text, "tokens": list(segment.tokens), "temperature": segment.temperature,
                "avg_logprob": round(segment.avg_logprob, 4),
                "compression_ratio": round(segment.compression_ratio, 4),
                "no_speech_prob": round(segment.no_speech_prob, 4),
            }
            for number, segment in enumerate(transcript.segments)
        ]  # fmt: skip
    if "word" in granularities:
        body["words"] = [
            {"word": word.text.strip(), "start": round(word.start_s, 3), "end": round(word.end_s, 3)}
            for segment in transcript.segments
            for word in segment.words
        ]
    return body


_PLAIN: dict[str, tuple[Callable[[Transcript], str], str]] = {
    "text": (text, "text/plain; charset=utf-8"),
    "srt": (srt, "application/x-subrip; charset=utf-8"),
    "vtt": (vtt, "text/vtt; charset=utf-8"),
}
RESPONSE_FORMATS = ("json", "text", "srt", "verbose_json", "vtt")


def render(transcript: Transcript, response_format: str, granularities: Collection[str]) -> Rendered:
    """Return body and media type of one of RESPONSE_FORMATS."""
    if response_format in _PLAIN:
        make, media_type = _PLAIN[response_format]
        return make(transcript), media_type
    body = {"text": transcript.text} if response_format == "json" else verbose(transcript, granularities)
    return json.dumps(body, ensure_ascii=False), "application/json"
