"""Names of no list and names that are words, by where they stand; the same words elsewhere stay."""

from __future__ import annotations

import random

import pytest

from appliance.deid.lexicon import words
from appliance.deid.recognisers.name_class import NameWords, Weight

_ONSETS = ("b", "d", "f", "g", "h", "k", "l", "m", "n", "r", "s", "t", "v", "z", "th", "br")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea")
_ENDS = ("n", "l", "r", "k", "m", "th")
_WORD_GIVEN = ("hope", "joy", "grace", "faith", "dawn", "rose", "drew", "frank", "violet", "daisy", "chase", "sterling")


def _strange(source: random.Random) -> str:
    """An invented name that no list holds."""
    classes = NameWords(words())
    while True:
        parts = (source.choice(_ONSETS) + source.choice(_VOWELS) for _ in range(3))
        name = "".join(parts) + source.choice(_ENDS)
        if classes.weight(name) == Weight.UNKNOWN:
            return name


def _names(seed: int, count: int) -> list[str]:
    source = random.Random(seed)  # noqa: S311
    return [_strange(source) for _ in range(count)]


def _hidden(find, text: str, name: str) -> bool:
    return any(kind == "name" and name in value.split() for kind, value in find(text))


SPOKEN = [
    "hello this is {} from the cardiology office",
    "hey , {} here , i 'm the nurse working with you today",
    "i'm {} , i'm one of the physician assistants",
    "you can call me {}",
    "everybody calls me {}",
    "she goes by {} at home",
    "is this {} ?",
    "may i speak to {} please",
    "ask for {} when you call the front desk",
    "i spoke with {} at the front desk yesterday",
    "i'd like you to meet {} , she 's our dietitian",
    "[doctor] how are you feeling , {} ?",
    "[doctor] take a deep breath for me , {} .",
    "[doctor] nice to meet you , {} .",
    "[doctor] {} , can you tell me where it hurts ?",
    "[doctor] that's good to hear {}",
    "[doctor] thank you {} . see you in two weeks",
    "[doctor] have a good day {}",
    "my husband {} drove me here",
    "my partner is {}",
    "{} , my husband , is in the waiting room",
    "{} is my daughter , she has my power of attorney",
    "he 's my grandson , {} .",
    "nurse {} is here",
    "i work with {} over in physical therapy",
    "so {} is a forty year old female here for knee pain",
    "send that to {} at the front desk",
    "my kids are {} , and they are well",
]
WRITTEN = [
    "{} from the lab called with a critical potassium of 6.1.",
    "Spoke with {}, pharmacist at the outpatient pharmacy.",
    "Pt's husband {} called to report fever.",
    "Ask for {}.",
    "Per {}, pt has been confused since last night.",
    "Lives with wife {} and a dog.",
    "SW met with {} to discuss placement.",
    "Handoff from {} to the night nurse.",
    "{} is a 45 y.o. male who presents with cough.",
    "{} reports that her pain is worse.",
    "The patient prefers to be called {}.",
    'Patient goes by "{}".',
    "Family present: {} (wife), others left.",
    "My knee is better.\nThanks so much!\n{}",
    "Regards,\n{}\nMedical Assistant",
    "The rash is gone.\n- {}",
]


@pytest.mark.parametrize("template", SPOKEN)
def test_name_of_no_list_is_found_in_speech(find, template):
    for name in _names(len(template), 4):
        assert _hidden(find, template.format(name), name), name


@pytest.mark.parametrize("template", SPOKEN)
def test_given_name_that_is_a_word_is_found_in_speech(find, template):
    source = random.Random(len(template))  # noqa: S311
    for name in source.sample(_WORD_GIVEN, 3):
        assert _hidden(find, template.format(name), name), name


@pytest.mark.parametrize("template", WRITTEN)
def test_name_of_no_list_is_found_in_notes(find, template):
    for name in _names(len(template) + 100, 4):
        text = template.format(name.capitalize())
        assert _hidden(find, text.replace('"', " "), name.capitalize()), text


