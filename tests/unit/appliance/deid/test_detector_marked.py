"""Codes by their own letters or a heading, ages behind names, dates behind studies and words of agreement."""

from __future__ import annotations

import pytest


def _hides(find, text: str, value: str) -> bool:
    return any(value in hidden for _, hidden in find(text))


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("Sincerely, Martha Harris, RN-40213", "RN-40213"),
        ("Seen by Gavin Harris, LPC.MHSP.4410, in clinic.", "LPC.MHSP.4410"),
        ("Nurse Martha Harris, LPN30117, pager on file.", "LPN30117"),
        ("Letter by Zelvor Quist, DPM-7719.", "DPM-7719"),
    ],
)
def test_a_licence_has_the_letters_of_its_profession(find, text, licence):
    assert _hides(find, text, licence)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Adverse event for PID-2204 was graded 2.", "PID-2204"),
        ("Enrolled SCR-01-118 on the open arm.", "SCR-01-118"),
        ("BACTERIOLOGY BC24-119: no growth.", "BC24-119"),
        ("NETWORK TEAM 771-40-B: the printer is down.", "771-40-B"),
        ("Service desk QQ41207 was told of the outage.", "QQ41207"),
    ],
)
def test_a_code_has_its_own_letters_or_a_heading(find, text, code):
    assert _hides(find, text, code)


@pytest.mark.parametrize(
    "text",
    [
        "VITAMIN B12: low.",
        "HEMOGLOBIN A1C: 7.2",
        "PT 2024 guidelines were read.",
        "The MD-2024 criteria were met.",
        "CT HEAD: negative.",
        "The patient had 1200 ml out.",
        "COVID-19: negative.",
        "Case 3 of the series.",
    ],
)
def test_terms_with_figures_stay(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("Martha Harris, 94, single lead pacer check.", "94"),
        ("Zelvor, 101, comfortable in bed.", "101"),
        ("Here with Zelvor Quist (97), her neighbour.", "97"),
    ],
)
def test_an_old_age_stands_behind_a_name(find, text, age):
    assert ("age", age) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "Heart rate 110, Sat, 94, on room air.",
        "Pulse, 96, regular.",
        "Karnofsky, 90, stable.",
        "Glucose (104), potassium 4.",
        "Systolic, 110, diastolic, 70.",
    ],
)
def test_measures_behind_a_word_stay(find, text):
    assert not any(kind == "age" for kind, _ in find(text))


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Ablation by Dr. Martha Quist 8/9: no leak.", "8/9"),
        ("Previous 11/2 at Topeka General.", "11/2"),
        ("Prior 3/9 from Topeka General.", "3/9"),
        ("Transport booked the 23rd per Martha.", "the 23rd"),
        ("The fee is taken on the 4th of every month.", "the 4th"),
    ],
)
def test_a_date_in_part_stands_behind_what_happened(find, text, date):
    assert ("date", date) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "Previous 4/5 with resistance.",
        "Strength by hand testing 4/5 and symmetric.",
        "Pain last 7/10 with walking.",
        "Tender on the 4th with the 5th toe.",
        "Murmur 2/6 with radiation.",
        "Visual acuity 20/40 with glasses.",
    ],
)
def test_grades_and_counts_stay(find, text):
    assert not any(kind == "date" for kind, _ in find(text))


def test_a_network_of_somebody_has_a_name(find):
    assert _hides(find, "Instagram of the niece: ohmartha44", "ohmartha44")
    assert not _hides(find, "Facebook for the last 3 weeks: no change", "last")
