"""Initials that sign a note and initials that stand for a patient."""

from __future__ import annotations

import pytest


def _names(find, text: str) -> list[str]:
    return [value.rstrip(".") for kind, value in find(text) if kind == "name"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Wound dry, dressing changed. Refill sent. K.P.", "K.P"),
        ("Sister called twice, told to come in — T.V.", "T.V"),
        ("Nodule stable.\nTyped L.N. / job 44108", "L.N"),
        ("Left voicemail, will try again, cb 555-0188 G.H.", "G.H"),
        ("TUMOR CONFERENCE: case 7 KZ (4410982), pT1 N0, margins clear", "KZ"),
        ("Cytogenetics: pt LW rec 4410982. Normal male karyotype.", "LW"),
        ("Subject NX-40882 (BK), visit 3, no adverse events.", "BK"),
    ],
)
def test_initials_that_sign_or_stand_for_a_patient_are_found(find, text, name):
    assert name in _names(find, text)


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("Take one tablet at 8 A.M. daily.\nGive the second at 9 P.M.", "P.M"),
        ("Started on ceftriaxone 1 g I.V.", "I.V"),
        ("Moved here from the U.S.", "U.S"),
        ("Order 4410 CT (99213) was not billed.", "CT"),
        ("ID (4410982) was checked at the door.", "ID"),
        ("Visit 3 of arm 2 (BMI 31), no events.", "BMI"),
    ],
)
def test_letters_that_mean_other_things_stay(find, text, stays):
    assert all(stays not in name for name in _names(find, text))
