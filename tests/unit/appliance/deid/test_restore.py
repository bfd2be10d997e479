"""Back again: exactly for what was made, and for what a model rewrote only where it is certain."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.deid.deidentify import Deidentified, Deidentifier
from appliance.deid.identifier import Identifier
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.mapping import Mapping, loads
from appliance.deid.restore import Restorer
from appliance.deid.restored import Reason
from appliance.deid.vocabulary import TOKEN, every_pool_word
from appliance.errors import UnknownStateError, UsageError
from tests.fakes.deid import FakeDetector
from tests.fakes.deid_texts import IDENTIFIERS, KEYS, TEXTS

KEY = b"a key of an encounter, 32 bytes."
NOTE = (
    "Maria Lopez (MRN: 00123456), 93 years old, was seen on March 5, 2024 at Mercy General Hospital by J. Chen. "
    "Ms. Lopez can be reached at (512) 867-5309 or maria.lopez@gmail.com; she lives at 123 Main St, Austin, TX 78701. "
    "maria came back on 3/12/2024. Her MI was in 2019. Strength 5/5."
)
LISTED = {
    **IDENTIFIERS, "J. Chen": Kind.NAME, "3/12/2024": Kind.DATE, "123 Main St, Austin, TX 78701": Kind.ADDRESS,
}  # fmt: skip
FAKE = FakeDetector(LISTED)


def made(text: str, key: bytes = KEY) -> tuple[Deidentified, Mapping]:
    work = Deidentifier(FAKE, key, [text])
    (found,) = work.run()
    return found, work.mapping()


def word(mapping: Mapping, original: str) -> str:
    return next(one.surrogate for one in mapping.words if one.original == original)


def reasons(mapping: Mapping, text: str, read: str = "") -> list[tuple[str, Reason]]:
    back = Restorer(mapping, read=[read]).restore(text)
    return [(back.text[one.start : one.end], one.reason) for one in back.leftovers]


@settings(max_examples=150, deadline=None)
@given(TEXTS, KEYS)
def test_what_was_made_comes_back_exactly(text: str, key: bytes) -> None:
    found, mapping = made(text, key)
    back = Restorer(loads(mapping.dumps().encode(), "a test")).restore(found.text)
    assert back.text == text
    assert back.exact
    assert back.leftovers == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=4), KEYS)
def test_all_texts_of_an_encounter_come_back_by_one_mapping(texts: list[str], key: bytes) -> None:
    work = Deidentifier(FAKE, key, texts)
    restorer = None
    for text, found in zip(texts, work.run(), strict=True):
        restorer = restorer or Restorer(work.mapping())
        assert restorer.restore(found.text).text == text


@settings(max_examples=100, deadline=None)
@given(TEXTS, KEYS)
def test_nothing_that_was_found_is_left_where_it_was(text: str, key: bytes) -> None:
    found, _ = made(text, key)
    assert len(found.pieces) == sum(text[one.start : one.end] != "2021" for one in found.found)
    for piece in found.pieces:
        assert found.text[piece.start : piece.end].casefold() != piece.original.casefold()


@settings(max_examples=100, deadline=None)
@given(TEXTS, KEYS)
def test_no_surrogate_word_stands_in_the_text_by_itself(text: str, key: bytes) -> None:
    # Two thirds of the pools stand in the text, so that a draw without looking would soon hit one.
    text = f"Maria Lopez {text} " + " ".join(sorted(every_pool_word())[:500])
    _, mapping = made(text, key)
    words = {token.casefold() for token in TOKEN.findall(text)}
    assert not {one.surrogate.casefold() for one in mapping.words if not one.initial} & words


def test_a_whole_note_that_changed_at_its_end_comes_back_by_its_words() -> None:
    found, mapping = made(NOTE)
    back = Restorer(mapping, read=[found.text]).restore(found.text + "\nSigned.")
    assert not back.exact
    assert back.leftovers == ()
    assert back.text == NOTE + "\nSigned."


def test_a_model_may_move_sentences_cases_possessives_and_line_breaks() -> None:
    found, mapping = made(NOTE)
    given_name, family = word(mapping, "Maria"), word(mapping, "Lopez")
    rewritten = (
        f"{family.upper()}, {given_name.upper()}. {family}'s course: {given_name}\n{family} recovered. "
        f"{family[:4]}-\n{family[4:]} agrees. {given_name[0]}. {family} signs. the {family.lower()}s left."
    )
    back = Restorer(mapping, read=[found.text]).restore(rewritten)
    assert back.text == (
        "LOPEZ, MARIA. Lopez's course: Maria\nLopez recovered. Lopez agrees. M. Lopez signs. the lopezs left."
    )
    assert back.leftovers == ()


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ("{d:%Y-%m-%d}", "2024-03-05"),
        ("{d:%B} {d.day}, {d.year}", "March 5, 2024"),
        ("{d.day} {d:%b} {d.year}", "5 Mar 2024"),
        ("{d:%m/%d/%Y}", "03/05/2024"),
        ("{d:%B} {d.day}", "March 5"),
        ("in {d:%B} {d.year}", None),
        ("{d.day} {d:%B}", "5 March"),
    ],
)  # fmt: skip
def test_a_date_comes_back_in_the_form_that_the_model_gave_it(form: str, wanted: str | None) -> None:
    _, mapping = made(NOTE)
    day = next(one.surrogate for one in mapping.dates if one.original.isoformat() == "2024-03-05")
    back = Restorer(mapping).restore("Seen " + form.format(d=day) + ".")
    assert back.leftovers == ()
    assert back.text == f"Seen {wanted or 'in March 2024'}."


def test_numbers_come_back_in_other_separators_and_without_their_label() -> None:
    found, mapping = made(NOTE)
    phone = re.search(r"\((\d{3})\) (\d{3})-(\d{4})", found.text)
    record = re.search(r"MRN: (\d+)", found.text)
    assert phone
    assert record
    text = f"Call {phone[1]}.{phone[2]}.{phone[3]} about {record[1]}."
    assert Restorer(mapping).restore(text).text == "Call (512) 867-5309 about 00123456."


@pytest.mark.parametrize("said", ["90+", "90 or over", "90 or older", "90", "ninety", "over 90"])
def test_an_age_comes_back_whatever_the_class_is_called(said: str) -> None:
    _, mapping = made(NOTE)
    assert Restorer(mapping).restore(f"She is {said} years old.").text == "She is 93 years old."


def test_a_number_that_is_no_age_stays() -> None:
    _, mapping = made(NOTE)
    text = "BP 150 over 90 mmHg, SpO2 90+ %, pulse 90 bpm, strength 5/5."
    back = Restorer(mapping).restore(text)
    assert (back.text, back.leftovers) == (text, ())


def test_two_ages_are_told_apart_by_nobody() -> None:
    found, mapping = made("Aged 93 and ninety-five.")
    assert reasons(mapping, "She is 90+.", found.text) == [("90+", Reason.AMBIGUOUS)]


def test_what_cannot_be_brought_back_is_reported_and_left_as_it_is() -> None:
    found, mapping = made(NOTE)
    family = word(mapping, "Lopez")
    record = re.search(r"MRN: (\d+)", found.text)
    assert record
    near = family[:-1] + ("a" if family[-1] != "a" else "e")
    told = {
        "June 1, 2022": Reason.DATE, near: Reason.NEAR, "[phone 3]": Reason.SURROGATE,
        "x@mail.example": Reason.SURROGATE, "555-0147": Reason.SURROGATE, record[1][-4:]: Reason.PART,
    }  # fmt: skip
    for text, reason in told.items():
        assert reasons(mapping, f"It says {text} here.", found.text) == [(text, reason)], text
    back = Restorer(mapping).restore("On June 1, 2022.")
    assert back.text == "On June 1, 2022."


def test_a_part_of_an_address_is_not_half_restored_in_silence() -> None:
    found, mapping = made(NOTE)
    house = re.search(r"at (\d+) (\w+) St", found.text)
    assert house
    assert reasons(mapping, f"Lives at {house[1]} {house[2]}.", found.text) == [(house[1], Reason.PART)]
    assert Restorer(mapping).restore(f"{house[1]} {house[2]} st").text == "123 Main St"


def test_an_initial_that_fits_nobody_is_reported() -> None:
    found, mapping = made(NOTE)
    family = word(mapping, "Lopez")
    free = next(one for one in "QXZUVW" if one not in {each.surrogate[0] for each in mapping.words})
    assert reasons(mapping, f"{free}. {family} came.", found.text) == [(free, Reason.PART)]


def test_an_identifier_that_stood_in_no_text_is_reported_and_one_that_did_is_not() -> None:
    found, mapping = made(NOTE + " Dr Welby was not found.")
    detector = FakeDetector({"Welby": Kind.NAME, "Kildare": Kind.NAME, "Monday": Kind.DATE})
    back = Restorer(mapping, read=[found.text], detector=detector).restore("Welby and Kildare came on Monday.")
    assert [(back.text[one.start : one.end], one.reason) for one in back.leftovers] == [("Kildare", Reason.UNKNOWN)]


def test_a_year_that_moved_is_brought_back_or_reported_but_never_left_wrong() -> None:
    found, mapping = made("Seen March 5, 2024.")
    moved = next(iter(mapping.dates)).surrogate.year
    assert moved in (2023, 2024)
    for number in range(64):
        found, mapping = made("Seen March 5, 2024.", bytes([number]) * 16)
        moved = next(iter(mapping.dates)).surrogate.year
        assert Restorer(mapping).restore(f"It was in {moved}.").text == "It was in 2024."
        found, mapping = made("Seen March 5, 2024 and in 2023.", bytes([number]) * 16)
        text = f"It was in {moved}."
        back = Restorer(mapping, read=[found.text]).restore(text)
        assert back.leftovers if moved == 2023 else back.text == text


_SENTENCES = st.permutations(
    ["{g} {f} is well.", "{f}'s pain is better.", "Saw {F} on {d}.", "Next visit {e}.", "{g}\n{f} agreed.", "No fever."]
)


@settings(max_examples=30, deadline=None)
@given(_SENTENCES, KEYS)
def test_sentences_in_any_order_come_back(parts: list[str], key: bytes) -> None:
    found, mapping = made(NOTE, key)
    days = {one.original.isoformat(): one.surrogate for one in mapping.dates}
    texts = {}
    for name, (g, f, d, e) in {
        "made": (word(mapping, "Maria"), word(mapping, "Lopez"), days["2024-03-05"], days["2024-03-12"]),
        "real": ("Maria", "Lopez", "2024-03-05", "2024-03-12"),
    }.items():
        texts[name] = " ".join(parts).format(g=g, f=f, F=f.upper(), d=d, e=e)
    back = Restorer(mapping, read=[found.text]).restore(texts["made"])
    assert (back.text, back.leftovers) == (texts["real"], ())


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_a_text_of_others_never_gets_a_name_that_it_does_not_ask_for(text: str) -> None:
    """Whatever comes back: a name is put where a surrogate stands, and nowhere else."""
    _, mapping = made(NOTE)
    back = Restorer(mapping).restore(text)
    surrogates = {one.surrogate.casefold() for one in mapping.words}
    joined = re.sub(r"-[ \t]*\n\s*", "", text).casefold()
    if not any(one in joined for one in surrogates if len(one) > 1):
        assert back.text.count("Chen") == text.count("Chen")


_ORDINARY = """
walker cane page young parker foley baker wilson cooper hunter marsh brook stone wood rose grace hope faith
may june april august dawn summer autumn price banks rivers fields hill lake forest berry cherry olive violet
iris lily daisy heath glen dale cliff reed rush bush bird fox wolf lamb bull fish salmon pike bass king prince
duke noble knight bishop pope abbot monk nunn carter fuller mason potter smith taylor turner weaver wright
skinner butcher cook porter ward nurse doctor leach barber crohn hodgkin addison cushing graves hashimoto bell
paget lennox reese norwood wickham thurston lauren ballard
"""


def test_a_model_that_writes_an_english_word_gets_no_name_for_it() -> None:
    """Names that are words, devices, or eponyms of medicine are in no pool."""
    assert not set(_ORDINARY.split()) & every_pool_word()


def test_a_detector_that_names_no_span_stops_everything() -> None:
    class Broken:
        def find(self, text: str, *, known_names: object = ()) -> tuple[Identifier, ...]:
            return (Identifier(3, 99, Kind.NAME, "broken", 1.0),)

    with pytest.raises(UnknownStateError, match="broken"):
        Deidentifier(Broken(), KEY, ["short"]).run()


def test_overlapping_findings_are_hidden_as_one() -> None:
    class Two:
        def find(self, text: str, *, known_names: object = ()) -> tuple[Identifier, ...]:
            return (Identifier(0, 8, Kind.NAME, "a", 1.0), Identifier(6, 14, Kind.FACILITY, "b", 0.5))

    work = Deidentifier(Two(), KEY, ["Lopez St Clinic"])
    (found,) = work.run()
    assert found.found == (Identifier(0, 14, Kind.NAME, "a", 0.5),)
    assert found.text.endswith("c")
    assert Restorer(work.mapping()).restore(found.text).text == "Lopez St Clinic"


def test_a_name_in_full_in_one_text_is_found_alone_in_another() -> None:
    fake = FakeDetector({"Ada Okafor": Kind.NAME})
    work = Deidentifier(fake, KEY, ["Record of Ada Okafor.", "okafor says hi, ada"])
    record, speech = work.run()
    assert "okafor" not in speech.text
    assert "ada" not in speech.text
    assert record.text.split()[-1].strip(".").casefold() == speech.text.split()[0]
    assert speech.echoes == 0
    fake.asked.clear()
    Deidentifier(fake, KEY, ["Record of Ada Okafor.", "nobody else"]).run()
    assert len(fake.asked) == 2  # nothing to look for again


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"{", "line 1, column 2"), (b"[]", "the document"), (b'{"words": [{"surrogate": "x"}]}', "words.0.original"),
     (b'{"texts": [{"sha256": "PRIVATE", "pieces": []}]}', "texts.0.sha256"), (b"\xff", "not JSON"),
     (b'{"extra": 1}', "extra")],
)  # fmt: skip
def test_a_wrong_mapping_is_refused_by_place_and_never_repeated(data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as error:
        loads(data, "the mapping")
    assert "PRIVATE" not in str(error.value)


def test_a_mapping_shows_nothing_of_itself() -> None:
    _, mapping = made(NOTE)
    assert "Lopez" not in repr(mapping)
    assert "Lopez" in mapping.dumps()


def test_a_long_text_is_given_in_stretches_and_nothing_between_two_is_missed() -> None:
    fake = FakeDetector({"Ada Okafor": Kind.NAME})
    text = "x " * 249_997 + "Ada Okafor " + "y " * 249_000 + "Ada Okafor"
    work = Deidentifier(fake, KEY, [text])
    (found,) = work.run()
    assert max(map(len, fake.asked)) <= 500_000 < len(text)
    assert "Okafor" not in found.text
    assert found.counts == {Kind.NAME: 2}
    assert Restorer(work.mapping()).restore(found.text).text == text


def test_letters_that_are_alike_only_by_their_case_stop_nothing() -> None:
    found, mapping = made("Mail maria.lopez@gmail.com about MRN: 00123456.")
    odd = found.text.replace("i", "\u0131").replace("s", "\u017f").replace("k", "\u212a")
    back = Restorer(mapping, read=[found.text]).restore(odd)
    assert back.text.startswith("Ma\u0131l ")
    assert not back.exact


def test_a_date_that_stood_in_the_text_and_is_where_another_moved_to_is_told_apart_by_nobody() -> None:
    _, mapping = made("Seen March 5, 2024.")
    moved = next(iter(mapping.dates)).surrogate
    written = f"{moved:%B} {moved.day}, {moved.year}"
    found, mapping = made(f"Seen March 5, 2024, and not {written}.")
    assert found.text.count(written) == 2
    assert reasons(mapping, f"On {written}.", found.text) == [(written, Reason.AMBIGUOUS)]
    assert Restorer(mapping).restore(found.text).exact
