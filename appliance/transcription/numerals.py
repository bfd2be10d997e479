"""What a numeral says, however it is written: "one forty two", "142" and "142," are one reading, "104-2" is another."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BELOW_TWENTY = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SPELLED = {name: value for value, name in enumerate(_BELOW_TWENTY)} | {n: 20 + 10 * i for i, n in enumerate(_TENS)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
# Amounts that are no figure. A dose of "half" that becomes "have" is as wrong as any other.
_AMOUNTS = frozenset({"half", "quarter", "twice", "once", "double", "triple", "dozen"})
_ORDINALS = {
    name: f"{place}{'st' if place == 1 else 'nd' if place == 2 else 'rd' if place == 3 else 'th'}"
    for place, name in enumerate(_PLACES, 1)
}
# Spellings of one unit. A dose differs by a thousand between mg and mcg, so a unit counts as a part of the numeral.
_UNITS = {
    spelling: unit
    for unit, spellings in {
        "mg": "mg milligram milligrams", "mcg": "mcg ug microgram micrograms", "g": "gram grams",
        "lb": "lb lbs pound pounds",
        "kg": "kg kilo kilos kilogram kilograms", "ml": "ml cc milliliter milliliters millilitre millilitres",
        "unit": "unit units", "percent": "percent %", "degree": "degree degrees °", "point": "point",
        "ft": "ft foot feet '", "in": 'inch inches "', "over": "over /", "mm": "mm millimeter millimeters millimetres",
        "cm": "cm centimeter centimeters centimetres", "meq": "meq milliequivalents",
    }.items()
    for spelling in spellings.split()
}  # fmt: skip
_PIECE = re.compile(r"\d+(?:[.,:-]\d+)*(?:st|nd|rd|th)?|[^\W\d_]+(?:['’-][^\W\d_]+)*|[%°/'’\"”]")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_TENS_VALUES = frozenset(range(20, 100, 10))
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")


@dataclass(frozen=True)
class Token:
    """A comparable piece of a text. `word` is the index of the word that it comes from (the first, if of several)."""

    text: str
    word: int
    numeral: bool = False
    unit: bool = False


def _split(word: str) -> list[str]:
    pieces = []
    for match in _PIECE.finditer(word.lower()):
        piece = match.group().replace("’", "'").replace("”", '"')
        # Quotes are units only behind a figure (5'7"); elsewhere they are quotes.
        if piece in ("'", '"', "/", "°") and not word[max(0, match.start() - 1) : match.start()].isdigit():
            continue
        hyphened = piece.split("-")
        if len(hyphened) > 1 and all(part in _SPELLED or part in _SCALES for part in hyphened):
            pieces += hyphened
        elif _THOUSANDS.fullmatch(piece):
            pieces.append(piece.replace(",", ""))
        else:
            pieces.append(piece)
    return pieces


def _spelled_value(names: list[str]) -> str:
    """Return a run of number words as one figure; "one forty two" is read as clinicians say it, 142."""
    total, current, digits = 0, 0, ""
    for name in names:
        if name in _SCALES:
            current = max(current, 1) * _SCALES[name]
            if _SCALES[name] >= 1000:
                total, current = total + current, 0
            continue
        value = _SPELLED[name]
        fits = (
            current == 0
            or (current % 100 == 0 and current >= 100)
            or (current % 10 == 0 and current >= 20 and value < 10)
        )
        if fits:
            current += value
        else:  # "one" then "forty": the figures stand side by side
            digits, current = digits + str(current), value
    return digits + str(total + current) if digits else str(total + current)


def _goes_on(before: str, ahead: list[tuple[str, int]]) -> bool:
    """Return whether a run of number words holds the next piece, given the one before it ("" at its start)."""
    name = ahead[0][0]
    if name == "and":
        return before in _SCALES and len(ahead) > 1 and ahead[1][0] in _SPELLED
    return name in _SPELLED or (bool(before) and name in _SCALES)


def _decimals(found: list[Token]) -> list[Token]:
    """Put "one point three" together as 1.3, and "twenty third" as 23rd: the model writes either."""
    result: list[Token] = []
    at = 0
    while at < len(found):
        one, *behind = found[at : at + 3]
        if len(behind) == 2 and behind[0].text == "point" and one.text.isdigit() and behind[1].text.isdigit():
            result.append(Token(f"{one.text}.{behind[1].text}", one.word, numeral=True))
            at += 3
            continue
        day = _ORDINAL.fullmatch(behind[0].text) if behind else None
        if day and len(day[1]) == 1 and one.text.isdigit() and one.text.endswith("0") and int(one.text) in _TENS_VALUES:
            result.append(Token(f"{one.text[:-1]}{behind[0].text}", one.word, numeral=True))
            at += 2
            continue
        result.append(one)
        at += 1
    return result


def tokens(words: list[str]) -> list[Token]:
    """Return the comparable pieces of the words, in order."""
    return _decimals(_tokens(words))


def _tokens(words: list[str]) -> list[Token]:
    flat = [(piece, index) for index, word in enumerate(words) for piece in _split(word)]
    found: list[Token] = []
    at = 0
    while at < len(flat):
        piece, index = flat[at]
        if piece in _SPELLED:
            end = at
            while end < len(flat) and _goes_on(flat[end - 1][0] if end > at else "", flat[end : end + 2]):
                end += 1
            names = [name for name, _ in flat[at:end] if name != "and"]
            found.append(Token(_spelled_value(names), index, numeral=True))
            at = end
            continue
        at += 1
        if piece[0].isdigit() or piece in _AMOUNTS or piece in _SCALES:
            found.append(Token(piece, index, numeral=True))
        elif piece in _ORDINALS:
            found.append(Token(_ORDINALS[piece], index, numeral=True))
        elif piece in _UNITS:
            # "over there" is no unit; "142 over" is.
            behind_figure = bool(found) and found[-1].numeral
            found.append(Token(_UNITS[piece] if behind_figure else piece, index, unit=behind_figure))
        else:
            found.append(Token(piece, index))
    return found


# A dose, a length or a share without a figure before it: the model may have heard the figure as another word.
_MEASURES = frozenset({"mg", "mcg", "ml", "meq", "percent", "mm", "cm", "kg", "lb"})
_LIKE_FIGURES = frozenset({"to", "too", "for", "won", "ate", "tin"})


def bare_measures(found: Sequence[Token]) -> list[int]:
    """Return the words that name a measure and have no figure before them ("protect units", "for milligrams")."""
    result = []
    for before, token in zip((None, *found), found, strict=False):
        if token.unit:
            continue
        # "The unit" is mostly a ward; "units" are insulin's.
        like_figure = before is not None and before.text in _LIKE_FIGURES
        if _UNITS.get(token.text) in _MEASURES or token.text == "units" or (token.text == "unit" and like_figure):
            result.append(token.word)
    return result


def one_reading(left: Sequence[Token], right: Sequence[Token]) -> bool:
    """Return whether two stretches of numerals alone are two ways to write what was said: "one eleven" as 1 11 or
    111, digits read out as 7 4 6 1 or 7461, a day of a month as 6 or 6th.
    """
    if not left or not right or not all(token.numeral for token in (*left, *right)):
        return False
    return _figures(left) == _figures(right)


def _figures(found: Sequence[Token]) -> str | tuple[str, ...]:
    parts = [_ORDINAL.sub(r"\1", token.text) for token in found]
    digits = [part for each in parts for part in (each.split("-") if re.fullmatch(r"\d(?:-\d)+", each) else [each])]
    if len(digits) == 1:
        return digits[0]
    if len(digits) >= 3 and all(len(digit) == 1 for digit in digits if digit.isdigit()):
        return "".join(digits)
    if len(digits) == 2 and re.fullmatch(r"[1-9]", digits[0]) and re.fullmatch(r"[1-9]\d", digits[1]):
        return "".join(digits)
    return tuple(digits)
