"""What a suggester answered for each record, kept so that a run that was cut off goes on; no text of any record."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.coding.suggestion import Assertion, CodeSystem, Suggester
from appliance.coding.validation.records import CodedRecord
from appliance.errors import ApplianceError, UsageError

_FORMAT = "coding-validation-answers/v1"
_MOST = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """Suggested codes of a record with their confidence, the most confident first; how long it took."""

    codes: tuple[tuple[str, float], ...]
    seconds: float


def answers(
    records: Sequence[CodedRecord], suggester: Suggester, clock: Callable[[], float], *, state: Path | None,
    engine: str, progress: Callable[[int], None] = lambda _: None,
) -> list[Answer]:  # fmt: skip
    """Ask for every record, in order.

    Args:
        records: What is asked for.
        suggester: Asked with text and date of service only.
        clock: Seconds, for the time per record.
        state: Where answers are kept as they come; records that it has already are not asked again.
        engine: What answers (versions, digests): answers of another are refused.
        progress: Called with the number of records answered.

    Raises:
        UsageError: `state` holds answers of something else.
        ApplianceError: It cannot be written.
    """
    known = dict(_kept(state, engine)) if state is not None and state.exists() else {}
    found = []
    try:
        out = os.open(state, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if state is not None else None
    except OSError as error:
        raise ApplianceError(f"--state: {state}: {error.strerror}", hint="name a file that can be written") from None
    try:
        if out is not None and not known and os.fstat(out).st_size == 0:
            _write(out, {"format": _FORMAT, "engine": engine})
        for number, record in enumerate(records, 1):
            name = _name(record)
            if name not in known:
                known[name] = _asked(record, suggester, clock)
                if out is not None:
                    _write(out, {"record": name, "codes": known[name].codes, "seconds": known[name].seconds})
            found.append(known[name])
            progress(number)
    finally:
        if out is not None:
            os.close(out)
    return found


def counts(code: str, assertion: str) -> bool:
    """Whether a suggestion says that a claim should carry the code.

    It is present, or it is a status or history code (Z77 to Z99 mean past or family) that the text holds as such.
    """
    if assertion == Assertion.PRESENT:
        return True
    return "Z77" <= code[:3].upper() <= "Z99" and assertion in (Assertion.HISTORICAL, Assertion.FAMILY)


def _asked(record: CodedRecord, suggester: Suggester, clock: Callable[[], float]) -> Answer:
    begun = clock()
    given = suggester.suggest(record.text, on=record.on)
    seconds = clock() - begun
    best: dict[str, float] = {}
    for each in given:
        if each.system is CodeSystem.ICD_10_CM and counts(each.code, each.assertion):
            best[each.code] = max(best.get(each.code, 0.0), each.confidence)
    ranked = sorted(best.items(), key=lambda one: -one[1])[:_MOST]
    return Answer(tuple(ranked), round(seconds, 6))


def _name(record: CodedRecord) -> str:
    """Text and date by their digest: a record that was changed is asked again, and the file names nobody."""
    return hashlib.sha256(f"{record.on.isoformat()}\n{record.text}".encode("utf-8", "surrogatepass")).hexdigest()


def _write(out: int, line: dict[str, object]) -> None:
    os.write(out, (json.dumps(line, separators=(",", ":")) + "\n").encode())


def _kept(state: Path, engine: str) -> Iterator[tuple[str, Answer]]:
    """The answers in a file. A last line that was cut off is dropped from the file."""
    try:
        content = state.read_bytes()
    except OSError as error:
        raise ApplianceError(f"--state: {state}: {error.strerror}", hint="name a file that can be read") from None
    whole = content[: content.rfind(b"\n") + 1]
    lines = whole.splitlines()
    for number, line in enumerate(lines, 1):
        try:
            held = json.loads(line)
            if number == 1:
                if held != {"format": _FORMAT, "engine": engine}:
                    raise UsageError(
                        f"--state: {state}: holds answers of another engine, table or format",
                        hint="give a new file; the old one stays as it is",
                    )
                continue
            codes = tuple((str(code), float(sure)) for code, sure in held["codes"])
            yield str(held["record"]), Answer(codes, float(held["seconds"]))
        except (ValueError, KeyError, TypeError):
            raise UsageError(f"--state: {state}: line {number}: no answer", hint="give a new file") from None
    if len(whole) < len(content):
        os.truncate(state, len(whole))
