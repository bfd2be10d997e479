"""Clinical words that look like names, and labels, stay by class; people who are called like them are hidden."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "text",
    [
        # Eponyms with what they name, signs without one, adjectives.
        "Liver with Riedel lobe. Schmorl nodules at L2.",
        "Barrett mucosa with Schatzki ring, Brenner tumour of the left ovary.",
        "McMurray positive, Apley negative, Ober tight.",
        "Hartmann solution 500 mL, then Ringer lactate at 125 mL/h.",
        "Rolandic spikes absent. Sylvian fissure normal. Wolffian remnant.",
        # What is called after a town.
        "Cincinnati stroke scale 2/3. Ottawa ankle rules negative.",
        "Use a Hoyer lift, a Thomas splint and a Miami J collar.",
        # Drugs and herbs.
        "Yellow fever vaccine, Malarone daily.",
        "I agree with your plan for Xiaflex. Entyvio next week, then Skyrizi or Zymfentra.",
        "Her mother stopped Namzaric after reading about it.",
        "Any interaction St. John's wort + sertraline?",
        "Takes Ashwagandha and Berberine.",
        # Tracers and short forms of notes.
        "MEN1 known. Sestamibi localizes to the left.",
        "WBC 11.2, Hgb 9.8, Plt 412, MCV 78.",
        "Pharm note: med rec done. Inpt psych: hospital stay. Pt AAOx2.",
    ],
)
def test_clinical_words_stay(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Nächster Termin am 12.03.2024 um 10 Uhr", ["12.03.2024"]),
        ("Fecha de nacimiento: 12/03/1964", ["12/03/1964"]),
        ("Fecha: 12/03/2024 Domicilio: Calle Mayor 12, Madrid", ["12/03/2024", "Calle Mayor 12", "Madrid"]),
        ("Data de nascimento: 3/4/1960 Morada: Rua Augusta 12, Lisboa", ["3/4/1960", "Rua Augusta 12", "Lisboa"]),
        ("Date de naissance: 3/4/1960 Adresse: 12 rue de la Paix, Paris", ["3/4/1960", "12 rue de la Paix, Paris"]),
        ("Woonplaats: Utrecht Geboortedatum: 3-4-1960", ["Utrecht", "3-4-1960"]),
        ("Paciente: María López. Apellido: Ruiz", ["María López", "Ruiz"]),
    ],
)
def test_labels_of_forms_in_other_languages_stay(find, text, hidden):
    assert [value for _, value in find(text)] == hidden


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Dr. Riedel saw Mary Foley.", ["Riedel", "Mary Foley"]),
        ("Mr. Rieder and Anna Hoyer came.", ["Rieder", "Anna Hoyer"]),
        ("Patient: Riedel, Karl", ["Riedel, Karl"]),
        ("Mr. St. John was seen.", ["St. John"]),
        ("Lives in Cincinnati. Flew to Miami.", ["Cincinnati", "Miami"]),
        ("Att: Ward, Virgil", ["Ward, Virgil"]),
    ],
)
def test_people_and_places_that_are_called_alike_are_hidden(find, text, hidden):
    assert [value for _, value in find(text)] == hidden


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("MRN", "1234567"), ("Fax:", "217-555-0199"), ("Cell", "217 555 0199"), ("Tel", "217-555-0199"),
        ("DOB", "01/02/1960"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "address",
    [
        "12 Oak Street, Springfield",
        "44 Elm Ave, Dayton, OH 45402",
        "44 Elm Ave, Room 12",
        "3 Hayarkon Street, Tel Aviv",
    ],
)
def test_an_address_ends_before_the_label_of_the_next_field(find, address, label, value):
    assert [found for _, found in find(f"{address} {label} {value}")] == [address, value]


def test_a_town_that_is_a_label_elsewhere_is_part_of_its_address(find):
    assert [value for _, value in find("Lives at 12 Oak Street, Mobile, AL 36602.")] == [
        "12 Oak Street, Mobile, AL 36602"
    ]
