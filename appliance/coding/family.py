"""Where a sentence speaks of a relative and not of the patient."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.grounding.tokens import Token, words

_FEMALE = frozenset(
    words("mother mom mum mama sister daughter grandmother grandma aunt niece mother's sister's wife wife's stepmother")
)
_MALE = frozenset(
    words("father dad daddy papa brother son grandfather grandpa uncle nephew father's brother's husband husband's")
)
_ANY = frozenset(
    words(
        "parents parent siblings sibling sisters brothers grandparents grandparent cousin cousins relatives relative"
        " aunts uncles sons daughters children spouse"
    )
)
RELATIVES = _FEMALE | _MALE | _ANY
# What makes a relative the one who has a thing. A mother who "reports fever" speaks for her child.
_HAS = frozenset(
    words(
        "has had have with died dies suffers suffered suffering developed develops diagnosed positive significant"
        " history"
        " got battled lost passed survived : - ( was is were are having"
    )
)
_TELLS = frozenset(
    words(
        "reports reported states stated says said notes noted noticed notices denies denied thinks thought"
        " believes feels"
        " brought brings accompanied accompanies lives live called calls worries worried concerned gave gives endorses"
        " told tells saw sees helps present bedside historian asked asks complains agrees understands in"
    )
)
_PATIENT = frozenset(words("patient pt i i've i'm you okay alright"))
_STOPS = frozenset({";", "however"})
_TO_VERB, _OWNED = 8, 4
_OWNERS = frozenset(words("your the her his my their"))


def scopes(tokens: Sequence[Token], low: int, high: int) -> list[tuple[int, int]]:
    """Return the token ranges of a sentence [low, high) that speak of a relative's health."""
    found = []
    at = low
    while at < high:
        text = tokens[at].text
        if text.endswith("'s") and text[:-2] in RELATIVES and at + 1 < high and tokens[at + 1].text not in _TELLS:
            found.append((at + 1, min(high, at + 1 + _OWNED)))  # "her mother's Alzheimer disease"
        elif text in RELATIVES or (text == "family" and at > low and tokens[at - 1].text in _OWNERS):
            begin = _verb(tokens, at, high)
            if begin:
                end = _end(tokens, begin, high, tokens[at].text)
                found.append((begin, end))
                at = end
                continue
        at += 1
    return found


def _verb(tokens: Sequence[Token], at: int, high: int) -> int:
    """Return the token behind the verb by which a relative has something, 0 when there is none."""
    for place in range(at + 1, min(high, at + 1 + _TO_VERB)):
        text = tokens[place].text
        if text in _TELLS or text in _PATIENT:
            return 0
        if text in _HAS:
            # "was brought in", "is concerned": what the relative does comes behind the auxiliary.
            ahead = {token.text for token in tokens[place + 1 : min(high, place + 3)]}
            return 0 if ahead & _TELLS and text != ":" else place + 1
        if text.endswith("'s") or (text == "'" and place + 1 < high and tokens[place + 1].text == "s"):
            continue
    return 0


def _end(tokens: Sequence[Token], begin: int, high: int, relative: str) -> int:
    """Return where somebody else becomes the subject; her own pronoun keeps a mother the subject."""
    own = "she" if relative in _FEMALE else "he" if relative in _MALE else "they"
    for at in range(begin, high):
        text = tokens[at].text
        if text in _STOPS or (text in _PATIENT and tokens[min(high - 1, at + 1)].text != "'"):
            return at
        if text in ("he", "she") and text != own and tokens[at - 1].text in (",", "and", "but", "while"):
            return at
    return high


def of_patient(tokens: Sequence[Token], low: int, first: int) -> bool:
    """Whether the sentence from `low` up to a mention has the patient as its subject: "patient has diabetes"."""
    before = [token.text for token in tokens[low:first]]
    if RELATIVES & set(before):
        return False
    return any(
        word in ("patient", "pt", "he", "she") and before[at + 1 : at + 2] in (["has"], ["is"], ["had"], ["also"])
        for at, word in enumerate(before)
    )
