"""Addresses of any country, said addresses, ages in fields, codes and handles by the words around them."""

from __future__ import annotations

import pytest

from appliance.deid.deidentify import Deidentifier
from appliance.deid.restore import Restorer

KEY = b"a key of an encounter, 32 bytes."
HIDDEN = [
    ("Wohnort: Ahornweg 17b, 04109 Leipzig", "Ahornweg 17b, 04109 Leipzig"),
    ("Anschrift An der Mühle 3, 21335 Lüneburg", "An der Mühle 3, 21335 Lüneburg"),
    ("Domicilio: Calle del Pinar 40, 2º C, 37001 Salamanca", "Calle del Pinar 40, 2º C, 37001 Salamanca"),
    ("Adresse : 5 ter, chemin des Saules, 38000 Grenoble", "5 ter, chemin des Saules, 38000 Grenoble"),
    ("Residenza: Vicolo Stretto 9, 37121 Verona", "Vicolo Stretto 9, 37121 Verona"),
    ("Adres: Prinsengracht 80-III, 1015 DZ Amsterdam", "Prinsengracht 80-III, 1015 DZ Amsterdam"),
    ("Adress: Björkgatan 4 C, 753 23 Uppsala", "Björkgatan 4 C, 753 23 Uppsala"),
    ("ul. Lipowa 14/6, 15-427 Białystok", "ul. Lipowa 14/6, 15-427 Białystok"),
    ("Flat 9, Marlowe House, 3 Tern Road, Hove BN3 1AA", "Flat 9, Marlowe House, 3 Tern Road, Hove BN3 1AA"),
    ("Level 2, 80 Wattle Street, Ballarat VIC 3350", "Level 2, 80 Wattle Street, Ballarat VIC 3350"),
    ("Plot 7, Block B, Sector 9, Noida 201301", "Plot 7, Block B, Sector 9"),
    ("Postfach 4 41, 50667 Köln", "Postfach 4 41"),
    ("Home 12½ Larch Gulch, moved in May", "12½ Larch Gulch"),
    ("crash on I-84 near exit 21.", "I-84 near exit 21"),
    ("Picked up from the 4100 block of Larch Street.", "4100 block of Larch Street"),
    ("Sleeps at the Starling Motel, room 9.", "Starling Motel, room 9"),
    ("my address is eight forty north tamarack unit six", "eight forty north tamarack unit six"),
    ("it's sixteen twelve starling hollow", "sixteen twelve starling hollow"),
    ("we're in ohio four three two one five", "four three two one five"),
    ('"ageYears": 93', "93"),
    ("<age value='97'/>", "97"),
    ("Age at death: 95", "95"),
    ("PGF (96, CHF), PGM (81)", "96"),
    ("my neighbor's ninety six and he drives", "ninety six"),
    ("he'll be 101 in May", "101"),
    ("nacida el 9 de abril de 1948", "9 de abril de 1948"),
    ("geb. 9.4.48 in Bonn", "9.4.48"),
    ("see you thursday the ninth", "thursday the ninth"),
    ("next appointment due 23/4", "23/4"),
    ("Reg. no. KT71 WQP", "KT71 WQP"),
    ("her truck (OR 482 KMB) was hit", "482 KMB"),
    ("the plate is kilo tango four four two", "kilo tango four four two"),
    ("lockbox 2207 at the back", "2207"),
    ("the door code's five five one nine pound", "five five one nine pound"),
    ("Password: Heron!82x", "Heron!82x"),
    ("Serial of the pumps: hearing aid L 4471X2093", "4471X2093"),
    ("Her website starlinghouse.house, see there", "starlinghouse.house"),
    ("short link bit.ly/4kTernX", "bit.ly/4kTernX"),
    ("go to starling home care dot org", "starling home care dot org"),
    ("my snap's grum bold sixty one", "grum bold sixty one"),
    ("Skype ID live:tern.oak", "live:tern.oak"),
    ("Occupation: fitter, Starling Boilers", "Starling Boilers"),
    ("Discharged to The Larches.", "The Larches"),
    ("served aboard USS Tern", "USS Tern"),
]


@pytest.mark.parametrize(("text", "value"), HIDDEN)
def test_it_is_hidden_whole(detector, text, value):
    start = text.index(value)
    assert any(item.start <= start and start + len(value) <= item.end for item in detector.find(text))


@pytest.mark.parametrize(
    "text",
    [
        "WBC, Platelets 15000, Hemoglobin 9.",
        "Pain 2 out of 6, later 3 set of ten.",
        "Glucose 95, 4000 units of heparin.",
        "On the third or fourth day the wound was dry.",
        "The plate and 6 screws, 3.5 mm, hold.",
        "BP 140/90, vision 20/30, ratio 14/3.",
        "Sats 94 on 2 L, goal 92.",
        "A 12 lead EKG at rest station 3.",
        "my pressure was one hundred over ninety",
        "i walk twenty minutes down the trail",
        "it's twenty four hours on the way",
        "the code was called at four twelve",
        "see the card behind the door at eight",
        "Level 3, Grade 2, Block 4 of the chapter.",
        "The Lancet reported 94 of 100.",
        "T 101 F, HR 96, RR 22.",
    ],
)
def test_what_identifies_nobody_stays(find, text):
    assert find(text) == []


def test_what_was_hidden_comes_back_exactly(detector):
    texts = [text for text, _ in HIDDEN]
    work = Deidentifier(detector, KEY, texts)
    made, mapping = work.run(), work.mapping()
    restorer = Restorer(mapping)
    assert [restorer.restore(item.text).text for item in made] == texts
    assert all(value not in item.text for item, (_, value) in zip(made, HIDDEN, strict=True))
