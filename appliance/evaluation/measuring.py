"""Runs an evaluation set on one engine, and returns its measures by name.

The drafting model reads the reference and not what the transcription model heard, so that each measure is of one model.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.contract.seal import ModelTask
from appliance.evaluation.asking import drafted, transcribed
from appliance.evaluation.errors import NotMeasuredError
from appliance.evaluation.evaluation_set import Encounter, EvaluationSet, Silence
from appliance.evaluation.measures import Tally, tally

# A length that is written down by hand is rounded.
_LENGTH_S = 1.0


@dataclass(frozen=True)
class Budget:
    """Until when everything has to be done, on the monotonic clock."""

    until_s: float
    monotonic: Callable[[], float] = time.monotonic
    is_told_to_end: Callable[[], bool] = lambda: False

    def left_s(self) -> float:
        """What is left. Raises NotMeasuredError when nothing is, or somebody wants it to end."""
        if self.is_told_to_end():
            raise NotMeasuredError("told to end", hint="give the order again")
        left_s = self.until_s - self.monotonic()
        if left_s <= 0:
            raise NotMeasuredError("the time for the evaluation is over", hint="give it more: --timeout")
        return left_s


@dataclass(frozen=True)
class Measuring:
    """One set on one engine. `say` gets a line for people with each recording; nothing that was said stands in it.

    `root_hash`: the weights that must answer; None where the kernel does not verify them (a developer's machine).
    """

    which: EvaluationSet
    socket: Path
    root_hash: str | None
    budget: Budget
    say: Callable[[str], None] = lambda line: None

    def of(self, task: ModelTask) -> dict[str, float]:
        """Return the measures of a task. Raises NotMeasuredError."""
        return self.transcription() if task == "transcription" else self.drafting()

    def transcription(self) -> dict[str, float]:
        """Word, number, drug and negation errors by what was said, and words where nobody speaks."""
        total, silent_words, silent_s = Tally(), 0, 0.0
        for encounter in self.which.index.encounters:
            total += tally(encounter.reference, encounter.marked(), self._heard(encounter))
        for silence in self.which.index.silences:
            silent_words += len(self._heard(silence).split())
            silent_s += silence.seconds
        return {
            "word_error_rate": _share(total.word_errors, total.words, "word"),
            "number_error_rate": _share(total.number_errors, total.numbers, "number"),
            "drug_error_rate": _share(total.drug_errors, total.drugs, "drug or dose"),
            "negation_error_rate": _share(total.negation_errors, total.negations, "negation"),
            "words_on_silence": _share(silent_words, silent_s / 60, "second of silence"),
        }

    def drafting(self) -> dict[str, float]:
        """The share of statements that the reference does not support."""
        statements = unsupported = 0
        for encounter in self.which.index.encounters:
            if encounter.draft is None:
                continue
            self.say(f"{encounter.id}: drafting")
            found = drafted(
                self.socket, encounter.source(), encounter.draft, template=encounter.template,
                timeout_s=self.budget.left_s(),
            )  # fmt: skip
            self._require(found.root_hash, "drafting")
            statements, unsupported = statements + len(found.statements), unsupported + found.unsupported
        return {"unsupported_share": _share(unsupported, statements, "statement")}

    def _heard(self, clip: Encounter | Silence) -> str:
        self.say(f"{clip.id}: transcribing {clip.seconds:.0f} s")
        answer = transcribed(
            self.socket, self.which.audio(clip), language=clip.language if isinstance(clip, Encounter) else "",
            vocabulary=self.which.index.vocabulary, timeout_s=self.budget.left_s(),
        )  # fmt: skip
        self._require(answer.engine.root_hash, "transcription")
        seconds = answer.transcript.duration_s
        if abs(seconds - clip.seconds) > _LENGTH_S:
            raise NotMeasuredError(
                f"{clip.id}: the recording has {seconds:.1f} s, the index says {clip.seconds:.1f} s",
                hint="correct the set: its words and its recording may not belong together",
            )
        return " ".join(turn.text for turn in answer.transcript.turns)

    def _require(self, seen: str | None, task: ModelTask) -> None:
        if self.root_hash is not None and seen != self.root_hash:
            found = f"weights {seen[:12]}" if seen else "weights that are not verified"
            raise NotMeasuredError(
                f"{task}: the engine runs {found}, wanted are {self.root_hash[:12]}",
                hint="look at which image its unit has mounted",
            )


def _share(count: int, of: float, what: str) -> float:
    if of <= 0:
        raise NotMeasuredError(f"there was not one {what} to measure by", hint="use a set that has some")
    return count / of
