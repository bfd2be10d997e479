"""Numbers whose shape or rare label says what they are: plates, health cards, bank accounts, bleeps, charts, ages.

Shapes: Medicare cards of Australia (10 digits and a place), health cards of Ontario (10 digits and two letters), sort
codes of the United Kingdom (6 digits before 8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import CERTAIN, Found, ReadingRecogniser
from appliance.deid.recognisers.by_word import WordRule, WordRules
from appliance.deid.recognisers.dates import WARM

_IS = r"(?:\s?(?:is|no\.?|number|nr|#|:|=)){0,3}\s{0,3}"
_PLATE = r"(?=[A-Z\d -]*\d)[A-Z\d]{1,4}[ -]?[A-Z\d]{2,5}(?![\w-])"
_REGO = re.compile(rf"\b(?i:rego|registration|number ?plate|licen[cs]e plate){_IS}(?P<value>{_PLATE})")
_BLEEP = re.compile(rf"\b(?i:bleep|dect|vocera|spectralink|ascom){_IS}(?P<value>\d{{3,6}})(?![\w/%]|[.:]\d)")
_CHART = re.compile(
    rf"\b(?i:charts?|photo ids?){_IS}(?P<value>(?=[A-Z\d-]*\d{{2}})[A-Z]{{0,3}}-?\d[\d-]{{3,13}}\d)(?![\w/%]|[.:]\d)"
)
_GLUED = re.compile(r"(?P<value>\b(?:MRN|HRN|URN|UHID)[-#]?\d{4,10})(?!\w)")
_INSURED = re.compile(
    rf"\b(?i:ins|insurance|insurer|medicare|health card|hc|ohip|group|grp){_IS}"
    r"(?P<value>\d{4,12}(?:[ ]\d{2,5}){0,2}"
    r"(?:[ ]?[-/][ ]?\d{1,4}|[ ]\d(?:[ ]?[-/][ ]?\d)?|[ ][A-Z]{2}(?![\w]))?)(?![\w/%]|[.:]\d)"
)
_SUBJECT = re.compile(
    r"\b(?i:subj|subject|participant|randomi[sz]ation|screening)\b(?:[ ](?i:no|id|number))?\.?[:# ]{1,3}"
    r"(?P<value>[A-Z]{2,6}-?\d{2,8}(?:-\d{1,5})?)(?!\w)"
)
_LAST_FOUR = re.compile(
    r"\b(?i:last (?:four|4)(?: digits)?(?: (?:of|on|from))?(?: (?:the|your|his|her|their|my))?"
    r" (?:social|ssn)(?: security(?: number)?)?)"
    r"[^\d\n]{0,20}(?:\n[^\d\n]{0,30})?(?P<value>\d{4})(?!\d|[-/:]\d)"
)
_LICENSED = re.compile(
    r"\b(?i:licen[cs]e|licensing|board|registration)\b[^\n.]{0,24}?[ ](?P<value>[A-Z]{2}[ ]\d{5,8})(?!\w)"
)
_ROUTE = re.compile(
    r"(?P<value>\b(?i:(?:star|rural|highway contract) route(?:[ ]\w{1,3})?,? box[ ]\d{1,5}"
    r"|general delivery(?:,? box[ ]\d{1,5})?))"
)
_SORT_CODE = re.compile(r"(?<![\w-])\d{2}-\d{2}-\d{2}[ ,/]{1,2}\d{8}(?![\w-])")
# Who comes in: "102M LKW 0930". A temperature ("101F at noon") has no complaint behind it.
_ARRIVES = re.compile(
    r"(?<![\w.,/-])(?P<value>9\d|1[01]\d)[ ]?(?:yo?[ ]?)?[MF](?=[ ](?:LKW|c/o|s/p|w/|GLF|AMS|fall|fell|found|from"
    r"|memory|confus|unresp|syncop|weak|stroke|hip|chest|sob|SOB|dizz|cough|sepsis|new|dtr|brought|BIBA|BIBEMS)\w*)"
)
_FEWEST_OF_A_PLAN = 7  # digits, less one; a year or a price behind "insurance" has fewer
_RULES = WordRules(
    (
        WordRule("further_numbers.plates", Kind.VEHICLE, _REGO, 10, 40),
        WordRule("further_numbers.bleeps", Kind.PHONE, _BLEEP, 0, 24),
        WordRule("further_numbers.charts", Kind.RECORD, _CHART, 6, 34),
        WordRule("further_numbers.insured", Kind.PLAN, _INSURED, 8, 44),
        WordRule("further_numbers.subjects", Kind.OTHER, _SUBJECT, 0, 40),
        WordRule("further_numbers.social", Kind.SSN, _LAST_FOUR, 30, 80),
        WordRule("further_numbers.licensed", Kind.LICENCE, _LICENSED, 0, 50),
        WordRule("further_numbers.routes", Kind.ADDRESS, _ROUTE, 18, 34),
    )
)


class FurtherNumberRecogniser(ReadingRecogniser):
    """Such numbers; each label has to stand before its number."""

    kinds = (
        Kind.VEHICLE, Kind.PHONE, Kind.RECORD, Kind.PLAN, Kind.OTHER, Kind.SSN, Kind.LICENCE, Kind.ADDRESS,
        Kind.ACCOUNT, Kind.AGE,
    )  # fmt: skip

    def find(self, reading: Reading) -> Iterator[Found]:
        """By label, then by shape alone."""
        text = reading.text
        for kind, match in _RULES.find(reading):
            if kind is not Kind.PLAN or sum(sign.isdigit() for sign in match["value"]) > _FEWEST_OF_A_PLAN:
                yield Found(*match.span("value"), kind, CERTAIN)
        for match in _GLUED.finditer(text):
            yield Found(*match.span("value"), Kind.RECORD, CERTAIN)
        for match in _SORT_CODE.finditer(text):
            yield Found(*match.span(), Kind.ACCOUNT, CERTAIN)
        for match in _ARRIVES.finditer(text):
            if not WARM.search(text, max(0, match.start() - 30), match.start()):
                yield Found(*match.span("value"), Kind.AGE, CERTAIN)
