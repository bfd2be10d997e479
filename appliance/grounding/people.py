"""Who the patient is: sex words and pronouns of a statement against those of the sources."""

from collections.abc import Sequence
from typing import Literal

from appliance.clinical.document import Finding, FindingKind
from appliance.clinical.source import Speaker
from appliance.grounding.index import SourceIndex
from appliance.grounding.statement import Reading
from appliance.grounding.tokens import Token, stem, words

Sex = Literal["female", "male"]

_WORDS: dict[Sex, frozenset[str]] = {
    "female": frozenset(words("female woman lady girl ma'am maam mrs ms miss madam gal yof yowf rhf lhf pregnant")),
    "male": frozenset(words("male man gentleman boy sir mr guy yom yowm rhm lhm")),
}
_CALLED = {"f": "female", "m": "male"}
_PRONOUNS: dict[Sex, frozenset[str]] = {
    "female": frozenset(words("she her hers herself she's she'll she'd")),
    "male": frozenset(words("he him his himself he's he'll he'd")),
}
# A woman or man in the statement may be a relative of the patient.
_RELATIVES: dict[Sex, frozenset[str]] = {
    "female": frozenset(
        words("mother mom sister wife daughter grandmother aunt niece girlfriend mother's sister's wife's")
    ),
    "male": frozenset(
        words("father dad brother husband son grandfather uncle nephew boyfriend father's brother's husband's")
    ),
}
_OTHER: dict[Sex, Sex] = {"female": "male", "male": "female"}
_PICTURES = frozenset(map(stem, words("arthrogram imaging scan angiogram angiography spectroscopy")))
# A doctor's "man" and a guest's "he" happen in passing; this much more often than the other sex is the patient.
_CLEAR = 3


def _places(index: SourceIndex, wanted: frozenset[str]) -> list[int]:
    stems = sorted({stem(word) for word in wanted})
    return [at for at in index.places([f"w:{stemmed}" for stemmed in stems]) if index.tokens[at].text in wanted]


def _is_title(tokens: Sequence[Token], at: int) -> bool:
    """Whether MR is no man but a picture: MR arthrogram."""
    return tokens[at].text == "mr" and at + 1 < len(tokens) and tokens[at + 1].stem in _PICTURES


def _words_of(index: SourceIndex, sex: Sex) -> int:
    return sum(not _is_title(index.tokens, at) for at in _places(index, _WORDS[sex]))


def _pronouns_of(index: SourceIndex, sex: Sex) -> int:
    """Count the pronouns that may mean the patient.

    A patient speaks of himself as I: whom he calls "he" is somebody else. So is one next to a relative of that sex.
    """
    relatives = {index.passage_at(at) for at in _places(index, _RELATIVES[sex])}
    count = 0
    for at in _places(index, _PRONOUNS[sex]):
        passage = index.passage_at(at)
        own = index.passages[passage].speaker is Speaker.PATIENT
        count += not own and not relatives & {passage - 1, passage}
    return count


class People:
    """What the sources call the patient."""

    def __init__(self, indexes: Sequence[SourceIndex]) -> None:
        self._words = {sex: sum(_words_of(index, sex) for index in indexes) for sex in _OTHER}
        self._pronouns = {sex: sum(_pronouns_of(index, sex) for index in indexes) for sex in _OTHER}

    def said(self, sex: Sex) -> bool:
        """Whether the sources call the patient so: by a word, or, without any such word, by pronouns of one sex."""
        other = _OTHER[sex]
        if self._words[sex] or self._words[other]:
            return self._words[sex] * _CLEAR > self._words[other]
        return self._pronouns[sex] > 0 and self._pronouns[sex] >= _CLEAR * self._pronouns[other]

    def contradicted(self, sex: Sex) -> bool:
        """Whether the sources call the patient the other sex, and never use a pronoun of this one."""
        return self.said(_OTHER[sex]) and not self.said(sex) and not self._pronouns[sex]

    @property
    def sex(self) -> Sex | None:
        """The one sex that the sources say; None when they say neither or both."""
        said: list[Sex] = [sex for sex in _OTHER if self.said(sex)]
        return said[0] if len(said) == 1 else None


def check(reading: Reading, people: People) -> list[Finding]:
    """Return sex words that no source says, and pronouns that contradict what the sources say."""
    findings = []
    texts = {token.text for token in reading.tokens}
    for at, token in enumerate(reading.tokens):
        for sex, other in _OTHER.items():
            word = (token.text in _WORDS[sex] - {"pregnant"} and not _is_title(reading.tokens, at)) or (
                _CALLED.get(token.text) == sex and _after_age(reading, at)
            )
            if word and not people.said(sex) and not texts & _RELATIVES[sex]:
                findings.append(
                    reading.finding(FindingKind.DEMOGRAPHIC, at, at + 1, other if people.said(other) else "")
                )
            elif token.text in _PRONOUNS[sex] and people.contradicted(sex) and not texts & _RELATIVES[sex]:
                findings.append(reading.finding(FindingKind.DEMOGRAPHIC, at, at + 1, other))
    return findings


def _after_age(reading: Reading, at: int) -> bool:
    """Whether a single letter stands behind an age: 35 yo M."""
    return any(0 <= at - number.unit_end <= 1 and number.unit == "age" for number in reading.numbers)
