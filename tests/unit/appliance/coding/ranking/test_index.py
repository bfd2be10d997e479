"""The index that we wrote: its codes are those of the table, and a term stands in it once."""

import re
from collections import Counter

from appliance.coding.ranking.lexicon import written_index
from appliance.coding.ranking.terms import stem_texts
from appliance.coding.tables.builtin import built_in_table

# Placeholders that fill a code up to its 7th character, and that character.
_FILLED = re.compile(r"X+[A-Z]?$|(?<=\.\w\w\w)[A-Z]$")


def test_every_code_is_one_of_the_table() -> None:
    codes = {entry.code for entry in built_in_table().entries()}
    unknown = {
        (term, code)
        for term, named in written_index()
        for code in named
        if code not in codes and _FILLED.sub("", code).rstrip(".") not in codes
    }
    assert not unknown


def test_a_term_stands_in_one_file_and_names_a_code_once() -> None:
    terms = Counter(term for term, _ in written_index())
    assert len(terms) > 1000
    assert [term for term, times in terms.items() if times > 1] == []
    assert [term for term, codes in written_index() if len(codes) != len(set(codes)) or not codes] == []


def test_every_term_has_a_word_to_be_found_by() -> None:
    assert [term for term, _ in written_index() if not stem_texts(term)] == []


def test_terms_that_read_alike_share_a_code() -> None:
    """ "A" and "I" are no stems: "hepatitis A" would speak for its code wherever a text says hepatitis."""
    codes: dict[frozenset[str], set[str]] = {}
    for term, named in written_index():
        stems = frozenset(stem_texts(term))
        assert not codes.get(stems) or codes[stems] & set(named), term
        codes.setdefault(stems, set()).update(named)
