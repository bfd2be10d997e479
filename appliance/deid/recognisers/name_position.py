"""Places in speech and writing where a name stands: behind "ask for", before "from the lab", at the end of a question.

Only words that could be a name are looked at: those of no list, given names that are words, surnames in lower case.
A word of no list in such a place is taken for a name; whether it is a rare name or a rare word nobody can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.deid.lexicon import around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import LIKELY, POSSIBLE
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.recognisers.name_context import AFTER_A_NAME, MODAL_NAMES, Span

_LEFT, _RIGHT = 64, 48  # characters looked at
_SHORTEST = 4  # letters of a word of no list
RELATIVE = (
    r"(?:mother|mom|mommy|mum|mama|father|dad|daddy|papa|sisters?|brothers?|sons?|daughters?|husband|wife|spouse"
    r"|partner|fianc[eé]e?|girlfriend|boyfriend|grand(?:mother|ma|father|pa|son|daughter|kids?|children)|aunt|auntie"
    r"|uncle|niece|nephew|cousin|step(?:mother|father|son|daughter)|twins?|friends?|roommate|neighbou?r|guardian"
    r"|caregiver|boss|supervisor|co-?worker|kids?|children|child|baby|girls|boys|ex|cats?|dogs?"
    r"|(?:mother|father|son|daughter|sister|brother)-in-law)"
)
ROLE = (
    r"(?:nurse(?: practitioner| manager)?|(?:physician(?:'s)?|medical|nursing) assistant|pas?|rn|lpn|cna|np"
    r"|(?:physical |occupational |speech |respiratory |massage )?therapist|dietitian|nutritionist|pharmacist"
    r"|social worker|case manager|care (?:manager|coordinator)|chaplain|interpreter|scribe|receptionist|technician"
    r"|tech|midwife|resident|intern|fellow|medical student|surgeon|anesthesiologist|counselor|manager|secretary)"
)
_DESK = (
    r"(?:lab|pharmacy|front desk|billing|radiology|scheduling|registration|triage|insurance|imaging|cardiology"
    r"|\w{3,12}ology|pediatrics|(?:physical|occupational|speech) therapy|pt|ot|case management|social (?:work|services)"
    r"|(?:\w{3,12}(?:'s)? )?(?:office|clinic|department|desk|unit|floor|team|group|hospice|center)|home health"
    r"|icu|er|ed)"
)
_PERSON_BEFORE = re.compile(
    r"\b(?:"
    r"(?:speak(?:ing)?|spoken?|talk(?:ed|ing)?|chat(?:ted|ting)?|check(?:ed)? in|work(?:ed|ing)?|met|meet(?:ing)?"
    r"|discuss(?:ed)?|consult(?:ed)?|confirmed|follow(?:ed|ing)?[ -]up|d/w|conferred|reviewed|left a message"
    r"|message (?:was )?left|examined|verified|handoff|report given|t/?c|phone call)"
    r" (?:it |this |in |over |care )?(?:with|to|for|from|by)"
    r"|(?:ask(?:ed|ing)?|looking|look|page) for|(?:seen|sent|referred|signed|treated|scribed|evaluated|followed|cared"
    r" for|witnessed|called|accompanied) by|(?:send|give|forward|fax|hand|mail)(?: (?:it|that|this|them))? to"
    r"|(?:told|notified|paged|texted|emailed|asked|thanked|meet|introduce)|refer(?:red|ring)? (?:you |her |him )?to"
    r"|pleasure of seeing|handoff from \w{2,20} to|next patient(?: is)?|patient(?: is|'s)? named"
    r"|baby (?:boy|girl)|bb|twin [ab]|interpreter|nurse(?: practitioner)?|physician(?:'s)? assistant|d/w|drs?\.?"
    r"|goes by|go by|known as|(?:you can|please|just|everybody|everyone|they) calls? (?:me|him|her|them)"
    r"|to be called|i'd like you to meet|under the name(?: of)?|facebook under|care of|c/o|attn:?"
    r")(?: ?[\"“(]| ) ?$"
)
_WITH_CAPITAL = re.compile(r"\b(?:per|by|contact|drs?\.?) $")
_PATIENT = re.compile(r"\b(?:patient|pt|client)(?: is)? $")
_PATIENT_AFTER = re.compile(r"^,? (?:date of birth|dob|d o b|mrn|medical record|is an? \d|aged?\b|who\b)")
_SURNAME_AFTER = re.compile(
    rf"^ ?(?:,|[.?!]|$)|^(?: (?:calling|from|speaking|please|here|is|was|has|had|who|and|over|at the|to call|called"
    rf"|came|saw|said"
    rf"|says|told|reports|denies|of|he|she|they|md|rn|np|pa|lpn|the {ROLE})\b| ?\()"
)
_VOCATIVE_BEFORE = re.compile(
    r"\b(?:hi|hello|hey|(?:good )?(?:morning|afternoon|evening)|thank(?:s| you)(?: so much| very much)?|(?:good"
    r"|nice|great|glad|happy) to (?:see|meet|hear"
    r"|have) ?(?:you|that|it|from you)?"
    r"(?: again| too)?|come (?:on )?in|have a (?:good|great|nice|wonderful) \w{3,9}|take care|see you(?: later"
    r"| soon| then| next week)?"
    r"|sorry|welcome(?: back)?|how are you(?: doing)?(?: today)?|(?:good|great) (?:job|question|point)|excuse me"
    r"|(?:sounds|looks) (?:good|great)|congratulations|goodbye|bye(?: bye)?|good luck),? $"
)
_SPOKEN_TO = re.compile(
    r"\b(?:you|your|yours|me|okay|alright|right|sure|thanks|please|today|good|great|sorry|absolutely|course|then|now)"
    r"\b[^,.?!\]\n]{0,40}, $"
)
_TURN = re.compile(
    r"(?:^|[\]:.?!\n]) ?(?:(?:okay|ok|alright|all right|so|well|now|hey|hi|yes|no|yeah|right|um),? ){0,2}$"
)
_SUBJECT = re.compile(
    r"(?:^|[\]:.?!,;\n(] ?|\b(?:and|so|but|because|that|when|if|then|since|while|what|okay|yeah|uh|um),? )$"
)
_CALL = re.compile(r"\b(?:this is|is this|is it|it's|it is|i'm|i am|that's|are you|here's|here is|name's|is|am|was) $")
_NAMED = re.compile(r"\bname(?:'s| is| was) $|\b(?:first|last|my|his|her) name $")
_KIN_BEFORE = re.compile(
    r"\b(?:my|his|her|your|our|their|the|pt's|patient's|wife's|husband's|and|close|adult|both)"
    r" (?:(?:two|three|four|five|older|younger|oldest|youngest|little|other|late|best|big|ex)[ -]){0,2}"
    rf"{RELATIVE}(?: (?:is|are|was|were|named)|'s name is)?,? \(?$"
)
_KIN_CAPITAL = re.compile(rf"\b{RELATIVE},? \(?$")
_CALL_AFTER = re.compile(
    rf"^ ?(?:,? (?:from|with|at|over at) (?:the |dr|doctor|{_DESK})|calling|again\b|here\b|speaking\b|, (?:i'm"
    rf"|i am|one of)"
    rf"|,? (?:and i|and i'll|and i'm)|,? (?:the|your|one of|a) (?:\w+ )?{ROLE}|\?|$)"
    rf"|^ (?:calling|with a \w\b|, with a \w\b)"
)
_PERSON_AFTER = re.compile(
    rf"^(?: ,|,)? (?:(?:my|his|her|our|their|the|your|a) (?:\w+ )?(?:{RELATIVE}|{ROLE})\b|is my {RELATIVE}\b"
    rf"|(?:from|in|at|over in|over at|with) (?:the |our |your )?{_DESK}\b"
    r"|(?:is|was|'s) an? (?:\d|\w{3,9}(?:[ -]\w{3,6})?[ -](?:year|month|week|day)|(?:\w+ )?(?:male|female"
    r"|gentleman|lady|man|woman)\b)"
    r"|here(?: ?[,.]| calling| from| again)|with an? [a-z]\b(?! )|spell(?:ed|s)\b|that's spell)"
    rf"|^ ?\((?:{RELATIVE}|{ROLE}|she|he|they|pt|patient|poa|hcp)\b"
    rf"|^, ?(?:rn|md|np|pa|lpn|lcsw|msw|do|pa-c|cna|ma|pharmd|crna)\b|^,? (?:that's )?spell(?:ed|t)\b"
)
_VERB_AFTER = re.compile(
    r"^ (?:says|said|tells|told|thinks|thought|wants|wanted|asked|asks|mentioned|denies|denied|reports|reported"
    r"|endorses"
    r"|endorsed|complains|complained|lives|lived|underwent|tolerate[sd]|verbalized|agree[sd]|understands|presents"
    r"|presented|drove|called|came|brought|helped|found|gave|made|took|saw|did|got|went|had|has|states|stated"
    r"|declined|refused|ambulated|prefers)\b"
)
_BEING_AFTER = re.compile(
    r"^ (?:was|is|has been|remains|will be) (?:[a-z]{3,14}(?:ed|ing)|seen|here|alert|on|doing|at)\b"
)
_CLINICAL_VERB_AFTER = re.compile(
    r"^ (?:denies|denied|reports|endorses|endorsed|tolerates|tolerated|verbalized|ambulated|underwent"
    r"|(?:was|is|has been|will be) (?:extubated|intubated|admitted|discharged|transferred|weaned|evaluated"
    r"|consented))\b"
)
_ASKED_AFTER = re.compile(
    r"^ ?, ?(?:can|could|would|do|did|are|have|has|how|what|when|where|why|tell|i|i'm|i'll|i've|let's|you|we|it's|is|so"
    r"|thank|thanks|good|nice|go|take|come|any|just|please|your)\b"
)
_ENDS = re.compile(r"^ ?(?:[.?!]|$|\[|\n)")
_PAUSES = re.compile(r"^ ?(?:[.?!,;)\"”]|$|\[|\n|and\b)")
_NOT_BEHIND_KIN = re.compile(r"^ (?:a|an|it|me|us|him|them|up|off|out|too|very|all|every|like|to|with|at|of|my)\b")
_NOT_BEHIND_PERSON = re.compile(r"^ (?:a|an|it|me|us|him|them|too|very|all|every)\b")
# A modal verb has the base of a verb behind it: "will drove" and "may is" are somebody.
_MODAL_AFTER = re.compile(
    r"^ (?:here,|please|from the|calling|is|was|has|had|says|said|tells|told|denies|denied|reports|reported|lives|lived"
    r"|drove|came|found|saw|went|gave|made|took|brought|presents|presented|notified|arrived|used|thinks|wants|wanted)\b"
)
_GREETED_AFTER = re.compile(r"^ (?:how|nice|good|it's|thanks|i'm|what|so)\b")
_PARTICIPLES = ("ing", "ed", "ly")
_VERBAL = (*_PARTICIPLES, "s", "en")
ODD_NAMES = around("name_position.odd_names")
"""Given names that a list of words for other reasons calls no name: will, may, summer."""


class NamePosition:
    """Says whether a word that could be a name stands where names stand."""

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes
        self._lists = classes.words

    def name_at(self, reading: Reading, words: Sequence[Word], at: int) -> Span | None:
        """The name that begins at a word, None when none does; `NameContext` is asked before."""
        word = words[at]
        weight = self._candidate(word)
        if (
            weight is None
            or word.low in STATES_AND_COUNTRIES
            or word.text.isupper()
            or self._classes.clinical(words, at)
        ):
            return None
        text = reading.text
        left = plain(text[max(0, word.start - _LEFT) : word.start])
        last = self._extended(text, words, at)
        right = plain(text[words[last].end : words[last].end + _RIGHT])
        if not self._stands(left, right, word, weight, last > at):
            return None
        return (at, last, LIKELY if weight != Weight.WORD_GIVEN or last > at else POSSIBLE + 0.05)

    def _candidate(self, word: Word) -> Weight | None:
        weight = self._classes.weight(word.low)
        if weight == Weight.UNKNOWN:
            return weight if len(word.low) >= _SHORTEST and word.text.replace("-", "").isalpha() else None
        if weight in (Weight.WORD_GIVEN, Weight.SURNAME):
            return weight
        if word.low in ODD_NAMES:
            return Weight.WORD_GIVEN
        if weight == Weight.WORD_SURNAME and word.capital and word.opens:
            return weight
        return None

    def _stands(self, left: str, right: str, word: Word, weight: Weight, several: bool) -> bool:
        """Whether what stands on both sides makes it a name."""
        strange = weight == Weight.UNKNOWN
        if word.low in MODAL_NAMES:
            named = several and _CALL.search(left)
            if not named and not _PAUSES.match(right) and not _MODAL_AFTER.match(right):
                return False
        if weight == Weight.WORD_SURNAME:
            return bool(_CLINICAL_VERB_AFTER.match(right))
        if _PERSON_BEFORE.search(left) or _NAMED.search(left):
            return word.capital or not strange or not _NOT_BEHIND_PERSON.match(right)
        if _PATIENT.search(left) and (several or _PATIENT_AFTER.match(right)):
            return True
        subject = word.opens or bool(_SUBJECT.search(left))
        if _PERSON_AFTER.match(right):
            return subject or word.capital or bool(_CALL.search(left))
        if subject and _VERB_AFTER.match(right) and (word.low not in ODD_NAMES or word.capital):
            return True
        if _VOCATIVE_BEFORE.search(left) and (_PAUSES.match(right) or _GREETED_AFTER.match(right)):
            return True
        if _TURN.search(left) and _ASKED_AFTER.match(right):
            return not strange or not word.low.endswith(_PARTICIPLES)
        closes = _ENDS.match(right) or _ASKED_AFTER.match(right)
        if closes and _SPOKEN_TO.search(left) and not word.low.endswith(_PARTICIPLES):
            return True
        if _CALL.search(left) and (_CALL_AFTER.match(right) or (several and _PAUSES.match(right))):
            return not strange or not word.low.endswith(_PARTICIPLES)
        kin = _KIN_BEFORE.search(left) or (word.capital and not word.opens and _KIN_CAPITAL.search(left))
        if kin:
            if not strange or word.capital or several:
                return True
            verbal = word.low.endswith(_VERBAL)
            first = right.split(" ", 2)[1] if right.startswith(" ") and len(right) > 1 else ""
            return (
                bool(_PAUSES.match(right))
                or first in AFTER_A_NAME | {"if", "when", "because"}
                or bool(_VERB_AFTER.match(right))
                or (not verbal and not _NOT_BEHIND_KIN.match(right))
            )
        if word.capital and not word.opens and _WITH_CAPITAL.search(left):
            return strange and bool(_PAUSES.match(right))
        return (
            word.capital
            and word.opens
            and weight in (Weight.UNKNOWN, Weight.SURNAME)
            and bool(_BEING_AFTER.match(right))
        )

    def _extended(self, text: str, words: Sequence[Word], at: int) -> int:
        """Index of the last word of the name: surnames and words of no list behind it belong to it."""
        last = at
        for index in range(at + 1, min(at + 4, len(words))):
            word = words[index]
            if word.gap != " " or word.capital != words[at].capital or self._classes.clinical(words, index):
                break
            weight = self._classes.weight(word.low)
            known = weight in (Weight.SURNAME, Weight.GIVEN) or (
                weight == Weight.UNKNOWN and len(word.low) >= _SHORTEST
            )
            odd = index == at + 1 and self._odd_surname(text, words, index)
            if words[at].low in MODAL_NAMES and weight < Weight.WORD_SURNAME:
                break  # will do
            if not known and not odd and not (word.capital and weight >= Weight.UNKNOWN):
                break
            if weight == Weight.UNKNOWN and not word.capital and word.low.endswith(_PARTICIPLES):
                break
            last = index
        return last

    def _odd_surname(self, text: str, words: Sequence[Word], at: int) -> bool:
        """Whether a word such as "price" ends the name before it: "joy price calling", and not "joy price tag"."""
        word = words[at]
        return word.low in self._lists.surname_words and bool(
            _SURNAME_AFTER.match(plain(text[word.end : word.end + 24]))
        )

    def listed(self, reading: Reading, words: Sequence[Word], first: int, last: int) -> Iterator[int]:
        """Indexes of the names that follow one in a list: "my kids aurimas , ngozika and joy"."""
        at = last + 1
        if at == len(words) or (words[at].low != "and" and words[at].gap.replace(" ", "") != ","):
            return
        left = plain(reading.text[max(0, words[first].start - _LEFT) : words[first].start])
        if not (_KIN_BEFORE.search(left) or _PERSON_BEFORE.search(left) or _WITH_CAPITAL.search(left)):
            return
        while at < len(words):
            word = words[at]
            gap = word.gap.replace(" ", "")
            if word.low in ("and", "or") and gap in ("", ",") and at + 1 < len(words) and words[at + 1].gap == " ":
                at += 1
                word = words[at]
            elif gap != ",":
                return
            weight = self._classes.weight(word.low)
            named = weight in (Weight.GIVEN, Weight.SURNAME, Weight.WORD_GIVEN) or (
                weight == Weight.UNKNOWN and len(word.low) >= _SHORTEST
            )
            follows = words[at + 1] if at + 1 < len(words) else None
            closed = _pauses(words, at) or (follows is not None and follows.low in ("and", "or"))
            if not named or word.capital != words[last].capital or not (closed or follows is None or word.capital):
                return
            if word.text.isupper() or self._classes.clinical(words, at):
                return
            yield at
            at += 1


def plain(text: str) -> str:
    """In lower case, with the blanks of tokenised transcripts before apostrophes taken out."""
    low = text.lower().replace("’", "'").replace(" '", "'").replace(" ,", ",").replace("\n", " \n ")
    return re.sub(r"[ \t]{2,}", " ", low)


def _pauses(words: Sequence[Word], at: int) -> bool:
    return at + 1 == len(words) or words[at + 1].gap.strip()[:1] in (",", ".", "?", "!", "[", "-", ";", ")")
