"""Reads an answer while it streams: one JSON object, its sections arrays of strings. Tolerant of nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from appliance.drafting.errors import OutputError

_BLANK = " \t\r\n"
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEX = frozenset("0123456789abcdefABCDEF")
_MAX_KEY_CHARS = 40
# Blanks between tokens cost nothing to a model that is stuck in them.
_MAX_BLANKS = 2_000


@dataclass(frozen=True)
class Token:
    """`delta`: characters of a string that is being written; `item`: the whole string."""

    kind: Literal["delta", "item"]
    section: str
    text: str


class _At(Enum):
    START = auto()
    FIRST_KEY = auto()
    KEY = auto()
    COLON = auto()
    ARRAY = auto()
    FIRST_ITEM = auto()
    ITEM = auto()
    NEXT_ITEM = auto()
    AFTER_ITEM = auto()
    AFTER_SECTION = auto()
    NEXT_KEY = auto()
    END = auto()


class AnswerReader:
    """Feed it the engine's text. `limits`: the asked sections with the most strings each may hold.

    Raises OutputError at the first character that does not fit; `code` says why, the message never quotes the answer.
    """

    def __init__(self, limits: Mapping[str, int], *, max_item_chars: int, max_chars: int) -> None:
        self._limits = limits
        self._max_item_chars = max_item_chars
        self._max_chars = max_chars
        self._at = _At.START
        self._seen: dict[str, int] = {}
        self._section = ""
        self._buffer: list[str] = []
        self._escape: str | None = None
        self._high: int | None = None
        self._blanks = 0
        self.characters = 0

    def feed(self, text: str) -> list[Token]:
        """Take the next piece of text and return what it brought."""
        self.characters += len(text)
        if self.characters > self._max_chars:
            raise _refuse("oversized", f"the answer is longer than {self._max_chars:,} characters")
        tokens: list[Token] = []
        delta: list[str] = []
        for character in text:
            if self._at in (_At.KEY, _At.ITEM):
                decoded = self._in_string(character)
                if decoded is None:
                    if delta:
                        tokens.append(Token("delta", self._section, "".join(delta)))
                        delta = []
                    tokens.extend(self._string_ends())
                elif decoded and self._at is _At.ITEM:
                    delta.append(decoded)
            else:
                self._between(character)
        if delta:
            tokens.append(Token("delta", self._section, "".join(delta)))
        return tokens

    def finish(self) -> None:
        """The engine says it is done: raise OutputError unless the object is whole."""
        if self._at is not _At.END:
            raise _refuse("incomplete", "the answer ended before its JSON did")

    def _between(self, character: str) -> None:
        if character in _BLANK:
            self._blanks += 1
            if self._blanks > _MAX_BLANKS:
                raise _refuse("invalid_json", "the answer is mostly blanks")
            return
        match (self._at, character):
            case (_At.START, "{"):
                self._at = _At.FIRST_KEY
            case (_At.FIRST_KEY | _At.NEXT_KEY, '"'):
                self._at = _At.KEY
            case (_At.COLON, ":"):
                self._at = _At.ARRAY
            case (_At.ARRAY, "["):
                self._at = _At.FIRST_ITEM
            case (_At.FIRST_ITEM | _At.NEXT_ITEM, '"'):
                self._seen[self._section] += 1
                if self._seen[self._section] > self._limits[self._section]:
                    raise _refuse("schema", f"{self._section} holds more than {self._limits[self._section]} strings")
                self._at = _At.ITEM
            case (_At.AFTER_ITEM, ","):
                self._at = _At.NEXT_ITEM
            case (_At.FIRST_ITEM | _At.AFTER_ITEM, "]"):
                self._at = _At.AFTER_SECTION
            case (_At.AFTER_SECTION, ","):
                self._at = _At.NEXT_KEY
            case (_At.FIRST_KEY | _At.AFTER_SECTION, "}"):
                if missing := [name for name in self._limits if name not in self._seen]:
                    raise _refuse("schema", f"the answer has no {', '.join(missing)}")
                self._at = _At.END
            case _:
                raise _refuse("invalid_json", f"the answer is not the JSON asked for, at character {self.characters}")

    def _in_string(self, character: str) -> str | None:
        """Return the decoded character, "" while an escape is open, None at the closing quote."""
        if self._escape is None:
            if character == "\\":
                self._escape = ""
                return ""
            if self._high is not None:
                raise _refuse("invalid_json", "half of a surrogate pair stands alone")
            if character == '"':
                return None
            # Raw controls are against JSON, raw surrogates against UTF-8.
            if character < " " or "\ud800" <= character <= "\udfff":
                raise _refuse("invalid_json", "a string holds a raw control character")
            return self._keep(character)
        if self._escape == "":
            if character == "u":
                self._escape = "u"
                return ""
            if character not in _ESCAPES or self._high is not None:
                raise _refuse("invalid_json", "an escape is not one of JSON")
            self._escape = None
            return self._keep(_ESCAPES[character])
        return self._hexadecimal(character)

    def _hexadecimal(self, character: str) -> str:
        if character not in _HEX:
            raise _refuse("invalid_json", "an escape is not one of JSON")
        self._escape = (self._escape or "") + character
        if len(self._escape) < 5:
            return ""
        code, self._escape = int(self._escape[1:], 16), None
        if 0xD800 <= code <= 0xDBFF and self._high is None:
            self._high = code
            return ""
        if self._high is not None and 0xDC00 <= code <= 0xDFFF:
            code, self._high = 0x10000 + ((self._high - 0xD800) << 10) + (code - 0xDC00), None
        elif self._high is not None or 0xD800 <= code <= 0xDFFF:
            raise _refuse("invalid_json", "half of a surrogate pair stands alone")
        return self._keep(chr(code))

    def _keep(self, character: str) -> str:
        self._buffer.append(character)
        limit = _MAX_KEY_CHARS if self._at is _At.KEY else self._max_item_chars
        if len(self._buffer) > limit:
            raise _refuse("schema", f"a {'key' if self._at is _At.KEY else 'string'} is longer than {limit} characters")
        return character

    def _string_ends(self) -> list[Token]:
        text = "".join(self._buffer)
        self._buffer.clear()
        self._blanks = 0
        if self._at is _At.ITEM:
            self._at = _At.AFTER_ITEM
            return [Token("item", self._section, text)]
        if text not in self._limits:
            raise _refuse("schema", "the answer has a section that was not asked for")
        if text in self._seen:
            raise _refuse("schema", f"the answer has {text} twice")
        self._seen[text] = 0
        self._section = text
        self._at = _At.COLON
        return []


def _refuse(code: str, message: str) -> OutputError:
    return OutputError(
        message, hint="draft again; if it stays, the model does not follow schemas", code=f"output_{code}"
    )
