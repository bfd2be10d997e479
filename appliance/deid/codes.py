"""Numbers, codes and addresses of machines that belong to nobody, in the form of those that they stand for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from appliance.deid.draws import Draws
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.taken import alphanumeric
from appliance.deid.vocabulary import invented, listed

_DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPOKEN = re.compile(rf"\b(?:{'|'.join(_DIGIT_WORDS)}|oh)\b", re.IGNORECASE)
_EXTENSION = re.compile(r"\s*(?:ext(?:ension)?\.?|x)\s*\d+\s*$", re.IGNORECASE)
# After so many collisions a number leaves the narrow range that is kept for fiction.
_NARROW_ATTEMPTS = 200
_LIKE_A_PHONE = re.compile(r"(?:\+?1[\s.-]*)?\(?\d{3}\)?[\s.-]+\d{3}[\s.-]+\d{4}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# NPIs carry this prefix in their check sum (45 CFR 162.406, ISO/IEC 7812).
_NPI_PREFIX = "80840"


def code(draws: Draws, kind: Kind, text: str, attempt: int) -> str | None:
    """Return a surrogate of a number or code; None when there is nothing in it that could be changed."""
    match kind:
        case Kind.EMAIL:
            return _email(draws, text, attempt)
        case Kind.URL:
            return _url(draws, text, attempt)
        case Kind.SOCIAL:
            return _url(draws, text, attempt) if re.search(r"\w[./]\w", text) else _handle(draws, text, attempt)
        case Kind.IP:
            return _ip(draws, text, attempt) or _scrambled(draws, kind, text, attempt)
        case Kind.PHONE | Kind.FAX:
            return _phone(draws, text, attempt) or _scrambled(draws, kind, text, attempt)
        case Kind.SSN:
            return _ssn(draws, text, attempt) or _scrambled(draws, kind, text, attempt)
    if _LIKE_A_PHONE.fullmatch(text):
        # Whatever it was taken for: another one drawn freely might be somebody's.
        return _phone(draws, text, attempt) or _scrambled(draws, kind, text, attempt)
    return _scrambled(draws, kind, text, attempt)


def digits_of(text: str) -> str:
    """Return the digits of a text, ASCII only."""
    return "".join(letter for letter in text if letter in "0123456789")


def _filled(text: str, digits: list[int]) -> str:
    left = iter(digits)
    return "".join(str(next(left)) if letter in "0123456789" else letter for letter in text)


def _phone(draws: Draws, text: str, attempt: int) -> str | None:
    """555-0100 to 555-0199 are kept for fiction in every area (ATIS-0300115)."""
    extension = _EXTENSION.search(text)
    number = text[: extension.start()] if extension else text
    digits = digits_of(number)
    if len(digits) not in (7, 10, 11) or (len(digits) == 11 and digits[0] != "1") or attempt >= _NARROW_ATTEMPTS:
        return None
    drawn = draws.digits("phone", digits[-10:], 9, attempt)
    # An area code has no 9 in the middle, and none ends in 11.
    area = [2 + drawn[0] % 8, drawn[1] % 9, drawn[2] % 10]
    if area[1:] == [1, 1]:
        area[2] = 2
    line = [5, 5, 5, 0, 1, drawn[3] % 10, drawn[4] % 10]
    made = {7: line, 10: area + line, 11: [1, *area, *line]}[len(digits)]
    rest = ""
    if extension:
        rest = _filled(extension[0], [one % 10 for one in draws.digits("extension", digits, 20, attempt)])
    return _filled(number, made) + rest


def _ssn(draws: Draws, text: str, attempt: int) -> str | None:
    """No social security number begins with 9; with these groups no ITIN does either (IRS: 50 to 65, 70 and up)."""
    digits = digits_of(text)
    if len(digits) != 9:
        return None
    drawn = draws.digits("ssn", digits, 4, attempt)
    group, serial = 1 + drawn[2] % 49, 1 + drawn[3] % 9999
    return _filled(text, [int(one) for one in f"9{drawn[0] % 10}{drawn[1] % 10}{group:02}{serial:04}"])


def _ip(draws: Draws, text: str, attempt: int) -> str | None:
    """Documentation ranges: RFC 5737 and RFC 3849."""
    try:
        given = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    drawn = draws.digits("ip", str(given), 5, attempt)
    if given.version == 6:
        return "2001:db8::" + ":".join(f"{one % 65_535 + 1:x}" for one in drawn[:3])
    network = ("192.0.2", "198.51.100", "203.0.113")[drawn[0] % 3]
    return f"{network}.{1 + drawn[1] % 254}"


def _name(draws: Draws, purpose: str, value: str, attempt: int) -> str:
    return invented(draws.digits(purpose, value, 4, attempt)).lower()


def _email(draws: Draws, text: str, attempt: int) -> str:
    """`.example` is nobody's domain, for ever (RFC 2606)."""
    local, at, domain = text.casefold().rpartition("@")
    if not at:
        names = [_name(draws, "email", f"{number}:{text.casefold()}", attempt) for number in range(3)]
        return f"{names[0]} dot {names[1]} at {names[2]} dot example"
    return f"{_name(draws, 'email', local, attempt)}.{_name(draws, 'email', 'f:' + local, attempt)}@" + (
        f"{_name(draws, 'domain', domain, attempt)}.example"
    )


