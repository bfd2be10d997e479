"""Suggestions of the shipped ranker over the built-in table: evidence, assertion, billability, determinism."""

from __future__ import annotations

import datetime
import hashlib

import pytest

from appliance.coding.ranking import model
from appliance.coding.suggester import CodeSuggester, built_in_suggester
from appliance.coding.suggestion import Assertion, Suggestion
from appliance.coding.tables.builtin import built_in_table
from appliance.errors import NotVerifiedError

pytestmark = pytest.mark.slow
DAY = datetime.date(2026, 5, 1)
NOTE = """Assessment:
Community acquired pneumonia. Arterial hypertension. Atrial fibrillation.
He denies headache.
Family history: breast cancer in his mother.
"""


@pytest.fixture(scope="module")
def suggester() -> CodeSuggester:
    return built_in_suggester()


@pytest.fixture(scope="module")
def found(suggester: CodeSuggester) -> list[Suggestion]:
    return list(suggester.suggest(NOTE, on=DAY))


def test_suggests_what_is_present_with_its_words(found: list[Suggestion]) -> None:
    by_code = {each.code: each for each in found}
    assert "hypertension" in by_code["I10"].evidence[0].quote.lower()
    assert "pneumonia" in by_code["J18.9"].evidence[0].quote.lower()
    assert {"I48.91"} <= by_code.keys()


def test_does_not_suggest_what_is_denied_or_of_the_family(found: list[Suggestion]) -> None:
    codes = {each.code for each in found}
    assert not codes & {"R51.9", "R51.0"}
    assert not any(code.startswith("C50") for code in codes)


def test_every_suggestion_quotes_the_text_and_names_its_table(found: list[Suggestion]) -> None:
    table = built_in_table()
    for each in found:
        assert (each.table_version, each.table_digest) == (table.version, table.digest)
        assert each.assertion is Assertion.PRESENT or "Z77" <= each.code[:3] <= "Z99"
        assert table.billable_on(each.code, DAY)
        for quoted in each.evidence:
            assert NOTE[quoted.start : quoted.end] == quoted.quote


def test_the_most_confident_first_and_the_same_again(suggester: CodeSuggester, found: list[Suggestion]) -> None:
    confidences = [each.confidence for each in found]
    assert confidences == sorted(confidences, reverse=True)
    assert list(suggester.suggest(NOTE, on=DAY)) == found


def test_a_higher_minimum_keeps_the_surest() -> None:
    sure = CodeSuggester(built_in_table(), minimum_confidence=0.9).suggest(NOTE, on=DAY)
    assert all(each.confidence >= 0.9 or each.question for each in sure)


def test_a_day_before_the_codes_began_has_no_suggestions(suggester: CodeSuggester) -> None:
    assert not suggester.suggest(NOTE, on=datetime.date(2015, 9, 30))


@pytest.mark.parametrize("text", ["", "\n\n", "0 1 2", "\u00e9\u00e9 \u4e2d\u6587", "the and of"])
def test_texts_without_a_condition(suggester: CodeSuggester, text: str) -> None:
    assert not suggester.suggest(text, on=DAY)


def test_the_shipped_ranker_is_the_one_that_was_released() -> None:
    assert hashlib.sha256(model.shipped()).hexdigest() == model.SHIPPED_SHA256


def test_a_changed_ranker_is_refused(suggester: CodeSuggester) -> None:
    content = bytearray(model.shipped())
    content[1000] ^= 1
    with pytest.raises(NotVerifiedError, match="SHA-256"):
        model.load(bytes(content), suggester._lexicon, model.SHIPPED_SHA256)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00"])
def test_what_is_no_ranker_is_refused_whatever_its_digest(suggester: CodeSuggester, content: bytes) -> None:
    with pytest.raises(NotVerifiedError, match="cannot be read"):
        model.load(content, suggester._lexicon, hashlib.sha256(content).hexdigest())
