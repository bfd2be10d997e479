"""Days that are said with "slash" or as an answer, and days that something was arranged for or done on."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "day"),
    [
        (
            "agent: date of service\ncaller: two slash nine slash forty one\nagent: thanks",
            "two slash nine slash forty one",
        ),
        ("it was on seven dash twelve dash nineteen i think", "seven dash twelve dash nineteen"),
        ("sent 3 slash 9 slash 58 to you", "3 slash 9 slash 58"),
        ("agent: date of injury\ncaller: three slash thirty\nagent: and where", "three slash thirty"),
        ("doctor: since when\npatient: eleven three we wrote it down", "eleven three"),
        ("doctor: what date was that\npatient: it was two twenty one", "two twenty one"),
        ("nurse: name and birthday\npatient: tobias moss six thirteen fifty two\nnurse: ok", "six thirteen fifty two"),
        ("date of birth\ncaller: three twelve seventy eight\nok", "three twelve seventy eight"),
    ],
)
def test_said_day_is_found(find, text, day):
    assert ("date", day) in find(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Eye appt Varga 4/10. Bring drops", "4/10"),
        ("Biopsy sched w/ Moss 11/3. Consent signed", "11/3"),
        ("f/u with ortho 3/2, then home", "3/2"),
        ("O/N: extubated 0640 9/2. Weaned", "9/2"),
        ("call b4 8/3; prep sent", "8/3"),
    ],
)
def test_arranged_day_is_found(find, text, day):
    assert ("date", day) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "f/u pain 5/10.",
        "Visit exam motor 4/5.",
        "Scheduled 1/2 tab nightly",
        "At 1400 4/5 in the left arm, at 1500 recalled 3/3.",
        "BiPAP 12/5, pupils 4/3.",
        "doctor: since when\npatient: nine or ten weeks",
        "doctor: since when\npatient: two three weeks ago maybe",
        "doctor: when do you take it\npatient: nine thirty at night",
        "nurse: what day is it\npatient: one or two days ago",
        "it was four slash ten pain and one twenty slash eighty",
    ],
)
def test_what_looks_alike_stays(find, text):
    assert not [value for kind, value in find(text) if kind == "date"]
