"""Numbers as they are said, and the check digit of card and provider numbers."""

from __future__ import annotations

import random

_ONES = "zero one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
ONES, TEENS, TENS = _ONES.split(), _TEENS.split(), _TENS.split()


def number_words(number: int) -> str:
    """A number under 100 as it is said."""
    if number < 10:
        return ONES[number]
    if number < 20:
        return TEENS[number - 10]
    return TENS[number // 10 - 2] + (f" {ONES[number % 10]}" if number % 10 else "")


def digit_words(digits: str, rng: random.Random) -> str:
    """Digits as they are said one by one; zero is often said as the letter, letters stay."""
    zero = rng.choice(("zero", "oh"))
    words = {str(digit): word for digit, word in enumerate(ONES)} | {"0": zero}
    return " ".join(words.get(sign, sign) for sign in digits if sign.isalnum())


def luhn(digits: str) -> str:
    """The check digit of ISO/IEC 7812-1 for these digits."""
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits))]
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)
