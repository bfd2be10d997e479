"""Names that are words of every day, where nothing but somebody can stand; messages with few capitals."""

from __future__ import annotations

import pytest


def _names(find, text: str) -> list[str]:
    return [value for kind, value in find(text) if kind == "name"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Please let Church know that the claim was denied.", "Church"),
        ("She was given Bactrim by Church.", "Church"),
        ("Pain is gone. Rice from rheum suggested a change.", "Rice"),
        ("Dear Price,\nThank you for sending him.", "Price"),
        ("Discussed with Cook and White from cards.", "White"),
        ("The potassium of 6.8 was called to Small @ the desk.", "Small"),
        ("Delivery at noon, baby girl Page, in good condition.", "Page"),
        ("The study has an investigator Page; the sponsor pays.", "Page"),
        ("Rounds: Frost (bed 4) stable. Nkolomba (bed 5) to the unit.", "Nkolomba"),
        ("Sepsis is better on the drip. Pellinquist 5A, bleeding, stable.", "Pellinquist"),
        ("rm 4 is ready, White, for her shot. Thanks to all.", "White"),
        ("Return to work. Employee: Will Page. Seen today.", "Will Page"),
        ("Also cc the chief. - Maelith", "Maelith"),
        ("The huddle is over. Thasmin K. has the charge today.", "Thasmin K."),
        ("Please have Maghradzet sign. The note is ready.", "Maghradzet"),
        ("Death was expected. Pronounced Pellinquist 0614.", "Pellinquist"),
        ("Consults: cards (Price), to see her today.", "Price"),
        ("Requesting: Page / Copy: the chart.", "Page"),
        ("Called Zelvina x2, no answer.", "Zelvina"),
        ("1. Obirenko: nothing by mouth. 2. The rest is stable.", "Obirenko"),
        ("Can Marsh take Paxlovid with a statin?", "Marsh"),
        ("Dose check: Page, 54 kg, on two drugs.", "Page"),
    ],
)
def test_a_word_is_a_name_in_writing_where_only_somebody_can_stand(find, text, name):
    assert name in _names(find, text)


@pytest.mark.parametrize(
    "text",
    [
        "The church is near. White cells are high. Price was discussed. Church attendance helps.",
        "Small bowel is normal. Page 4 of 9. Young patients do well.",
        "Stones were seen. Stone in the left ureter. Frost bite of the toes.",
        "Started metoprolol x2. 1. Hypokalemia: replete. 2. Dispo: home. Can rice raise sugar?",
        "You said that it hurts. You asked about the rice and white bread.",
    ],
)
def test_the_same_words_stay_in_writing_elsewhere(find, text):
    assert _names(find, text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[doctor] i got your note from marsh about the kidney", "marsh"),
        ("[nurse] okay i have marsh on the phone for you", "marsh"),
        ("[resident] next is page in bed nine\n[attending] okay", "page"),
        ("[patient] doctor price sent us over here", "price"),
        ("[doctor] how are you feeling daisy\n[patient] better", "daisy"),
        ("[doctor] and your sisters\n[patient] daisy and ivy are fine", "daisy"),
        ("[therapist] so what did you tell will\n[patient] nothing", "will"),
        ("caller: yeah this is joy young\nagent: what do you need", "joy young"),
        ("[patient] hope my oldest has it too\n[doctor] i see", "hope"),
        ("[intern] bell in four wants to leave\n[attending] okay", "bell"),
        ("[attending] did you talk to page\n[intern] not yet", "page"),
        ("[doctor] let me call young real quick", "young"),
        ("[patient] me and will split up\n[doctor] sorry", "will"),
        ("is marsh ok for contrast with that kidney", "marsh"),
        ("caller: kaplan was supposed to call in my pills", "kaplan"),
    ],
)
def test_a_word_is_a_name_in_speech_where_only_somebody_can_stand(find, text, name):
    assert name in _names(find, text)


@pytest.mark.parametrize(
    "text",
    [
        "[doctor] it's constant\n[patient] i'm good\n[doctor] the price is fine and the page is blank",
        "[patient] i have stone cold feet\n[doctor] put ice on it\n[patient] i told them will do",
        "[patient] the bell in four was loud\n[doctor] me and you will see\n[patient] will it hurt",
        "[doctor] how are you feeling today\n[patient] did you see the daisy",
    ],
)
def test_the_same_words_stay_in_speech_elsewhere(find, text):
    assert _names(find, text) == []


def test_a_word_that_is_somebody_once_is_so_at_its_other_mentions(find):
    text = "[doctor] i got a note from marsh about it\n[patient] i like marsh\n[doctor] the marsh is wet"
    assert _names(find, text) == ["marsh", "marsh"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hi its sunniva again. my cousin said the Augmentin isnt working. do i need more", "sunniva"),
        ("whats the best dose of Zoloft for pt obirenko? she is old", "obirenko"),
    ],
)
def test_a_short_message_with_few_capitals_is_read_as_speech(find, text, name):
    assert _names(find, text) == [name]
