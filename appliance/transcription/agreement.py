"""Two decodings of the same sound, held against each other word by word: where they differ on a numeral, it is marked.

The text is the plain decoding's. Words of the second one are taken only where they spell a term of the vocabulary, and
never where either side holds a numeral: a vocabulary can turn "142 over 88" into "104-2 over 88".
"""

from collections.abc import Sequence
from difflib import SequenceMatcher

from appliance.clinical.transcript import Word
from appliance.transcription.numerals import Token, bare_measures, one_reading, tokens

# A plain word on which the decodings differ is marked only where the model itself was unsure of it: measured on the
# development recordings, surer ones were differences of spelling.
WORD_DOUBT_BELOW = 0.6
# A numeral that both decodings hear alike is still marked below this: both read the same sound with the same weights.
# Of the open half of bench/spoken.py: 0.5 left a wrong one unmarked that 0.6 to 0.75 marked; from 0.8 on the wrongly
# marked ones rose by a third.
NUMBER_DOUBT_BELOW = 0.65
_MAX_ALTERNATIVE = 200


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)[:_MAX_ALTERNATIVE]


def _span(found: Sequence[Token], start: int, end: int, count: int) -> tuple[int, int]:
    """Return the words [first, last) that tokens [start, end) come from; an empty range lies before token `start`."""
    if start == end:
        at = found[start].word if start < len(found) else count
        return at, at
    last = found[end].word if end < len(found) else count
    return found[start].word, max(last, found[end - 1].word + 1)


def _key(token: Token) -> str:
    return token.text.replace("'", "")


def _mark_unsure(word: Word) -> Word:
    numeral = any(token.numeral for token in tokens([word.text]))
    return doubted(word, "number") if numeral and word.confidence < NUMBER_DOUBT_BELOW else word


def doubted(word: Word, doubt: str, *alternatives: str) -> Word:
    """Return the word with a doubt; alternatives that it has already are kept."""
    merged = tuple(dict.fromkeys((*word.alternatives, *alternatives)))[:8]
    return word.model_copy(update={"doubt": doubt, "alternatives": merged})


def reconcile(plain: Sequence[Word], second: Sequence[Word], terms: frozenset[str] = frozenset()) -> list[Word]:
    """Return the words of the plain decoding, marked by the second.

    `terms`: the lower-case words of the vocabulary; empty when the second decoding had none. A numeral the second
    decoding heard where the plain one has no word is marked on the word before it (or behind it, at the start).
    """
    left, right = tokens([word.text for word in plain]), tokens([word.text for word in second])
    marked: dict[int, Word] = {}
    swapped: dict[tuple[int, int], list[Word]] = {}
    matcher = SequenceMatcher(None, [_key(t) for t in left], [_key(t) for t in right], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal" or one_reading(left[a:b], right[c:d]):
            continue
        first, last = _span(left, a, b, len(plain))
        other = second[slice(*_span(right, c, d, len(second)))]
        numeric = any(token.numeral or token.unit for token in (*left[a:b], *right[c:d]))
        if first == last:
            if not numeric or not plain:
                continue
            first = max(0, first - 1)
            last = first + 1
            shown = f"{plain[first].text} {_text(other)}"[:_MAX_ALTERNATIVE]
        else:
            shown = _text(other)
        if numeric:
            for index in range(first, last):
                marked[index] = doubted(marked.get(index, plain[index]), "number", *filter(None, [shown]))
        elif other and terms & {token.text for token in right[c:d]}:
            heard = _text(plain[first:last])
            swapped[(first, last)] = [doubted(word, "word", heard) for word in _timed(other, plain[first:last])]
        else:
            for index in range(first, last):
                if plain[index].confidence < WORD_DOUBT_BELOW:
                    marked[index] = doubted(marked.get(index, plain[index]), "word", *filter(None, [shown]))
    for index in bare_measures(left):
        marked.setdefault(index, doubted(plain[index], "number"))
    return _assembled(plain, marked, swapped)


def _timed(words: Sequence[Word], place: Sequence[Word]) -> list[Word]:
    """Return the words with their times kept inside of the place that they take."""
    low, high = place[0].start_s, place[-1].end_s
    return [
        word.model_copy(update={"start_s": min(max(word.start_s, low), high), "end_s": min(max(word.end_s, low), high)})
        for word in words
    ]


def _assembled(
    plain: Sequence[Word], marked: dict[int, Word], swapped: dict[tuple[int, int], list[Word]]
) -> list[Word]:
    result: list[Word] = []
    index = 0
    starts = {first: (last, words) for (first, last), words in swapped.items()}
    while index < len(plain):
        # A swap never hides a mark: a word that is part of a doubted numeral stays.
        if index in starts and not any(place in marked for place in range(index, starts[index][0])):
            index, words = starts[index]
            result += words
            continue
        word = marked.get(index, plain[index])
        result.append(word if word.doubt == "number" else _mark_unsure(word))
        index += 1
    return result
