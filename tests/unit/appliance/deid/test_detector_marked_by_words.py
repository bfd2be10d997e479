"""Numbers that words beside them show: licences behind a degree, ends of cards, tags, chosen names, HL7."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Meds set up by RN Tobias Moss B40317", "licence", "B40317"),
        ("LPN Ruth Moss PN-7713, visit done", "licence", "PN-7713"),
        ("Ada Varga MD G83321", "licence", "G83321"),
        ("PT Ruth Moss 40021 saw him", "licence", "40021"),
        ("Ada Varga, DPT (lic 40021)", "licence", "40021"),
        ("purse with Amex ending 7713, phone", "other", "7713"),
        ("paid by checking acct ending 0931", "other", "0931"),
        ("Discover card ending 2019 on file", "other", "2019"),
        ("swab labelled K88213", "other", "K88213"),
        ("vial marked 5521-B, frozen", "other", "5521-B"),
        ("clip stored under 771325.", "other", "771325"),
        ("she posts the songs at ada.varga7.", "social", "ada.varga7"),
        ("follow rvargamoss88 for photos", "social", "rvargamoss88"),
        ("silver Civic TX KLM 4471 towed", "vehicle", "KLM 4471"),
        ("left in a van, plate ending 7K1", "vehicle", "7K1"),
        ("moved to 1190 E 9th last spring", "address", "1190 E 9th"),
        ("mail to Rt 2 Box 114 only", "address", "Rt 2 Box 114"),
        ("MSH|^~\\&|A\nIN1|1|QX7713|77135|||Main^^Alder", "plan", "QX7713"),
        ("MSH|^~\\&|A\nPV1|1|I|3^A||||||||||||||||V7713", "record", "V7713"),
        ("MSH|^~\\&|A\nOBR|1|Q77^LAB|F88-1|80053^CMP", "record", "F88-1"),
    ],
)
def test_marked_value_is_found(find, text, kind, value):
    assert (kind, value) in find(text)


def test_letter_before_the_figures_is_part_of_the_licence(find):
    assert any("B40317" in value for _, value in find("Seen by Ada Varga, RN, B40317."))


@pytest.mark.parametrize(
    "text",
    [
        "Fiscal year ending 2019, infusion ending 1430.",
        "Cells were tagged 2000 times and labelled 5000 units.",
        "There was a marked 2019 decline, the bag is marked 1500 mL.",
        "Switched to pembrolizumab2, seen at month12, at visit3, by grade3, at covid19.",
        "The plate ending was bent, box 2 of 4.",
        "Better at follow-up2 and from baseline2.",
    ],
)
def test_other_figures_stay(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    "text", ["RN Ada Varga 0900.", "RN Ada Varga 1430 note", "Ada Varga, RN 10000 units", "RN Ada Varga T38.5"]
)
def test_only_the_name_is_hidden_before_a_time_or_a_measure(find, text):
    assert find(text) == [("name", "Ada Varga")]
