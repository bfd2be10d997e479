"""What a visit affirms and denies: questions and their answers, lists, what has gone, which mention is meant."""

import pytest

from appliance.grounding import Grounder


def kinds_in(source, text):
    return {finding.kind.value for finding in Grounder([source]).check(text).findings}


@pytest.mark.parametrize(
    ("lines", "true", "false"),
    [
        pytest.param(
            ("D: Any pain when you chew?", "P: No.", "P: I do have pain when I swallow."),
            "Denies pain when chewing.",
            "Reports pain when chewing.",
            id="the mention with the statement's other words close by is meant",
        ),
        pytest.param(
            ("D: Do you use any tobacco?", "P: Absolutely not."),
            "Denies tobacco use.",
            "Reports tobacco use.",
            id="absolutely not is no yes",
        ),
        pytest.param(
            ("D: And you are not allergic to anything?", "P: That's right."),
            "Denies allergies.",
            "Reports allergies.",
            id="a yes agrees with a question that denies",
        ),
        pytest.param(
            ("D: Haven't you had a fever?", "P: Yes, I have."),
            "Reports fever.",
            "Denies fever.",
            id="a yes contradicts a denying question that is turned round",
        ),
        pytest.param(
            ("D: Any use of heroin?", "P: Heroin?", "D: Yes, or anything like that.", "P: Oh that, no."),
            "Denies heroin use.",
            "Reports heroin use.",
            id="a question in place of an answer is passed over",
        ),
        pytest.param(
            ("D: Do you smoke or drink alcohol?", "P: I smoke a pack a day."),
            "She smokes.",
            "She does not smoke.",
            id="an answer with neither yes nor no names what it affirms",
        ),
        pytest.param(
            ("P: I can't stop sneezing.",),
            "Reports sneezing.",
            "Denies sneezing.",
            id="a denial of the end affirms the thing",
        ),
        pytest.param(
            ("P: I am not without pain.",), "Reports pain.", "Denies pain.", id="a denial turns another one round"
        ),
        pytest.param(
            ("D: You have no swelling and your lungs are clear.", "D: There is a murmur."),
            "No swelling.",
            "Swelling was seen.",
            id="a denial ends where a new part begins",
        ),
        pytest.param(
            ("D: Erythema nodosum has not been seen.",),
            "No erythema nodosum.",
            "Erythema nodosum was found.",
            id="a denial behind its thing",
        ),
        pytest.param(
            ("D: Any other complaints?", "P: No, nothing else."),
            "She has no other complaints.",
            "She reports other complaints.",
            id="a statement made of words of the frame alone",
        ),
        pytest.param(
            ("P: My hand is numb.", "D: And your toes?", "P: No."),
            "Reports numbness of the hand.",
            "Reports numbness in the toes.",
            id="parts of the body carry a denial",
        ),
    ],
)
def test_what_is_affirmed_and_denied(speech, lines, true, false):
    source = speech(*lines)
    assert "negation" not in kinds_in(source, true)
    assert "negation" in kinds_in(source, false)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        pytest.param(
            ("D: Any diarrhea, constipation, red blood or hair loss?", "P: No."),
            "No diarrhea, constipation, red blood or hair loss.",
            id="a list carries its denial to its end",
        ),
        pytest.param(("P: The pills did not help the pain.",), "Reports pain.", id="no help is no denial"),
        pytest.param(
            ("D: Did you have any problems in school?", "P: No."), "Attended school.", id="where is not what is denied"
        ),
        pytest.param(
            ("P: I live alone. No alcohol.",), "No alcohol and lives alone.", id="a verb begins the next fact"
        ),
        pytest.param(("P: I have no fever, but I vomit.",), "He has no fever, and he vomits.", id="so does a subject"),
        pytest.param(
            ("D: Let me see if the rash is better.",), "She has a rash.", id="what is called the rash is there"
        ),
        pytest.param(
            ("P: The knee hurt badly yesterday, but the pain is gone now.",),
            "No pain now.",
            id="what has gone may be denied",
        ),
        pytest.param(
            ("D: Are you still having nausea?", "P: No, I feel fine."),
            "She had nausea.",
            id="not any more is no denial of what was",
        ),
        pytest.param(
            ("P: I have never felt palpitations like this.",),
            "Reports palpitations.",
            id="never like this",
        ),
        pytest.param(
            ("P: I probably have one drink a week.",), "Drinks alcohol.", id="a doubt about how much is no doubt that"
        ),
        pytest.param(
            ("P: I don't know the name of my metformin.",), "Takes metformin.", id="what is not known is not denied"
        ),
        pytest.param(
            ("D: What kind of dog was it?", "P: A big one."), "Bitten by a dog.", id="a question may take it for given"
        ),
    ],
)
def test_what_is_left_open_is_held_against_nothing(speech, lines, text):
    assert "negation" not in kinds_in(speech(*lines), text)


