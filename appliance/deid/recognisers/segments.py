"""Fields of messages and records: HL7 v2 addresses and numbers, JSON and XML fields of addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import CERTAIN, Found, ReadingRecogniser

_PART = r"[^|^~\n]{0,60}"
# XAD: street ^ unit ^ city ^ state ^ ZIP (HL7 v2.5.1, 2.A.89); the town and what comes before belong together.
_HL7_ADDRESS = re.compile(
    rf"(?<=[|~])(?P<value>{_PART}\^{_PART}\^{_PART})\^(?P<state>[A-Z]{{2}})?\^(?P<zip>\d{{5}}(?:-?\d{{4}})?)(?!\d)"
)
# CX in PID-2 to PID-4 and PID-18 and its like: an identifier, whatever form it has.
_HL7_ID = re.compile(
    r"(?<=[|~])(?P<value>[A-Za-z]{0,4}-?\d[\w-]{2,24})\^{2,3}[\w.&-]{0,40}(?:\^(?:MR|PI|AN|SS|DL|VN|PT|NI|MC|MA"
    r"|XX))?(?=[|~^\n]|$)"
)
_HL7_PATIENT = re.compile(
    r"(?m)^PID\|(?:\d{0,4})\|(?P<second>[^|\n]{0,80})\|(?P<third>[^|\n]{0,120})\|(?P<fourth>[^|\n]{0,80})"
)
# Fields of other segments that are identifiers (HL7 v2.5.1): plan, company, group and policy; orders, visits, samples.
_HL7_FIELDS: dict[str, tuple[Kind, tuple[int, ...]]] = {
    "IN1": (Kind.PLAN, (2, 3, 8, 36)),
    "GT1": (Kind.RECORD, (2,)),
    "MRG": (Kind.RECORD, (1,)),
    "ORC": (Kind.RECORD, (2, 3, 4)),
    "OBR": (Kind.RECORD, (2, 3)),
    "PV1": (Kind.RECORD, (19,)),
    "SPM": (Kind.RECORD, (2,)),
}
_HL7_SEGMENT = re.compile(rf"^(?:{'|'.join(_HL7_FIELDS)})(?=\|)[^\n]{{0,2000}}", re.M)
# MSH-10, the control number that leads to the message: between the message's type and its processing code.
_HL7_CONTROL = re.compile(
    r"\|[A-Z]{3}(?:\^[A-Z]\d\d(?:\^\w{1,12})?)?\|(?P<value>[^|\s]{1,40})\|[PTD](?:\^\w)?(?=\||$)", re.M
)
_VALUE = r"\s*[\"']?\s*[:=]\s*\[?\s*[\"'](?P<value>[^\"'\n]{1,80})[\"']"
_FIELD = re.compile(
    r"[\"'](?P<field>city|town|village|county|district|municipality|locality|postal_?code|zip_?(?:code)?|post_?code"
    rf"|address_?(?:line)?_?\d?|street(?:_?address)?|line){_VALUE}",
    re.I,
)
_CHOSEN = re.compile(
    rf"[\"']\w{{0,16}}(?:handle|user_?name|screen_?name|nick_?name|twitter|instagram|insta|facebook|snap_?chat"
    rf"|tik_?tok|reddit|discord"
    rf"|telegram|skype|venmo|cash_?app|gamertag)\w{{0,8}}{_VALUE}",
    re.I,
)
_XML = re.compile(
    r"<(?:\w{1,20}:)?(?P<field>city|town|county|district|postalCode|zip|streetAddressLine|street|line)\b[^<>]{0,60}?"
    r"(?:value=[\"'](?P<value>[^\"'<>\n]{1,80})[\"']|>(?P<inner>[^<>\n]{1,80})<)",
    re.I,
)
_STREETS = ("address", "street", "line")


class SegmentRecogniser(ReadingRecogniser):
    """Values whose field says what they are."""

    kinds = (Kind.ADDRESS, Kind.PLACE, Kind.RECORD, Kind.PLAN, Kind.OTHER, Kind.SOCIAL)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Only texts with the signs of a message or a record are searched."""
        text = reading.text
        if "^" in text and "|" in text:
            yield from _segments(text)
        if '":' in text or "':" in text or '" :' in text:
            for match in _FIELD.finditer(text):
                yield Found(match.start("value"), match.end("value"), _kind(match["field"]), CERTAIN)
            for match in _CHOSEN.finditer(text):
                yield Found(match.start("value"), match.end("value"), Kind.SOCIAL, CERTAIN)
        if "</" in text or "/>" in text:
            for match in _XML.finditer(text):
                name = "value" if match["value"] else "inner"
                yield Found(match.start(name), match.end(name), _kind(match["field"]), CERTAIN)


def _kind(field: str) -> Kind:
    return Kind.ADDRESS if field.lower().startswith(_STREETS) else Kind.PLACE


def _segments(text: str) -> Iterator[Found]:
    for match in _HL7_ADDRESS.finditer(text):
        yield Found(match.start("value"), match.end("value"), Kind.ADDRESS, CERTAIN)
        yield Found(match.start("zip"), match.end("zip"), Kind.PLACE, CERTAIN)
    for match in _HL7_CONTROL.finditer(text):
        yield Found(match.start("value"), match.end("value"), Kind.OTHER, CERTAIN)
    for match in _HL7_ID.finditer(text):
        yield Found(match.start("value"), match.end("value"), Kind.RECORD, CERTAIN)
    for segment in _HL7_SEGMENT.finditer(text):
        yield from _numbered(segment.start(), segment.group())
    for match in _HL7_PATIENT.finditer(text):
        for name in ("second", "third", "fourth"):
            start = match.start(name)
            for value in match[name].split("~"):
                number = value.split("^")[0]
                if any(sign.isdigit() for sign in number):
                    yield Found(start, start + len(number), Kind.RECORD, CERTAIN)
                start += len(value) + 1


def _numbered(start: int, segment: str) -> Iterator[Found]:
    """The identifiers of a segment, by the numbers of their fields; one without a figure is a word."""
    fields = segment.split("|")
    kind, numbers = _HL7_FIELDS[fields[0]]
    for number, value in enumerate(fields):
        identifier = re.split(r"[\^~&]", value)[0].strip()
        if number in numbers and len(identifier) > 1 and any(sign.isdigit() for sign in identifier):
            at = start + value.index(identifier)
            yield Found(at, at + len(identifier), kind, CERTAIN)
        start += len(value) + 1
