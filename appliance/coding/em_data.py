"""The data that a note reviews: unique tests, outside notes by source, historians, interpretations, discussions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.coding.em_assertion import status
from appliance.coding.em_lexicon import Term, names, tests
from appliance.coding.em_reading import Statement
from appliance.coding.em_result import Found, Reading, found_in
from appliance.coding.em_rules import Level
from appliance.coding.suggestion import Assertion

_ORDER = re.compile(
    r"\b(?:order(?:ed|ing|s)?|obtain(?:ed|ing)?|check(?:ing)?|repeat(?:ing)?|send(?:ing)? (?:for|off)|sent for"
    r"|schedul\w+|will get|get (?:a|an|another)"
    r"|recheck(?:ing)?|draw(?:ing)?|request(?:ed|ing)?)\b",
    re.IGNORECASE,
)
_ORDERED = re.compile(r"\b(?:ordered|sent|drawn|collected|requested)\b", re.IGNORECASE)
_REVIEW = re.compile(
    r"\b(?:review(?:ed|ing)?|went over|looked at|looking at|demonstrat\w+|reveal\w*|show(?:s|ed|ing)?|interpret\w+)\b",
    re.IGNORECASE,
)
# Done here: who bills the test with its interpretation cannot count it again.
_HERE = re.compile(
    r"\b(?:in (?:the |our )?(?:office|clinic)(?: today)?|in[- ]house|point[- ]of[- ]care|performed today"
    r"|taken today|done today|here today)\b",
    re.IGNORECASE,
)
_INTERPRETED = re.compile(
    r"\b(?:i |we |my |personally |independently |independent )(?:\w+ ){0,3}?(?:interpret\w+|interpretation"
    r"|review(?:ed)? (?:of )?(?:the |her |his |their )?(?:actual |raw )?(?:images?|films?|tracings?|strips?))\b"
    r"|\b(?:personally|independently) (?:viewed|read|visualized|reviewed and interpreted)\b|\bmy (?:own )?(?:read"
    r"|interpretation) (?:of|is|:)",
    re.IGNORECASE,
)
_OUTSIDE = re.compile(
    r"\b(?:review(?:ed|ing)?|read)\b[^.;]{0,50}?\b(?P<what>records?|notes?|discharge summar(?:y|ies)"
    r"|consult(?:ation)? (?:notes?|letters?|reports?)|letters?|documentation)\b"
    r"[^.;]{0,20}?\b(?:from|of|by)\b (?:the |an? |her |his |their )?(?P<source>outside \w+|emergency (?:department"
    r"|room)|ed|er|hospital(?:ization)?|urgent care|cardiolog\w+|nephrolog\w+|neurolog\w+|oncolog\w+|endocrinolog\w+"
    r"|psychiatr\w+|pulmon\w+|rheumatolog\w+|gastroenterolog\w+|orthop\w+|surgeon|surgery|primary care(?: \w+)?"
    r"|pcp|referring \w+|specialist|nursing (?:home|facility)|skilled nursing facility|dr\.? \w+|doctor \w+|school"
    r"|therapist)"
    r"|\b(?:review(?:ed|ing)?|read)\b[^.;]{0,30}?\b(?P<adj>outside|external|hospital|emergency (?:department|room)"
    r"|ed|er|urgent care|cardiology|nephrology|neurology|oncology|endocrinology|psychiatry|pulmonology"
    r"|rheumatology|gastroenterology|orthopedic|surgical)(?:[\u2019']s)? (?:records?|notes?|discharge summar(?:y"
    r"|ies)|consult(?:ation)? notes?|documentation)",
    re.IGNORECASE,
)
_RELATIVE = (
    r"(?:mother|father|mom|dad|parents?|son|daughter|wife|husband|spouse|partner|sister|brother|caregiver"
    r"|guardian|grandmother|grandfather|grandparent|aunt|uncle|ems|paramedics?|facility staff"
    r"|nursing home staff|family|foster parent|witness|roommate)"
)
_HISTORIAN = re.compile(
    rf"\bindependent historian\b|\bhistory\b[^.;]{{0,40}}?\b(?:obtained|provided|given|supplied|supplemented|taken"
    rf"|confirmed|corroborated|gathered|comes?|is|was)\b[^.;]{{0,20}}?\b(?:from|by|with)\b[^.;]{{0,24}}?\b{_RELATIVE}\b"
    rf"|\b{_RELATIVE}\b (?:provid\w+|gave|gives|supplied|supplement\w+|confirm\w+"
    rf"|corroborat\w+)\b[^.;]{{0,24}}?\bhistory\b|\bhistorian:\s*{_RELATIVE}\b",
    re.IGNORECASE,
)
_DISCUSSED = re.compile(
    r"\b(?:discuss(?:ed|ion)?|spoke|spoken|conferred|consulted|talked|reviewed the case"
    r"|called)\b[^.;]{0,40}?\bwith\b (?:the |her |his |their |an? |on[- ]call )?"
    r"(?P<who>(?:dr\.? |doctor )\w+|cardiolog\w+|nephrolog\w+|neurolog\w+|neurosurg\w+|oncolog\w+|endocrinolog\w+"
    r"|psychiatr\w+|pulmon\w+|rheumatolog\w+|gastroenterolog\w+|orthop\w+|surgeon|surgery|radiolog\w+|pharmacist"
    r"|hospitalist|intensivist|infectious disease\w*|referring \w+|primary care (?:physician|provider)|pcp"
    r"|specialist|case manager|social worker|teacher|lawyer|parole officer|hematolog\w+|urolog\w+)\b",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"\s*(?:scan\s+)?(?:of\s+)?(?:(?:the|her|his|their|both)\s+)?(?:(?:left|right|bilateral)\s+)?", re.I
)
_OPEN_LABS = re.compile(r"\b(?:blood ?work|labs|laboratory tests|blood tests)\b", re.IGNORECASE)
_REASONS = {
    "order": "a unique test that was ordered",
    "review": "a result of a unique test that was reviewed",
    "notes": "notes of an outside source that were reviewed",
    "historian": "a history from somebody other than the patient",
    "interpretation": "an interpretation of a test by the clinician",
    "discussion": "a discussion with a professional outside",
}
# A panel holds them (CPT 80053 all of 80048, and of 80076 all but direct bilirubin): beside it they count no more.
_WITHIN = {
    "test bmp": ("test cmp",),
    "test liver function tests": ("test cmp",),
    "test creatinine level": ("test cmp", "test bmp"),
}
_SAME_SOURCE = (
    (re.compile(r"emergency|ed$|er$"), "emergency"),
    (re.compile(r"primary care|pcp"), "primary care"),
    (re.compile(r"nursing|skilled"), "nursing facility"),
    (re.compile(r"surg"), "surgery"),
    (re.compile(r"hospital"), "hospital"),
    (re.compile(r"psychiatr"), "psychiatry"),
    (re.compile(r"orthop"), "orthopedics"),
    (re.compile(r"pulmon"), "pulmonology"),
    (re.compile(r"\w+?olog"), ""),
)
# Who these are the note may say by another name in another sentence.
_UNNAMED = re.compile(r"outside|external|specialist|referring")
_DOCTOR = re.compile(r"(?:dr|doctor)\b")
_ANYWAY = frozenset({Assertion.HISTORICAL, Assertion.FAMILY, Assertion.POSSIBLE})


def read_data(documenting: Sequence[Statement]) -> Reading:
    """Read the data of a note; each test, source and kind counts once, however often it is named."""
    found: dict[str, Found] = {}
    left: list[Found] = []
    questions: list[str] = []
    for one in documenting:
        if one.section in {"exam", "vitals"}:
            continue
        for item in (*_tests(one, questions), *_others(one)):
            if not item.counted:
                left.append(item)
            elif item.key not in found:
                found[item.key] = item
    kept = _unique(list(found.values()))
    counted = [item for item in kept if item.counted]
    if any(item.kind == _REASONS["review"] for item in counted):
        questions.append("whether a reviewed result was ordered here at an earlier visit where it counted already")
    return Reading(_level(counted), (*kept, *left), tuple(dict.fromkeys(questions)))


def _tests(one: Statement, questions: list[str]) -> Iterator[Found]:
    terms = list(tests().find(one.text))
    if not terms and (hit := _OPEN_LABS.search(one.text)) is not None:
        terms = [Term(hit.start(), hit.end(), "labs", "labs")]
    for term in terms:
        key, end = _key(one.text, term)
        verb, kind = _verb(one, term)
        if kind == "":
            continue
        if status(one.text, term.start, term.end) is not Assertion.PRESENT or (
            status(one.text, verb.start(), verb.end(), ignore=_ANYWAY) is not Assertion.PRESENT
        ):
            yield found_in(one, term.start, end, kind, key, "not stated as ordered or reviewed today", counted=False)
        elif _HERE.search(one.text):
            questions.append("whether a test that was done here is billed here because then it does not count")
            yield found_in(one, term.start, end, kind, key, "done here and perhaps billed here", counted=False)
        else:
            yield found_in(one, term.start, end, _REASONS[kind], f"test {key}", f"test {key} stands once in the count")
            if (hit := _INTERPRETED.search(one.text)) is not None and term.kind != "lab":
                reason = _REASONS["interpretation"]
                yield found_in(one, hit.start(), hit.end(), reason, "interpretation", reason)


def _verb(one: Statement, term: Term) -> tuple[re.Match[str], str]:
    """The nearest word that says what was done with a test, and which it is; ("", a match) for a mere mention."""
    reviews = list(_REVIEW.finditer(one.text))
    orders = [hit for hit in _ORDER.finditer(one.text) if hit.start() < term.start]
    orders += list(_ORDERED.finditer(one.text, term.end))
    held = [
        (abs(hit.start() - term.start), hit, kind)
        for hits, kind in ((orders, "order"), (reviews, "review"))
        for hit in hits
    ]
    if not held:
        return re.match("", ""), ""  # type: ignore[return-value]
    _, hit, kind = min(held, key=lambda each: each[0])
    return hit, kind


def _key(text: str, term: Term) -> tuple[str, int]:
    """Imaging is unique by its part of the body, named right before or behind it; without one it may be any."""
    if term.kind != "imaging":
        return term.key, term.end
    site = next(names("sites").find(text[term.end :]), None)
    if site is not None and _BETWEEN.fullmatch(text, term.end, term.end + site.start):
        return f"{term.key} {site.key}", term.end + site.end
    before = [one for one in names("sites").find(text[: term.start]) if not text[one.end : term.start].strip()]
    return (f"{term.key} {before[-1].key}" if before else f"{term.key} "), term.end


def _others(one: Statement) -> Iterator[Found]:
    for kind, pattern in (("notes", _OUTSIDE), ("historian", _HISTORIAN), ("discussion", _DISCUSSED)):
        for hit in pattern.finditer(one.text):
            source = {
                "notes": lambda h: _source(h["source"] or h["adj"]),
                "discussion": lambda _: "any",
                "historian": lambda _: "any",
            }[kind](hit)
            held = status(one.text, hit.start(), hit.end(), ignore=_ANYWAY)
            good = held is Assertion.PRESENT
            reason = _REASONS[kind] if good else f"the note holds it as {held.value}"
            yield found_in(
                one, hit.start(), hit.end(), _REASONS[kind], f"{kind} {source.casefold()}", reason, counted=good
            )


def _source(said: str) -> str:
    """A source under one name: a cardiologist's notes are those of cardiology."""
    folded = said.casefold()
    if _UNNAMED.match(folded):
        return "outside"
    for pattern, name in _SAME_SOURCE:
        if (hit := pattern.match(folded)) is not None:
            return name or hit.group()
    return folded


