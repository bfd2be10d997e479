"""Reading: phrases, the terms of the lexicon that a text covers, and where."""

import numpy as np
import pytest

from appliance.coding.ranking.lexicon import Kind, Lexicon
from appliance.coding.ranking.reading import phrase_parts, read
from tests.unit.appliance.coding.ranking.small import small_lexicon


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return small_lexicon()


def covered(lexicon: Lexicon, text: str) -> set[tuple[str, int]]:
    reading = read(text, lexicon)
    whole = reading.terms[reading.coverage > 0.99]
    return {(lexicon.codes[lexicon.code[term]], int(lexicon.kind[term])) for term in whole}


def test_finds_a_title_in_other_words(lexicon: Lexicon) -> None:
    assert ("N20.0", Kind.TITLE) in covered(lexicon, "A renal stone was seen.")
    assert ("N20.1", Kind.TITLE) not in covered(lexicon, "A renal stone was seen.")


def test_finds_inclusion_terms_and_the_index(lexicon: Lexicon) -> None:
    assert ("N20.0", Kind.INCLUSION) in covered(lexicon, "Staghorn calculi on the left.")
    assert ("R50.9", Kind.INDEX) in covered(lexicon, "He was febrile.")


def test_a_term_does_not_reach_over_a_sentence(lexicon: Lexicon) -> None:
    assert ("N20.1", Kind.TITLE) not in covered(lexicon, "The ureter was normal. Stones were not seen.")


def test_a_category_is_no_candidate_by_its_title(lexicon: Lexicon) -> None:
    assert lexicon.place["N20"] not in set(lexicon.code.tolist())


def test_phrases_are_single_words_pairs_in_any_order_and_triples(lexicon: Lexicon) -> None:
    one, other = read("severe kidney colic", lexicon), read("kidney severe colic", lexicon)
    assert {len(parts) for parts in phrase_parts(one)} == {1, 2, 3}
    shared = np.intersect1d(one.phrases, other.phrases)
    # Three words and three pairs are the same; the triples differ by their order.
    assert len(shared) == 6


def test_numbers_make_no_phrase_of_their_own(lexicon: Lexicon) -> None:
    assert all("37" not in parts for parts in phrase_parts(read("37 37 fever", lexicon)) if len(parts) < 3)


@pytest.mark.parametrize("text", ["", " \n", "the of and", "...", "12"])
def test_nothing_to_read(lexicon: Lexicon, text: str) -> None:
    reading = read(text, lexicon)
    assert not len(reading.terms)
    assert not len(reading.phrases)


def test_known_words_that_cover_no_term(lexicon: Lexicon) -> None:
    assert "origin" in lexicon.vocabulary
    reading = read("The origin was late.", lexicon)
    assert len(reading.phrases)
    assert not len(reading.terms)
