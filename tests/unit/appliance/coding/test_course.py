"""What is said of whom: a word of course counts for the condition that it stands at; a symptom beside its disease."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import pytest

from appliance.coding.assertion import StatusReader
from appliance.coding.rules.complete import Candidate, StructureRules
from appliance.coding.rules.context import context
from appliance.coding.rules.integral import belongs_to
from appliance.coding.rules.managed import managed, spoken_of
from appliance.coding.tables.builtin import built_in_table
from appliance.grounding.tokens import stem


def held(text: str, evidence: str) -> set[str]:
    """The words of course that a text holds of evidence."""
    start = text.index(evidence)
    around = context(StatusReader(text), [(start, start + len(evidence))])
    return {word for word in ("acute", "chronic", "recurrent") if stem(word) in around.held}


@pytest.mark.parametrize(
    ("text", "evidence", "wanted"),
    [
        ("Chronic cough.", "cough", {"chronic"}),
        ("Chronic dry cough and wheezing.", "cough", {"chronic"}),
        ("Cough, chronic.", "Cough", {"chronic"}),
        ("The cough is chronic.", "cough", {"chronic"}),
        ("Cough, which has been chronic, and fever.", "Cough", {"chronic"}),
        ("Acute on chronic systolic heart failure.", "heart failure", {"acute", "chronic"}),
        ("Acute and chronic respiratory failure.", "respiratory failure", {"acute", "chronic"}),
        ("Chronic kidney disease.", "Chronic kidney disease", {"chronic"}),
        ("COPD, stable.", "COPD", {"chronic"}),
        ("Cough, COPD.", "Cough", set()),
        ("COPD with cough.", "cough", set()),
        ("Cough, chronic kidney disease.", "Cough", set()),
        ("Chronic bronchitis and cough.", "cough", set()),
        ("Acute renal failure, in the context of a chronic liver disease.", "renal failure", {"acute"}),
        ("Chronic back pain. Cough today.", "Cough", set()),
        ("Recurrent sinusitis with headache.", "headache", set()),
        ("Cough without chronic lung disease.", "Cough", set()),
    ],
)
def test_a_word_of_course_counts_for_the_condition_that_it_stands_at(
    text: str, evidence: str, wanted: set[str]
) -> None:
    assert held(text, evidence) == wanted


def test_of_another_condition_it_is_kept_with_what_it_is_said_of() -> None:
    text = "Gallstones with acute cholecystitis."
    around = context(StatusReader(text), [(0, len("Gallstones"))])
    assert stem("acute") not in around.held
    assert (stem("acute"), stem("cholecystitis")) in around.courses


@pytest.mark.parametrize(
    ("symptom", "codes", "wanted"),
    [
        ("R05.9", ["E11.9", "J44.9"], "J44.9"), ("R05.9", ["E11.9", "I10"], ""), ("R11.2", ["K35.80"], "K35.80"),
        ("R73.9", ["E11.9"], "E11.9"), ("M54.5", ["J44.9"], ""), ("R50.9", ["J18.9"], "J18.9"),
        ("R50.9", ["J45.909"], ""), ("R05.9", [], ""),
    ],
)  # fmt: skip
def test_a_symptom_belongs_to_a_disease_that_it_goes_with(symptom: str, codes: list[str], wanted: str) -> None:
    assert belongs_to(symptom, codes) == wanted


def test_every_pair_names_codes_of_the_table() -> None:
    table = built_in_table()
    for pair in json.loads((files("appliance.coding.rules") / "integral.json").read_text("utf-8"))["pairs"]:
        for each in (*pair["symptoms"], *pair["diseases"]):
            first, _, last = each.partition("-")
            assert table.lookup(first) is not None, each
            assert not last or first < last, each


@cache
def _rules() -> StructureRules:
    return StructureRules(built_in_table())


def _suggested(text: str, *pairs: tuple[str, str]) -> dict[str, str]:
    """Question by code."""
    given = [Candidate(code, ((text.index(word), text.index(word) + len(word)),), 0.8) for word, code in pairs]
    return {one.code: one.question for one in _rules().complete(StatusReader(text), given)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "pairs", "wanted"),
    [
        ("Cough, COPD.", (("Cough", "R05"), ("COPD", "J44.9")), {"R05.9", "J44.9"}),
        ("Chronic cough, COPD.", (("cough", "R05"), ("COPD", "J44.9")), {"R05.3", "J44.9"}),
        ("Acute cough.", (("cough", "R05"),), {"R05.1"}),
        ("Acute bronchitis with cough.", (("bronchitis", "J20.9"), ("cough", "R05")), {"R05.9", "J20.9"}),
        ("Calculus of gallbladder with acute cholecystitis.", (("Calculus of gallbladder", "K80"),), {"K80.00"}),
        ("COPD with acute exacerbation.", (("COPD", "J44.9"),), {"J44.1"}),
        ("Acute on chronic systolic heart failure.", (("heart failure", "I50"),), {"I50.23"}),
        ("Acute recurrent maxillary sinusitis.", (("sinusitis", "J01.00"),), {"J01.01"}),
    ],
)
def test_over_the_real_table(text: str, pairs: tuple[tuple[str, str], ...], wanted: set[str]) -> None:
    assert set(_suggested(text, *pairs)) == wanted


def _at(text: str, words: str) -> list[tuple[int, int]]:
    start = text.index(words)
    return [(start, start + len(words))]


HISTORY = "PAST MEDICAL HISTORY\nIron deficiency anemia. {0}\n\nASSESSMENT AND PLAN\n{1}\n"


@pytest.mark.parametrize(
    ("assessment", "cared_for"),
    [
        ("Anemia: continue iron.", True), ("Pernicious anemia: B12.", False), ("No anemia.", False),
        ("Iron deficiency: continue iron.", False), ("Knee pain.", False),
    ],
)  # fmt: skip
def test_a_disease_of_the_history_is_managed_where_the_assessment_speaks_of_it(
    assessment: str, cared_for: bool
) -> None:
    text = HISTORY.format("", assessment)
    reader = StatusReader(text)
    quoted = assessment.split(":")[0].strip(".")
    start = text.index(assessment)
    spoken = spoken_of(reader, [(start, start + len(quoted))])
    place = _at(text, "Iron deficiency anemia")
    assert managed(reader, "D50.9", place, spoken) == (place if cared_for else [])
    assert managed(reader, "R79.89", place, spoken) == []


@pytest.mark.slow
def test_what_the_history_names_is_suggested_with_a_question_where_it_is_managed() -> None:
    anemia = ("Iron deficiency anemia", "D50.9"), ("Anemia", "D64.9")
    found = _suggested(HISTORY.format("Stroke.", "Anemia: continue iron."), *anemia, ("Stroke", "I63.9"))
    assert "cared for today?" in found["D50.9"]
    assert "I63.9" not in found


@pytest.mark.slow
def test_a_symptom_beside_its_disease_is_a_question() -> None:
    found = _suggested("Cough, COPD, low back pain.", ("Cough", "R05"), ("COPD", "J44.9"), ("back pain", "M54.50"))
    assert "belong to Chronic obstructive pulmonary disease, unspecified (J44.9)?" in found["R05.9"]
    assert "I.B.5" not in found["J44.9"] + found["M54.50"]
    assert "I.B.5" not in _suggested("Cough. No COPD.", ("Cough", "R05"), ("COPD", "J44.9"))["R05.9"]
