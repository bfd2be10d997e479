"""Transcripts that wait: a queue in the database, so that a restart forgets none.

One recording at a time goes to the transcription service, which has one engine. A job that was running when the
gateway ended is queued again; one that failed three times stays failed, and a person decides. A service that is busy
or not there is waited for, and counts as no failure.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError

from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.contract.audit import Tool
from appliance.gateway import recordings
from appliance.gateway.core import Core
from appliance.gateway.practice import vocabulary_terms
from appliance.gateway.sources import keep_transcript
from appliance.gateway.speech import LIVE_MEDIA_TYPE, SpeechError, wav_header
from appliance.gateway.store import captures, encounters
from appliance.gateway.store.captures import RecordingRow, TranscriptRow
from appliance.gateway.threads import to_its_end
from appliance.gateway.trail import APPLIANCE, Act, commitment
from appliance.gateway.vault import EncounterKey, IntegrityError
from appliance.problems import ProblemError

log = logging.getLogger("appliance.gateway")
MAX_ATTEMPTS = 3
_WAIT_S = 5.0
# So long the queue waits before it looks whether a drain has ended.
_DRAINED_S = 0.5


def tools_of(answer: TranscriptAnswer) -> tuple[Tool, ...]:
    """Return what made a transcript, for the log."""
    engine = answer.engine
    tools = [Tool(kind="model", name=engine.model, digest=engine.root_hash)]
    if engine.vocabulary.sha256:
        tools.append(Tool(kind="vocabulary", name="practice", digest=engine.vocabulary.sha256))
    return tuple(tools)


def numbers_of(answer: TranscriptAnswer) -> dict[str, float]:
    """Return counts and confidence of a transcript, for the log."""
    words = [word for turn in answer.transcript.turns for word in turn.words]
    return {
        "duration_s": round(answer.transcript.duration_s, 2),
        "words": len(words),
        "doubted_words": sum(word.doubt is not None for word in words),
        "unclear": len(answer.transcript.unclear),
    }


def confidence_of(answer: TranscriptAnswer) -> float | None:
    """Return the mean confidence of the words; None without a word."""
    words = [word.confidence for turn in answer.transcript.turns for word in turn.words]
    return sum(words) / len(words) if words else None


def act_of(answer: TranscriptAnswer, key: EncounterKey, encounter: str, transcript: str, recording: str) -> Act:
    """Return the entry of a finished transcript."""
    return Act(
        "transcript.completed", encounter, transcript,
        inputs=(commitment("recording", recording),), tools=tools_of(answer),
        produced=(commitment("transcript", key.commit(answer.model_dump_json().encode())),),
        confidence=confidence_of(answer), numbers=numbers_of(answer),
    )  # fmt: skip


class Jobs:
    """Works the queue off."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._finished = asyncio.Condition()

    def start(self) -> None:
        """Take up what an earlier process left."""
        with self._core.database.write() as connection:
            for row in captures.transcripts(connection, states=("running",)):
                captures.change_transcript(connection, row.id, state="queued")
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; what was in work is queued again at the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def wake(self) -> None:
        """Something was queued."""
        self._wake.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when a job has finished, or after that long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._finished:
                await self._finished.wait()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                # What is taken is counted; a queue that is empty, or waits for an engine, is not.
                with self._core.drain.admitted("transcripts"):
                    wait_s = await self._next()
            except DBAPIError as error:
                log.error("transcripts: %s; tried again", type(error).__name__)
                wait_s = _WAIT_S
            except ProblemError:  # a drain; the queue is kept
                wait_s = _DRAINED_S
            if wait_s is None:
                await self._wake.wait()
            elif wait_s:
                await asyncio.sleep(wait_s)

    async def _next(self) -> float | None:
        """Do the oldest job; return how long to wait before another, None when there was none."""
        row = await to_its_end(self._take)
        if row is None:
            return None
        try:
            wait_s = await self._work(row)
        except Exception as error:
            # Only the class. The queue must outlive a database or a log that is away, and an answer of no sense.
            log.error("transcript %s: %s; tried again", row.id, type(error).__name__)
            wait_s = await self._again(row)
        async with self._finished:
            self._finished.notify_all()
        return wait_s

    async def _again(self, row: TranscriptRow) -> float:
        with suppress(Exception):  # then the next start queues it again
            await to_its_end(self._failed, row, "internal", row.attempts + 1 < MAX_ATTEMPTS)
        return _WAIT_S

    def _take(self) -> TranscriptRow | None:
        with self._core.database.write() as connection:
            waiting = captures.transcripts(connection, states=("queued",))
            if not waiting:
                return None
            captures.change_transcript(connection, waiting[0].id, state="running", attempts=waiting[0].attempts + 1)
            return waiting[0]

    async def _work(self, row: TranscriptRow) -> float:
        """Do one job; return how long to wait before the next try."""
        try:
            found = await to_its_end(self._open, row)
            if found is None:  # deleted meanwhile
                return 0.0
            recording, key, terms = found
            answer = await self._core.speech.transcribe(self._pieces(recording, key), vocabulary=terms)
            await to_its_end(self._store, row, recording, key, answer)
        except SpeechError as error:
            again = error.again and (error.waits or row.attempts + 1 < MAX_ATTEMPTS)
            await to_its_end(self._failed, row, error.code, again, counts=not error.waits)
            return (error.retry_after_s or _WAIT_S) if again else 0.0
        except (IntegrityError, OSError) as error:
            await to_its_end(self._failed, row, f"recording-{type(error).__name__.lower()}", False)
        except ProblemError as problem:
            await to_its_end(self._failed, row, problem.code, row.attempts + 1 < MAX_ATTEMPTS)
            return _WAIT_S
        return 0.0

    def _open(self, row: TranscriptRow) -> tuple[RecordingRow, EncounterKey, tuple[str, ...]] | None:
        with self._core.database.read() as connection:
            recording = captures.recording(connection, row.recording_id)
            wrapped = encounters.wrapped_key(connection, row.encounter_id)
            terms = vocabulary_terms(connection)
        if recording is None or recording.state == "deleted" or wrapped is None:
            return None
        return recording, self._core.vault.unwrap(row.encounter_id, wrapped), terms

    def _pieces(self, recording: RecordingRow, key: EncounterKey) -> Iterator[bytes]:
        path = recordings.path_of(self._core.settings.state_dir, recording.encounter_id, recording.id)
        interrupted = recording.state == "interrupted"
        if recording.media_type == LIVE_MEDIA_TYPE:
            size = sum(map(len, recordings.read(path, recording.id, key, interrupted=interrupted)))
            yield wav_header(size - size % 2)
        yield from recordings.read(path, recording.id, key, interrupted=interrupted)

    def _store(self, row: TranscriptRow, recording: RecordingRow, key: EncounterKey, answer: TranscriptAnswer) -> None:
        sealed = key.seal(answer.model_dump_json().encode(), f"transcript/{row.id}")
        since = self._core.readings.mark()
        with self._core.database.write() as connection:
            found = captures.transcript(connection, row.id)
            if found is None or found.state != "running":  # withdrawn or deleted while it was in work
                return
            act = act_of(answer, key, row.encounter_id, row.id, recording.commitment or key.commit(b"interrupted"))
            index = self._core.trail.append(APPLIANCE, act)
            captures.change_transcript(
                connection, row.id, state="done", sealed=sealed, finished_at=datetime.now(UTC), audit_index=index
            )
        keep_transcript(self._core, key, row, sealed, answer, since)

    def _failed(self, row: TranscriptRow, code: str, again: bool, *, counts: bool = True) -> None:
        state = "queued" if again else "failed"
        log.info("transcript %s %s code=%s attempt=%d", row.id, state, code, row.attempts + 1)
        with self._core.database.write() as connection:
            found = captures.transcript(connection, row.id)
            if found is None or found.state != "running":
                return
            if not again:
                self._core.trail.append(
                    APPLIANCE, Act("transcript.failed", row.encounter_id, row.id, outcome="failed", reason=_word(code))
                )
            captures.change_transcript(
                connection, row.id, state=state, problem=code,
                finished_at=None if again else datetime.now(UTC), attempts=row.attempts + counts,
            )  # fmt: skip


def _word(code: str) -> str:
    """Return a problem code as the log takes words."""
    return code[:64] if code[:1].isalpha() else f"code-{code}"[:64]
