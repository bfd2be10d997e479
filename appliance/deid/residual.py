"""The risk that is left: what was found and how surely, what was seen to stay, and what nobody looked at.

It is no determination under 45 CFR 164.514(b): whether the risk is very small is for a person to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.deid import dates
from appliance.deid.date_words import SPOKEN
from appliance.deid.deidentify import Deidentified
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.vocabulary import listed

LOW_CONFIDENCE = 0.6
MAX_PLACES = 1000
"""So many places are listed at most; the counts go on."""

NOT_CHECKED = (
    "whether an identifier was missed: the detector's recall was measured on other texts (docs/design, bench/deid)",
    "whether the story itself is known: a rare course, a case that was in the news, what relatives would recognise",
    "what other data could be linked: registers, news, other texts of the same person",
    "pictures, voices, handwriting and files beside the text",
    "languages other than English",
    "states of the USA, ages under 90, sexes, occupations and years: Safe Harbor lets them stay, alone or together",
)
STATEMENT = (
    "Identifiers were looked for by rules and a statistical model; neither finds all. Whoever holds the mapping or the "
    "key can undo it. This is no determination that the text is de-identified under 45 CFR 164.514(b)."
)

_TENS = "|".join(word.replace(" ", "[ -]") for word, number in SPOKEN.items() if 80 <= number < 90)


def _any(*words: str) -> str:
    return rf"\b(?:{'|'.join(words)})\b"


# What Safe Harbor does not name and often tells who somebody is, in the words in which notes have it.
_PATTERNS = {
    "age.over_79": rf"(?:\b8\d|\b(?:{_TENS}))[\s-]*(?:years?[\s-]+old|y/?o\b|years?\s+of\s+age)|\baged?\s+8\d\b",
    "occupation": _any(
        "mayor", "governor", "senator", r"congress(?:man|woman)", "ambassador", "diplomat", "sheriff", "police chief",
        "fire chief", "judge", "coroner", "bishop", "rabbi", "imam", "pastor", "priest", "nun", "astronaut", "pilot",
        r"news ?(?:anchor|caster)", "journalist", "actor", "actress", "novelist", "composer", "olympian", "ceo",
        "chief executive", r"professional \w+ player", r"(?:foot|basket|base)ball (?:player|coach)", "superintendent",
        "principal of", "dean of", "owner of the", "founder of", "beekeeper",
    ),
    "event": _any(
        "in the news", "on the news", "newspaper", "on television", r"(?:plane|helicopter) crash", "derailment",
        "shark", "lightning", "lottery", "mass shooting", "hostage", "tornado", r"hurricane \w+", "earthquake",
        "medal of honor",
    ),
    "family": _any("triplets?", r"(?:quadr|quint|oct)uplets?", r"(?:1[0-9]|[89]) (?:children|kids|siblings)"),
    "uniqueness": (
        r"\bthe (?:only|first|last|oldest|youngest|tallest|heaviest) (?:\w+ ){0,3}(?:in|of|to|at) (?:the |h(?:is|er) )?"
        r"(?:town|city|county|state|school|family|country|world(?:'s)?|village|hospital|unit|company|ever)\b"
    ),
    "descent": _any(
        "tribe", "tribal", "reservation", "navajo", "cherokee", "hopi", "amish", "mennonite", "hutterite", "hmong",
        "inuit", "aleut", "romani", "refugee from", r"(?:im|e)migrated from", "asylum",
    ),
    "body": _any(r"[67] ?(?:'|feet|foot|ft) ?(?:[5-9]|1[01])", "prosthetic eye", "six fingers", "albino", "conjoined"),
}  # fmt: skip
_RULES = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _PATTERNS.items())
_STATES = re.compile(rf"\b(?:{'|'.join(sorted(listed('states')))})\b", re.IGNORECASE)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LowConfidence(_Part):
    """An identifier that was replaced although it was doubtful; offsets are in the original."""

    start: int
    end: int
    kind: Kind
    source: str
    confidence: float


class QuasiIdentifier(_Part):
    """Something that stays and may tell who it is with other things; offsets are in the original."""

    start: int
    end: int
    rule: str


class ResidualRisk(_Part):
    """What a person should know before a text is given to anybody. It holds no text."""

    schema_version: Literal["deid-residual/v1"] = "deid-residual/v1"
    counts: Annotated[dict[Kind, int], Field(description="Identifiers that were found and replaced, by kind.")]
    low_confidence: tuple[LowConfidence, ...]
    low_confidence_below: float = LOW_CONFIDENCE
    low_confidence_total: int
    dates_not_moved: Annotated[int, Field(description="Dates in a form that could not be moved: marked instead.")]
    name_words_left: Annotated[int, Field(description="Words of identified names that stay elsewhere, unidentified.")]
    years_left: int
    states_left: int
    quasi_identifiers: tuple[QuasiIdentifier, ...]
    quasi_identifiers_total: int
    combined: Annotated[bool, Field(description="Three classes or more of what stays are in one text.")]
    not_checked: tuple[str, ...] = NOT_CHECKED
    statement: str = STATEMENT


def assess(text: str, made: Deidentified) -> ResidualRisk:
    """Return what is left of the risk of one text; `made` is what came of it."""
    low = [
        LowConfidence(start=one.start, end=one.end, kind=one.kind, source=one.source, confidence=one.confidence)
        for one in made.found
        if one.confidence < LOW_CONFIDENCE
    ]
    quasi: list[QuasiIdentifier] = []
    years = states = at = 0
    for start, end in (*((one.start, one.end) for one in made.found), (len(text), len(text))):
        stretch = text[at:start]
        years += len(dates.years(stretch))
        states += len(_STATES.findall(stretch))
        quasi += [
            QuasiIdentifier(start=at + match.start(), end=at + match.end(), rule=name)
            for name, rule in _RULES
            for match in rule.finditer(stretch)
        ]
        at = end
    quasi.sort(key=lambda one: (one.start, one.rule))
    classes = {one.rule for one in quasi} | ({"state"} if states else set()) | ({"year"} if years else set())
    return ResidualRisk(
        counts=made.counts,
        low_confidence=tuple(low[:MAX_PLACES]),
        low_confidence_total=len(low),
        dates_not_moved=made.unshifted,
        name_words_left=made.echoes,
        years_left=years,
        states_left=states,
        quasi_identifiers=tuple(quasi[:MAX_PLACES]),
        quasi_identifiers_total=len(quasi),
        combined=len(classes) >= 3,
    )


def words(risk: ResidualRisk) -> Sequence[str]:
    """Return the report as lines for a person."""
    counts = ", ".join(f"{number} {kind.value}" for kind, number in sorted(risk.counts.items())) or "none"
    lines = [
        f"replaced: {counts}",
        f"doubtful (confidence under {risk.low_confidence_below:g}): {risk.low_confidence_total}",
        f"dates that could not be moved and were marked: {risk.dates_not_moved}",
        f"words of found names that stay elsewhere: {risk.name_words_left}",
        f"left on purpose: {risk.years_left} years, {risk.states_left} states",
    ]
    rules: dict[str, int] = {}
    for one in risk.quasi_identifiers:
        rules[one.rule] = rules.get(one.rule, 0) + 1
    told = ", ".join(f"{number} {rule}" for rule, number in sorted(rules.items())) or "none seen"
    lines.append(f"may tell who it is together with other things: {told}{' (combined)' if risk.combined else ''}")
    return [*lines, "not checked:", *(f"  {one}" for one in risk.not_checked), risk.statement]
