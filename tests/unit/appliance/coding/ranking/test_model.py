"""The ranker's file: the same after reading, the same bytes again, and on another table without what that lacks."""

import hashlib

import numpy as np
import pytest

from appliance.coding.ranking.candidates import FEATURES, Candidates, candidates
from appliance.coding.ranking.model import dump, learned_codes, load
from appliance.coding.ranking.reading import read
from appliance.errors import NotVerifiedError
from tests.unit.appliance.coding.ranking.small import learned, ranker, small_lexicon

TEXT = "Colic and fever; a staghorn stone."


def found(content: bytes, *more: str) -> tuple[Candidates, tuple[str, ...]]:
    lexicon = small_lexicon(*more)
    read_back = load(content, lexicon, hashlib.sha256(content).hexdigest())
    return candidates(read(TEXT, lexicon), lexicon, read_back.learned), lexicon.codes


def test_what_is_read_back_ranks_alike() -> None:
    lexicon = small_lexicon()
    before = learned(lexicon, "colic", "N20.1", 0.75)
    content = dump(ranker(before), lexicon)
    one, (other, _) = candidates(read(TEXT, lexicon), lexicon, before), found(content)
    assert one.codes.tolist() == other.codes.tolist()
    assert np.allclose(one.features, other.features, atol=1e-3)
    assert dump(ranker(before), lexicon) == content


def test_a_phrase_makes_a_candidate_that_no_term_names() -> None:
    lexicon = small_lexicon()
    result = candidates(read(TEXT, lexicon), lexicon, learned(lexicon, "colic", "N20.1", 0.75))
    row = result.codes.tolist().index(lexicon.place["N20.1"])
    assert result.features[row, FEATURES.index("chance")] == np.float32(0.75)
    assert {lexicon.codes[at] for at in result.codes} == {"N20.0", "N20.1", "R50.9"}


def test_codes_that_the_table_lacks_are_left_out() -> None:
    wider = small_lexicon("N99.9")
    content = dump(ranker(learned(wider, "colic", "N99.9", 0.75)), wider)
    assert learned_codes(content) == ("N99.9",)
    result, codes = found(content)
    assert "N99.9" not in codes
    assert {codes[at] for at in result.codes} == {"N20.0", "R50.9"}
    result, codes = found(content, "N99.9")
    assert "N99.9" in {codes[at] for at in result.codes}


def test_a_file_of_other_features_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    lexicon = small_lexicon()
    content = dump(ranker(learned(lexicon, "colic", "N20.1", 0.75)), lexicon)
    monkeypatch.setattr("appliance.coding.ranking.model.FEATURES", FEATURES[1:])
    with pytest.raises(NotVerifiedError, match="features"):
        load(content, lexicon, hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("text", ["", "12", "the of", "\n"])
def test_a_text_without_words_has_no_candidates(text: str) -> None:
    lexicon = small_lexicon()
    result = candidates(read(text, lexicon), lexicon, learned(lexicon, "colic", "N20.1", 0.75))
    assert (result.codes.tolist(), result.features.shape) == ([], (0, len(FEATURES)))
