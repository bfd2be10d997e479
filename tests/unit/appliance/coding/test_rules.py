"""Structure rules over a table: from raw candidates to complete, billable codes with partners and questions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.coding.assertion import StatusReader
from appliance.coding.rules.complete import MAX_QUESTION_CHARS, Candidate, StructureRules
from appliance.coding.rules.titles import asked
from appliance.coding.suggestion import Assertion, Suggestion
from tests.fakes.code_table import FakeCodeTable

TABLE = FakeCodeTable()
RULES = StructureRules(TABLE)


def suggested(text: str, *given_codes: tuple[str, str], rules: StructureRules = RULES) -> dict[str, Suggestion]:
    """Suggestions for (word of the text, code) pairs."""
    candidates = [
        Candidate(code, ((text.index(word), text.index(word) + len(word)),), 0.9 - 0.01 * at)
        for at, (word, code) in enumerate(given_codes)
    ]
    return {one.code: one for one in rules.complete(StatusReader(text), candidates)}


@pytest.mark.parametrize(
    ("text", "word", "code", "wanted", "question"),
    [
        ("Type 2 diabetes.", "diabetes", "E11", "E11.9", "kidney complications"),
        ("Type 2 diabetes without complications.", "diabetes", "E11", "E11.9", ""),
        ("Diabetes.", "Diabetes", "E11", "E11.9", "Which type?"),
        ("T2DM with diabetic chronic kidney disease.", "T2DM", "E11", "E11.22", ""),
        ("Right knee pain.", "knee pain", "M25.569", "M25.561", ""),
        ("Knee pain, left.", "Knee pain", "M25.561", "M25.562", ""),
        ("Knee pain.", "Knee pain", "M25.56", "M25.569", "Which side"),
        ("Colles fracture of the left wrist, cast today.", "fracture", "S52.53", "S52.532A", "Which episode"),
        ("Follow-up of Colles fracture of the right radius.", "fracture", "S52.53", "S52.531D", ""),
        ("Open Colles fracture of the right radius, type II.", "fracture", "S52.53", "S52.531B", ""),
        ("Stiffness as sequela of Colles fracture, right.", "fracture", "S52.53", "S52.531S", ""),
        ("CKD stage IIIa.", "CKD", "N18", "N18.31", ""),
        ("CKD stage 3.", "CKD", "N18", "N18.30", "3a?"),
        ("CKD.", "CKD", "N18", "N18.9", "stage 5"),
        ("Pregnant, 32 weeks of gestation, gestational edema.", "gestational edema", "O12.0", "O12.03", ""),
        ("Gestational edema.", "Gestational edema", "O12.0", "O12.00", "Which trimester"),
        ("Acute ischemia, hemiplegia on the right, left-handed.", "hemiplegia", "G81", "G81.91", ""),
        ("Hyperlipidemia.", "Hyperlipidemia", "E78", "E78.5", ""),
        ("Chronic systolic heart failure.", "heart failure", "I50", "I50.22", ""),
    ],
)
def test_a_code_becomes_the_most_specific_that_the_text_supports(
    text: str, word: str, code: str, wanted: str, question: str
) -> None:
    found = suggested(text, (word, code))
    assert list(found) == [wanted]
    assert question in found[wanted].question
    assert found[wanted].question or not question
    assert found[wanted].evidence[0].quote == word


def test_a_denied_word_chooses_no_code() -> None:
    assert "E11.42" not in suggested("Diabetes without polyneuropathy.", ("Diabetes", "E11"))


def test_hypertension_with_heart_failure_and_kidney_disease_is_one_code_and_keeps_its_partners() -> None:
    found = suggested(
        "Hypertension, chronic systolic heart failure, CKD stage 3a.",
        ("Hypertension", "I10"), ("heart failure", "I50"), ("CKD", "N18"),
    )  # fmt: skip
    assert sorted(found) == ["I13.0", "I50.22", "N18.31"]
    assert {one.quote for one in found["I13.0"].evidence} == {"Hypertension", "heart failure", "CKD"}
    assert "List I13.0 before N18.31" in found["N18.31"].question
    codes = ("HTN", "I10"), ("CKD", "N18"), ("Heart failure", "I50")
    assert sorted(suggested("HTN. CKD stage 5. Heart failure.", *codes)) == [
        "I13.2", "I50.9", "N18.5",
    ]  # fmt: skip


def test_a_link_that_the_conventions_assume_is_asked_for() -> None:
    found = suggested("Type 2 diabetes. Polyneuropathy.", ("diabetes", "E11"), ("Polyneuropathy", "G62.9"))
    assert list(found) == ["E11.42"]
    assert "linked" in found["E11.42"].question


def test_a_manifestation_names_the_code_that_comes_first() -> None:
    found = suggested("Type 2 diabetes. CKD stage 3a.", ("diabetes", "E11"), ("CKD", "N18"))
    assert sorted(found) == ["E11.22", "N18.31"]
    assert "List E11.22 before" in found["N18.31"].question


def test_an_additional_code_is_proposed_where_the_text_states_it() -> None:
    found = suggested("Type 2 diabetes, on insulin.", ("diabetes", "E11"))
    assert sorted(found) == ["E11.9", "Z79.4"]
    assert found["Z79.4"].evidence[0].quote == "insulin"
    assert found["Z79.4"].confidence <= 0.5
    assert "Z79.4" not in suggested("Type 2 diabetes, no insulin.", ("diabetes", "E11"))


def test_a_required_additional_code_is_asked_for() -> None:
    found = suggested("Type 2 diabetes with diabetic chronic kidney disease.", ("diabetes", "E11"))
    assert "stage of chronic kidney disease" in found["E11.22"].question
    assert "Tobacco status" in suggested("Hypertension.", ("Hypertension", "I10"))["I10"].question


@pytest.mark.parametrize(
    "text", ["No hypertension.", "Mother had hypertension.", "Rule out hypertension.", "FH: hypertension"]
)
def test_what_is_not_held_of_the_patient_is_not_suggested(text: str) -> None:
    assert suggested(text, ("hypertension", "I10")) == {}


def test_what_to_keep_is_the_callers_choice() -> None:
    reader = StatusReader("Possible hypertension.")
    kept = RULES.complete(reader, [Candidate("I10", ((9, 21),), 0.5)], frozenset({Assertion.POSSIBLE}))
    assert [one.assertion for one in kept] == [Assertion.POSSIBLE]


def test_codes_that_the_table_does_not_have_are_dropped() -> None:
    assert suggested("Diabetes.", ("Diabetes", "E99.99")) == {}


def test_what_says_less_than_another_is_dropped() -> None:
    text = "Type 2 diabetes with diabetic polyneuropathy. Diabetes."
    assert list(suggested(text, ("diabetes", "E11.42"), ("Diabetes", "E11.9"))) == ["E11.42"]


def test_a_title_asks_for_what_it_adds() -> None:
    asks = asked("Laceration without foreign body of right hand", "Laceration without foreign body of hand")
    assert (asks.either, asks.absent) == ((frozenset({"right"}),), frozenset())
    assert asked("Unspecified asthma, uncomplicated", "Unspecified asthma").absent
    assert (
        asked("Asthma with (acute) exacerbation", "Asthma").all_stems
        == asked("Asthma with exacerbation", "Asthma").all_stems
    )


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([entry.code for entry in TABLE.entries()]), min_size=1, max_size=6),
    st.lists(
        st.sampled_from(
            ["no", "left", "right", "diabetes", "CKD", "stage 3a", "hypertension", "heart failure", "possible", ".",
             "follow-up", "fracture", "knee", "insulin", "with", "\n", "FH:", "polyneuropathy"]
        ), min_size=1, max_size=20,
    ),
    st.data(),
)  # fmt: skip
def test_every_suggestion_is_of_the_table_billable_or_asked_for_and_quotes_the_text(
    codes: list[str], pieces: list[str], data: st.DataObject
) -> None:
    text = " ".join(pieces)
    candidates = []
    for code in codes:
        start = data.draw(st.integers(0, len(text) - 1))
        candidates.append(Candidate(code, ((start, data.draw(st.integers(start + 1, len(text)))),), 0.5))
    found = RULES.complete(StatusReader(text), candidates)
    assert len({one.code for one in found}) == len(found)
    for one in found:
        entry = TABLE.lookup(one.code)
        assert entry is not None
        assert entry.billable or "not billable" in one.question
        assert all(text[quoted.start : quoted.end] == quoted.quote for quoted in one.evidence)
        assert len(one.question) <= MAX_QUESTION_CHARS
        assert one.assertion is Assertion.PRESENT
    again = RULES.complete(StatusReader(text), list(candidates))
    assert again == found


@pytest.mark.slow
def test_over_the_real_table_most_headers_reach_a_billable_code_and_none_leaves_its_category() -> None:
    """A silent text: what unspecified, "without" and the guidelines' assumptions lead to."""
    from appliance.coding.rules.context import Context
    from appliance.coding.rules.refine import refine
    from appliance.coding.rules.tree import CodeTree
    from appliance.coding.tables.builtin import built_in_table

    tree, silent = CodeTree(built_in_table()), Context(frozenset())
    heads = [entry.code for entry in tree.table.entries() if not entry.billable][::8]
    reached = 0
    for code in heads:
        refined = refine(tree, code, silent)
        assert refined is not None
        assert tree.category(refined.entry.code) == tree.category(code)
        assert refined.entry.billable or refined.questions
        reached += refined.entry.billable
    assert len(heads) > 2000
    assert reached / len(heads) > 0.85


@pytest.mark.parametrize(
    ("text", "word", "code"),
    [
        ("Diabetes, kidney function is normal.", "Diabetes", "E11.9"),
        ("Type 1 diabetes, kidney function unremarkable.", "diabetes", "E10.9"),
    ],
)
def test_words_that_stand_by_take_no_claimable_code_away(text: str, word: str, code: str) -> None:
    from appliance.coding.tables.builtin import built_in_table

    found = suggested(text, (word, code), rules=StructureRules(built_in_table()))
    assert list(found) == [code]
    # What they may mean is asked, and not decided.
    assert "kidney complications" in found[code].question or "diabetic nephropathy" in found[code].question
