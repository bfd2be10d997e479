"""Surrogates: the same for the same person, in the form of what they stand for, and nobody's."""

from __future__ import annotations

import re

import pytest

from appliance.deid.draws import Draws
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.surrogates import Surrogates
from appliance.deid.taken import WholeTexts, alphanumeric
from appliance.deid.vocabulary import every_pool_word, listed, pool
from appliance.errors import UsageError

KEY = b"a key of an encounter, 32 bytes."


def surrogates(*texts: str, key: bytes = KEY) -> Surrogates:
    return Surrogates(Draws(key), WholeTexts(texts))


def test_parts_of_a_name_agree_in_every_case_and_order() -> None:
    made = surrogates()
    given, family = made.of(Kind.NAME, "Maria Lopez").split()
    assert {given, family} & {"Maria", "Lopez"} == set()
    assert made.of(Kind.NAME, "Ms. Lopez") == f"Ms. {family}"
    assert made.of(Kind.NAME, "maria") == given.lower()
    assert made.of(Kind.NAME, "LOPEZ, MARIA") == f"{family}, {given}".upper()
    assert made.of(Kind.NAME, "Lopez's") == f"{family}'s"
    assert made.of(Kind.NAME, "M. Lopez") == f"{given[0]}. {family}"
    assert given in pool("given")
    assert family in pool("family")


@pytest.mark.parametrize("word", ["Lopez", "Maria", "Springfield", "Okafor", "Reno", "Abc"])
def test_a_word_has_one_surrogate_under_a_key_wherever_a_text_first_says_it(word: str) -> None:
    forms = [("", word), ("seen by Dr. ", word), ("", f"Mrs. {word}"), ("", f"{word}, Ada"), ("", f"Ada {word}"),
             ("", f"{word} Patel"), ("", word.upper())]  # fmt: skip
    firsts = set()
    for before, text in forms:
        made = surrogates()
        made.of(Kind.NAME, text, before)
        firsts.add(next(one.surrogate for one in made.words if one.original.casefold() == word.casefold()))
    assert len(firsts) == 1


@pytest.mark.parametrize(
    ("word", "kind", "wanted"),
    [("Maria", Kind.NAME, "given"), ("Maria", Kind.PLACE, "given"), ("Lopez", Kind.NAME, "family"),
     ("Lopez", Kind.ADDRESS, "family"), ("Schenectady", Kind.PLACE, "place"), ("Okafor", Kind.NAME, "family"),
     ("Okafor", Kind.PLACE, "place")],
)  # fmt: skip
def test_the_lists_say_what_a_surrogate_looks_like(word: str, kind: Kind, wanted: str) -> None:
    made = surrogates()
    made.of(kind, word)
    assert made.words[0].surrogate in pool(wanted)  # type: ignore[arg-type]


def test_marks_are_counted_on_and_not_tried_from_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made, tried = surrogates(), []
    is_new = made._is_new
    monkeypatch.setattr(made, "_is_new", lambda owner, new: tried.append(new) or is_new(owner, new))
    marks = [made.of(Kind.RECORD, f"{chr(97 + at // 26)}{chr(97 + at % 26)}1") for at in range(400)]
    assert len(set(marks)) == 400
    assert len(tried) == 400


def test_two_keys_give_two_people_and_one_key_always_the_same() -> None:
    names = {surrogates(key=bytes([number]) * 16).of(Kind.NAME, "Maria Lopez") for number in range(40)}
    assert len(names) > 30
    assert surrogates().of(Kind.NAME, "Maria Lopez") == surrogates().of(Kind.NAME, "Maria Lopez")


def test_a_surrogate_is_no_word_of_the_text_and_no_other_ones_surrogate() -> None:
    text = " ".join(every_pool_word())
    made = surrogates(text)
    names = [made.of(Kind.NAME, f"Xavi{chr(97 + number // 26)}{chr(97 + number % 26)}") for number in range(300)]
    assert len(set(names)) == 300
    assert not {name.casefold() for name in names} & every_pool_word()


def test_an_initial_changes_with_its_name_and_without() -> None:
    made = surrogates()
    letters = [made.of(Kind.NAME, f"{letter}. Lopez")[0] for letter in "ABCDEFGHIJ"]
    assert len(set(letters)) == 10
    assert all(a != b for a, b in zip(letters, "ABCDEFGHIJ", strict=True))


