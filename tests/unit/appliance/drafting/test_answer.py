"""The reader of streamed answers: cut anywhere it reads the same, and takes nothing that was not asked for."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.drafting.answer import AnswerReader
from appliance.drafting.errors import OutputError

LIMITS = {"history": 3, "plan": 3}


def reader() -> AnswerReader:
    return AnswerReader(LIMITS, max_item_chars=50, max_chars=2_000)


def read(text: str, size: int = 1) -> dict[str, list[str]]:
    answer, result = reader(), {name: [] for name in LIMITS}
    shown: dict[str, str] = dict.fromkeys(LIMITS, "")
    for at in range(0, len(text), size):
        for token in answer.feed(text[at : at + size]):
            if token.kind == "item":
                result[token.section].append(token.text)
            else:
                shown[token.section] += token.text
    answer.finish()
    assert shown == {name: "".join(items) for name, items in result.items()}
    return result


# "Cs" are lone surrogates, which no JSON in UTF-8 can hold.
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), max_size=3)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.fixed_dictionaries({"history": TEXTS, "plan": TEXTS}),
    st.booleans(),
    st.sampled_from([None, 1]),
    st.integers(1, 50),
)
def test_it_reads_what_json_reads_wherever_it_is_cut(
    given: dict[str, list[str]], ascii_only: bool, indent: int | None, size: int
) -> None:
    assert read(json.dumps(given, ensure_ascii=ascii_only, indent=indent), size) == given


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"history": [], "plan": []', "output_incomplete"),
        ("", "output_incomplete"),
        ('{"history": []}', "output_schema"),
        ('{"history": [], "plan": [], "extra": []}', "output_schema"),
        ('{"history": [], "history": [], "plan": []}', "output_schema"),
        ('{"history": ["a","b","c","d"], "plan": []}', "output_schema"),
        ('{"history": ["' + "x" * 51 + '"], "plan": []}', "output_schema"),
        ('{"' + "k" * 50 + '": []}', "output_schema"),
        ('{"history": "text", "plan": []}', "output_invalid_json"),
        ('{"history": [1], "plan": []}', "output_invalid_json"),
        ('{"history": [null], "plan": []}', "output_invalid_json"),
        ('{"history": [["a"]], "plan": []}', "output_invalid_json"),
        ('{"history": ["a",], "plan": []}', "output_invalid_json"),
        ('{"history": [], "plan": [],}', "output_invalid_json"),
        ('{"history": [], "plan": []} and more', "output_invalid_json"),
        ('```json\n{"history": [], "plan": []}```', "output_invalid_json"),
        ('{"history": ["a\nb"], "plan": []}', "output_invalid_json"),
        ('{"history": ["\\x"], "plan": []}', "output_invalid_json"),
        ('{"history": ["\\ud800"], "plan": []}', "output_invalid_json"),
        ('{"history": ["\\ud800x"], "plan": []}', "output_invalid_json"),
        ('{"history": ["\\udc00"], "plan": []}', "output_invalid_json"),
        ('{"history": ["\\u12g4"], "plan": []}', "output_invalid_json"),
        ("[]", "output_invalid_json"),
        ("{" + " " * 1_990, "output_incomplete"),
        (" " * 2_001, "output_oversized"),
    ],
)
def test_anything_else_is_refused(text: str, code: str) -> None:
    for size in (1, 4_000):
        with pytest.raises(OutputError) as error:
            read(text, size)
        assert error.value.code == code


def test_a_refusal_does_not_quote_the_answer() -> None:
    with pytest.raises(OutputError) as error:
        read('{"synthetic secret": []}')
    assert "secret" not in str(error.value)
