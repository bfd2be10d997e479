"""The risk of what a note decides about management; a drug on a list is no decision, and a choice put off is none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.coding.em_assertion import status
from appliance.coding.em_lexicon import Term, drugs, names
from appliance.coding.em_reading import Statement
from appliance.coding.em_result import Found, Reading, found_in
from appliance.coding.em_rules import Level
from appliance.coding.suggestion import Assertion

_MANAGED = re.compile(
    r"\b(?:prescri(?:be[ds]?|bing|ption)|start(?:ed|ing)?|initiat(?:e[ds]?|ing)|begin(?:ning)?|increas(?:e[ds]?"
    r"|ing)|decreas(?:e[ds]?|ing)|reduc(?:e[ds]?|ing)|titrat\w+"
    r"|adjust(?:ed|ing)?|chang(?:e[ds]?|ing)|switch(?:ed|ing)?|refill(?:ed|s|ing)?|renew(?:ed|ing)?"
    r"|continu(?:e[ds]?|ing)|stop(?:ped|ping)?|discontinu(?:e[ds]?|ing)|taper\w*|resum(?:e[ds]?|ing)"
    r"|add(?:ed|ing)?|giv(?:e|en|ing)|gave|administer\w*|put (?:him|her|them|the patient) on"
    r"|treat\w* (?:\w+ ){0,3}with|recommend\w*)\b(?! (?:needs?|risks?|pain|use|frequency|of symptoms))",
    re.IGNORECASE,
)
_BY_PRESCRIPTION = re.compile(r"\bprescri(?:be[ds]?|bing|ption)\b|\brx\b", re.IGNORECASE)
_STRONG_DOSE = re.compile(r"\b(?:600|800)\s?mg\b", re.IGNORECASE)
_UNNAMED = re.compile(
    r"\b(?:current|same|present|existing|home|her|his|their) (?:medications?|meds|regimen|prescriptions?|medicines?)\b",
    re.IGNORECASE,
)
_MONITORED = re.compile(
    r"\bmonitor\w*\b[^.;]{0,60}?\b(?:toxicit\w+|toxic|drug levels?|levels?|cytopenia|neutropenia|marrow|liver"
    r"|renal|inr|cbc|lfts)\b|\btoxicity (?:monitoring|surveillance|labs?)\b",
    re.IGNORECASE,
)
_PARENTERAL = re.compile(
    r"\b(?:iv|i\.v\.|intravenous\w*|im|i\.m\.|intramuscular\w*|subcutaneous\w*|sq|parenteral\w*|injection|drip|pca"
    r"|infusion)\b",
    re.IGNORECASE,
)
_ADMIT = re.compile(
    r"\badmit(?:ted|ting)? (?:(?:him|her|them|the patient) )?(?:to|for) (?:the |our |an? |inpatient "
    r"|overnight )*(?:hospital|icu|floor"
    r"|ward|unit|service|medicine|telemetry|observation|inpatient|intensive care)\b|\badmit (?:him|her|them"
    r"|the patient)\b"
    r"|\badmission to (?:the )?(?:hospital|icu|ward|floor)\b|\b(?:direct|hospital|inpatient) admission\b"
    r"|\bhospitaliz(?:e|ed|ation)\b"
    r"|\btransfer\w* to (?:the )?(?:icu|intensive care|higher level)\b|\bescalat\w+ (?:of )?care\b",
    re.IGNORECASE,
)
_DNR = re.compile(
    r"\b(?:dnr|dni|do not (?:resuscitate|intubate)|de-?escalat\w+ (?:of )?care|comfort (?:care|measures)|hospice)\b",
    re.IGNORECASE,
)
_POOR = re.compile(
    r"\b(?:poor prognosis|terminal|end[- ]of[- ]life|because of (?:the )?prognosis|grave prognosis|futil\w+"
    r"|advanced disease|prognosis is poor)\b",
    re.IGNORECASE,
)
_DECIDED = re.compile(
    r"\b(?:decision|decided|decid\w+|recommend\w*|schedul\w+|proceed\w*|perform\w*|plan(?:ned|ning)? (?:for|to|on)"
    r"|will (?:undergo|need|have)|book\w*|consent\w*|elected|discussed (?:the )?risks)\b",
    re.IGNORECASE,
)
_RISKS = re.compile(
    r"\b(?:(?:increased|elevated|high|higher|additional) (?:surgical |operative |perioperative )?risk"
    r"|risk factors?|high[- ]risk (?:patient|surgery|given))\b",
    re.IGNORECASE,
)
_NO_RISKS = re.compile(r"\b(?:no|without|denies) (?:\w+ ){0,3}?risk factors?\b", re.IGNORECASE)
_EMERGENCY = re.compile(r"\b(?:emergen(?:t|cy|tly)|urgent(?:ly)?)\b", re.IGNORECASE)
_SOCIAL = re.compile(
    r"\b(?:homeless\w*|unhoused|housing instability|unstable housing|food insecurity|cannot afford"
    r"|can[\u2019']t afford|could not afford|unable to afford|(?:lack|lacks) (?:of )?(?:transportation|insurance"
    r"|housing)"
    r"|no (?:transportation|insurance)|uninsured|lost (?:\w+ )?insurance|financial (?:hardship|strain"
    r"|difficult\w+)|low health literacy|domestic violence|lives in a shelter)\b",
    re.IGNORECASE,
)
_LIMITS = re.compile(
    r"\b(?:limit\w*|because|due to|so (?:we|i|she|he|they)|therefore|unable to|prevent\w*|barrier\w*|imped\w+"
    r"|delay\w*|instead|cheaper|generic|complicat\w+|as a result)\b",
    re.IGNORECASE,
)
_THERAPY = re.compile(
    r"\b(?:physical therapy|occupational therapy|speech therapy|over[- ]the[- ]counter|otc|brace|splint|cast"
    r"|crutches|boot|referral to|intravenous fluids?|nebulizer)\b",
    re.IGNORECASE,
)
# How far a decision may stand before its drug (a list may lie between) and behind it ("was refilled"), in characters.
_BEFORE, _BEHIND = 160, 60
_GIVEN = re.compile(
    r"\b(?:refer\w*|recommend\w*|provid\w*|order\w*|plac\w+|prescri\w+|start\w*|continu\w+|wear|us(?:e|ing)|put"
    r"|appl\w+|attend|advis\w+|begin)\b",
    re.IGNORECASE,
)
_ANYWAY = frozenset({Assertion.POSSIBLE, Assertion.FAMILY})


def read_risk(deciding: Sequence[Statement]) -> Reading:
    """Read the decisions; the highest gives the level, minimal when none is found."""
    found: list[Found] = []
    questions: list[str] = []
    keys: set[str] = set()
    for one in deciding:
        for item in (*_drugs(one, questions), *_surgery(one), *_hospital(one, questions), *_social(one, questions)):
            if item.key not in keys:
                keys.add(item.key)
                found.append(item)
        for hit in _THERAPY.finditer(one.text) if _GIVEN.search(one.text) else ():
            item = _at(
                one, hit, "therapy or a device without a prescription", f"low {hit.group().casefold()}", Level.LOW
            )
            if item.key not in keys:
                keys.add(item.key)
                found.append(item)
    level = max((item.level for item in found if item.counted), default=Level.STRAIGHTFORWARD)
    return Reading(level, tuple(found), tuple(dict.fromkeys(questions)))


def _at(one: Statement, hit: re.Match[str] | Term, what: str, key: str, level: Level) -> Found:
    start, end = (hit.start(), hit.end()) if isinstance(hit, re.Match) else (hit.start, hit.end)
    held = status(one.text, start, end, ignore=_ANYWAY)
    if held is not Assertion.PRESENT:
        # Apart from what counts: the same may be decided in another sentence.
        return found_in(
            one, start, end, what, f"not {key} {start + one.start}", f"the note holds it as {held.value}", counted=False
        )
    return found_in(one, start, end, what, key, what, level=level)


def _drugs(one: Statement, questions: list[str]) -> Iterator[Found]:
    acts = [
        hit
        for hit in _MANAGED.finditer(one.text)
        if status(one.text, hit.start(), hit.end(), ignore=_ANYWAY) is Assertion.PRESENT
    ]
    over_counter = {(term.start, term.end) for term in names("otc").find(one.text)}
    either = {(term.start, term.end) for term in names("otc_ambiguous").find(one.text)}
    for term in drugs().find(one.text):
        act = next((hit for hit in acts if -_BEHIND <= term.start - hit.start() <= _BEFORE), None)
        if act is None:
            continue
        if (term.start, term.end) in over_counter and not (
            (term.start, term.end) in either and (_BY_PRESCRIPTION.search(one.text) or _STRONG_DOSE.search(one.text))
        ):
            yield _at(one, term, "a drug without a prescription", f"otc {term.key}", Level.LOW)
            continue
        yield _at(one, term, "prescription drug management", "prescription", Level.MODERATE)
        if any(hit.start == term.start for hit in names("toxic").find(one.text)) and (
            hit := _MONITORED.search(one.text)
        ):
            yield _at(one, hit, "drug therapy with intensive monitoring for toxicity", "toxicity", Level.HIGH)
        if any(hit.start == term.start for hit in names("controlled_parenteral").find(one.text)) and (
            hit := _PARENTERAL.search(one.text)
        ):
            yield _at(one, hit, "a controlled substance given by injection", "parenteral", Level.HIGH)
    if acts and (hit := _UNNAMED.search(one.text)) and not list(drugs().find(one.text)):
        questions.append("which prescription drug was managed because none is named")
        yield found_in(
            one,
            hit.start(),
            hit.end(),
            "drugs without names",
            f"unnamed {one.start}",
            "no drug is named",
            counted=False,
        )


def _surgery(one: Statement) -> Iterator[Found]:
    if _DECIDED.search(one.text) is None:
        return
    risks = _RISKS.search(one.text) is not None and _NO_RISKS.search(one.text) is None
    for term in names("major_surgery").find(one.text):
        if _EMERGENCY.search(one.text):
            yield _at(one, term, "a decision for emergency major surgery", "major", Level.HIGH)
        elif risks:
            yield _at(one, term, "a decision for major surgery with stated risk factors", "major risks", Level.HIGH)
        else:
            yield _at(one, term, "a decision for elective major surgery", "major", Level.MODERATE)
    for term in names("minor_surgery").find(one.text):
        what = "a decision for minor surgery with stated risk factors" if risks else "a decision for minor surgery"
        yield _at(one, term, what, "minor", Level.MODERATE if risks else Level.LOW)


def _hospital(one: Statement, questions: list[str]) -> Iterator[Found]:
    if (hit := _ADMIT.search(one.text)) is not None:
        yield _at(one, hit, "a decision to admit or to escalate hospital care", "admit", Level.HIGH)
    if (hit := _DNR.search(one.text)) is not None:
        if _POOR.search(one.text) and _DECIDED.search(one.text):
            yield _at(one, hit, "a decision not to resuscitate or to reduce care for poor prognosis", "dnr", Level.HIGH)
        else:
            questions.append("whether a limit of care was decided today because of poor prognosis")
            yield found_in(
                one,
                hit.start(),
                hit.end(),
                "a limit of care",
                f"dnr {one.start}",
                "no decision of today with its reason",
                counted=False,
            )


def _social(one: Statement, questions: list[str]) -> Iterator[Found]:
    hit = _SOCIAL.search(one.text)
    if hit is None:
        return
    if _LIMITS.search(one.text.replace(hit.group(), " ")):
        # "cannot afford" denies by itself: the words before it decide.
        held = status(one.text, hit.start(), hit.start() + 1, ignore=_ANYWAY)
        if held is Assertion.PRESENT:
            what = "treatment limited by social circumstances"
            yield found_in(one, hit.start(), hit.end(), what, "social", what, level=Level.MODERATE)
            return
    questions.append("whether social circumstances limited diagnosis or treatment")
    yield found_in(
        one,
        hit.start(),
        hit.end(),
        "social circumstances",
        f"social {one.start}",
        "no effect on treatment is stated",
        counted=False,
    )
