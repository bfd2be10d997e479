"""Names that are words, by all that a text does with them; names by marks of writing; speech with stray capitals."""

from __future__ import annotations

import pytest

from appliance.deid.reading import Reading


def _names(find, text: str) -> list[str]:
    return [value for _, value in find(text)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[patient] cook drove me . cook is outside\n[doctor] is cook your brother ?", "cook"),
        ("[doctor] ask fern about it . fern has the list", "fern"),
        ("[patient] it was me and rob .", "rob"),
        ("[nurse] ebony duck ?\n[patient] yes that's me", "ebony duck"),
        ("The wound was shown to Pillow. Pillow agreed. Pillow to follow.", "Pillow"),
    ],
)
def test_a_word_that_is_somebody_once_is_somebody_each_time(find, text, name):
    assert _names(find, text) == [name] * text.count(name)


@pytest.mark.parametrize(
    "text",
    [
        "[patient] i like to cook . the cook at work said so too , and i still cook",
        "[patient] i put a fern in the hall . the fern is nice",
        "[patient] there is hope , and there was work to do . i miss work",
        "[doctor] she drew blood today . the blood was fine",
        "Swelling improved. Cough improved. Hope remains.",
        "Max HR 132.",
        "Cast removed. Gross dictated by the resident. Pin removed. Film reviewed. Port placed. Cast removed again.",
        "Her RNP and Smith were negative; anti-Smith was repeated.",
    ],
)
def test_words_that_are_used_as_words_stay(find, text):
    assert _names(find, text) == []


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Please refill my inhaler before Friday.\n-Skip", ["Skip"]),
        ("I will call with results. Warmly, Beagle Barley", ["Beagle Barley"]),
        ("Technologist: Motley. No mass.", ["Motley"]),
        ("Siblings Lark (5) and Dalton (3) are well.", ["Lark", "Dalton"]),
        ("The body is identified as SWORD REITER by the family.", ["SWORD REITER"]),
        ("Julia Kessler was seen. J.K. fell twice.", ["Julia Kessler", "J.K."]),
    ],
)
def test_marks_of_writing_tell_names(find, text, hidden):
    assert _names(find, text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "Marker: Ki67. Ulcer: Stage 2. - Cough",
        "Best, regards",
        "Findings show BREAST CANCER and LEFT HAND pain.",
        "Julia Kessler was seen. The lab called.",
    ],
)
def test_marks_beside_words_tell_nothing(find, text):
    assert [name for name in _names(find, text) if name != "Julia Kessler"] == []


def test_stray_capitals_do_not_make_speech_writing():
    """A transcript with "I", "MRI" and a shop is one of speech; sentences with capitals are writing."""
    speech = "[doctor] how are you ?\n[patient] fine . Target was full .\n[doctor] an MRI then . okay"
    assert Reading(speech).capitals
    assert Reading(speech).spoken
    assert not Reading("She is fine. The MRI was read. No mass. Follow up.").spoken


def test_a_name_of_no_list_is_found_in_speech_with_stray_capitals(find):
    text = "[doctor] how was it ?\n[patient] loud . chethgal took me for the MRI .\n[doctor] good . okay"
    assert "chethgal" in _names(find, text)
