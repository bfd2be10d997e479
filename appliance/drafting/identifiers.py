"""Finds what identifies a person, for text that must hold none: the front desk's generic templates.

Patterns, no model: they are made to refuse too much. They do not see a rare name in lower case without a cue.
"""

import re
from dataclasses import dataclass

from appliance.drafting.words import word_list

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_STREET = (
    r"(?:street|st|avenue|ave|road|rd|boulevard|blvd|drive|dr|lane|ln|court|ct|crossroad|way|place|pl|terrace|parkway"
    r"|highway|hwy|circle|square|trail|suite|apt)"
)
_GIVEN = word_list("given_names")
# Words that begin with a capital in ordinary letters; two of them in a row are no name.
_ORDINARY = word_list("ordinary_words")
_RULES = (
    ("email", re.compile(r"[\w.+-]{1,64}\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\.|\sdot\s)[\w.-]+", re.IGNORECASE)),
    ("ssn", re.compile(r"\b\d{3}-\d{2}-\d{4}\b")),
    (
        "date",
        re.compile(
            rf"\b\d{{4}}-\d{{1,2}}-\d{{1,2}}\b|\b\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{2,4}}\b|\b\d{{1,2}}/\d{{1,2}}\b"
            rf"|\b{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?\b|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\b"
            rf"|\b{_MONTH}\.?,? (?:19|20)\d{{2}}\b|\bborn (?:in|on)\b|\b(?:dob|date of birth)\b\W*\d",
            re.IGNORECASE,
        ),
    ),
    (
        "mrn",
        re.compile(
            r"\b(?:mrn|medical record(?: number| no\.?)?|record (?:number|no\.?)|chart (?:number|no\.?)|patient id"
            r"|member id|account (?:number|no\.?)|policy (?:number|no\.?))\W{0,5}[A-Z]*-?\d[\w-]{2,}"
            r"|\b[A-Z]{1,4}-?\d{5,}\b|\b\d{6,}\b",
            re.IGNORECASE,
        ),
    ),
    (
        "phone",
        re.compile(r"(?<!\d)(?:\+?\d{1,3}[ .-]?)?(?:\(\d{3}\)|\d{3})[ .-]?\d{3}[ .-]?\d{4}(?!\d)|\b\d{3}-\d{4}\b"),
    ),
    (
        "address",
        re.compile(
            rf"\b\d{{1,6}} (?:[NSEW]\.? )?(?:[A-Za-z][\w.']* ){{1,4}}{_STREET}\b|\bP\.? ?O\.? box \d+"
            rf"|\b[A-Z][a-z]+,? [A-Z]{{2}},? \d{{5}}(?:-\d{{4}})?\b|\bzip(?: code)?\W{{0,3}}\d{{5}}\b",
            re.IGNORECASE,
        ),
    ),
    (
        "name",
        re.compile(
            r"\b(?:mr|mrs|ms|miss|mx|dr|doctor|prof|nurse)\.? (?!\{\{)[A-Z][\w'’-]+"
            r"|\b(?i:(?:patient|clinician|provider|doctor|caller)(?:'s)? name|name|named|called)(?i: is|:| =)? ?"
            r"(?!\{\{)[A-Z][\w'’-]+ [A-Z]?[\w'’-]+"
            r"|\b(?:Dear|Hi|Hello|Hola|Regards,|Sincerely,) (?!\{\{)(?!(?:Patient|Parent|Guardian"
            r"|Family|Neighbor|there|All)\b)"
            r"[A-Z][\w'’-]+"
            r"|\b(?:MR|MRS|MS|DR)\.? [A-Z][A-Z'’-]+|\b(?:mr|mrs|ms|dr)\.? [a-z][a-z'’-]+",
        ),
    ),
    (
        "name",
        re.compile(r"\b(?:" + "|".join(sorted(_GIVEN)) + r")\b[.,]? +(?-i:[A-Z]\.? )?[a-z][\w'’-]{2,}", re.IGNORECASE),
    ),
    ("url", re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)),
)
_PAIR = re.compile(r"\b([A-Z][a-z'’-]+\d*) +(?:[A-Z]\. +)?([A-Z][a-z'’-]+\d*)\b")
_FOLLOWERS = word_list("after_a_name")
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")


@dataclass(frozen=True)
class Identifying:
    """Characters [start, end) that identify somebody. `kind`: name, date, phone, mrn, email, address, ssn or url."""

    kind: str
    start: int
    end: int


def identifying(text: str) -> tuple[Identifying, ...]:
    """Return everything that looks like an identifier of a person. Placeholders are left out of the search."""
    # Same length, so that the places stay right; a placeholder must neither match nor join what is around it.
    blanked = _PLACEHOLDER.sub(lambda match: "{{" + "_" * (len(match[0]) - 4) + "}}", text)
    found = []
    for kind, rule in _RULES:
        for match in rule.finditer(blanked):
            if kind == "name" and match[0].split()[-1].casefold() in _FOLLOWERS:
                continue
            found.append(Identifying(kind, match.start(), match.end()))
    for match in _PAIR.finditer(blanked):
        if not {match[1].casefold(), match[2].casefold()} & _ORDINARY:
            found.append(Identifying("name", match.start(), match.end()))
    return tuple(sorted(found, key=lambda one: (one.start, one.kind)))


def strange_placeholders(text: str, known: tuple[str, ...]) -> bool:
    """Say whether a text has braces that are no placeholder of the template."""
    rest = _PLACEHOLDER.sub(lambda match: "" if match[1] in known else match[0], text)
    return "{" in rest or "}" in rest
