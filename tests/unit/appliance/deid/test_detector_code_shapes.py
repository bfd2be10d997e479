"""Codes that no label names, or whose label stands before dots, a volume or another label."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Tele box 29-2SUYV-6. Plan per rounds", "29-2SUYV-6"),
        ("d/c hoyer GMZ3361B today", "GMZ3361B"),
        ("she has that thing R62KTSB69B offline", "R62KTSB69B"),
        ("spoke with the owner, TW.57140, re the case", "TW.57140"),
        ("palm template BB-48379-H enrolled", "BB-48379-H"),
        ("104-062 missed the visit", "104-062"),
        ("subj ARM2-6706 / arm B", "ARM2-6706"),
        ("Intake 6763-PK-7235, worker on call", "6763-PK-7235"),
        ("Pt's ICD (80978476) interrogated", "80978476"),
        ("Lead RA HKC 258343. Battery ok", "HKC 258343"),
        ("CSN: CSN 182595162", "CSN 182595162"),
        ("ID.............E80559321", "E80559321"),
        ("ID.............40-12-74", "40-12-74"),
        ("MRN______5223646", "5223646"),
        ("SSN xxx-xx- ends 0890", "0890"),
        ("modem MAC 04:1R:2A:1W:4C:86", "04:1R:2A:1W:4C:86"),
        ("you can beep me 7741", "7741"),
    ],
)
def test_code_is_found_whole(find, text, code):
    assert code in [value for _, value in find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "intake 1200 mL, output 850",
        "ICD-10 E11.65, ICD F32.9-F33.9",
        "CPT 99213-99215",
        "the drug MK-3475 was held",
        "JAK2V617F positive, MTHFR C677T negative",
        "L3L4L5S1 fusion",
        "G4P2103, 28 weeks",
        "HLA-B2705 positive",
        "NDC 0093-7212-01",
        "dose 100-200 mg, then 150-300",
        "COVID-19 and H1N1",
        "bolus 1000ML then 500ML",
        "LDL 130, HDL 44",
    ],
)
def test_terms_and_measures_stay(find, text):
    assert find(text) == []
