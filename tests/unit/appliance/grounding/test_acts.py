"""Lines that ask, greet or advise, and who says them; sides and people that a bare word leaves open."""

import pytest

from appliance.clinical.source import Passage, Source, Speaker
from appliance.grounding import Grounder

TALK = (
    "D: Good morning. How old are you?",
    "P: I am forty. I walk every day and I eat vegetables.",
    "D: Your right knee is swollen and that knee is warm when I touch it. The left knee looks fine.",
    "D: You should rest. Take ibuprofen with food.",
    "P: Okay. Thank you.",
)


@pytest.fixture
def talk(speech):
    return Grounder([speech(*TALK)])


@pytest.mark.parametrize("text", ["How old are you?", "Doctor: How old are you?", "Okay.", "Thank you."])
def test_a_line_that_tells_nothing_is_held_against_the_turn_it_was_copied_from(talk, text):
    found = talk.check(text)
    assert found.status == "supported"
    assert len(found.evidence) == 1


@pytest.mark.parametrize("text", ["How tall are you?", "Goodbye.", "None.", "Hello."])
def test_nothing_is_said_in_these_words_so_it_stays_unsupported(talk, text):
    assert talk.check(text).status == "unsupported"


def test_a_question_with_one_word_changed_is_no_copy(speech):
    grounder = Grounder([speech("D: Does your right knee hurt?", "P: Yes.")])
    assert grounder.check("Does your right knee hurt?").status == "supported"
    assert grounder.check("Does your left knee hurt?").status == "unsupported"


def test_a_question_is_not_put_into_the_mouth_of_who_was_asked(talk):
    found = talk.check("Patient: How old are you?")
    assert [finding.wanted for finding in found.findings] == ["somebody else says it"]


def test_advice_needs_somebody_who_gives_it(talk):
    assert talk.check("Advised to rest.").status == "supported"
    found = Grounder([Source(
        id="visit", kind="transcript", text="I walk every day.",
        passages=(Passage(start=0, end=17, speaker=Speaker.PATIENT),),
    )]).check("Recommended to walk every day.")  # fmt: skip
    assert [finding.wanted for finding in found.findings] == ["nobody advises it"]


def test_a_relative_is_not_the_patient(speech):
    source = speech("D: Are you Mister Smith's wife?", "D: How is your husband?", "P: He fell.")
    found = Grounder([source]).check("Patient is the wife of Mr. Smith.")
    assert "not the patient" in [finding.wanted for finding in found.findings]
    own = Grounder([speech("P: I am the wife of Mister Smith, and I fell.")]).check("Patient is the wife of Mr. Smith.")
    assert "not the patient" not in [finding.wanted for finding in own.findings]


def kinds(grounder, text):
    return {finding.kind.value for finding in grounder.check(text).findings}


def test_a_bare_mention_has_the_side_of_the_last_one(talk):
    assert "laterality" not in kinds(talk, "The right knee is warm.")
    assert "laterality" in kinds(talk, "The left knee is warm.")


@pytest.mark.parametrize(
    ("line", "true", "false"),
    [
        ("D: Your lungs are clear.", "Lungs are clear bilaterally.", None),
        (
            "P: Both knees hurt, the right one is worse.",
            "Bilateral knee pain, right worse than left.",
            "Knee pain, right worse than right.",
        ),
        ("D: You write with your right hand dominant? The left hand hurts.", "Right hand dominant.", "Left-handed."),
        ("D: I listen. Lungs are clear on the left.", "Lungs: Clear on the left.", "Lungs: Clear on the right."),
    ],
)
def test_sides_of_pairs_and_of_headings(speech, line, true, false):
    grounder = Grounder([speech(line)])
    assert "laterality" not in kinds(grounder, true)
    assert false is None or "laterality" in kinds(grounder, false)


def test_whom_a_patient_calls_he_is_somebody_else(speech):
    own = Grounder([speech("P: My boss said that he would call.")])
    assert "demographic" not in kinds(own, "She was called.")
    other = Grounder([speech("D: He fell yesterday, and he hurt his knee.")])
    assert "demographic" in kinds(other, "She fell yesterday.")


