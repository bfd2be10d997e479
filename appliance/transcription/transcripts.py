"""The clinical route: judges its form, and makes a transcript of an upload or of a stream that has ended."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any

from starlette.datastructures import FormData, UploadFile

from appliance.clinical.source import Speaker
from appliance.clinical.transcript import Transcript
from appliance.problems import invalid
from appliance.transcription import survey, vocabulary
from appliance.transcription.engine import Engine
from appliance.transcription.form import one, too_large
from appliance.transcription.hearing import Pieces, Wish, hear
from appliance.transcription.media import stream
from appliance.transcription.turnstile import Turnstile

_FIELDS = frozenset({"vocabulary", "language", "speakers", "file"})
_ROLES = {role.value: role for role in (Speaker.CLINICIAN, Speaker.PATIENT, Speaker.OTHER, Speaker.UNKNOWN)}


@dataclass(frozen=True)
class AskedTranscript:
    """A request that makes sense."""

    file: IO[bytes]
    size_bytes: int
    wish: Wish


def wish_of(language: str, terms: vocabulary.Vocabulary, speakers: str, languages: Iterable[str]) -> Wish:
    """Return what is wished for. Raises ProblemError 400, which repeats nothing of the client's."""
    known = sorted(languages)
    if language and language not in known:
        raise invalid("language", f"`language` is one of the model's: {', '.join(known)}")
    if speakers in ("", "auto"):
        return Wish(language or None, terms)
    if speakers == "none":
        return Wish(language or None, terms, speakers="none")
    sides = [_ROLES.get(side.strip()) for side in speakers.split(",")]
    if len(sides) != 2 or sides[0] is None or sides[1] is None:
        raise invalid(
            "speakers",
            f"`speakers` is auto, none, or who is left and right: two of {', '.join(_ROLES)}",
        )
    return Wish(language or None, terms, channel_roles=(sides[0], sides[1]))


def judge(form: FormData, *, languages: Iterable[str], max_upload_bytes: int) -> AskedTranscript:
    """Return what is asked. Raises ProblemError 400 or 413."""
    unknown = set(form) - _FIELDS
    if unknown:
        raise invalid("(unknown)", f"{len(unknown)} form fields are not known; known are {', '.join(sorted(_FIELDS))}")
    files = form.getlist("file")
    upload = files[0] if len(files) == 1 else None
    if not isinstance(upload, UploadFile):
        raise invalid("file", "`file` must hold the recording, once")
    if not upload.size:
        raise invalid("file", "`file` is empty")
    if upload.size > max_upload_bytes:
        raise too_large(max_upload_bytes)
    terms = vocabulary.parse(one(form, "vocabulary"))
    wish = wish_of(one(form, "language").lower(), terms, one(form, "speakers").lower(), languages)
    return AskedTranscript(upload.file, upload.size, wish)


def transcribe_file(
    file: IO[bytes], wish: Wish, engine: Engine, turnstile: Turnstile, stop: Callable[[], None], *, max_audio_s: int,
    facts: dict[str, Any],
) -> Transcript:  # fmt: skip
    """Survey an upload, then hear it. Raises what media.stream raises, before any model has run."""
    seen: dict[str, str] = {}

    def pieces(channels: int) -> Any:
        return stream(file, max_audio_s=max_audio_s, stop=stop, channels=channels, facts=seen)

    # A file of another number of channels is mixed down; only of two it is known what they can mean.
    found = survey.look(pieces(2))
    if seen["channels"] != "2":
        found = survey.Survey(found.duration_s)
    facts.update(container=seen["container"].split(",")[0], codec=seen["codec"])
    return transcribe(pieces, found, wish, engine, turnstile, stop, facts=facts)


def transcribe(
    pieces: Pieces, found: survey.Survey, wish: Wish, engine: Engine, turnstile: Turnstile, stop: Callable[[], None], *,
    facts: dict[str, Any],
) -> Transcript:  # fmt: skip
    """Hear a surveyed recording; `facts` receives numbers for the log."""
    facts.update(audio_s=round(found.duration_s, 1))
    only = next(iter(engine.languages)) if len(engine.languages) == 1 else None
    transcript = hear(
        pieces, found, engine.decoder, wish, stop, only_language=only, turn=turnstile.batch, voice_model=engine.voices
    )
    words = [word for turn in transcript.turns for word in turn.words]
    facts.update(
        speech_s=round(transcript.speech_s, 1), turns=len(transcript.turns), words=len(words),
        doubts=sum(word.doubt is not None for word in words), unclear=len(transcript.unclear),
    )  # fmt: skip
    return transcript
