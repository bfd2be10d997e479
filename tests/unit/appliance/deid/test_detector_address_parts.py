"""Addresses that no list knows: by what leads to them, in pieces over several lines, at a corner, on a ship."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("She lives at 255 sondervej 18, with a dog", "255 sondervej 18"),
        ("he resides at Belgravka 12", "Belgravka 12"),
        ("The office is at 4410 Nadasdy 7 Apt. 5", "4410 Nadasdy 7 Apt. 5"),
        ("please mail it to Tullervoda 66 in the morning", "Tullervoda 66"),
        ("moved to 9012 214 Pavlou Kandri, last week", "9012 214 Pavlou Kandri"),
        ("meet us at Ilse and Tullervoda 66.", "Ilse and Tullervoda 66"),
        ("The bus drops you off at 87 Mardvika 68 St.", "87 Mardvika 68"),
        ("flat at the corner of ul. Kwiatska 12 and Brandt Mill", "the corner of ul. Kwiatska 12 and Brandt Mill"),
        ("the intersection of Varga Street and Brandt Road", "the intersection of Varga Street and Brandt Road"),
        ("the pharmacy in rue des Tilleuls 14", "rue des Tilleuls 14"),
        ("2274 Via delle Mimose 41", "2274 Via delle Mimose 41"),
        ("moved to Fuglvej 41 Varga Dam\n Suite 860\n MOSSBY\n Sweden 56687", "Fuglvej 41 Varga Dam\n Suite 860"),
        ("send it to 99 18 Varga Road Suite 019 MOSSBY OO after noon", "18 Varga Road Suite 019 MOSSBY OO"),
        ("live at 2613 avenida varga 1 suite 463, mohand, hungary 24743", "2613 avenida varga 1 suite 463"),
        ("The title is Varga vezér útja 3. in town", "Varga vezér útja 3"),
        # The postal code and the order tell it, whatever its words are.
        ("111 Long Grove Apt. 6, Young Ridge, MB C4C 9Y2", "111 Long Grove Apt. 6, Young Ridge, MB C4C 9Y2"),
        ("Studio 45K\nGrace Radial\nSouth Mossby\nL3 5XQ", "Studio 45K\nGrace Radial\nSouth Mossby\nL3 5XQ"),
        ("Level 5 982 Varga Footway\nEast Ann, VIC, 2409", "Level 5 982 Varga Footway\nEast Ann, VIC, 2409"),
        ("> 73, Mand Ganj, Sasapur-246031", "73, Mand Ganj, Sasapur-246031"),
        ("8 Torrens Street, Mosston 9755 is new", "8 Torrens Street, Mosston 9755"),
        ("his flat, 8 varga springs, mossburg, tx 75001", "8 varga springs, mossburg, tx 75001"),
        ("Contrada Brandt, 87\n44045, Renazzo (FE)", "Contrada Brandt, 87\n44045, Renazzo (FE)"),
        ("Vargadreef 018, 6779 HV, Mossalsen", "Vargadreef 018, 6779 HV, Mossalsen"),
        ("plac Brandta 697, 49-639 Środa Mała", "plac Brandta 697, 49-639 Środa Mała"),
        ("Mátravári utca 132., H-6703 Vargád", "Mátravári utca 132., H-6703 Vargád"),
        ("Aleea Brandt, Vargești, 137532", "Aleea Brandt, Vargești, 137532"),
        ("send it to USNS Varga\nFPO AP 93757", "USNS Varga\nFPO AP 93757"),
        # What other recognisers found in pieces is one address, with what stands between.
        (
            "Address: 6076 Piroska u. 97.\nVarosd\n, VE\n Hungary 95828",
            "6076 Piroska u. 97.\nVarosd\n, VE\n Hungary 95828",
        ),
        (
            "lives at 18 Nadasdy Road Suite 4\nMOSSBY\n, nan\n 51971 now",
            "18 Nadasdy Road Suite 4\nMOSSBY\n, nan\n 51971",
        ),
        (
            "It is in 0269 Stenvik terrasse 38\n Suite 621\n ARENVIK\n Norway",
            "0269 Stenvik terrasse 38\n Suite 621\n ARENVIK\n Norway",
        ),
    ],
)  # fmt: skip
def test_address_is_one(find, text, value):
    assert any(kind == "address" and value in whole for kind, whole in find(text)), find(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("> 12 Oak Street\n> Suite 828\n> BASHBY\n> New Zealand 15896", "15896"),
        ("??? 40 Snellmaninkatu 55\n??? Apt. 22\n??? ESPOO\n??? Finland 23221", "23221"),
        ("a plant in Bjertvik 6091 in its third year", "6091"),
        ("from Quinta Alta 3610-114.", "3610-114"),
        ("ZIP: 7412 SL", "7412 SL"),
        ("a plant in barra de vargasco 15000 in its third year", "15000"),
        ("30102 Kaevu 94\nNicosia\n, NI\n 61089\n28-64-66-98 office", "28-64-66-98"),
        ("Fax: (0633) 555019", "(0633) 555019"),
        ("call (+358) 029071257 today", "(+358) 029071257"),
    ],
)
def test_postal_code_is_found(find, text, code):
    assert any(code in whole for _, whole in find(text)), find(text)


@pytest.mark.parametrize(
    "text",
    [
        "living with asthma since 2019, no attacks",
        "she lives at home with oxygen 2, doing well",
        "moved to Texas 2019.",
        "sent to lab 2, result pending",
        "return to clinic in 3 months",
        "located at the level of L4 and L5.",
        "drops to both eyes 2, twice daily",
        "the corner of the mouth and the left eye",
        "the corner of his bed and a chair",
        "arrived at 10, left at 12",
        "sodium in serum 13500 and rising",
        "blood pressure from Denmark 2019, in the old chart",
        "en rue: no",
        "Gave 20 Lantus Units, Recheck Glucose 1400",
        "3 Doses of Vancomycin, Trough Pending 15000",
        "WBC 12 Platelet Count, Neutrophils 15000",
        "Started 40 Lasix Daily, Weight Down 2019",
        "took 20 tablets, then by 12345 steps",
        "The form says {street_name} and {first_name}.",
        "My IBAN is missing, and the ATM too.",
        "c'mon, the salespeople and servicemen were late",
    ],
)
def test_what_is_no_address_stays(find, text):
    assert find(text) == []
