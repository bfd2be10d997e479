"""What a numeral says, however it is written: "one forty two", "142" and "142," are one reading, "104-2" is another."""

import re
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


def tokens(words: list[str]) -> list[Token]:
    """Return the comparable pieces of the words, in order."""
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