def test_list_of_names_is_followed(find):
    first, second, third = _names(7, 3)
    text = f"my kids are {first} , {second} and {third}"
    assert all(_hidden(find, text, name) for name in (first, second, third))


def test_later_mentions_of_a_strange_name_are_found(find):
    (name,) = _names(8, 1)
    text = f"my husband {name} came with me . we told {name} to stop and {name}'s cough went"
    assert [value for kind, value in find(text) if kind == "name"] == [name, name, f"{name}'s"]


def test_surname_that_is_a_word_is_found_again_when_it_opens_a_sentence(find):
    text = "Mr. Lamb denies pain. Lamb's wife left. Lamb reports fatigue."
    assert [value for kind, value in find(text) if kind == "name"] == ["Lamb", "Lamb's", "Lamb"]


@pytest.mark.parametrize("word", ["rice", "young", "summer", "bishop", "hill", "page"])
def test_word_behind_last_name_is_a_name(find, word):
    assert ("name", word) in find(f"my last name is {word} .")


def test_will_is_a_name_only_without_a_verb_behind_it(find):
    for text in (
        "[doctor] how are you feeling , will ?",
        "my husband will drove me here",
        "good morning will , sit down",
    ):
        assert ("name", "will") in find(text)
    for text in ("the nurse will be in soon", "okay , will do .", "my friends will go out", "may i see your arm ?"):
        assert find(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "it 's s m i t h , like the city",
        "my last name is z a v i t",
        "spelled B-R-O-D-Y.",
        "double l o y d s",
    ],
)
def test_spelt_name_is_hidden(find, text):
    assert "name" in [kind for kind, _ in find(text)]


def test_letters_with_words_for_them_are_hidden_whole(find):
    assert ("other", "n as in nancy o as in otto r as in ruth") in find(
        "that's n as in nancy o as in otto r as in ruth ."
    )


def test_word_that_is_spelt_behind_itself_is_a_name(find):
    (name,) = _names(9, 1)
    assert _hidden(find, f"{name} , {' '.join(name)}", name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("PID|1||99^^^MRN||ZAVITH^BROKAN^Q||19800101|F", "ZAVITH^BROKAN^Q"),
        ("NK1|1|Zavith^Brokan|SPO", "Zavith^Brokan"),
        ("<given>Zavith</given>", "Zavith"),
        ('"family": "Rice"', "Rice"),
        ("PCP: Page", "Page"),
        ("Baby boy Green born at 39 weeks.", "Green"),
        ("Pool was extubated without difficulty.", "Pool"),
        ("ZAVITH, BROKAN admitted to ICU", "ZAVITH, BROKAN"),
    ],
)
def test_name_is_found_by_its_form(find, text, value):
    assert ("name", value) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "which name fits best ?",
        "does that name ring a bell ?",
        "he will be referred to podiatry for it",
        "the patient jerked away",
        "followed by employee health",
        "i'm breastfeeding well .",
        "okay thanks doctor doctor",
        "OBX|1|NM|718-7^Hemoglobin^LN||13.2",
        "He denies chest pain. He reports fatigue.",
        "Husband denied tobacco use.",
        "my o b g y n said so",
        "c o p d and g e r d",
        "apply q.i.d. p.r.n. to the rash",
        "a medicine called something new",
        "i spoke with the pharmacist",
        "this is great , i'm happy with that",
        "my wife snores and my husband woke up",
        "so tingling is a new symptom",
        "thank you so much . see you then",
        "the brand name is better",
        "have a good one",
        "Thank you,\nMedical Assistant",
        "My list:\n- Hypertension\n- Asthma",
        "ask for help when you stand",
        "call me back tomorrow",
        "i hope you feel better , i really hope so",
        "there is joy in it , and some grace",
        "no wheezes , rales , or rhonchi .",
    ],
)
def test_words_in_like_places_stay(find, text):
    assert find(text) == []
