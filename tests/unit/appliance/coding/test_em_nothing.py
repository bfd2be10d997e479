"""Sentences that mention what would count and document none of it: nothing of what is found may change."""

from __future__ import annotations

import datetime

import pytest

from appliance.coding.em import support

BASE = "ASSESSMENT AND PLAN\n\n1. Insect bite.\n- Cold compresses.\n"
DAY = datetime.date(2026, 5, 4)
TIMES = """\
Patient was seen for 45 minutes of physical therapy last week.
The operation lasted 90 minutes total time.
I spent 45 minutes in traffic.
Total sleep time 300 minutes.
Total anesthesia time 45 minutes.
He has a total screen time of 120 minutes.
Total exercise time 12 minutes on treadmill.
We discussed spending 30 minutes walking daily.
I recommended that he spend 40 minutes a day outside.
My nurse and I met; she spent 40 minutes teaching.
The visit was scheduled for 60 minutes.
This was a 40 minute appointment.
Bleeding time 8 minutes.
Time: 10:45 AM.
Total time for CPR was 35 minutes.
I did not spend 40 minutes on this visit."""
DECISIONS = """\
Her mother has hypertension and takes lisinopril.
She does not want to start a statin.
Lisinopril was stopped last year.
Consider starting metformin.
He used to take warfarin with INR monitoring.
Discussed starting sertraline; patient declined.
May need knee replacement in the future.
She had a knee replacement in 2019.
DNR status unchanged.
Patient is homeless but doing well.
Prescribed rest.
Sodium restricted diet was prescribed.
Admission was not needed.
He does admit to smoking."""
DATA = """\
Discussed with husband who is a surgeon.
Discussed with the patient the plan of the surgeon.
Told her to call the pharmacist.
Reviewed allergies and medications.
Reviewed records.
No labs ordered.
CBC last month was normal.
If fever, check CBC, CMP and UA.
Mother present.
Interpretation of dreams was discussed."""
PROBLEMS = """\
Rule out pulmonary embolism.
No evidence of sepsis.
Sepsis protocol not initiated.
History of myocardial infarction.
Father died of pulmonary embolism.
Possible pneumonia.
Return if chest pain or respiratory distress.
She had an exacerbation of COPD last winter."""
ALL = [line for group in (TIMES, DECISIONS, DATA, PROBLEMS) for line in group.splitlines()]


@pytest.mark.parametrize("sentence", ALL)
def test_it_counts_for_nothing(sentence: str) -> None:
    before = support(BASE, visit="established-office", on=DAY)
    after = support(f"{BASE}- {sentence}\n", visit="established-office", on=DAY)
    assert {element.name: element.level for element in after.elements} == {
        element.name: element.level for element in before.elements
    }
    assert after.supported == before.supported


@pytest.mark.parametrize("heading", ["FAMILY HISTORY", "PAST MEDICAL HISTORY", "REVIEW OF SYSTEMS", "From prior note:"])
def test_what_would_count_counts_for_nothing_in_background(heading: str) -> None:
    much = (
        "COPD with acute exacerbation. Start prednisone 40 mg. Ordered CBC, BMP and TSH. Total time 60 minutes today."
    )
    before = support(BASE, visit="established-office", on=DAY)
    after = support(f"{heading}\n{much}\n\n{BASE}", visit="established-office", on=DAY)
    assert after.supported == before.supported
    assert support(f"{BASE}\n{much}", visit="established-office", on=DAY).supported == "99215"


def _data(text: str) -> int:
    found = support(BASE + text + "\n", visit="established-office", on=DAY)
    return sum(fact.counted for each in found.elements if each.name == "data" for fact in each.facts)


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("Ordered CMP.", "Ordered BMP."), ("Ordered CMP.", "Ordered liver function tests."),
        ("Ordered BMP.", "Ordered creatinine level."), ("Reviewed notes from cardiology.", "Reviewed outside records."),
        ("Reviewed notes from cardiology.", "Reviewed notes from her cardiologist."),
        ("Reviewed notes from cardiology.", "Reviewed notes from Dr. Smith."),
        ("Reviewed ED records.", "Reviewed notes from the emergency department."),
        ("Reviewed notes from her PCP.", "Reviewed notes from the primary care physician."),
        ("Reviewed outside records.", "Reviewed external notes."),
    ],
)  # fmt: skip
def test_what_may_be_the_same_counts_once_in_either_order(said: str, again: str) -> None:
    assert _data(said) == _data(again) == _data(f"{said} {again}") == _data(f"{again} {said}") == 1


@pytest.mark.parametrize(
    "text",
    [
        "Reviewed notes from cardiology. Reviewed notes from nephrology.", "Ordered CMP. Ordered CBC.",
        "Reviewed notes from Dr. Smith. Reviewed notes from Dr. Jones.", "Ordered BMP. Ordered liver function tests.",
    ],
)  # fmt: skip
def test_what_is_two_things_counts_twice(text: str) -> None:
    assert _data(text) == 2
