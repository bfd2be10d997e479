"""Numbers that a rare label or their own shape tells: plates, health cards, bank accounts, bleeps, charts, ages."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("van mods (rego YFX-836).", "vehicle", "YFX-836"),
        ("Ute rego: UR 38175 in the lot", "vehicle", "UR 38175"),
        ("Call me on bleep 0101.", "phone", "0101"),
        ("TAYLOR, Gemma  Chart 00-48-06-52", "record", "00-48-06-52"),
        ("Photo IDs MRN6794 seen", "record", "MRN6794"),
        ("Medicare 4183 49673 6 / 2", "plan", "4183 49673 6 / 2"),
        ("HC# 1371 301 515 AX", "plan", "1371 301 515 AX"),
        ("group 019463 -003, claim open", "plan", "019463 -003"),
        ("Ins 665591017000 checked", "plan", "665591017000"),
        ("Subj TRX-5784, consented", "other", "TRX-5784"),
        ("Rep: And the last four of the Social?\nCaller: 7835.", "ssn", "7835"),
        ("Letter to licence board re ME 534961.", "licence", "ME 534961"),
        ("Lives Star Route Box 76, out of town", "address", "Star Route Box 76"),
        ("shipped to General Delivery Box 20 there", "address", "General Delivery Box 20"),
        ("Travel pay to 71-96-96 80725622.", "account", "71-96-96 80725622"),
        ("Inbound: 102M LKW 0930", "age", "102"),
        ("lives at 24 Varga Gardens, S6 3NK.", "address", "24 Varga Gardens, S6 3NK"),
        ("he walks to First Methodist of Boston and back", "facility", "First Methodist of Boston"),
        ("calling from foundry street pharmacy about it", "facility", "foundry street pharmacy"),
    ],
)
def test_number_is_found_whole(find, text, kind, value):
    assert any(found == kind and value in whole for found, whole in find(text)), find(text)


@pytest.mark.parametrize(
    "text",
    [
        "Chart review took 20 minutes",
        "the chart of 2019 was lost",
        "Insurance 2021 premium went up",
        "group 2 pulmonary hypertension",
        "the control group 1200 patients large",
        "subject to change in 2025",
        "Fever 101F at noon, temp 102F from 8 am",
        "Tmax 101F at noon, 99F today",
        "the registration desk opens at 8",
        "board exam in 2024",
        "last four weeks of social work",
    ],
)
def test_what_is_no_number_of_somebody_stays(find, text):
    assert find(text) == []
