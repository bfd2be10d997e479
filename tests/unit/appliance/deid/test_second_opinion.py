"""The learned second opinion: names that are words where no rule decides; another file than the shipped is refused."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest

from appliance.deid.detector import ClinicalDetector
from appliance.deid.lexicon import words
from appliance.deid.reading import Reading
from appliance.deid.recognisers.learned_names import LearnedNameRecogniser
from appliance.deid.recognisers.name_class import NameWords
from appliance.deid.second_opinion import model
from appliance.deid.second_opinion.features import Surroundings, Vocabulary
from appliance.deid.second_opinion.model import SHIPPED, SHIPPED_SHA256, dump, load
from appliance.errors import NotVerifiedError

VOCABULARY = Vocabulary({"drove": "Vd", "hope": "N+V"}, {"hope": 4})


@pytest.fixture(scope="module")
def rules_alone() -> ClinicalDetector:
    return ClinicalDetector(second_opinion=False)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[patient] i live with marsh now", "marsh"),
        ("[patient] because bell had a fever we stayed home", "bell"),
        ("[doctor] has winter got the forms from us ?", "winter"),
        ("[doctor] does winter help you with the shots ?", "winter"),
    ],
)
def test_a_word_is_somebody_where_the_model_says_so_and_no_rule_does(find, rules_alone, text, name):
    start = text.index(name)
    assert not any(item.start <= start < item.end for item in rules_alone.find(text))
    assert name in [value for _, value in find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "i went to church and the cook at church has the flu",
        "[patient] she says that her daughter in law bought her another cream",
        "hope and joy",
        "[patient] i hope it helps . we will see how the week goes",
        "[doctor] good morning . let me mark the spot and we will page the surgeon",
        "[patient] my hand hurts , and my foot is numb in the case of a long day",
        "The case was discussed on rounds. May resume diet. Hand and foot exam normal. Hope this helps.",
        "Wilson disease, Bell's palsy, Rose spots and a Foley in place. Mark the site before surgery.",
    ],
)
def test_words_stay_words(find, text):
    assert find(text) == []


def test_what_stands_behind_a_break_says_nothing():
    around = Surroundings(words(), VOCABULARY)
    one = around.of_text(Reading("i was late . hope drove me . she slept"))
    other = around.of_text(Reading("he fell hard . hope drove me . we ate"))
    assert one.at(3, [3]) == other.at(3, [3])


def test_the_word_itself_is_no_feature():
    around = Surroundings(words(), Vocabulary({}, {}))
    assert around.of_text(Reading("i told fern about it")).at(2, [2]) == around.of_text(
        Reading("i told dell about it")
    ).at(2, [2])


@pytest.mark.parametrize("text", ["I live with marsh now. We went home. It was late.", "I LIVE WITH MARSH NOW"])
def test_it_is_asked_about_words_of_speech_only(text):
    recogniser = LearnedNameRecogniser(NameWords(words()))
    assert list(recogniser.find(Reading("i live with marsh now")))
    assert list(recogniser.find(Reading(text))) == []


def test_the_same_text_gives_the_same_opinion():
    text = "[patient] i live with marsh now . has winter got the forms ?"
    first, second = ClinicalDetector(), ClinicalDetector()
    assert first.find(text) == second.find(text)


def test_weights_come_back_as_hundredths_and_unknown_features_weigh_nothing():
    content = dump({"a": 0.754, "b": -1.2, "c": 0.001}, 0.5, VOCABULARY)
    opinion = load(content, hashlib.sha256(content).hexdigest())
    assert opinion.weights == {"a": 75, "b": -120}
    assert opinion.vocabulary == VOCABULARY
    assert opinion.log_odds(["a", "b", "unheard of"]) == pytest.approx(0.05)


def test_a_changed_byte_is_refused():
    content = bytearray(SHIPPED.read_bytes())
    content[len(content) // 2] ^= 1
    with pytest.raises(NotVerifiedError, match="was wanted"):
        load(bytes(content), SHIPPED_SHA256)


@pytest.mark.parametrize(
    "plain",
    [b"no json", b"[]", b"{}", json.dumps({"tags": {}, "often": {"x": "a"}, "weights": {}, "bias": 0}).encode()],
)
def test_what_is_no_model_is_refused_even_with_its_digest(plain):
    content = gzip.compress(plain)
    with pytest.raises(NotVerifiedError, match="cannot be read"):
        load(content, hashlib.sha256(content).hexdigest())


def test_no_detector_without_its_model(tmp_path, monkeypatch):
    damaged = tmp_path / "names.json.gz"
    monkeypatch.setattr(model, "SHIPPED", damaged)
    with pytest.raises(NotVerifiedError, match=r"names\.json\.gz"):
        ClinicalDetector()
    damaged.write_bytes(SHIPPED.read_bytes()[:-1])
    with pytest.raises(NotVerifiedError, match="was wanted"):
        ClinicalDetector()
