"""Numbers, plates, handles, days and ages in the forms of notes, messages and speech; what looks like them stays."""

from __future__ import annotations

import random

import pytest

_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def _hidden(find, text, value):
    assert any(value in whole for _, whole in find(text)), (value, find(text))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    "frame",
    [
        "i got pulled over in my van tag {} and the cop thought i was drunk",
        "silver truck license plate {} he hit me",
        "the plate number was {} i think",
    ],
)
def test_plate_that_is_spelt_is_found(find, frame, seed):
    draw = random.Random(seed)  # noqa: S311 (test data)
    signs = [draw.choice("abcdefghjklmnprstuvwxyz") for _ in range(3)] + [draw.choice(_DIGITS) for _ in range(4)]
    plate = " ".join(signs if seed % 2 else signs[::-1])
    _hidden(find, frame.format(plate), plate)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "frame",
    [
        "so my account with you guys is {} and it went to collections",
        "it's on the top of the bill yeah it's {} okay thank you",
        "m r n {} room four pod b",
    ],
)
def test_number_that_is_read_out_is_found(find, frame, seed):
    draw = random.Random(seed)  # noqa: S311 (test data)
    number = " ".join(draw.choice(_DIGITS) for _ in range(6))
    _hidden(find, frame.format(number), number)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Driver Nicole, van 868 TEV.", "868 TEV"),
        ("2014 Toyota 4SZY479 towed", "4SZY479"),
        ("Use Snapchat alder_oak or text.", "alder_oak"),
        ("put me on twitter my name there is the real wynn alderson", "the real wynn alderson"),
        ("she has a tik tok carolyn underscore alder with a million", "carolyn underscore alder"),
        ("find me on instagram as mountain biker seventy two", "mountain biker seventy two"),
        ("MR#: 18-96-40", "18-96-40"),
        ("SPECIMEN 04-11-12 COLLECTED", "04-11-12"),
        ("Police rpt BB-33165-T", "BB-33165-T"),
        ("Ticket P-4012. No PHI.", "P-4012"),
        ("lic LCSW 7727", "7727"),
        ("State license A 247572 exp", "A 247572"),
        ("Member ID none  Grp 33690", "33690"),
        ("Implant log: +H926TBK620/$$3270685SCJLMLTV", "+H926TBK620/$$3270685SCJLMLTV"),
        ("=/A9999XYZ100T0944=,000025=A99971312345600", "=/A9999XYZ100T0944=,000025=A99971312345600"),
        ("Interpreter #44119", "44119"),
        ("Last four SSN 1909. Signed", "1909"),
        ("Spec: 24:CH00192", "24:CH00192"),
        ("wifi password oakslayer9", "oakslayer9"),
        ("|ADT^A08|084-015|P|2.3\nPID|1||83-54-41^^^MR||A^B", "084-015"),
        ("|ADT^A08|084-015|P|2.3\nPID|1||83-54-41^^^MR||A^B", "83-54-41"),
    ],
)
def test_number_or_handle_is_found(find, text, value):
    _hidden(find, text, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("study night 11/10-4/8 AHI 32", "11/10-4/8"),
        ("hooked up 4/4 1015 by RN", "4/4"),
        ("by LMP 3/5. Bishop score 8", "3/5"),
        ("recheck 5/4. Read back.", "5/4"),
        ("Admit 3/4, DC 3/9.", "3/9"),
        ("active thru 3/1, copay", "3/1"),
        ("12/7 - pt stable", "12/7"),
        ("born five twelve nineteen sixty", "five twelve nineteen sixty"),
        ("i'm scheduled for the twenty second at ten", "the twenty second"),
        ("it began around mother's day", "mother's day"),
        ("TRIAGE 0412: 91F BIBA, fall", "91"),
        ("Pt 94M here with CHF", "94"),
        ("Pt/92/F", "92"),
        ("he's ninety one doctor he wants a sandwich", "ninety one"),
        ("i'll be ninety two in june", "ninety two"),
        ("going on ninety", "ninety"),
        ("he hit me from behind on magnolia lane", "magnolia lane"),
        ("pick up at the store on Rosewood Drive.", "Rosewood Drive"),
        ("send it to seventy three sixty nine second boulevard", "seventy three sixty nine second boulevard"),
        ("5688 E 7th Street Trlr 8", "5688 E 7th Street Trlr 8"),
    ],
)
def test_day_age_or_street_is_found(find, text, value):
    _hidden(find, text, value)


@pytest.mark.parametrize(
    "text",
    [
        "T 99F oral, temp 101F, HR 98, sats 92 on RA",
        "she's ninety percent sure; he's ninety over sixty; it's ninety eight point six",
        "Strength 4/5, reflexes 2/4, grade 2/6 murmur, pain 7/10, nodes 2/14",
        "take 1/2 tab, D5 1/2 NS, Motor: 4/5 to 5/5",
        "+TENDERNESS over RUQ, +EDEMA",
        "skin tag removed, tag along, metal plate two by four",
        "truck ride 45 MIN, car 2 MVA",
        "facebook makes her anxious; she uses instagram daily for two hours",
        "Ded 1500/742 met",
        "on my way, on a long way, go to court, on the road",
        "Disp #60. Tooth #14.",
        "the pulse is seven six and the pressure one forty two over eighty eight",
    ],
)
def test_what_only_looks_like_it_stays(find, text):
    assert find(text) == []
