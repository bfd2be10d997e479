"""Names that are words of every day ("Page", "Church", "Young"), where nothing but somebody can stand.

Elsewhere such words count for little, since a text is full of them. Here the words on both sides decide: "Please let
Church know", "given by Page.", "Rice from rheum", "a letter from wright about", "have marsh on the phone".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import LETTERED, Reading, Word
from appliance.deid.recognisers.base import LIKELY, POSSIBLE, Found, ReadingRecogniser
from appliance.deid.recognisers.known_words import is_name_cased
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.recognisers.name_context import MODAL_NAMES
from appliance.deid.recognisers.name_position import RELATIVE, ROLE, plain

_THINGS_BEFORE = around("called.determiners") | around("called.before_a_verb")
_VERBS = around("called.common_verbs") | around("called.person_verbs")
_WHOM = around("called.whom")
_LEFT, _RIGHT = 40, 32  # characters looked at
_SERVICE = (
    r"(?:rheum|cards|renal|nephro|neuro|surgery|ortho|gi|id|pulm|psych|onc|heme|endo|derm|ent|uro|ob|peds|palliative"
    r"|wound care|pt|ot|social work|case management|pharmacy|billing|radiology|anesthesia|church|work|school|next door"
    r"|hospice|home health|transport|dietary|the (?:lab|desk|front desk|office|clinic|icu|floor|er|ed|pharmacy))"
)
_NOTE = r"(?:letter|note|call|message|text|email|fax|word|records|report|referral|hand-?off|sign-?out|labs|results)"
_STAFF = (
    r"(?:surgeon|provider|reader|tech|nurse|rn|md|ma|np|author|requesting|resulting|ordering|referring|performing|driver"
    r"|witness|staff|charge|scrub|circulator|assistant|attending|resident|fellow|student|intern|crna|anesthesia|sitter"
    r"|consultant|interpreter|chaplain|aide|cna|lpn|ot|slp|sw|copy|investigator|coordinator|pcp|peds)"
)
# Whom something is told, given, sent to; who did it. The word has its capital in the middle of a sentence.
_WRITTEN_BEFORE = re.compile(
    r"\b(?:let|ask|asked|tell|told|thank|thanked|remind|reminded|paged?|texted|emailed|updated|notified|informed"
    r"|saw|met|by|per|d/w|discussed (?:\w+ )?with|sp[eo]ke? (?:to|with)|spoken with|seen with"
    r"|(?:admit|admitted|refer|referred|forward|forwarded|route|routed|hand|handed|given|called|phoned|paged|reported"
    rf"|relayed|communicated|results?|{_NOTE}|copy|sent|back|escalated|assigned) to|attn:?|cc:?|also cc|{_NOTE} from"
    r"|hi|hello|hey|dear|thanks|and|or|read|overread|present|md|baby (?:girl|boy)"
    rf"|(?:voicemail|vm|lm|message) for|w/|(?:investigator|coordinator|peds|pcp|medic|emt|{_STAFF}:)|{_STAFF}=) ?$"
)
_WRITTEN_AFTER = re.compile(
    r"(?:[.,;:)?!\n]| [@/]|$)| (?:know|knows|that|to (?:see|call|follow|come|do|sign|review|send|fax|schedule|get|check"
    rf"|the|discuss)|at|aware|about|re|if|who|today|yesterday|from {_SERVICE}|in the|via|last (?:week|month|time))\b"
)
# Behind "and" and "or" a heading goes on as often as a list of people.
_JOINED = (" and ", " or ")
_ACTS_AFTER = re.compile(
    rf" (?:from {_SERVICE}\b|\((?:bed|rm|room)? ?\d|to (?:see|bedside|follow|scope|round|sign|review|discuss)\b"
    r"|aware\b|(?:was )?paged\b|rounded\b|(?:suggested|recommended|repleted|rechecks|rechecked|agrees|ordered|cannot"
    r"|wants|thinks|said|says|told|asked|will (?:call|see|scope|follow|round|sign|review|discuss|arrange))\b"
    rf"|continues (?:on|to)\b|is an? \d)|, (?:{RELATIVE}|{ROLE})[,.)]|, \d{{1,3}} ?(?:kg|lb|y|yo|y/o|[mf])\b"
    r"|, here (?:for|w|with)\b| (?:was|is) (?:supposed to (?:call|send|see|fax|write|sign)|on call|rounding|covering)\b"
)
_ROOM_BEFORE = re.compile(r"\b(?:rm|room|bed) \d{1,4}[a-d]?\b[^.\n]{0,24}, $")
_ASKED_BEFORE = re.compile(r"(?:^|[\n.?!\]:] ?)(?:can|does|is|did|should|has|was|could) $")
_ASKED_AFTER = re.compile(
    r" (?:take|have|need|get|still (?:on|taking|need)|ok(?:ay)? (?:for|to|with)|due for|allergic|cleared|eligible"
    r"|allowed|safe (?:for|to)|supposed|want|qualify)\b"
)
_CLOCK_BEFORE = re.compile(r"\b(?:pronounced|by|per|with|relieved|notified|paged) $")
_CLOCK_AFTER = re.compile(r",? (?:at )?[0-2]\d:?[0-5]\d\b")
_SERVICE_BEFORE = re.compile(rf"\b{_SERVICE} \($")
# "Sign" behind a name makes an eponym of it elsewhere.
_HAVE_BEFORE = re.compile(r"\b(?:have|let|ask|get|made|make) $")
_SIGN_AFTER = re.compile(r" (?:to )?sign\b(?: (?:it|this|that|the|off|out|for|and)|[.,;?!]|$)")
_ITEM = re.compile(r"(?:^|\s)\d{1,2}[.)] $")  # an item of a numbered list
_CALLED = re.compile(r"\b(?:called|phoned|tried|texted|paged) $")
_TIMES = re.compile(r" x ?\d\b")
_LABEL = 5  # letters of a label that no list knows: "Dispo"
_INITIAL = re.compile(r" [B-Z]\.(?!\w)")
_ABOUT_BEFORE = re.compile(r"\b(?:for|re) $")
_OPENED = re.compile(r"(?:^|[.!?;:,]|\n|\b(?:and|but|so|that|when|if))[ ]?$")
_ROOMED = re.compile(r" (?:\((?:bed|rm|room) ?\d|\d{1,2}[a-d],|in (?:bed|room|rm) \w)")
_SAID = (
    (
        re.compile(rf"\b{_NOTE} from $"),
        re.compile(r"(?:[.,;?!\n\[]|$)| (?:about|saying|regarding|that|today|yesterday|last|on|and|says|said)\b"),
    ),
    (
        re.compile(r"\b(?:have|got|put|get|getting|had) $"),
        re.compile(r" (?:on the (?:phone|line)|through\b|on hold|here (?:with|for|in)\b|on with\b)"),
    ),
    (re.compile(r"\b(?:next(?: one| up| patient)? is|let's see|what about|that's|now) $"), _ROOMED),
    (re.compile(r"\b(?:what about|next(?: one| up| patient)? is) $"), re.compile(r" ?(?:[.,;?!\n\[]|$)")),
    (
        re.compile(r"(?:^|[\]:.?!\n]) ?(?:(?:okay|ok|alright|so),? )?$"),
        re.compile(r" (?:party of|you're on|i think it|(?:was|is) supposed to|is on call)\b"),
    ),
    (
        re.compile(r"\b(?:doctor|dr\.?) $"),
        re.compile(
            r" (?:sent|said|says|told|wants|wanted|put|gave|ordered|started|did|is|was|has|had|saw|called|in|at|from"
            r"|and|who|about|thinks|thought|prescribed|changed|stopped|does|took|will|would|office)\b| ?[.,;?!\n\[]| ?$"
        ),
    ),
    (_ASKED_BEFORE, _ASKED_AFTER),
    (
        re.compile(r"(?:^|[\]:.?!\n]) ?$"),
        re.compile(
            r" (?:in (?:bed |room |rm )?(?:\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
            r" (?:needs|wants|is|has|had|keeps|won't)|(?:won't|doesn't) (?:listen|eat|take|let|stop|drink|talk)"
            r"|(?:said|told|wants|thinks|exaggerates|retired|swears)\b)"
        ),
    ),
    (
        re.compile(
            r"\b(?:(?:talk|talked|spoke|speak|talking) (?:to|with)|used to see|now i see|(?:been|started) seeing) $"
        ),
        re.compile(r" ?(?:[.,;?!\n\[]|$)| (?:but|about|for|every|once|instead|and|yet|today|yesterday)\b"),
    ),
    (
        re.compile(r"\b(?:let me|i'll|i will|gonna|going to|can you|please|you) (?:call|page|text|ask|tell) $"),
        re.compile(
            r" (?:real quick|right now|about|now|back|for me|to (?:come|call|see|look|sign))\b| ?(?:[.,;?!\n\[]|$)"
        ),
    ),
    (re.compile(r"\b(?:hi|hey|hello) $"), re.compile(r",? (?:it's|this is|can you|could you|i'm|do you|got a)\b")),
    (re.compile(rf"\b(?:seen|sent|referred|treated|signed) by (?:{ROLE} )?$"), re.compile(r" ?(?:[.,;?!\n\[]|$)")),
    (re.compile(r"\b(?:have|yeah|yes|so|and|okay) $"), re.compile(r" here (?:\w+s\b|with\b|wants|is\b|has\b)")),
)
_IN_ROOM = (
    r" in (?:(?:bed|room|rm) )?(?:\d{1,3}[ab]?|(?:[a-z]{3,5}teen|twenty|thirty|forty)(?: \w+)?|ten|eleven|twelve|one"
    r"|two|three|four|five)\b"
)
_ABOUT_ROOM = (
    re.compile(r"\b(?:calling|paging|asking|page|call|update|report) (?:about|for|on) $"),
    re.compile(_IN_ROOM),
)
_OFFICE_BEFORE = re.compile(r"\b(?:from|at|with|to|by|in) (?:doctor |dr\.? )?$")
_OFFICE_AFTER = re.compile(r" (?:office|clinic|practice|nurse|secretary|receptionist|team|service)\b")
# In the middle of a turn: "hey dawn would you", "the number guy do you have".
_HAILED_BEFORE = re.compile(
    r"(?:^|[\]:.?!\n]) ?(?:(?:ha|oh|okay|ok|alright|so|hi|hey|well|yeah|no|yes) )+$"
    r"|\b(?:number|card|name|address|pain|history|appointment|insurance|pressure|sugar) $"
)
_HAILED_AFTER = re.compile(r" (?:(?:would|could|can|do|did|are|have|were) you|we're|we'll|we are|i'm glad|you're)\b")
_HISTORY_BEFORE = re.compile(
    r"(?:^|\n|[.] )(?:social history|soc hx|social hx|subjective|interval(?: history)?|hpi): $"
)
_LIVES_AFTER = re.compile(
    r" (?:sells|lives|works|drinks|smokes|vapes|drives|walks|attends|rents|owns|plays|enjoys|volunteers|reports|denies"
    r"|states|teaches|runs|shares|farms|quit|retired|moved)\b"
)
_VOCATIVE_BEFORE = re.compile(
    r"[\]:.?!\n] ?(?:and |so |okay |ok |alright |well )*(?:how|did|do|are|can|could|have|what|where|when|nice|good|is"
    r"|sorry|thanks|thank|come|hi|hello|you)\b[^.?!\n\]]{0,60}"
    r"\b(?:you|them|it|that|me|there|here|today|now|feeling|doing|right|down|back|again|pills|meds|exercises) $"
)
_ENDS = re.compile(r" ?(?:[.?!\n\[]|$)")
_CALLS_BEFORE = re.compile(r"\b(?:it's|its|this is|i'm) $")
_CALLS_AFTER = re.compile(r" (?:again|here|calling|from|with the|at the|and i|i (?:still|need|have|was|am))\b")
_WILL_BEFORE = re.compile(r"\b(?:did|does|with|from|named) $")
_WILL_PAIR = re.compile(r"\b(?:me|him|her|us) and $")
_WILL_VERB = re.compile(r" (?:be|see|do|take|have|call|go|come|get|need|try|start|give)\b")
_OF_KIN = re.compile(rf" {RELATIVE}\b")
_KIN_AFTER = re.compile(rf",? (?:my|her|his|their|the) (?:{RELATIVE}|oldest|youngest|middle|little)\b")
_KIN_BEFORE = re.compile(r"(?:^|[\]:.?!,\n]|\b(?:with|and|for|by|from|but|so)) ?$")
_WILL_TOLD = re.compile(r"\b(?:tell|told|ask|asked) $")
_WILL_TOLD_AFTER = re.compile(r" (?:i|he|she|that|to|about)\b| ?(?:[.,?!\n\[]|$)")
# Two words of names beside each other are a full name behind these.
_FULL_BEFORE = re.compile(
    r"[\]] ?$|\b(?:for|with|patient|pt|this is|it's|i'm|name is|about|from|seeing|saw|by|of|employee:"
    r"|patient:|name:|client:) $"
)
_FULL_AFTER = re.compile(
    r" ?(?:[.,;:?!\n\[(]|'s\b|$)| (?:and|is|was|has|who|from|today|here|calling|in|on|at|with|seen|referred)\b"
)
_TWO_ARE = re.compile(r" and (?P<other>[a-z]{3,12}) (?:are|were|both|live|lived|came|took|have|had)\b")
_TWO_BEFORE = re.compile(r"(?:^|[\]:.?!,\n]|\b(?:with|because|but|that|so)) ?(?P<first>[a-z]{3,12}) and $")
_SAID_OPENS = re.compile(r"(?:^|[\]:.?!,\n]|\b(?:with|because|but|that|so)) ?$")
_TWO_END = re.compile(r" (?:are|were|both|live|lived|came|took|have|had)\b")


class WordPlaceRecogniser(ReadingRecogniser):
    """Words of every day that are names by what stands on both sides."""

    kinds = (IdentifierKind.NAME,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes
        lists = classes.words
        eponyms = (lists.eponyms | lists.always_clinical) & classes.name_words
        plain_words = lists.titles | lists.relatives | lists.credentials | lists.nations | STATES_AND_COUNTRIES
        plain_words |= around("staff.no_names") | around("roles.people")
        self._words = (lists.surname_words | lists.given_words | eponyms) - plain_words
        self._given = (lists.given_words - plain_words) | {"will"}
        self._words |= self._given

    def find(self, reading: Reading) -> Iterator[Found]:
        """Spans of a word, or of two that are a full name."""
        words = reading.words
        sure: set[str] = set()
        taken: set[int] = set()
        for at, last in self._spans(reading, words):
            sure.update(word.low for word in words[at : last + 1])
            taken.update(range(at, last + 1))
            yield Found(words[at].start, words[last].end, IdentifierKind.NAME, LIKELY)
        sure -= MODAL_NAMES
        if not sure:
            return
        for at, word in enumerate(words):
            if word.low in sure and at not in taken and self._is_meant(reading, words, at):
                yield Found(word.start, word.end, IdentifierKind.NAME, POSSIBLE)

    def _spans(self, reading: Reading, words: Sequence[Word]) -> Iterator[tuple[int, int]]:
        for at, word in enumerate(words):
            if "-" in word.low and reading.spoken and self._is_double_given(word.low):
                yield at, at
                continue
            listed = word.low in self._words and len(word.low) > 2
            if not listed and not (word.capital and word.behind[:1] in (" ", ",", ":") and self._is_strange(word)):
                continue
            if self._classes.clinical(words, at):
                if self._is_signing(reading, word):
                    yield at, at
                continue
            if word.capital and reading.capitals:
                named = is_name_cased(word.text) and self._is_written(reading, word, listed=listed)
            else:
                named = listed and reading.spoken and not word.capital and self._is_said(reading, word)
            if named:
                yield at, at
            elif listed and self._is_full(reading, words, at):
                yield at, at + 1

    def _is_meant(self, reading: Reading, words: Sequence[Word], at: int) -> bool:
        """Whether a word that is somebody elsewhere in the text is so here: nothing makes a thing of it."""
        word = words[at]
        before = words[at - 1] if at and words[at].gap == " " else None
        following = words[at + 1] if at + 1 < len(words) and words[at + 1].gap == " " else None
        if word.capital != (reading.capitals and not reading.spoken) or self._classes.clinical(words, at):
            return False
        if before is not None and before.low in _THINGS_BEFORE:
            return False
        if following is not None and following.low in self._classes.words.heads:
            return False
        if word.capital and word.opens:
            return following is not None and following.low in _VERBS
        return (
            word.capital or following is None or following.low in _VERBS or (before is not None and before.low in _WHOM)
        )

    def _is_signing(self, reading: Reading, word: Word) -> bool:
        """Whether somebody is to sign: "please have Varga sign"."""
        left, right = self._sides(reading.text, word, _LEFT)
        return bool(_HAVE_BEFORE.search(left) and _SIGN_AFTER.match(right)) and word.capital == reading.capitals

    def _is_double_given(self, low: str) -> bool:
        """Whether two given names are joined by a hyphen: "anne-marie"."""
        parts = low.split("-")
        lists = self._classes.words
        listed = lists.given | lists.given_words
        return len(parts) == 2 and all(len(part) > 2 and part in listed for part in parts)

    def _is_strange(self, word: Word) -> bool:
        """Whether no list of words knows it."""
        return self._classes.weight(word.low) in (Weight.UNKNOWN, Weight.SURNAME) and len(word.low) > 3

    def _sides(self, text: str, word: Word, left: int) -> tuple[str, str]:
        return plain(text[max(0, word.start - left) : word.start]), plain(text[word.end : word.end + _RIGHT])

    def _is_full(self, reading: Reading, words: Sequence[Word], at: int) -> bool:
        """Whether it and the next word are a full name: "this is joy young", "Employee: Will Page." """
        following = words[at + 1] if at + 1 < len(words) else None
        if following is None or following.gap != " " or words[at].low not in self._given:
            return False
        if following.low not in self._words or following.capital != words[at].capital or following.text.isupper():
            return False
        text = reading.text
        left = plain(text[max(0, words[at].start - _LEFT) : words[at].start])
        right = plain(text[following.end : following.end + _RIGHT])
        owns = following.text.lower().endswith(("'s", "’s"))
        return bool(_FULL_BEFORE.search(left)) and (owns or bool(_FULL_AFTER.match(right)))

    def _is_written(self, reading: Reading, word: Word, *, listed: bool) -> bool:
        left, right = self._sides(reading.text, word, _LEFT)
        if _ROOMED.match(right) and (word.opens or _OPENED.search(left)):
            return True
        if (right[:1] == "," and _ROOM_BEFORE.search(left)) or (right[:1] == ")" and _SERVICE_BEFORE.search(left)):
            return True
        if not listed and right[:1] == ":" and len(word.low) > _LABEL and _ITEM.search(left):
            return True
        if _CALLED.search(left) and _TIMES.match(right):
            return True
        if not word.text.isupper() and _CLOCK_BEFORE.search(left) and _CLOCK_AFTER.match(right):
            return True
        initial = _INITIAL.match(reading.text, word.end)
        if initial and word.low not in LETTERED and (word.low in self._given or not listed):
            return True
        if not listed:
            return False
        if _HISTORY_BEFORE.search(left) and _LIVES_AFTER.match(right):
            return True
        modal = word.low in MODAL_NAMES
        if not modal and _ASKED_BEFORE.search(left) and _ASKED_AFTER.match(right):
            return True
        if right[:1] == ":" and _ABOUT_BEFORE.search(left):
            return True
        if not modal and _OPENED.search(left) and _ACTS_AFTER.match(right):
            return True
        if (word.opens and not left.endswith("dear ")) or not _WRITTEN_BEFORE.search(left):
            return False
        if modal or left.endswith(_JOINED):
            return bool(_ACTS_AFTER.match(right))
        return bool(_WRITTEN_AFTER.match(right))

    def _is_said(self, reading: Reading, word: Word) -> bool:
        left, right = self._sides(reading.text, word, 2 * _LEFT)
        if word.low == "will":
            if word.text.endswith(("'s", "’s")):
                return bool(_OF_KIN.match(right))
            paired = _WILL_PAIR.search(left) and not _WILL_VERB.match(right)
            return bool(
                paired or _WILL_BEFORE.search(left) or (_WILL_TOLD.search(left) and _WILL_TOLD_AFTER.match(right))
            )
        if any(before.search(left) and after.match(right) for before, after in (*_SAID, _ABOUT_ROOM)):
            return True
        if word.text.endswith(("'s", "’s")) and _OFFICE_BEFORE.search(left) and _OFFICE_AFTER.match(right):
            return True
        if word.low not in self._given:
            return False
        if _KIN_BEFORE.search(left) and _KIN_AFTER.match(right):
            return True
        if _CALLS_BEFORE.search(left) and _CALLS_AFTER.match(right):
            return True
        if _HAILED_BEFORE.search(left) and _HAILED_AFTER.match(right):
            return word.low not in MODAL_NAMES
        if _VOCATIVE_BEFORE.search(left) and _ENDS.match(right):
            return word.low not in MODAL_NAMES
        pair = _TWO_ARE.match(right)
        if pair and _SAID_OPENS.search(left):
            return pair["other"] in self._classes.name_words
        first = _TWO_BEFORE.search(left)
        return first is not None and first["first"] in self._classes.name_words and bool(_TWO_END.match(right))
