"""Number plates beside words for vehicles, and plates and vehicle numbers that are spelt aloud."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser

_VEHICLES = around("vehicles.vehicles")
_TAGS = around("vehicles.tags")
_PLATE = r"(?P<value>(?=[A-Z0-9 -]{0,8}\d)(?=[A-Z0-9 -]{0,8}[A-Z])[A-Z0-9]{1,4}[- ]?[A-Z0-9]{2,5})(?![\w-])"
_NOT_A_PLATE = re.compile(
    r"\d+[- ]?(?:MPH|KPH|YRS?|LBS?|HRS?|MIN|MINS|PT|PTS|AM|PM|YO|MVA|MVC|FT|KM|MI|X\d|[MF])$|(?:19|20)\d\d"
)
_STATE = r"(?:[A-Z]{2}|(?:New |North |South |West )?[A-Z][a-z]{3,12})"
# Beside a vehicle a plate needs no more label; its letters are capitals.
_BESIDE = re.compile(
    rf"(?:[ ][A-Z][\w-]{{2,12}})??(?:[ ]?[,:(#/-]+[ ]?|[ ])(?:{_STATE}[ ,:]{{1,2}})?"
    rf"(?:(?i:lic|license|plate|tag|reg|registration|no|number|is)[.:#]?[ ]){{0,3}}(?:[A-Z]{{2}}[ ])?{_PLATE}"
)
# A plate and the vehicle's number are noted side by side.
_BEFORE_VIN = re.compile(rf"(?<![\w-]){_PLATE}(?=[,;/]?[ ]+VIN\b)")
_ONE = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
# Two letters and more that are spelt, with figures one by one behind them or on both sides, are a plate or a number of
# something; not "b p one one". Words for letters are read as letters.
_NATO = (
    r"(?:alpha|alfa|bravo|charlie|delta|echo|foxtrot|golf|hotel|india|juliett?|kilo|lima|mike|november|oscar|papa"
    r"|quebec"
    r"|romeo|sierra|tango|uniform|victor|whiskey|x-?ray|yankee|zulu)"
)
_SPELT_RUN = re.compile(
    rf"(?P<value>(?:[b-hj-z](?=\s)(?<![\w'’].)(?:\s[a-z]){{1,3}}(?:\s(?:dash"
    rf"|space))?(?:\s{_ONE}\b){{3,6}}+(?:\s[a-z]){{0,3}}"
    rf"|\b(?:{_ONE}\s){{1,3}}[a-z](?:\s[a-z]){{1,3}}(?:\s(?:dash|space))?(?:\s{_ONE}\b){{2,5}}+"
    rf"|\b{_NATO}(?:\s{_NATO}){{1,3}}(?:\s(?:dash|space))?(?:\s{_ONE}\b){{2,6}}+))"
    r"(?!['’\w])(?!\s(?:over|point|percent|milligrams?|units?|degrees|times|days?|weeks?|hours?)\b)"
)
_MEASURED = (
    "b p ",
    "h r ",
    "r r ",
    "p o ",
    "e f ",
    "g f r ",
    "l d l ",
    "h d l ",
    "b m i ",
    "t s h ",
    "c o ",
    "s p o ",
    "p h ",
)
_TAG = re.compile(r"\bplates?\b|\btags?\b|\bvin\b|\bv i n\b|\bvehicle identification\b", re.I)
_DIGIT = (
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen"
    r"|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred)"
)
_LETTER = r"(?:[a-z](?:\s+as in\s+\w{2,20}|\s+for\s+[a-z]\w{2,20}|\s+like\s+\w{2,20})?)"
_SIGN = rf"(?:(?:double\s+|triple\s+)?(?:{_LETTER}|{_DIGIT}|\d{{1,4}}))"
_SPELT = re.compile(
    r"(?:\??\s*\n\s*(?:[a-z][a-z .]{1,20}:|\[\w{1,20}\])\s*|\s*[:,]\s*|\s+)(?:(?:number|no|is|was|reads?|it's|its"
    r"|says|that's|uh|um|on (?:it|the \w+) (?:is|was)"
    r"|it was|i think"
    r"|for (?:the|my|our) \w+ is)[,:]?\s+){0,4}"
    rf"(?P<value>{_SIGN}(?:(?:\s*[-,]\s*|\s+)(?:dash\s+|space\s+|and\s+then\s+)?{_SIGN}){{3,20}})(?!['’\w])",
    re.I,
)
_FEWEST = 4
"""Letters and figures that make a plate; fewer are anything."""


_SURELY = 7
"""Signs that are said one by one and are no laboratory's value, whatever the first letters are."""


class VehicleRecogniser(ReadingRecogniser):
    """Number plates and vehicle identification numbers, beyond those behind "plate" that `numbers` finds."""

    kinds = (IdentifierKind.VEHICLE,)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Plates beside vehicles, then what is spelt behind "plate", "tag" and "VIN"."""
        text = reading.text
        if "VIN" in text:
            for match in _BEFORE_VIN.finditer(text):
                if self._is_plate(match["value"]):
                    yield Found(match.start("value"), match.end("value"), IdentifierKind.VEHICLE, LIKELY)
        for match in _SPELT_RUN.finditer(text):
            if not match["value"].startswith(_MEASURED) or len(match["value"].split()) >= _SURELY:
                yield Found(match.start("value"), match.end("value"), IdentifierKind.VEHICLE, LIKELY)
        for word in reading.words:
            if word.low in _VEHICLES and (beside := _BESIDE.match(text, word.end)) and self._is_plate(beside["value"]):
                yield Found(beside.start("value"), beside.end("value"), IdentifierKind.VEHICLE, LIKELY)
            if word.low in _TAGS and (label := _TAG.match(text, word.start)):
                # A letter or a figure each, and enough of them: "skin tag a one" is none.
                spelt = _SPELT.match(text, label.end())
                if spelt and len(spelt["value"].split()) >= _FEWEST:
                    yield Found(spelt.start("value"), spelt.end("value"), IdentifierKind.VEHICLE, LIKELY)

    @staticmethod
    def _is_plate(value: str) -> bool:
        return sum(sign.isalnum() for sign in value) > _FEWEST and not _NOT_A_PLATE.match(value)