@pytest.mark.parametrize(
    ("kind", "text", "form"),
    [
        (Kind.PHONE, "(512) 867-5309", r"\([2-9]\d\d\) 555-01\d\d"),
        (Kind.PHONE, "+1 512.867.5309 x12", r"\+1 [2-9]\d\d\.555\.01\d\d x\d\d"),
        (Kind.FAX, "867-5309", r"555-01\d\d"),
        (Kind.PHONE, "+44 20 7946 0958", r"\+\d\d \d\d \d{4} \d{4}"),
        (Kind.PHONE, "five five five one two one two", r"(\w+ ){6}\w+"),
        (Kind.OTHER, "512 867 5309", r"[2-9]\d\d 555 01\d\d"),
        (Kind.SSN, "123-45-6789", r"9\d\d-(0[1-9]|[1-4]\d)-\d{4}"),
        (Kind.SSN, "123456789", r"9\d\d(0[1-9]|[1-4]\d)\d{4}"),
        (Kind.SSN, "XXX-XX-6789", r"XXX-XX-\d{4}"),
        (Kind.RECORD, "MRN: 00123456", r"MRN: \d{8}"),
        (Kind.PLAN, "XJK-4432-A", r"[A-Z]{3}-\d{4}-[A-Z]"),
        (Kind.VEHICLE, "1HGCM82633A004352", r"[0-9A-Z]{17}"),
        (Kind.EMAIL, "Maria.Lopez@gmail.com", r"[a-z]+\.[a-z]+@[a-z]+\.example"),
        (Kind.URL, "https://www.mercy.org/a?b=1", r"https://www\.[a-z]+\.example/[a-z]+"),
        (Kind.IP, "10.0.0.7", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        (Kind.IP, "fe80::1", r"2001:db8::[0-9a-f:]+"),
        (Kind.SOCIAL, "@maria_l", r"@[a-z]+\d\d"),
        (Kind.PLACE, "78701", r"000\d\d"),
        (Kind.ADDRESS, "123 Main St, Apt 4B, Austin, TX 78701", r"\d{3} \w+ St, Apt \d[A-Z], \w+, TX 000\d\d"),
        (Kind.FACILITY, "Mercy General Hospital", r"\w+ General Hospital"),
        (Kind.FACILITY, "General Hospital", r"\w+ Hospital"),
        (Kind.RECORD, "7", r"\[record 1\]"),
        (Kind.OTHER, "???", r"\[other 1\]"),
        (Kind.NAME, "--", r"\[name 1\]"),
        (Kind.DATE, "Christmas", r"\[date 1\]"),
        (Kind.AGE, "93", r"90\+"),
        (Kind.AGE, "ninety-three", r"90\+"),
        (Kind.AGE, "a nonagenarian", r"90\+"),
    ],
)
def test_each_kind_keeps_its_form(kind: Kind, text: str, form: str) -> None:
    made = surrogates(text).of(kind, text)
    assert re.fullmatch(form, made), made
    assert made.casefold() != text.casefold()


def test_the_same_number_is_the_same_in_every_writing() -> None:
    made = surrogates()
    one, two = made.of(Kind.PHONE, "(512) 867-5309"), made.of(Kind.PHONE, "512-867-5309")
    assert alphanumeric(one) == alphanumeric(two)
    assert alphanumeric(made.of(Kind.RECORD, "AB-12345")) == alphanumeric(made.of(Kind.RECORD, "AB 12345"))


def test_many_numbers_stay_apart_beyond_the_range_that_is_kept_for_fiction() -> None:
    made = surrogates()
    numbers = [made.of(Kind.PHONE, f"867-{number:04}") for number in range(180)]
    assert len(set(numbers)) == 180


def luhn(digits: str) -> bool:
    values = [int(one) * (2 if place % 2 else 1) for place, one in enumerate(reversed(digits))]
    return sum(one - 9 if one > 9 else one for one in values) % 10 == 0


@pytest.mark.parametrize("number", range(60))
def test_no_number_is_a_card_or_an_npi(number: int) -> None:
    made = surrogates(key=bytes([number]) * 16)
    card, npi = made.of(Kind.ACCOUNT, "4111 1111 1111 1111"), made.of(Kind.LICENCE, "1234567893")
    assert luhn("80840" + "1234567893")  # the real one passes
    assert not luhn(alphanumeric(card))
    assert not luhn("80840" + npi)


def test_weekdays_and_years_stay_and_dates_move_back_by_whole_weeks() -> None:
    made = surrogates()
    assert made.of(Kind.DATE, "2024") == "2024"
    assert made.of(Kind.DATE, "Monday") == "Monday"
    for number in range(200):
        days = Draws(bytes([number]) * 16).shift_days
        assert -364 <= days <= -35
        assert days % 7 == 0
    assert len({Draws(bytes([number]) * 16).shift_days for number in range(200)}) > 40


def test_a_short_key_is_refused_and_a_key_is_never_shown() -> None:
    with pytest.raises(UsageError):
        Draws(b"short")
    assert "key of" not in repr(Draws(KEY))


def test_no_word_of_the_pools_is_a_word_that_stays_in_an_identifier() -> None:
    kept = {
        word.casefold() for name in ("titles", "facility", "address", "states", "particles") for word in listed(name)
    }
    assert not every_pool_word() & kept