def test_what_is_only_supposed_is_not_affirmed(speech):
    source = speech("D: Call us if you get a fever.")
    assert "negation" in kinds_in(source, "She has a fever.")
    assert "negation" not in kinds_in(source, "Call if fever develops.")


def test_an_opposite_counts_only_near_the_statement(speech):
    far = speech("P: My back hurts and it is chronic.", *["D: We spoke of the weather and of the garden."] * 4,
                 "P: My headache began yesterday.")  # fmt: skip
    assert "negation" not in kinds_in(far, "Acute headache.")
    assert "negation" in kinds_in(speech("P: I have a chronic headache."), "Acute headache.")


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("D: Where is your rash?", "P: On my arm."),
        ("D: Have you had a rash?", "P: I have."),
        ("D: Do you have a rash or hives?", "P: Well, last summer my rash was quite bad."),
    ],
)
def test_what_a_question_takes_for_given_or_its_answer_names_is_affirmed(speech, question, reply):
    found = Grounder([speech(question, reply)]).check("Denies rash.")
    assert "affirmed" in {finding.wanted for finding in found.findings}


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        pytest.param(
            ("D: Any difficulty urinating?", "P: No, that's normal."), "Normal urination.",
            id="no trouble with a thing leaves the thing",
        ),
        pytest.param(
            ("D: What is the reason for the extraction?", "P: I am not exactly sure. They said cataract."),
            "The reason for the extraction is a cataract.",
            id="an unsure answer to a what-question denies nothing",
        ),
        pytest.param(
            ("P: My leg hurts.", "D: If I lift your lower leg, is there pain?", "P: No."),
            "No pain with lifting of their lower leg.",
            id="what is called somebody's leg is there",
        ),
        pytest.param(
            ("P: I have pain and I take Tylenol.", "D: If I lift this, does it bring on pain?", "P: No."),
            "Takes Tylenol for the pain.",
            id="what a medicine is for is taken from anywhere",
        ),
    ],
)  # fmt: skip
def test_a_denial_of_something_else_is_not_held_against_a_statement(speech, lines, text):
    assert "negation" not in kinds_in(speech(*lines), text)


def test_a_trouble_that_is_denied_is_found_when_it_is_affirmed(speech):
    source = speech("D: Any difficulty urinating?", "P: No, that's normal.")
    assert "negation" in kinds_in(source, "Reports difficulty urinating.")


def test_a_thing_that_is_denied_is_found_in_the_purpose_of_a_medicine(speech):
    source = speech("D: Any fever?", "P: No. I take Tylenol now and then.")
    assert "negation" in kinds_in(source, "Takes Tylenol for the fever.")


def test_no_i_do_not_think_so_is_a_no(speech):
    source = speech("D: Any neurological disorders in the family?", "P: No. I don't think so.")
    assert kinds_in(source, "No neurological disorders in the family.") == set()
    assert "negation" in kinds_in(source, "Neurological disorders in the family.")
