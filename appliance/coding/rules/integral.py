"""Symptoms that go with a disease routinely: beside it they are a question, for they are not coded with it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from appliance.coding.suggestion import Entry


@cache
def _pairs() -> tuple[tuple[tuple[str, ...], tuple[tuple[str, str], ...]], ...]:
    """(beginnings of symptoms, ranges of diseases), without dots."""
    held = json.loads((files(__package__) / "integral.json").read_text("utf-8"))
    found = []
    for pair in held["pairs"]:
        ranges = [one.replace(".", "").partition("-") for one in pair["diseases"]]
        symptoms = tuple(one.replace(".", "") for one in pair["symptoms"])
        found.append((symptoms, tuple((first, last or first) for first, _, last in ranges)))
    return tuple(found)


def belongs_to(symptom: str, codes: Iterable[str]) -> str:
    """Return the first of some codes whose disease a symptom goes with routinely; empty when there is none."""
    plain = symptom.replace(".", "")
    ranges = [each for symptoms, diseases in _pairs() if plain.startswith(symptoms) for each in diseases]
    if not ranges:
        return ""
    return next((code for code in codes if any(_among(code.replace(".", ""), *each) for each in ranges)), "")


def _among(code: str, first: str, last: str) -> bool:
    return first <= code[: len(first)] and code[: len(last)] <= last


def question(symptom: Entry, disease: Entry) -> str:
    """What a coder decides about a symptom beside a disease (ICD-10-CM Official Guidelines, section I.B.5)."""
    return (
        f"Does {symptom.title} ({symptom.code}) belong to {disease.title} ({disease.code})? Then it is not coded beside"
        " it (guideline I.B.5)."
    )