def _unique(found: list[Found]) -> list[Found]:
    """Drop what another item may be: it counts once.

    Imaging without a part of the body beside the same with one, "labs" beside a named laboratory test, a test beside
    the panel that holds it, a source that is not named beside one that is, and a doctor's name beside a specialty.
    """
    keys = {item.key for item in found}
    sources = {key.removeprefix("notes ") for key in keys if key.startswith("notes ")} - {"outside"}
    named = {each for each in sources if not _DOCTOR.match(each)} or sources
    labs = {f"test {key}" for key, kind in tests().known() if kind == "lab"}
    return [
        item
        for item in found
        if not (item.key.endswith(" ") and any(key != item.key and key.startswith(item.key) for key in keys))
        and not (item.key == "test labs" and keys & labs)
        and not keys & set(_WITHIN.get(item.key, ()))
        and not (item.key.startswith("notes ") and named and item.key.removeprefix("notes ") not in named)
    ]


def _level(found: Sequence[Found]) -> Level:
    """Categories as published: items, interpretation, discussion; two items or a historian are limited."""
    kinds = [item.kind for item in found]
    items = sum(kind in (_REASONS["order"], _REASONS["review"], _REASONS["notes"]) for kind in kinds)
    historian = _REASONS["historian"] in kinds
    categories = (items + historian >= 3) + (_REASONS["interpretation"] in kinds) + (_REASONS["discussion"] in kinds)
    if categories >= 2:
        return Level.HIGH
    if categories == 1:
        return Level.MODERATE
    if items >= 2 or historian:
        return Level.LOW
    return Level.STRAIGHTFORWARD