def _url(draws: Draws, text: str, attempt: int) -> str:
    folded = text.casefold()
    scheme = re.match(r"[a-z][a-z0-9+.-]*://", folded)
    rest = folded[scheme.end() :] if scheme else folded
    host, slash, path = rest.partition("/")
    made = f"{_name(draws, 'domain', host.removeprefix('www.'), attempt)}.example"
    if host.startswith("www."):
        made = "www." + made
    tail = f"/{_name(draws, 'path', path, attempt)}" if path else ""
    return (scheme[0] if scheme else "") + made + (tail or slash)


def _handle(draws: Draws, text: str, attempt: int) -> str:
    mark = "@" if text.startswith("@") else ""
    return f"{mark}{_name(draws, 'handle', text.casefold(), attempt)}{draws.number('handle', text, 90, attempt) + 10}"


def _scrambled(draws: Draws, kind: Kind, text: str, attempt: int) -> str | None:
    """Each digit becomes a digit and each letter a letter; separators, length and case stay, and so do labels."""
    parts = [part for chunk in re.split(r"(\s+)", text) for part in _labelled(chunk)]
    value = "".join(alphanumeric(part) for part, stays in parts if not stays)
    if not value:
        return None
    drawn = iter(draws.digits("code", value, len(text) + 1, attempt))
    keeps = "xX" if kind is Kind.SSN else ""
    return _unsound("".join(part if stays else _changed(part, lambda: next(drawn), keeps) for part, stays in parts))


def _labelled(chunk: str) -> tuple[tuple[str, bool], ...]:
    """Return the parts of a word, and whether each stays: a label does, also one that runs into its number."""
    word = chunk.strip("#:.,;()[]\"'").casefold()
    if word in listed("labels") and not (len(word) == 1 and chunk.isupper()):
        return ((chunk, True),)
    label = re.match(r"([A-Za-z]+)[:#.](?=.)", chunk)
    if label is not None and label[1].casefold() in listed("labels"):
        return (label[0], True), (chunk[label.end() :], False)
    return ((chunk, False),)


def _changed(chunk: str, draw: Callable[[], int], keeps: str) -> str:
    word = chunk.strip(",.;").casefold()
    if _SPOKEN.fullmatch(word):
        return chunk.casefold().replace(word, _DIGIT_WORDS[draw() % 10])
    made, first = [], True
    for letter in chunk:
        if letter in keeps or not letter.isalnum():
            made.append(letter)
        elif letter.isdigit():
            number = draw()
            made.append(str(1 + number % 9) if first and letter != "0" else str(number % 10))
            first = False
        else:
            new = _LETTERS[draw() % 26]
            made.append(new.upper() if letter.isupper() else new)
    return "".join(made)


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _unsound(text: str) -> str:
    """Make a number of ten digits or more one that no check sum passes: neither a card's nor an NPI's."""
    digits = digits_of(text)
    if len(digits) < 10 or not _fails(digits):
        return text
    at = max(place for place, letter in enumerate(text) if letter in "0123456789")
    last = next(one for one in "0123456789" if not _fails(digits[:-1] + one))
    return text[:at] + last + text[at + 1 :]


def _fails(digits: str) -> bool:
    return _luhn(digits) or _luhn(_NPI_PREFIX + digits)
