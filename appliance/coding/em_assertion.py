"""Whether words of a statement count as done, seen or decided today. Strict: a doubt is a reason not to count."""

from __future__ import annotations

import re

from appliance.coding.suggestion import Assertion

_BREAKS = re.compile(
    r"\b(?:but|however|although|though|nevertheless|yet)\b|[;]|(?:,| and) (?:i|we|he|she) (?=\w)", re.IGNORECASE
)
_NEGATED_BEFORE = re.compile(
    r"\b(?:no|not|denies|denied|denying|without|never|none|neither|nor|negative for|declin\w+|refus\w+|cannot|can not"
    r"|(?:do|does|did|is|was|are|were|has|have|had|would|could|should|wo|ca)n[\u2019']?t"
    r"|rules? out|ruled out|hold(?:ing)? off|avoid\w*|cancel\w*|against|instead of|rather than|free of|absence of"
    r"|absent"
    r"|unable to|fail\w* to|resolved|unlikely)\b",
    re.IGNORECASE,
)
_NEGATED_AFTER = re.compile(
    r"^[^.;,]{0,60}?\b(?:(?:is|was|are|were|has been|have been) (?:not|declined|deferred|refused|cancel\w+"
    r"|ruled out|absent|resolved)"
    r"|(?:not|never) (?:needed|indicated|ordered|obtained|done|performed|reviewed|available|required|addressed"
    r"|discussed|present)"
    r"|ruled out|declined|deferred|refused|unlikely|has resolved|resolved)\b|^\s*[:-]?\s*(?:negative|none|absent"
    r"|denied|no)\b",
    re.IGNORECASE,
)
_HYPOTHETICAL_BEFORE = re.compile(
    r"\b(?:prevent\w*|risks? (?:of|for)|signs? of|watch for|monitor for|screen\w* for|if|unless|would|could|might"
    r"|whether|consider\w*|in case|in the event|return (?:to|for)|potential\w*"
    r"|plan to discuss"
    r"|depending|pending|eventual\w*|in the future|down the road|at (?:the|her|his|their) next|offer\w*"
    r"|should (?:the|she|he|they|symptoms|pain|this|it|there))\b"
    r"|\bmay (?!\d)|\bdiscuss\w* (?:about )?(?:\w+ing\b|(?:the )?(?:option|possibility|use) of|$)",
    re.IGNORECASE,
)
_DECLINED = re.compile(r"\b(?:declin\w+|refus\w+|deferr?(?:ed|ing)?|not interested)\b", re.IGNORECASE)
# "sepsis protocol", "asthma action plan": not the thing itself.
_ABOUT = re.compile(
    r"^\s*(?:protocol|prevention|prophylaxis|screen\w*|precautions?|risks?|times?|clinic|medications?|education"
    r"|action plan"
    r"|pathway|score|vaccin\w*|support group|counseling)\b",
    re.IGNORECASE,
)
_HYPOTHETICAL_AFTER = re.compile(
    r"^[^.;]{0,80}?\b(?:if|unless|in the future|at (?:the|her|his|their) next)\b", re.IGNORECASE
)
_CONDITION = re.compile(
    r"\b(?:if|unless|in case|in the event|whenever|should (?:the|she|he|they|symptoms|pain))\b", re.I
)
_TURN = re.compile(r"\b(?:but|however|although)\b|;", re.IGNORECASE)
_HISTORICAL = re.compile(
    r"\b(?:had an?|earlier (?:in|this)|in the (?:spring|summer|fall|winter)|previous\w*|prior|formerly|history of"
    r"|h/o|hx of|status post|s/p|used to|remote|in the past"
    r"|past (?:medical|surgical)|last (?:visit|year|month|week|time|seen|spring|summer|fall|winter)"
    r"|(?:years?|months?|weeks?|days?) (?:ago|prior)|as a child|in (?:19|20)\d\d|yesterday|had been|old"
    r"|outside hospital course)\b",
    re.IGNORECASE,
)
_FAMILY = re.compile(
    r"\b(?:mother|father|mom|dad|brother|sister|sibling|son|daughter|aunt|uncle|grand(?:mother|father|parent)"
    r"|cousin|wife"
    r"|husband|spouse|family)(?:[\u2019']s)?\b[^.;]{0,40}?\b(?:has|had|have|with|history|diagnosed|died|suffer\w*"
    r"|takes)\b|\bfamily history\b",
    re.IGNORECASE,
)
_POSSIBLE = re.compile(
    r"\b(?:possib\w+|probab\w+|likely|suspect\w*|suspicious|concern\w* (?:for|about|of)|rule out|r/o|versus|vs"
    r"|differential"
    r"|questionable|cannot exclude|consistent with|suggestive of|worrisome for|evaluate for|to assess for"
    r"|unclear)\b|\?",
    re.IGNORECASE,
)
_POSSIBLE_AFTER = re.compile(
    r"^\s*(?:\?|(?:is|was|are|were) (?:possible|suspected|likely|considered)|versus|vs\b)", re.IGNORECASE
)


def status(text: str, start: int, end: int, *, ignore: frozenset[Assertion] = frozenset()) -> Assertion:
    """How a statement holds the words in [start, end) of it.

    A denial reaches over its whole clause, however long: reading too little of a note lowers a level, reading too much
    raises it.

    Args:
        text: The statement.
        start: Offset in the statement.
        end: Offset behind.
        ignore: Readings that do not matter here ("records of the prior visit" are reviewed today).
    """
    first, last = 0, len(text)
    for found in _BREAKS.finditer(text):
        if found.end() <= start:
            first = found.end()
        elif found.start() >= end:
            last = found.start()
            break
    before, after, clause = text[first:start], text[end:last], text[first:last]
    found_as = (
        (
            Assertion.NEGATED,
            bool(_NEGATED_BEFORE.search(before) or _NEGATED_AFTER.search(after) or _DECLINED.search(text[end:])),
        ),
        (Assertion.FAMILY, bool(_FAMILY.search(before))),
        (
            Assertion.HYPOTHETICAL,
            # A condition holds for what follows its comma: "if it goes on, we will obtain an MRI".
            bool(
                _HYPOTHETICAL_BEFORE.search(before)
                or _CONDITION.search(_TURN.split(text[:start])[-1])
                or _HYPOTHETICAL_AFTER.search(text[end:])
                or _ABOUT.search(after)
            ),
        ),
        (Assertion.HISTORICAL, bool(_HISTORICAL.search(clause))),
        (Assertion.POSSIBLE, bool(_POSSIBLE.search(before) or _POSSIBLE_AFTER.search(after))),
    )
    return next((reading for reading, held in found_as if held and reading not in ignore), Assertion.PRESENT)
