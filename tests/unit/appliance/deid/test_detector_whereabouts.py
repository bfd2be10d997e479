"""Whereabouts, institutions, codes and plates in forms without a label or a usual word, and like words that stay."""

from __future__ import annotations

import pytest

from appliance.deid.deidentify import Deidentifier
from appliance.deid.restore import Restorer

KEY = b"a key of an encounter, 32 bytes."
HIDDEN = [
    # roads, crossings, landmarks, places on the map
    ("Nurse to go out past the old quarry on County 31, green gate", "out past the old quarry on County 31"),
    ("we're on county road sixteen behind the dairy", "county road sixteen"),
    ("EMS dispatched to I-73 southbound at exit 44, rollover", "I-73 southbound at exit 44"),
    ("found near MM 118 on I-73", "MM 118 on I-73"),
    ("intersection of Alder and 9th, struck by a bicycle", "Alder and 9th"),
    ("Responded to Harbor Dr & Hwy 31, seizing", "Harbor Dr & Hwy 31"),
    ("Pharmacy of choice (E 61st)", "E 61st"),
    ("Lives with mother @ 3316 Larkspur, unit closed", "3316 Larkspur"),
    ("Apt/Unit: Unit 318", "Unit 318"),
    ("i'm in apartment six b upstairs", "apartment six b"),
    ("he fell on old ferry terrace", "old ferry terrace"),
    ("yes forty one eighteen rosa lee parks boulevard come in", "forty one eighteen rosa lee parks boulevard"),
    ("House No. 8, Gali 2, Sector 40, Gurgaon", "House No. 8, Gali 2, Sector 40"),
    ("Home: 8/31 Banksia Pde, Cronulla NSW 2230", "8/31 Banksia Pde"),
    ("lat 41.0873 long -81.5190", "41.0873 long -81.5190"),
    ("coordinates 41°04'11\"N 81°31'07\"W per crew", "41°04'11\"N 81°31'07\"W"),
    ("LZ at N 40 11.204 W 082 14.630", "N 40 11.204 W 082 14.630"),
    ("zip code there ... oh four one oh three", "oh four one oh three"),
    ("it began when i was living in normal maybe two years ago", "normal"),
    ("I live in the Tenderloin now.", "Tenderloin"),
    # institutions and employers
    ("a bed at the pavilion at birch hollow in spring", "the pavilion at birch hollow"),
    ("Referred to The Pavilion at Birch Hollow.", "The Pavilion at Birch Hollow"),
    ("my mom's over at whispering pines now", "whispering pines"),
    ("she lives at the willows with her cat", "the willows"),
    ("my son's daycare is tiny sprouts", "tiny sprouts"),
    ("the school is called bright harbor and it's new", "bright harbor"),
    ("was in the lot of dayton power and light", "dayton power and light"),
    ("january 2nd in the parking lot of akron unified school district", "akron unified school district"),
    ("he goes to barlow middle school", "barlow middle school"),
    ("he goes to jefferson middle and hates it", "jefferson middle"),
    ("f/u w/ Akron Ortho in 2 wk", "Akron Ortho"),
    ("Was at MGH for a cath", "MGH"),
    ("Fax to Walgreens #3316 today", "Walgreens #3316"),
    ("Member of Ironworkers Local 448", "Ironworkers Local 448"),
    ("School: P.S. 204  Grade: 2", "P.S. 204"),
    ("Former coal miner, Larkspur Energy, dusty work", "Larkspur Energy"),
    ("he drives for j b hunt out of town", "j b hunt"),
    ("she was a riveter at mcdonnell douglas back then", "mcdonnell douglas"),
    # codes, rooms, plates, handles
    ("Pt: ALDER OAK / 00418823 / LAB", "00418823"),
    ("Pt Alder / 003-19-42 / drawn", "003-19-42"),
    ("probation BK2291 and lives alone", "BK2291"),
    ("report for a patient, kit TD25-114, physician", "TD25-114"),
    ("Specimen 26:CH0031187B hemolyzed", "26:CH0031187B"),
    ("sticker REF 1 LOT T9WQZB exp", "T9WQZB"),
    ("confirmation code WX4RTP", "WX4RTP"),
    ("Transferred to 4 West room 4412-B.", "4412-B"),
    ("passcode H3tmZ8 for the call", "H3tmZ8"),
    ("mail bounced, host 2001:db8:a17::c: user unknown", "2001:db8:a17::c"),
    ("it's ten dot four dot nineteen dot two i think", "ten dot four dot nineteen dot two"),
    ("vehicle: silver Camry NY TRW 3318", "TRW 3318"),
    ("Vehicle: 2017 Kia Soul / TRW 3318 / towed", "TRW 3318"),
    ("the truck was a c k six six one nine and red", "a c k six six one nine"),
    ("a blue one six g r w four four one i wrote it down", "six g r w four four one"),
    ("it was lima papa tango six six one", "lima papa tango six six one"),
    ("Motorcycle MN tag 33187 QB", "33187 QB"),
    ("her tiktok is just grandma fries potatoes", "grandma fries potatoes"),
    ("snapchat's pbear six twenty", "pbear six twenty"),
    ("look me up on strava i'm slow mo pete", "slow mo pete"),
    ("fb: larkspur.oak.448", "larkspur.oak.448"),
    ("Discord: mossface#3316", "mossface#3316"),
    ("Driver Lic: D 3316 4481 2", "D 3316 4481 2"),
    ("my nana is like ninety six", "ninety six"),
    ("she is well into her nineties", "nineties"),
    ("they were ninety four and eighty", "ninety four"),
]
STAYS = [
    "route one of infection; road two miles long; on route four times a day",
    "on route four times a day, the road two miles long",
    "exit 3 cm from the wound, MM 4, mile 3 of the run",
    "on N 5th rib, at the 2nd opinion, S 1st heart sound",
    "lat 35.5 cm, GPS guided, rotation 30° 10' as planned, 37.5° C",
    "apartment one year ago, suite of labs, unit one of blood",
    "the old drive is narrow and on old lane markers",
    "he lives in fear of falling, is living in pain, lived in poverty until then",
    "the haven at night, a place at work, to the alveolar ridge",
    "allergic to many birches and sensitive to the pines",
    "the daycare is closed today, my church is helping us",
    "the school called me and the hospital called back",
    "in middle school he was fine, tablets at HS, Lantus 20 units at HS",
    "Former smoker, Quit 2001.",
    "Pain at RLQ, stent at LAD, was at NPO status",
    "Chemo w/ Onc today, f/u with Pediatric Neuro",
    "Target 140, Local 10 mL lidocaine, Post 12 h",
    "Counts 5000 / mm3 and 500000 / uL, intake 1200 / day",
    "verification of HER2NEU, JAK2V617F and G20210A",
    "in the room two minutes, bed 2 hours, room 2 air",
    "hepatitis b two three, take one a d two three four times",
    "b p one twenty, h r seventy two and regular",
    "p c o two forty five, b p one twenty over eighty",
    "car was hit at thirty five miles an hour, the truck had four wheels",
    "pressure is five over two, ten dot points",
    "his channel is open, my profile is normal",
    "they were 95 and 97 percent on room air",
    "the fever is like ninety nine degrees",
    "CPT 99214, HCPCS G0439, modifier 25",
]


@pytest.mark.parametrize(("text", "hidden"), HIDDEN, ids=[text for text, _ in HIDDEN])
def test_what_tells_where_somebody_is_or_is_a_number_of_somebody_is_hidden_whole(find, text, hidden):
    assert any(hidden in found for _, found in find(text))


@pytest.mark.parametrize("text", STAYS)
def test_like_words_stay(find, text):
    assert find(text) == []


def test_what_was_hidden_comes_back_exactly(detector):
    texts = [text for text, _ in HIDDEN]
    work = Deidentifier(detector, KEY, texts)
    made, mapping = work.run(), work.mapping()
    restorer = Restorer(mapping)
    assert [restorer.restore(item.text).text for item in made] == texts
    assert all(value not in item.text for item, (_, value) in zip(made, HIDDEN, strict=True))
