"""The clinician's total time on the date of the encounter; every doubt goes to the lower number."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from appliance.coding.em_assertion import status
from appliance.coding.em_reading import Statement
from appliance.coding.em_result import Found, Reading, found_in
from appliance.coding.em_rules import Level
from appliance.coding.suggestion import Assertion

_NAMES = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_UNITS = {name: number for number, name in enumerate(_NAMES.split(), 1)}
_TEN_NAMES = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {name: 10 * number for number, name in enumerate(_TEN_NAMES.split(), 2)}
_WORD = rf"(?:(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(list(_UNITS)[:9])}))?|{'|'.join(_UNITS)})"
_NUMBER = rf"(?:\d{{1,4}}(?:\.\d{{1,2}})?|{_WORD})"
_MINUTES = r"min(?:ute)?s?\b\.?"
_HOURS = r"(?:hours?|hrs?)\b\.?"
_AMOUNT = re.compile(
    rf"(?P<hours>{_NUMBER}|an)[ -]{{0,2}}{_HOURS}(?:,? (?:and )?(?P<rest>{_NUMBER})[ -]{{0,2}}{_MINUTES})?"
    rf"|(?P<low>{_NUMBER})(?:\s?(?:-|\u2013|to)\s?(?P<high>{_NUMBER}))?[ -]{{0,2}}{_MINUTES}",
    re.IGNORECASE,
)
_CLOCKS = re.compile(
    r"\b(?:start(?:ed)?|begin|began|in|from)\b[^.\n\d]{0,14}(?P<h1>\d{1,2}):(?P<m1>\d\d)\s?(?P<p1>[ap]\.?m\.?)?"
    r"[^.\n\d]{1,24}?(?P<h2>\d{1,2}):(?P<m2>\d\d)\s?(?P<p2>[ap]\.?m\.?)?",
    re.IGNORECASE,
)
_CLINICIAN = re.compile(
    r"\b(?:i|i[\u2019']ve|we|my|(?:this |the )?(?:provider|physician|clinician|attending|doctor|np|pa"
    r"|nurse practitioner|physician assistant))\b[^.;]{0,40}?\b(?:spent|devoted|time)\b"
    r"|\btotal (?:(?:face[- ]to[- ]face|non[- ]face[- ]to[- ]face|encounter|visit|provider|physician|clinician|clinical"
    r"|personal|direct|combined|care) )*time\b(?! for (?!th(?:e|is) (?:visit|encounter|date|day)))|\btime (?:spent"
    r"|personally)\b|\b(?:visit|encounter|physician|provider"
    r"|clinician)(?:[\u2019']s)? time\b"
    r"|\btotal of\b[^.;]{0,30}?\b(?:was |were )?spent\b|\bmin(?:ute)?s?\b[^.;]{0,20}?\b(?:was|were) spent\b|^\s*time:",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    r"\btotal\b|\btime spent on (?:the )?(?:date|day)\b|\bon the (?:date|day) of (?:the |this )?(?:encounter"
    r"|service|visit)\b|\btoday\b",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:patient|he|she|they|nurse|nursing|staff|ma|medical assistant|rn|lpn|scribe|resident|student|therapist"
    r"|mother|father"
    r"|family|pharmacist|interpreter|social worker)\b(?: \w+){0,2}? (?:spen[dt]|spends|has spent|exercis\w+"
    r"|walk\w*|runs?|waited)\b"
    r"|\b(?:nurse|nursing|staff|ma|medical assistant|rn|resident|student|scribe)(?:[\u2019']s)? time\b",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:smoking|tobacco) cessation\b|\bcritical care\b|\bprolonged\b|\badvance care planning\b|\bacp\b"
    r"|\btravel\w*|\bdriv\w+"
    r"|\bteaching (?:the )?(?:resident|student)s?\b|\bprocedure (?:time|took|lasted)\b|\b(?:performing|during"
    r"|for) (?:the |a |an )?(?:procedure|injection|biopsy|repair|ekg|ecg|x-ray|ultrasound|psychotherapy|osteopathic)\b"
    r"|\bpsychotherapy\b|\banesthesia\b|\btourniquet\b|\binfusion\b|\bcare plan oversight\b"
    r"|\bstart(?:ing)? (?:chemo|dialysis)\b|\bbilled separately\b|\bseparately (?:billed|billable|reported"
    r"|reportable)\b",
    re.IGNORECASE,
)
_WITHOUT = re.compile(
    r"\b(?:exclud\w+|exclusive of|not includ\w+|does(?: not|n[\u2019']t) include|did(?: not|n[\u2019']t) include"
    r"|without|apart from|separate from|minus|not counting)\b",
    re.IGNORECASE,
)
_INSIDE = re.compile(r"\b(?:includ\w+|of which|of that|of this|some of (?:it|which))\b", re.IGNORECASE)
# Minutes of something that is no work of a visit at all.
_UNRELATED = re.compile(
    r"\b(?:traffic|parking|commut\w+|operation|operative|surgery|surgical|screen|sleep|exercis\w+|treadmill"
    r"|walk\w*|running|cpr"
    r"|resuscitation|fluoroscopy|bleeding|pain lasting|lasted|waiting|lunch|transport|physical therapy)\b",
    re.IGNORECASE,
)
_OTHER_DAY = re.compile(
    r"\b(?:yesterday|tomorrow|(?:the )?(?:day|night|evening) (?:before|after|prior)|last (?:visit|week|month|time"
    r"|encounter)|(?:previous|prior|earlier) (?:visit|encounter|date|day|days))\b",
    re.IGNORECASE,
)
_DATE = re.compile(r"\b(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{2,4})\b|\b(?P<iso>\d{4}-\d\d-\d\d)\b")
_BELOW = re.compile(
    r"\b(?:less than|under|fewer than|up to|at most|no more than|not more than|within|<)\s*$|<\s*$", re.IGNORECASE
)
_ABOUT = re.compile(
    r"\b(?:about|approximately|approx\.?|around|roughly|nearly|almost|close to|~)\s*$|~\s*$", re.IGNORECASE
)
_PER = re.compile(
    r"^\s*(?:per|a|each|every|/)\s?(?:day|week|minute|session|daily|hour|month)\b|^\s*(?:daily|ago|later|before"
    r"|after|prior|weekly|once|twice|walk|drive)\b",
    re.IGNORECASE,
)


def read_time(note: Sequence[Statement], day: datetime.date, implausible_min: int, *, decides: bool) -> Reading:
    """Read the statements of time.

    Args:
        note: What documents this encounter.
        day: The date of service: a statement of another date does not count.
        implausible_min: Statements beyond are questioned and not used.
        decides: Whether time decides codes of this kind of visit at all.

    Returns:
        Its `found` has at most one counted statement, with the minutes that count.
    """
    held: list[tuple[Found, bool]] = []
    questions: list[str] = []
    apart = 0
    for one in note:
        if (other := _ELSEWHERE.search(one.text)) is not None and not _WITHOUT.search(one.text[: other.end()]):
            apart += sum(minutes for _, _, minutes, _ in _amounts(one.text))
        for start, end, minutes, doubt in _amounts(one.text):
            if not _of_clinician(one.text, start, end):
                continue
            reason = _refused(one, start, end, minutes, day, implausible_min, decides=decides)
            if reason:
                held.append((found_in(one, start, end, "time", "time", reason, counted=False, minutes=minutes), False))
                if "questioned" in reason:
                    questions.append(reason)
                continue
            if doubt:
                questions.append(doubt)
            total = _TOTAL.search(one.text) is not None
            held.append((found_in(one, start, end, "time", "time", "time of the clinician", minutes=minutes), total))
    reading = _one(held, questions)
    return _less(reading, apart, note) if apart else reading


def _less(reading: Reading, apart: int, note: Sequence[Statement]) -> Reading:
    """Take off what the note names as time of other work, unless the counted statement says that it is left out."""
    found = []
    for one in reading.found:
        if one.counted and not any(_WITHOUT.search(held.text) for held in note if held.start <= one.start < held.end):
            reason = f"time of the clinician less {apart} minutes of work with a code of its own"
            one = replace(one, minutes=max(0, one.minutes - apart), reason=reason)
        found.append(one)
    question = f"whether the stated time leaves out {apart} minutes of work with a code of its own"
    return Reading(reading.level, tuple(found), (*reading.questions, question))


def _one(held: list[tuple[Found, bool]], questions: list[str]) -> Reading:
    """Of several, take the lowest total; without a total, the longest part alone, because nobody stated the sum."""
    good = [(found, total) for found, total in held if found.counted]
    totals = [found for found, total in good if total]
    if len({found.minutes for found in totals}) > 1:
        questions.append("several totals are stated and differ and the lowest was taken")
    elif not totals and len({found.minutes for found, _ in good}) > 1:
        questions.append("parts of the time are stated without a total and the longest part alone was taken")
    chosen = (
        min(totals, key=lambda f: f.minutes)
        if totals
        else max((f for f, _ in good), key=lambda f: f.minutes, default=None)
    )
    found = []
    for one, _ in held:
        if one.counted and one is not chosen:
            one = replace(one, counted=False, reason="another statement of time was taken")
        found.append(one)
    return Reading(Level.NONE, tuple(found), tuple(dict.fromkeys(questions)))


def _amounts(text: str) -> Iterable[tuple[int, int, int, str]]:
    for found in _AMOUNT.finditer(text):
        before, after = text[: found.start()], text[found.end() :]
        if found.start() and (text[found.start() - 1].isalnum() or text[found.start() - 1] in "./:-"):
            continue
        if _BELOW.search(before) or _PER.search(after):
            continue
        doubt = "the time is stated as about so much and was taken as stated" if _ABOUT.search(before) else ""
        if found["hours"]:
            minutes = 60 * (1.0 if found["hours"].casefold() == "an" else _value(found["hours"]))
            minutes += _value(found["rest"]) if found["rest"] else 0
        else:
            minutes = _value(found["low"])
            if found["high"]:
                minutes = min(minutes, _value(found["high"]))
                doubt = "the time is stated as a range and its lower end was taken"
        yield found.start(), found.end(), int(minutes), doubt
    for found in _CLOCKS.finditer(text):
        first, last = (int(found[f"h{n}"]) % (12 if found[f"p{n}"] else 24) * 60 + int(found[f"m{n}"]) for n in "12")
        first += 720 * ((found["p1"] or "").casefold()[:1] == "p")
        last += 720 * ((found["p2"] or "").casefold()[:1] == "p")
        if last > first:
            yield found.start(), found.end(), last - first, ""


def _value(text: str) -> float:
    words = text.casefold().replace("-", " ").split()
    if words and words[0][0].isdigit():
        return float(words[0])
    return float(sum(_UNITS.get(word, _TENS.get(word, 0)) for word in words))


def _of_clinician(text: str, start: int, end: int) -> bool:
    """Whether a statement is about time spent on the visit at all; an exercise of 30 minutes is no such statement."""
    near = text[max(0, start - 120) : end + 120]
    return _CLINICIAN.search(near) is not None or (_CLOCKS.match(text, start) is not None and "time" in text.casefold())


def _refused(
    one: Statement, start: int, end: int, minutes: int, day: datetime.date, implausible_min: int, *, decides: bool
) -> str:
    text = one.text
    if not decides:
        return "time never decides codes of this kind of visit"
    if _UNRELATED.search(text):
        return "minutes of something else do not count"
    if _OTHERS.search(text):
        return "time of somebody else does not count"
    if status(
        text, start, end, ignore=frozenset({Assertion.FAMILY, Assertion.POSSIBLE})
    ) is not Assertion.PRESENT and not _WITHOUT.search(text[:start]):
        return "not stated as spent today"
    if _OTHER_DAY.search(text) or any(other != day for other in _dates(text)):
        return "only time on the date of the encounter counts"
    other = _ELSEWHERE.search(text)
    if other is not None and not _WITHOUT.search(text[: other.end()]):
        return "it covers work that is excluded or reported by a code of its own and is questioned"
    if _WITHOUT.search(text[:start]) and not _TOTAL.search(text[:start]):
        return "it is the time that was left out"
    if _INSIDE.search(text[:start]) and not _WITHOUT.search(text[:start]):
        return "it is a part of another statement"
    if minutes > implausible_min or minutes < 1:
        return f"{minutes} minutes are implausible for this kind of visit and are questioned"
    return ""


def _dates(text: str) -> Iterable[datetime.date]:
    for found in _DATE.finditer(text):
        try:
            if found["iso"]:
                yield datetime.date.fromisoformat(found["iso"])
            else:
                year = int(found["y"])
                yield datetime.date(year + 2000 if year < 100 else year, int(found["m"]), int(found["d"]))
        except ValueError:
            yield datetime.date.min
