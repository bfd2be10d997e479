"""Addresses that are said: a number in words behind "my address is", streets by their rarer words, boxes, ZIP codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.by_letter import by_letter

_ONE = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_NUMBER_WORD = (
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand)"
)
_NUMBER = rf"(?:{_NUMBER_WORD}(?:[ -]{_NUMBER_WORD}){{0,6}}|\d{{1,6}})"
_SEVERAL = rf"(?:{_NUMBER_WORD}(?:[ -]{_NUMBER_WORD}){{1,6}}|\d{{1,6}})"
# Street words, also those that mean much else: only behind a number and a name.
_STREET = (
    r"(?:street|avenue|boulevard|lane|road|drive|court|circle|way|place|trail|terrace|parkway|highway|pike|bend|spur"
    r"|hollow|ridge|close|mews|cove|glen|crossing|landing|grove|hill|heights|view|vista|crest|creek|branch|bluff|knoll"
    r"|meadows?|manor|gulch|trace|wharf|quay|parade|row|walk|run|alley|square|loop|garden[s]?|green|gate|valley|canyon"
    r"|mill|orchard|commons|estates?|village|point|rise|croft|vale|chase)"
)
# No word of a street's name: they end a sentence about something else.
_NO_NAME = (
    rf"(?:{_NUMBER_WORD}|and|or|of|to|in|on|at|the|a|an|is|was|are|for|with|from|that|that's|it|it's|i|you|he|she|we"
    rf"|they|my|your"
    r"|his|her|our|their|by|near|off|past|just|so|but|if|when|where|which|who|not|do|did|can|will|would|have|has|had"
    r"|milligrams?|units?|hours?|days?|weeks?|months?|years?|minutes?|times|percent|over|pounds?|pills?|tablets?|point"
    r"|yeah|yes|no|okay|ok|right|uh|um|now|then|zip|apartment|apt|unit|suite|number|please|blocks?|miles?|feet|o'clock)"
)
_NAME = rf"(?:(?!{_NO_NAME}\b)[a-z][a-z'’-]{{1,20}})"
_UNIT = (
    rf"(?:[ ,]{{1,2}}(?:apartment|apt|unit|suite|lot|number|building|floor)[ ](?:{_NUMBER}"
    rf"|[a-z]\b)(?:[ ][a-z]\b(?!['’]))?)?"
)
_CUE = (
    r"(?:address(?:['’]s|[ ](?:is|was|would be))?|live[sd]?[ ](?:at|over at|on)|living[ ]at|stay(?:s|ing)?[ ]at"
    r"|(?:i['’]m|we['’]re|she['’]s|he['’]s|house[ ]is|home[ ]is)[ ]at|(?:send|mail|ship|deliver)(?:s)?[ ](?:it|them"
    r"|that|the \w+)"
    r"[ ]to|mail[ ]goes[ ]to|moved[ ]to|located[ ]at|come[ ]to)"
)
_PATTERNS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b{_CUE}[ ,:]+(?:(?:uh|um|at|now|it['’]s|my|the)[ ,]+){{0,3}}"
        rf"(?P<address>{_SEVERAL}[ ](?:{_NAME}[ ]){{0,2}}{_NAME}{_UNIT})(?!['’\w])",
        rf"(?<![\w'’.-])(?P<address>{_SEVERAL}[ ](?:(?:north|south|east"
        rf"|west)[ ])?(?:{_NAME}[ ]){{1,2}}{_STREET}\b{_UNIT})"
        r"(?!['’\w]|[ ](?:point|over|of|care|up|down|program|study|scale|test|view|position|through|down))",
        rf"\b(?:on|at|is)[ ](?P<address>(?:{_NAME}[ ]){{1,2}}{_STREET}[ ]number[ ]{_NUMBER})\b",
        rf"(?<![\w'’.-])(?P<address>{_NUMBER}[ ](?:{_NAME}[ ]){{0,1}}(?:terrace|street"
        rf"|avenue)[ ]{_NAME}[ ]number[ ]{_NUMBER})\b",
        rf"\b(?:to|is|at|in|uh"
        rf"|it['’]s)[ ](?P<address>(?:p[ .]?o[ .]?[ ])?box[ ](?:number[ ])?{_NUMBER_WORD}"
        rf"(?:[ -]{_NUMBER_WORD}){{1,5}})\b",
        rf"\b(?:corner|intersection)[ ](?:of[ ])?(?P<address>(?:{_NAME}[ ]){{1,2}}and[ ]{_NAME})\b",
    )
)
# The answer to a question for the street.
_ASKED = re.compile(
    r"(?:street|address)\b[^\n]{0,40}\n[a-z][a-z .]{1,20}:\s(?:(?:uh|um|it['’]s|its|that['’]s|oh"
    r"|on|at)[ ,]+)"
    rf"{{0,3}}(?P<address>(?:{_SEVERAL}[ ])?(?:{_NAME}[ ]){{1,2}}(?:{_STREET}|ln|rd|st|ave|dr|ct|pl|blvd"
    rf"|cir))(?=\s*(?:[.,?\n]|$)|[ ](?:number|and"
    rf"|apartment)\b)",
    re.I,
)
_ZIP = re.compile(rf"[ ,]{{1,2}}(?:zip[ ])?(?P<zip>(?:{_ONE}[ ,]{{1,2}}){{4}}{_ONE})(?!['’\w])", re.I)
_SIGNS = around("spoken_addresses.signs")
_STATES = around("spoken_addresses.states")
_FIGURES = re.compile(rf"\b{by_letter(_NUMBER_WORD[3:-1] + '|corner|intersection')}\b", re.I)
_AROUND = 100  # characters around such a word that are read


def spoken_addresses(reading: Reading) -> Iterator[tuple[int, int]]:
    """Places of such addresses and ZIP codes; patterns run around words that a reading has anyway."""
    text, done = reading.text, -1
    for word in reading.words:
        if word.low in _STATES and (code := _ZIP.match(text, word.end)):
            yield code.span("zip")
        if word.low in ("street", "address") and (asked := _ASKED.match(text, word.start)):
            yield asked.span("address")
        if word.low not in _SIGNS or word.end <= done:
            continue
        start, end = max(0, word.start - _AROUND), min(len(text), word.end + _AROUND)
        done = word.end + _AROUND // 2
        if not _FIGURES.search(text, start, end):
            continue
        for pattern in _PATTERNS:
            for match in pattern.finditer(text, start, end):
                yield match.span("address")
