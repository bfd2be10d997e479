"""Names that fill a field: labels in capitals, slots of a schedule, columns, signatures, record numbers beside them."""

from __future__ import annotations

import pytest


def _names(find, text: str) -> list[str]:
    return [value.rstrip(".") for kind, value in find(text) if kind == "name"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "MEDICATION FORM / EXPIRES MAY / SIGNED T. P. Bhandal 03/02/23 / MOTHER IFEOMA ADEYEMI 210.555.0144",
            "IFEOMA ADEYEMI",
        ),
        ("MEDICATION FORM / EXPIRES MAY / SIGNED T. P. Bhandal 03/02/23", "T. P. Bhandal"),
        ("STATEMENT for services  GUARANTOR CHIDI HOWELL\nPlease pay by mail.", "CHIDI HOWELL"),
        ("Auth signed by the parent, M. de Groot. Sent on.", "M. de Groot"),
        ("Angio: BJÖRN VAN STEEN stent check, patent.", "BJÖRN VAN STEEN"),
        ("9:20 Talamaivao - wound check\n", "Talamaivao"),
        ("Evening summary for Case, room 12: no fever.", "Case"),
        ("Findings were called to El Amin by the resident.", "El Amin"),
        ("The plan was made with Dr. Mac an Ghoill and sent out.", "Mac an Ghoill"),
        ("Paged hospitalist Cramp at 0340, labs ordered.", "Cramp"),
        ("Reconciled: lisinopril (Dr Friday), metformin.", "Friday"),
        ("Hello Dr Long, its Wind. the pills make me sick", "Wind"),
        ("I forgot the dose and my wife Dot says call you.", "Dot"),
        ("La mamá trae a Judge por fiebre.", "Judge"),
        ("Attends the group on Tuesday, leader Rosa Ache.", "Rosa Ache"),
        ("| Date | Patient | Acct |\n|---|---|---|\n| 2/4/24 | Case, Hunter | 55120934 |", "Case, Hunter"),
        ("I paid the bill in May with a card. CHIAMAKA ADJEI", "CHIAMAKA ADJEI"),
        ("Homework: diary. Next visit in June.\n— Lucky bin Karim, LCSW", "Lucky bin Karim"),
    ],
)
def test_a_name_that_fills_a_field_is_found(find, text, name):
    assert any(name in found for found in _names(find, text))


@pytest.mark.parametrize(
    "text",
    [
        "PATIENT CARE PLAN 2 OF 3\nGive fluids as tolerated, then recheck.",
        "9:20 Huddle - beds\n10:00 Lunch - break room",
        "Evening summary for Labs, room temperature stable.",
        "Call back: Transfer from Medicine is pending.",
        "The hospitalist Service at 0340 was full.",
        "Findings: Edema, 12345678 cells counted.",
        "| Date | Patient | Acct |\n| today | Inpatient | none |",
        "name=aspirin; route=oral",
        "Wound clean. END REPORT",
        "Hello, its Monday. The office is shut.",
    ],
)
def test_what_only_looks_like_a_field_stays(find, text):
    assert _names(find, text) == []
