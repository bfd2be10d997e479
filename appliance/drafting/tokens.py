"""How many tokens a text has: asked of the engine, or bounded from above when it does not tell."""

import string
from typing import Protocol

_LETTERS = (string.ascii_letters + " ").encode()


class Counter(Protocol):
    """Counts tokens; None when the engine has no way to tell."""

    async def count_tokens(self, text: str) -> int | None:
        """Return the engine's count."""
        ...


def bound(text: str) -> int:
    """Return an estimate from above: letters and blanks two to a token, any other character by its bytes in UTF-8.

    Half the characters alone would not do: Qwen and Llama 3 write digits one to three to a token, so a page of results
    has more. It is no proof (a tokenizer may spend a token on a letter); the engine's own refusal is the last word.
    """
    encoded = text.encode("utf-8", "replace")
    others = len(encoded.translate(None, _LETTERS))
    return (len(encoded) - others + 1) // 2 + others


async def count(counter: Counter, text: str) -> tuple[int, bool]:
    """Return the tokens of a text, and whether the engine counted them."""
    counted = await counter.count_tokens(text)
    return (bound(text), False) if counted is None else (counted, True)
