"""One spelling for what looks alike: text folded to plain lower case, with the way back to the original offsets."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Letters of other scripts that are drawn like Latin ones. Chosen by us from the glyphs, for the letters a number, a
# unit, a side or a negation can be spelt with; anything else of another script stays what it is and finds no
# source.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏвнкмтгԛԝαορνιτκεηγυχμβρς",
    "aeopcyxijsdhlbhkmtrqwaopvitkenyuxubpc",
)
_SIGNS = {
    "°": " degrees ", "º": " degrees ", "ª": "", "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3",
    "⅛": " 1/8",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "﹣": "-", "-": "-", "­": "",
    "’": "'", "‘": "'", "ʼ": "'", "′": "'", "`": "'", "´": "'", "“": '"', "”": '"', "″": '"', "⁄": "/", "∕": "/",
    "÷": "/", "×": "x", "≥": ">=", "≤": "<=", "±": "+-", "↑": " increased ", "↓": " decreased ", "®": "", "™": "",
    "©": "",
    "µ": "u", "μ": "u", "ß": "ss", "ø": "o", "ł": "l", "ı": "i", "•": " ", "·": " ", "٫": ".", "٬": ",", "∙": ".",
    "․": ".",
    "：": ":", "،": ",", "。": ".", "˙": ".",
}  # fmt: skip


@dataclass(frozen=True)
class Folded:
    """Folded text. `offsets[i]` is where character i of it comes from; None: the same place (plain ASCII)."""

    text: str
    offsets: tuple[int, ...] | None
    length: int

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the original [start, end) of a piece of the folded text; it always holds at least one character."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], min(self.offsets[end - 1] + 1, self.length)


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    """What one character becomes: nothing for what cannot be seen, ASCII where there is an equal."""
    if character in _SIGNS:
        return _SIGNS[character]
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me", "Cc", "Cs", "Co", "Cn"):
        # Invisible: they must neither split a number nor hide one. White space among the controls stays white space.
        return " " if character in "\t\v\f\r\x85" else character if character == "\n" else ""
    if category in ("Zl", "Zp"):
        return "\n"
    if category == "Zs":
        return " "
    digit = unicodedata.digit(character, None)
    if digit is not None:
        # A raised digit is an exponent, not a further digit of the number before it.
        return str(digit) if category == "Nd" else f" {digit}"
    plain = unicodedata.normalize("NFKD", character)
    if len(plain) > 1 or plain != character:
        plain = "".join(_fold_character(part) for part in plain if part != character)
    return plain.lower().translate(_LOOKALIKES)


def fold(text: str) -> Folded:
    """Fold a text: compatibility forms, digits of every script, look-alike letters, invisible characters, case."""
    if text.isascii():
        lowered = text.lower()
        if not any(ord(character) < 32 and character not in "\n\t\r" for character in set(lowered)):
            return Folded(lowered, None, len(text))
    pieces: list[str] = []
    offsets: list[int] = []
    for at, character in enumerate(text):
        if " " <= character <= "~" or character == "\n":
            pieces.append(character.lower())
            offsets.append(at)
            continue
        folded = _fold_character(character)
        pieces.append(folded)
        offsets.extend([at] * len(folded))
    return Folded("".join(pieces), tuple(offsets), len(text))
