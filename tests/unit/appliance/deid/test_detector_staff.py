"""Initials and user names of staff, initials that belong to a name, family names before given names."""

from __future__ import annotations

import pytest


def _names(find, text: str) -> list[str]:
    return [value for kind, value in find(text) if kind == "name"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Pt notified by Cynthia D. at 3:45 pm.", "Cynthia D."),
        ("Rep Zelvina H. present for the whole case.", "Zelvina H."),
        ("Diabetes ed: Anthony P. from the plant.", "Anthony P."),
        ("The specimen was submitted by I. LaFontelle in the clinic.", "I. LaFontelle"),
        ("Thank you for sending her to us.\nYours, M. Price", "M. Price"),
        ("The car belongs to Wilson, Glenda, here w/ Van der Meer (hip).", "Van der Meer"),
    ],
)
def test_initials_and_particles_belong_to_the_name_beside_them(find, text, name):
    assert name in _names(find, text)


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("She was seen with Mary L knee pain.", " L knee"),
        ("I told Martha A1c is high.", "A1c"),
        ("He was vaccinated for hepatitis B. Martha agrees.", "hepatitis B."),
        ("Replete K. Will recheck in the morning.", "Will recheck"),
        ("He takes vitamin D. Price was high.", "Price"),
        ("Fracture of the R. Pain is better.", "Pain"),
    ],
)
def test_letters_that_grade_or_tell_a_side_stay(find, text, stays):
    kept = text
    for name in _names(find, text):
        kept = kept.replace(name, "*")
    assert stays in kept


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Draft a letter to Vankersloot, Ordrik about the missed visit.", "Vankersloot, Ordrik"),
        ("Stroke call: 84 F Phommachanh, Sophea. SSN pending, wife here.", "Phommachanh, Sophea"),
        ("The wallet belongs to Davis, Hunter, here with his wife.", "Davis, Hunter"),
        ("Consent for the procedure: Clevenger, April, DOB 06/09/1985.", "Clevenger, April"),
        ("can you find the last visit for sunniva dzhemalov, hx of gout", "sunniva dzhemalov"),
    ],
)
def test_two_names_of_one_person_are_one_identifier(find, text, name):
    assert name in _names(find, text)


def test_a_list_of_people_is_not_one_person(find):
    names = _names(find, "RNs on the day shift: Martha, Zelvina, Denise and Trevor.")
    assert {"Martha", "Zelvina", "Denise", "Trevor"} <= set(names)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Code status confirmed, wife aware. CB, RN", ["CB"]),
        ("Pap test negative. Screened by HM CT(ASCP). Clinic closed.", ["HM"]),
        ("Two units are ready for the case. Verified NH/SH.", ["NH", "SH"]),
        ("Amoxicillin was dispensed by DN. Checked KV.", ["DN", "KV"]),
        ("Lungs are clear. Impression: no acute process. Job 4471 GF/hb", ["GF", "hb"]),
        ("Wound dressed, no odor. Patient resting comfortably. --KV", ["KV"]),
        ("Patient X (KV) is enrolled in the trial.", ["KV"]),
        ("Belongings: cane, glasses, wallet in the safe. CHUE MOUA RN", ["CHUE MOUA"]),
        ("Findings were reported in the unit. jfoster", ["jfoster"]),
        ("Telehealth visit log: clinician onkolomba, start of visit noted.", ["onkolomba"]),
        ("The order was released by kmadams in the clinic.", ["kmadams"]),
        ("Thank you for the call about the clinic. TK", ["TK"]),
        ("Cefepime was given at noon. Pharmacist YN.", ["YN"]),
        ("The author of the note is there, and RPetersen read it.", ["RPetersen"]),
        ("Telehealth visit log: clinician madams, start of visit noted.", ["madams"]),
    ],
)
def test_initials_and_names_of_users_are_hidden_where_staff_sign(find, text, names):
    assert _names(find, text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Seen by PT/OT today. Given by IV. Confirmed by CT. Evaluated by GI. Followed by ID.",
        "Screened by MRI. The lesion was scanned. Checked BP. Entered ED at noon.",
        "Findings were given by phone. He takes bricks to work. She thanks the team, and phones.",
        "Pupils equal, 3 mm NC/AT\nVitals at 08:15 PM\nShe denies SOB, RN aware of the plan.",
        "Patient (PT) and family were seen.",
        "The plan is clear. OK",
        "The scan was read MR. The drug was received IV, and reported ED. See UpToDate.",
        "ICU RN aware. The OR RN was called.",
    ],
)
def test_services_ways_of_giving_and_common_words_stay(find, text):
    assert _names(find, text) == []