def test_a_picture_is_no_man(speech):
    grounder = Grounder([speech("D: Ma'am, the arthrogram shows a tear.")])
    assert "demographic" not in kinds(grounder, "MR arthrogram shows a tear.")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("D: The fracture is at L five.", "Fracture at L5."),
        ("D: Your B twelve is low.", "B12 is low."),
        ("P: I take lisinopril.", "Takes medications."),
    ],
)
def test_other_names_of_the_same(speech, line, text):
    assert kinds(Grounder([speech(line)]), text) == set()


@pytest.mark.parametrize(
    ("lines", "told", "invented"),
    [
        (
            ("D: Keep your eyes clean and drink some water.", "P: Fine.", "P: My sight is poor. I sleep."),
            "Maintain clean eyes.",
            "Monitor sight and sleep.",
        ),
        (
            ("D: Any cough?", "P: Yes, a bad cough, and my knee hurts.", "P: It is hot.", "D: We'll do an x-ray."),
            "Obtain x-ray.",
            "Schedule cough evaluation.",
        ),
        (
            ("D: I want to see you in two weeks, okay?", "P: Fine. The rash is gone.", "P: I run a lot.", "P: Bye."),
            "She will be seen in two weeks.",
            "She should run.",
        ),
    ],
)
def test_what_is_ordered_needs_somebody_who_directs_it(speech, lines, told, invented):
    grounder = Grounder([speech(*lines)])
    assert "nobody advises it" not in [finding.wanted for finding in grounder.check(told).findings]
    assert "nobody advises it" in [finding.wanted for finding in grounder.check(invented).findings]


def test_a_question_directs_nothing(speech):
    grounder = Grounder([speech("D: Should you avoid milk?", "P: I drink milk.")])
    assert [finding.wanted for finding in grounder.check("Avoid milk.").findings] == ["nobody advises it"]


def test_what_a_relative_says_of_himself_is_not_the_patients(speech):
    text = "Guest: I got nervous and decided to come in. He coughs."
    source = Source(
        id="visit", kind="transcript", text=text,
        passages=(Passage(start=7, end=len(text), speaker=Speaker.OTHER),),
    )  # fmt: skip
    found = Grounder([source]).check("He got nervous.")
    assert [finding.wanted for finding in found.findings] == ["somebody else says it of himself"]
    assert Grounder([speech("P: I got nervous and decided to come in.")]).check("He got nervous.").findings == ()
    assert "somebody else says it of himself" not in [
        finding.wanted for finding in Grounder([source]).check("He coughs.").findings
    ]


def test_an_order_in_a_record_directs():
    record = Source(
        id="record", kind="record",
        text="2019-03-04 Medication request: Ibuprofen 400 MG\n2019-03-04 Condition: Osteoarthritis of knee",
    )  # fmt: skip
    grounder = Grounder([record])
    assert grounder.check("Take ibuprofen 400 mg.").findings == ()
    far = Source(id="record", kind="record", text="2019-03-04 Condition: Osteoarthritis of knee")
    assert [finding.wanted for finding in Grounder([far]).check("Monitor the osteoarthritis.").findings] == [
        "nobody advises it"
    ]


def test_what_a_guest_says_as_i_is_not_the_patients(speech):
    text = "Guest: I got nervous and brought my daughter in today."
    source = Source(
        id="visit", kind="transcript", text=text,
        passages=(Passage(start=7, end=len(text), speaker=Speaker.OTHER),),
    )  # fmt: skip
    found = Grounder([source]).check("I got nervous today.")
    assert "somebody else says it of himself" in [finding.wanted for finding in found.findings]
    own = Grounder([speech("P: I brought my papers in today.")]).check("I brought papers in today.")
    assert "somebody else says it of himself" not in [finding.wanted for finding in own.findings]


def test_a_follow_up_for_something_is_no_order(speech):
    grounder = Grounder([speech("P: I take Lamictal.", "P: It helps.")])
    assert "nobody advises it" not in [finding.wanted for finding in grounder.check("Follow-up for Lamictal.").findings]
    assert "nobody advises it" in [finding.wanted for finding in grounder.check("Follow Lamictal levels.").findings]


def test_a_label_may_be_set_in_bold(speech):
    grounder = Grounder([speech("D: Do you have any bone pain?", "P: No, never had any.")])
    assert grounder.check("**Doctor:** Do you have any bone pain?").findings == ()
    assert [finding.wanted for finding in grounder.check("**Patient:** Do you have any bone pain?").findings] == [
        "somebody else says it"
    ]
