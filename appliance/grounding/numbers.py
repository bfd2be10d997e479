"""Numbers as digits and as spoken: which values a run of tokens can stand for, with its unit and its partner."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from appliance.grounding.tables import tables
from appliance.grounding.tokens import Token, words

_SMALL = {
    word: value
    for value, word in enumerate(
        words(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen "
            "fourteen fifteen sixteen seventeen"
            " eighteen nineteen"
        )
    )
} | {"oh": 0, "o": 0}
_TENS = {
    word: 10 * value
    for value, word in enumerate(words("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
} | {
    "fourty": 40, "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70,
    "eighties": 80, "nineties": 90,
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_ORDINALS = {
    word: value
    for value, word in enumerate(
        words(
            "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
            "fourteenth fifteenth sixteenth"
            " seventeenth eighteenth nineteenth twentieth"
        ),
        start=3,
    )
} | {"first": 1, "second": 2, "thirtieth": 30}
_PARTS = {"half": Fraction(1, 2), "halves": Fraction(1, 2), "quarter": Fraction(1, 4), "quarters": Fraction(1, 4)}
_SINGLE = {"once": 1, "twice": 2, "thrice": 3, "couple": 2, "dozen": 12}
_WORDS = frozenset({**_SMALL, **_TENS, **_SCALES, **_ORDINALS, **_PARTS, **_SINGLE}) - {"o", "oh"}
_ORDINAL_ENDINGS = ("st", "nd", "rd", "th")
_PAIR_WORDS = ("/", "over", "of", "on", "x", "by")
_RANGE_WORDS = ("-", "to", "or", "and", "between")
MAX_DIGITS = 40


@dataclass(slots=True)
class Quantity:
    """A number in a text: tokens [first, last). `values`: what it can stand for; a statement must match by one of them.

    `unit` is one of the table's units, or empty. `pair`: index of the quantity it is read together with (142/88).
    """

    values: frozenset[str]
    first: int
    last: int
    spoken: bool
    unit: str = ""
    ordinal: bool = False
    pair: int = -1
    dated: bool = False
    unit_end: int = field(default=0)


def plain(value: Fraction | int | str) -> str:
    """Return one spelling of a value, so that 40, 40.0 and 040 are equal."""
    if isinstance(value, str):
        if len(value) > MAX_DIGITS:
            return value[:MAX_DIGITS] + "~"
        value = Fraction(value)
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def _is_number_word(token: Token) -> bool:
    return token.kind == "w" and token.text in _WORDS


def _segments(words: Sequence[str]) -> list[int]:
    """Split spoken number words into what stands for one number each: "one thirty two" is 1 and 32."""
    found: list[int] = []
    total = current = 0
    room = 0  # below which value the next word still belongs to the number: 10 after "thirty", 100 after "hundred"
    started = False
    for word in words:
        if word in _SCALES:
            scale = _SCALES[word]
            current = (current if started and current else 1) * scale
            if scale >= 1000:
                total, current = total + current, 0
            room, started = scale, True
            continue
        value = _SMALL.get(word, _TENS.get(word, -1))
        if started and 0 < value < room:
            current += value
        else:
            if started:
                found.append(total + current)
            total, current = 0, value
            started = True
        room = 10 if value >= 20 and value % 10 == 0 else 0
    if started:
        found.append(total + current)
    return found


def _joined(parts: list[int]) -> tuple[list[int], list[int]]:
    """Return (whole readings, parts that also stand alone) of numbers spoken side by side.

    "one forty" is 140 and nobody's 1 or 40; "nineteen ninety eight" is a year; "five seven" may be 57, 5 feet 7,
    or two.
    """
    if len(parts) == 1:
        return parts, []
    digits = all(part < 10 for part in parts)
    whole = [int("".join(str(part) for part in parts))] if len(parts) <= 12 else []
    if digits:
        return whole, parts if len(parts) == 2 else []
    if len(parts) == 2 and 1 <= parts[0] <= 9 and 10 <= parts[1] <= 99:
        return whole, []
    if len(parts) == 2 and 19 <= parts[0] <= 20 and 10 <= parts[1] <= 99:
        return whole, parts if parts[0] == 20 else []
    if len(parts) == 3 and parts[0] in (19, 20) and parts[1] == 0:  # nineteen oh five
        return [parts[0] * 100 + parts[2]], []
    return whole, parts


def _spoken(tokens: Sequence[Token], at: int) -> tuple[set[str], int, bool] | None:
    """Read a spoken number that begins at a token: its values, where it ends, and whether it is an ordinal."""
    words: list[str] = []
    end = at
    values: set[str] = set()
    while end < len(tokens):
        text = tokens[end].text
        if text in _SMALL or text in _TENS or text in _SCALES:
            if text == "o" and not words:
                break
            words.append(text)
        elif text == "a" and not words and end + 1 < len(tokens) and tokens[end + 1].text in _SCALES:
            pass
        elif text in ("and", "-") and words and end + 1 < len(tokens):
            following = tokens[end + 1].text
            tens = words[-1] in _TENS and _SMALL.get(following, 10) < 10
            if not (following in _SMALL or following in _TENS) or not (words[-1] in _SCALES or (text == "-" and tens)):
                break
        else:
            break
        end += 1
    if not words:
        return None
    parts = _segments(words)
    whole, alone = _joined(parts)
    values.update(plain(value) for value in (*whole, *alone))
    last = parts[-1]
    if (
        end < len(tokens)
        and tokens[end].text in _ORDINALS
        and _ORDINALS[tokens[end].text] < 10
        and last % 10 == 0
        and last
    ):
        return {plain(last + _ORDINALS[tokens[end].text])}, end + 1, True
    if end + 1 < len(tokens) and tokens[end].text in ("point", ".", "dot"):
        decimals, after = "", end + 1
        while after < len(tokens):
            text = tokens[after].text
            digit = _SMALL.get(text, _TENS.get(text, -1))
            if tokens[after].kind == "n" and text.isdigit():
                decimals += text
            elif digit >= 0:
                decimals += str(digit)
            else:
                break
            after += 1
        # A full stop between two numbers may also end a sentence: both readings stay.
        if decimals and len(decimals) <= 6 and len(words) <= 12:
            whole_part = whole[0] if whole else last
            pointed = {plain(f"{whole_part}.{decimals}")}
            return (pointed if tokens[end].text != "." else pointed | values), after, False
    return values, end, False


def _fraction_after(tokens: Sequence[Token], at: int) -> tuple[Fraction, int] | None:
    """Read "and a half", "-and-a-half", "-1/2", " 1/2" behind a whole number."""
    spoken = [place for place in range(at, min(at + 6, len(tokens))) if tokens[place].text != "-"]
    texts = [tokens[place].text for place in spoken]
    if texts[:1] == ["and"] and len(texts) > 1:
        skip = 2 if texts[1] in ("a", "one") else 1
        if len(texts) > skip and texts[skip] in _PARTS:
            return _PARTS[texts[skip]], spoken[skip] + 1
    texts = [token.text for token in tokens[at : at + 4]]
    if texts[:1] == ["-"]:
        texts, at = texts[1:], at + 1
    if len(texts) >= 3 and texts[1] == "/" and texts[0] in ("1", "2", "3") and texts[2] in ("2", "3", "4", "8"):
        return Fraction(int(texts[0]), int(texts[2])), at + 3
    return None


def quantities(tokens: Sequence[Token], start: int = 0, stop: int | None = None) -> list[Quantity]:
    """Return the numbers among tokens [start, stop), in order, with units and partners."""
    tokens = tokens[:stop] if stop is not None else tokens
    found: list[Quantity] = []
    at = start
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "n" or (token.kind == "c" and token.text[0].isdigit()):
            at = _digits(tokens, at, found)
        elif _is_number_word(token) or (token.text == "a" and at + 1 < len(tokens) and tokens[at + 1].text in _SCALES):
            at = _words(tokens, at, found)
        elif token.text in ("a", "an") and at + 1 < len(tokens) and tables().units.get(tokens[at + 1].text) in _TIME:
            found.append(Quantity(frozenset({"1"}), at, at + 1, True))
            at += 1
        else:
            at += 1
    for index, quantity in enumerate(found):
        _unit(tokens, quantity)
        if index:
            _link(tokens, found, index)
    return found


_TIME = frozenset({"minute", "hour", "day", "week", "month", "year", "second", "time"})


def _digits(tokens: Sequence[Token], at: int, found: list[Quantity]) -> int:
    """Add a number written in digits; what mixes digits and letters in no known way stands for nothing but itself."""
    token = tokens[at]
    if token.kind == "c":
        found.append(Quantity(frozenset({token.text}), at, at + 1, False))
        return at + 1
    values, end, ordinal = {plain(token.text)}, at + 1, False
    if end < len(tokens) and tokens[end].text in _SCALES and "." not in token.text and len(token.text) < 7:
        values, end = {plain(int(token.text) * _SCALES[tokens[end].text])}, end + 1
    if end < len(tokens) and tokens[end].text in _ORDINAL_ENDINGS and tokens[end].start == token.end:
        ordinal, end = True, end + 1
    elif end + 1 < len(tokens) and tokens[end].text == "point" and tokens[end + 1].kind == "n":
        values, end = {plain(f"{token.text[:20]}.{tokens[end + 1].text[:9].replace('.', '')}")}, end + 2
    elif (more := _fraction_after(tokens, end)) is not None:
        values, end = {plain(Fraction(token.text[:20]) + more[0])}, more[1]
    found.append(Quantity(frozenset(values), at, end, False, ordinal=ordinal))
    return end


def _words(tokens: Sequence[Token], at: int, found: list[Quantity]) -> int:
    """Add a spoken number."""
    text = tokens[at].text
    if text in _PARTS:
        found.append(Quantity(frozenset({plain(_PARTS[text])}), at, at + 1, True))
        return at + 1
    if text in _SINGLE:
        found.append(Quantity(frozenset({plain(_SINGLE[text])}), at, at + 1, True))
        return at + 1
    if text in _ORDINALS:
        found.append(Quantity(frozenset({plain(_ORDINALS[text])}), at, at + 1, True, ordinal=True))
        return at + 1
    read = _spoken(tokens, at)
    if read is None:
        return at + 1
    values, end, ordinal = read
    if not ordinal and (more := _fraction_after(tokens, end)) is not None:
        values, end = {plain(Fraction(value) + more[0]) for value in values}, more[1]
    found.append(Quantity(frozenset(values), at, end, True, ordinal=ordinal))
    return end


def _unit(tokens: Sequence[Token], quantity: Quantity) -> None:
    """Read the unit behind a number, over a hyphen: "40 mg", "35-year-old", "5 '"."""
    at = quantity.last
    while at < len(tokens) and tokens[at].text in ("-", "of", "more", "or", "so"):
        at += 1
        if at - quantity.last > 2:
            return
    quantity.unit_end = quantity.last
    if at >= len(tokens):
        return
    unit = tables().units.get(tokens[at].text, "")
    if tokens[at].text == "y" and at + 2 < len(tokens) and tokens[at + 1].text == "/":
        quantity.unit, quantity.unit_end = "age", at + 3
        return
    if tokens[at].text in ("yo", "yof", "yom", "yowm", "yowf"):
        quantity.unit, quantity.unit_end = "age", at + 1
        return
    if unit:
        quantity.unit, quantity.unit_end = unit, at + 1
        after = [token.text for token in tokens[at + 1 : at + 4] if token.text != "-"]
        if unit in ("year", "month", "week", "day") and (after[:1] == ["old"] or after[:2] == ["of", "age"]):
            quantity.unit, quantity.unit_end = "age" if unit == "year" else unit, min(at + 3, len(tokens))


def _link(tokens: Sequence[Token], found: list[Quantity], index: int) -> None:
    """Tie a number to the one before it: 142 over 88, 8 out of 10, two to three days."""
    before, quantity = found[index - 1], found[index]
    between = [token.text for token in tokens[before.last : quantity.first]]
    if (len(between) == 1 and between[0] in _PAIR_WORDS) or between == ["out", "of"]:
        before.pair, quantity.pair = index, index - 1
    elif (
        not before.unit
        and quantity.unit
        and 0 < len(between) <= 2
        and set(between) <= {*_RANGE_WORDS, ","}
        and between != [","]
    ):
        before.unit, before.unit_end = quantity.unit, before.last
    if between == ["foot"] or between == ["feet"] or between == ["'"]:
        quantity.unit = quantity.unit or "inch"
