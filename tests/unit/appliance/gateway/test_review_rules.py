"""The pure rules of the review: every state with every act, edit distance, corrections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.clinical.document import Document, DocumentKind, Grounding, Section, Statement
from appliance.gateway import review
from appliance.gateway.review import Act, State
from appliance.problems import ProblemError

# One line a state, the acts in the order of `Act`; "-" is refused.
TABLE = """
            review     correct    acknowledge sign    reject    add
drafting    -          -          -           -       -         -
draft       in_review  -          -           -       rejected  -
in_review   -          corrected  in_review   signed  rejected  -
corrected   -          corrected  corrected   signed  rejected  -
signed      -          -          -           -       -         signed
rejected    -          -          -           -       -         -
failed      -          -          -           -       -         -
"""
HEAD, *LINES = [line.split() for line in TABLE.strip().splitlines()]


def test_the_table_is_complete() -> None:
    assert [act.value for act in Act] == HEAD
    assert [line[0] for line in LINES] == [state.value for state in State]


@pytest.mark.parametrize(
    ("state", "act", "after"),
    [(line[0], act, after) for line in LINES for act, after in zip(HEAD, line[1:], strict=True)],
)
def test_each_act_in_each_state(state: str, act: str, after: str) -> None:
    if after == "-":
        with pytest.raises(ProblemError) as caught:
            review.follow(State(state), Act(act))
        assert (caught.value.status, caught.value.code) == (409, "wrong-state")
    else:
        assert review.follow(State(state), Act(act)) is State(after)


@pytest.mark.parametrize("act", list(Act))
def test_the_window_closes_on_everything_but_rejection_and_addenda(act: Act) -> None:
    now = datetime.now(UTC)
    late = now - timedelta(hours=72, seconds=1)
    assert review.is_over(act, late, now, 72) is (act not in (Act.REJECT, Act.ADD))
    assert not review.is_over(act, now - timedelta(hours=71), now, 72)


def document(*texts: str, **more: object) -> Document:
    statements = tuple(Statement(id=f"s{number}", text=text) for number, text in enumerate(texts, 1))
    sections = (
        Section(name="history", title="History", statements=statements),
        Section(name="plan", title="Plan", statements=()),
    )
    return Document(kind=DocumentKind.VISIT_NOTE, template="visit-note:v1", sections=sections)


@pytest.mark.parametrize(
    ("before", "after", "words", "of"),
    [
        (("One two three.",), ("One two three.",), 0, 5),
        (("One two three.",), ("One four three.",), 1, 5),
        (("One two three.",), (), 3, 5),
        ((), ("One two.",), 2, 4),
    ],
)
def test_the_edit_distance_is_in_words(before: tuple[str, ...], after: tuple[str, ...], words: int, of: int) -> None:
    edit = review.edit(document(*before), document(*after))
    assert (edit.words, edit.of) == (words, of)
    assert edit.share == words / of


def test_unsupported_is_what_the_model_wrote_and_nobody_showed_to_be_supported() -> None:
    supported, unsupported = Grounding(status="supported"), Grounding(status="unsupported")
    statements = (
        Statement(id="s1", text="a", grounding=supported),
        Statement(id="s2", text="b", grounding=unsupported),
        Statement(id="s3", text="c", grounding=None),
        Statement(id="s4", text="d", author="clinician"),
        Statement(id="s5", text="e", author="template"),
    )
    section = Section(name="history", title="History", statements=statements)
    whole = Document(kind=DocumentKind.VISIT_NOTE, template="t:v1", sections=(section,))
    assert [one.id for one in review.unsupported(whole)] == ["s2", "s3"]


def test_a_correction_keeps_what_was_left_and_takes_the_rest_as_a_persons() -> None:
    before = document("One.", "Two.", "Three.")
    after = review.corrected(before, {"plan": [], "history": [("s3", "Three."), ("s1", "Uno."), (None, "New.")]})
    found = [(one.id, one.text, one.author) for one in after.statements()]
    assert found == [("s3", "Three.", "model"), ("s1", "Uno.", "clinician"), ("added.1", "New.", "clinician")]
    assert [section.name for section in after.sections] == ["history", "plan"]


@pytest.mark.parametrize(
    "texts",
    [
        {"history": []},
        {"history": [], "plan": [], "more": []},
        {"history": [("s9", "x")], "plan": []},
        {"history": [("s1", "x"), ("s1", "y")], "plan": []},
        {"history": [], "plan": [("s1", "moved")]},
    ],
)
def test_a_correction_cannot_change_the_template_or_name_what_is_not_there(texts: dict[str, list]) -> None:
    with pytest.raises(ProblemError) as caught:
        review.corrected(document("One."), texts)
    assert caught.value.status == 422
