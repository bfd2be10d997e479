"""Number plates beside words for vehicles, and plates and vehicle numbers that are spelt aloud."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser

_VEHICLE = (
    r"(?:vehicle|veh|car|van|minivan|truck|pick-?up|sedan|coupe|hatchback|suv|wagon|motorcycle|scooter|moped|bus|taxi|cab"
    r"|jeep|trailer|rv|camper|ambulance|rig|auto|automobile|limo|convertible|atv|boat|toyota|honda|ford|chevy|chevrolet"
    r"|nissan|hyundai|kia|subaru|mazda|dodge|ram|gmc|buick|cadillac|chrysler|lexus|acura|infiniti|volkswagen|vw|bmw"
    r"|mercedes|audi|volvo|tesla|mitsubishi|lincoln|pontiac|saturn|harley|camry|corolla|civic|accord|altima|f-?150"
    r"|silverado|explorer|cr-?v|rav4|outback|prius)"
)
_PLATE = r"(?P<value>(?=[A-Z0-9 -]{0,8}\d)(?=[A-Z0-9 -]{0,8}[A-Z])[A-Z0-9]{1,4}[- ]?[A-Z0-9]{2,5})(?![\w-])"
_NOT_A_PLATE = re.compile(r"\d+[- ]?(?:MPH|KPH|YRS?|LBS?|HRS?|MIN|MINS|PT|PTS|AM|PM|YO|MVA|MVC|FT|KM|MI|X\d|[MF])$|(?:19|20)\d\d")
# Beside a vehicle a plate needs no more label; its letters are capitals.
_BESIDE = re.compile(rf"\b(?i:{_VEHICLE})(?:[ ]?[,:(#-]+[ ]?|[ ])(?:(?i:lic|license|plate|tag|reg|registration|no|number|is)[.:#]?[ ]){{0,3}}{_PLATE}")
_TAG = re.compile(r"\b(?:(?:license|licence|number)\s+)?plates?\b|\btags?\b|\bvin\b|\bv i n\b|\bvehicle identification\b", re.I)
_DIGIT = (
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    r"|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred)"
)
_LETTER = r"(?:[a-z](?:\s+as in\s+\w{2,20}|\s+for\s+[a-z]\w{2,20}|\s+like\s+\w{2,20})?)"
_SIGN = rf"(?:(?:double\s+|triple\s+)?(?:{_LETTER}|{_DIGIT}|\d{{1,4}}))"
_SPELT = re.compile(
    r"(?:\s*[:,]\s*|\s+)(?:(?:number|no|is|was|reads?|it's|its|says|that's|uh|um|on (?:it|the \w+) (?:is|was)|it was|i think"
    r"|for (?:the|my|our) \w+ is)[,:]?\s+){0,4}"
    rf"(?P<value>{_SIGN}(?:(?:\s*[-,]\s*|\s+)(?:dash\s+|space\s+|and\s+then\s+)?{_SIGN}){{3,20}})(?!['’\w])",
    re.I,
)
_FEWEST = 4
"""Letters and figures that make a plate; fewer are anything."""


class VehicleRecogniser(ReadingRecogniser):
    """Number plates and vehicle identification numbers, beyond those behind "plate" that `numbers` finds."""

    kinds = (IdentifierKind.VEHICLE,)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Plates beside vehicles, then what is spelt behind "plate", "tag" and "VIN"."""
        text = reading.text
        for match in _BESIDE.finditer(text):
            if sum(sign.isalnum() for sign in match["value"]) > _FEWEST and not _NOT_A_PLATE.match(match["value"]):
                yield Found(match.start("value"), match.end("value"), IdentifierKind.VEHICLE, LIKELY)
        for label in _TAG.finditer(text):
            spelt = _SPELT.match(text, label.end())
            # "skin tag a one two", "plate with four": a letter or a figure said alone must be among them.
            if spelt and len(spelt["value"].split()) >= _FEWEST:
                yield Found(spelt.start("value"), spelt.end("value"), IdentifierKind.VEHICLE, LIKELY)
