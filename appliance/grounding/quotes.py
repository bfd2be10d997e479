"""What a statement copies word for word: a question, a greeting, a whole sentence that somebody said."""

from collections.abc import Sequence

from appliance.clinical.source import Speaker
from appliance.grounding.answers import Answer, answer, asked
from appliance.grounding.content import Place
from appliance.grounding.index import SourceIndex
from appliance.grounding.statement import Reading
from appliance.grounding.tokens import SENTENCE_ENDS, Token, words

# Words that tell nothing: a reader loses nothing when they are left out, and is told nothing when they stand there.
_FILLERS = frozenset(
    words(
        "okay ok alright all right sure thanks thank you so much very good great morning afternoon evening day hello hi"
        " bye goodbye welcome please nice to meet see doctor sir madam ma'am miss take care a have i the well then oh"
        " you're perfect sounds wonderful"
    )
)
_LABELS: dict[str, Speaker] = {
    "patient": Speaker.PATIENT, "doctor": Speaker.CLINICIAN, "clinician": Speaker.CLINICIAN,
    "physician": Speaker.CLINICIAN, "provider": Speaker.CLINICIAN,
}  # fmt: skip
# What is looked at for a copied line: no sentence that somebody says has more words.
_MAX_WORDS, _MAX_PLACES = 60, 40
# A shorter sentence ("Yes.", "Not really.") tells nothing without the question that it answers.
_MIN_WORDS = 4


def label(tokens: Sequence[Token]) -> tuple[Speaker | None, int]:
    """Return whom a line of a dialogue is given to ("Patient: ..."), and where its words begin."""
    named = next((at for at, token in enumerate(tokens[:4]) if token.kind == "w"), None)
    if (
        named is None
        or tokens[named].text not in _LABELS
        or [token.text for token in tokens[named + 1 : named + 2]] != [":"]
    ):
        return None, 0
    return _LABELS[tokens[named].text], named + 2


def quoted(reading: Reading, indexes: Sequence[SourceIndex]) -> Place | None:
    """Return where the statement was copied from, word for word: a question, a greeting, or a whole sentence.

    What is held against the sources is whether it was said. With one word changed, or cut out of a longer sentence, it
    is read like any other statement; so is what was asked, answered with no, or heard with doubt.
    """
    speaker, begin = label(reading.tokens)
    own = reading.tokens[begin:]
    spoken = [token.stem for token in own if token.kind != "m"]
    if not spoken or len(spoken) > _MAX_WORDS or any(token.text in SENTENCE_ENDS for token in own[:-1]):
        return None
    question = own[-1].text == "?"
    filler = not question and all(token.text in _FILLERS for token in own if token.kind != "m")
    if not question and not filler and len(spoken) < _MIN_WORDS:
        return None
    for number, index in enumerate(indexes):
        rarest = min(range(len(spoken)), key=lambda at: len(index.postings.get(f"w:{spoken[at]}", ())))
        for at in index.places([f"w:{spoken[rarest]}"])[:_MAX_PLACES]:
            first, last = _run(index, at, spoken, rarest)
            if not last:
                continue
            if question and "?" in {token.text for token in index.tokens[last : last + 2]}:
                return number, first
            if filler or (not question and _told(index, first, last, speaker)):
                return number, first
    return None


def _told(index: SourceIndex, first: int, last: int, speaker: Speaker | None) -> bool:
    """Whether tokens [first, last) are a whole sentence of the one it is given to, told and not taken back at once."""
    passage = index.passage_at(first)
    low, high = index.bounds(passage)
    begins = first == low or index.tokens[first - 1].text in SENTENCE_ENDS
    ends = last == high or index.tokens[last].text in SENTENCE_ENDS - {"?"}
    if not begins or not ends or index.doubtful(first, last):
        return False
    if speaker is not None and index.passages[passage].speaker not in (speaker, None, Speaker.UNKNOWN):
        return False
    if asked(index.tokens, last - 1, first, min(high, last + 1), high):
        return False
    return high - last > 1 or answer(index, passage)[0] is not Answer.NO


def _run(index: SourceIndex, at: int, spoken: Sequence[str], which: int) -> tuple[int, int]:
    """Return the tokens [first, last) of a passage that are these words, the one at `at` among them; else (0, 0)."""
    low, high = index.bounds(index.passage_at(at))
    first = at
    for word in reversed(spoken[:which]):
        first -= 1
        while first >= low and index.tokens[first].kind == "m":
            first -= 1
        if first < low or index.tokens[first].stem != word:
            return 0, 0
    last = at
    for word in spoken[which + 1 :]:
        last += 1
        while last < high and index.tokens[last].kind == "m":
            last += 1
        if last >= high or index.tokens[last].stem != word:
            return 0, 0
    return first, last + 1
