"""Dates in parts: words beside a month, days said alone, days with hyphens, misspelt months, values behind days."""

from __future__ import annotations

import pytest

from appliance.deid.draws import Draws
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.surrogates import Surrogates
from appliance.deid.taken import WholeTexts


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("worse since mid April", "mid April"),
        ("it was the third week of june", "the third week of june"),
        ("at the beginning of August she moved", "the beginning of August"),
        ("seen in late Oct. '23 for it", "late Oct. '23"),
        ("It was Tues 7/8 again", "Tues 7/8"),
        ("it was a tuesday, the ninth", "tuesday, the ninth"),
        ("away from the twelfth to the nineteenth", "the nineteenth"),
        ("can we do the twenty third instead", "the twenty third"),
        ("it was due on the fifth and never came", "the fifth"),
        ("and the morning of the 4th could not bear weight", "the 4th"),
        ("we had that scan on oh nine fourteen sixty five", "oh nine fourteen sixty five"),
        ("it'd be ten twelve sixty one, my date of birth", "ten twelve sixty one"),
        ("Depo given 7-22. Well.", "7-22"),
        ("f/u 10-11 @ 0900", "10-11"),
        ("window 10-7 to 10-21.", "10-7 to 10-21"),
        ("seen Setpember 4, well", "Setpember 4"),
        ("Last A1c 3/3 7.9.", "3/3"),
        ("BP log: 10/1 132/84, 10/2 128/80", "10/2"),
        ("Adm. 30/09, well", "30/09"),
        ("Miscarried 5/'22, well", "5/'22"),
        ("again Feb-March '24 with it", "Feb-March '24"),
        ("since the fall of 2023", "fall of 2023"),
        ("normal in Q3 '24", "Q3 '24"),
        ("the third quarter of 2024", "third quarter of 2024"),
    ],
)
def test_date_with_its_parts_is_found_whole(find, text, value):
    assert ("date", value) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "the third week of therapy",
        "mid back pain, early in the morning, late in the day",
        "the eleventh and twelfth ribs",
        "the fifth toe and the fourth finger",
        "given 2-3 mg, seen 2-3 times, due in 10-12 days",
        "a 10-12 minute mile",
        "strength 4/5 and 3/5",
        "sliding scale 2-4-6-8",
        "spring in his step, fall risk 2",
        "at nine thirty or ten fifteen in the morning",
        "marsh 4, arch 3",
    ],
)
def test_what_only_looks_like_a_part_of_a_date_stays(find, text):
    assert not [value for kind, value in find(text) if kind == "date"]


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("the third week of june", "the third week of "),
        ("the beginning of May", "the beginning of "),
        ("5/'22", "'2"),
    ],
)
def test_a_month_moves_beside_its_part(text, stays):
    made = Surrogates(Draws(b"k" * 16), WholeTexts((text,)))
    out = made.of(Kind.DATE, text)
    assert stays in out
    assert out != text
    assert made.unshifted == 0
