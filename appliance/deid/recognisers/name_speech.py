"""Places in speech where a name stands, beyond those of `name_position`: sign-outs, copies of letters, "let X know".

Only words that could be a name are looked at. Where nothing but a name can follow ("signed out to", "also to ... end of
dictation") surnames that are words count as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import LIKELY, POSSIBLE
from appliance.deid.recognisers.name_class import PARTICLES, STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.recognisers.name_context import MODAL_NAMES, NameContext, Span
from appliance.deid.recognisers.name_position import RELATIVE, ROLE, plain

_LEFT, _RIGHT = 56, 40  # characters looked at
_SHORTEST = 3
# Behind these stands a person, whatever the word.
_HANDED = re.compile(
    r"\b(?:sign(?:ed|ing)? (?:it |him |her |them )?out to|hand(?:ed|ing)? (?:it |him |her |them )?off to"
    r"|turn(?:ed|ing)? (?:it |him"
    r" |her )?over to|cop(?:y|ies)(?: of this| this| it)? (?:to|for)|cc(?:'d)?|(?:and|also) to|(?:put |with "
    r"|mark it )?attention(?: to)?"
    r"|dictat(?:ed|ing) (?:by|for)|page overhead for|covering for|call(?:ed)? (?:back )?for|under"
    r"|(?:sign ?out|hand ?off|report) from|(?:sign ?out|hand ?off|report) from (?:dr "
    r"|doctor )?[\w'-]{2,20} to) $"
)
_HANDED_AFTER = re.compile(
    r"^ ?(?:$|[.,;\n\[]|(?:thank|thanks|end of|and|to|at|over|please|on (?:there|it|the)|first name|last name"
    r"|who|m ?d\b|from|with the)\b)"
)
_CLOSED = re.compile(r"^ ?(?:$|[.,;?!\n\[])")
_FIRST_NAME_AFTER = re.compile(r"^,? (?:and |with |the )?(?:first|given|last|middle) name\b")
_LAST_FIRST_SAID = re.compile(r"\b(?:rule ?out|patient|pt|on|for|is|was|room \w{1,9}|bed \w{1,9}|named?) $")
_BEFORE = re.compile(
    r"\b(?:(?:on|off) the (?:phone|line|call) with|stay(?:s|ed|ing)? (?:over )?with|live[sd]? with"
    r"|living with|married (?:to )?|moved in with"
    r"|engaged to|named after|babysit(?:s|ting)?(?: for)?|carpool(?:s|ing)? with|hang(?:s|ing)? out with"
    r"|sitting with|here with|came with"
    r"|(?:say|says|said|tell|send|give) (?:hi|hello|hey|bye|thanks|my best|my love|my regards) to"
    r"|(?:honest|frank|straight|upfront|real|level|blunt) with you,?|(?:bye|goodbye|hi|hello|hey),?"
    r"|(?:i|we|she|he|they|you|who) (?:called|texted|emailed|phoned|paged|messaged|faxed))$"
)
_BEFORE_STRANGE_AFTER = re.compile(r"^ (?:a|an|the|my|it|some|any|him|her|me|us|them|that|this|too|for a)\b")
_HAVE = re.compile(r"\b(?:have|let|get|make|had|help|having|want|need) $")
_HAVE_AFTER = re.compile(
    r"^ (?:to )?(?:come|know|do|draw|take|go|see|check|call|bring|help|give|look|talk|explain|start|set|show"
    r"|sign|drive|pick|walk|schedule"
    r"|fax|print|get|grab|weigh|room|listen|sit|stay|watch|decide)\b"
)
_TELL = re.compile(r"\b(?:tell|told|ask|asked|remind|reminded|thank|warn|warned) $")
_TELL_AFTER = re.compile(
    r"^ (?:hello|hi|hey|that|i|to|about|thanks|goodbye|bye|we|he|she|it's|not|what|when|where|if|how"
    r"|for (?:me|us)|the (?:same|truth|news))\b"
)
_THERE = re.compile(
    r"\b(?:there's|there is|there was|then it's|it was|that was|was it|had that was|and|with|saw|called) $"
)
_THERE_AFTER = re.compile(
    r"^ (?:for|about|with) (?:the|my|his|her|our)\b|^ from (?:church|work|school|next door|the (?:gym|office"
    r"|front|block|neighborhood"
    r"|bank)|my \w+|bingo|down the|across)\b|^ (?:there|over there|up front|at the desk) (?:said|told|says"
    r"|took|gave|was|is|at)\b"
)
_IS = re.compile(r"\b(?:is|was|that's|it's|which one is|who is|who's) $")
_IS_AFTER = re.compile(
    r"^ the (?:(?:really |very )?(?:tall|short|blonde?|young|old|older|younger|new|nice|other|one|dark|red"
    r"|skinny|heavy|mean|quiet|loud"
    r"|funny|bald)\b|(?:\w+ )?(?:guy|lady|woman|man|girl|boy|nurse|doctor|one)\b)"
)
_ONE_AFTER = re.compile(
    r"^,? (?:the (?:one|guy|lady|woman|man|girl|boy|kid) (?:who|whose|that|with|from|at)\b|whose \w+)"
)
_SUBJECT = re.compile(
    r"(?:^|[\]:.?!,;\n(] ?|\b(?:and|so|but|because|cause|that|when|if|then|since|while|what|okay|yeah|uh|um"
    r"|after|before|until|where|why"
    r"|how|or|think|thought|guess|hope|know|said|says|you|there|once|like|weekend|today|yesterday|eve|now),? )$"
)
_ADVERB_AFTER = re.compile(
    r"^ (?:only|always|never|just|also|really|usually|already|still|finally|even|actually|probably|had just"
    r"|has just) (?:ever )?(?:gets|takes"
    r"|does|eats|goes|has|had|wants|sees|drinks|sleeps|says|likes|needs|comes|came|got|took|went|said|told"
    r"|saw|called|left|works|gave|made"
    r"|brought|found|moved|started|stopped|come|gone|left|turned|quit)\b"
)
_KNOWING_AFTER = re.compile(
    r"^ (?:checks|knows|knew|swears|hates|hated|loves|loved|misses|missed|remembers|remembered|forgets|forgot"
    r"|drives|calls|called|cooks|comes"
    r"|picks|picked|helps|worries|insists|insisted|promised|passed away|died|got married|graduated|moved"
    r"|is (?:my|his|her|our|the (?:one|oldest"
    r"|youngest|middle))|are done|is done|are finished|will (?:call|come|drive|go|be|take|bring|pick)"
    r"|may (?:come|call|drive|stop)|can (?:drive|come"
    r"|call|bring))\b"
)
_COUPLE_AFTER = re.compile(r"^ and (?P<other>[a-z][a-z'-]{1,25})\b")
_COUPLE_BEFORE = re.compile(r"\b(?P<other>[a-z][a-z'-]{1,25}) and $")
_POSSESSED = re.compile(
    rf"^ (?:{RELATIVE}|passing|death|funeral|birthday|chart|room|house|home|apartment|appointment|visit|family"
    rf"|nurse|doctor|behalf|bedside"
    rf"|account|insurance|meds|medications?|prescriptions?|refills?|labs?|results?|surgery|school|teacher"
    rf"|phone|number|recovery|illness|condition"
    rf"|progress|wishes|care|questions?|concerns?|chemo|mri|biopsy)\b"
)
_SOMETHING = re.compile(r"\b(?P<given>[a-z][a-z'-]{1,25}) something(?: like)? $")
_MAYBE_AFTER = re.compile(
    r"^ ?(?:$|[.,?!\n\[]|i think|i believe|or something|maybe|if i|was|is|he|she|at|over|from|and)"
)
_GREETED = re.compile(r"\b(?:hi|hey|hello|yes|yeah|good morning|good afternoon),? (?:it's|this is|it is|i'm) $")
_ROLE_AFTER = re.compile(rf"^,? (?:(?:our|the|my|your) )?{ROLE}\b")
_IS_SOMEBODY = re.compile(
    r"\b(?:named (?:him|her|it|them)|call(?:ed)? (?:him|her|them)|this is|i'm with|married|name was|name is) $"
)
_CONTRACTED_AFTER = re.compile(
    r"^ (?:been|going|coming|not|doing|got|here|at|gonna|always|never|my|really|a (?:nurse|doctor|teacher|student))\b"
)
# Whom one takes, loses, calls: a word of no list behind these is rather somebody than something.
_WHOM = re.compile(
    r"\b(?:took|lost|told|tell|asked|ask|page|paged|meet|met|thank|thanked|called|saw|helped|brought|drove"
    r"|married|remember|miss|hired"
    r"|introduce|contact|notify|notified|texted|emailed|visited|named (?:her|him|them|it)|raised|adopted"
    r"|from|by|(?:report|message|voicemail|call"
    r"|note|gave it|it|back|up) (?:to|of|for|from)|(?:me|him|her|us|you|she|he) and|all set|hear that|in law"
    r"|end of note|between|without|is|was"
    r"|i'm|that's|this is) $"
)
_NOUN_AFTER = re.compile(
    r"^ (?:exam|levels?|test|cream|gel|tablets?|results?|scale|score|sign|thickness|pressure|area|region"
    r"|foods?|fruit|fan|juice|pain|marrow|edema|syndrome|joint|muscle|nerve|tendon|lesion|is that)\b"
)
# Behind these a given name that is a word as well is a name: "me and joy", "you're all set rose".
_SURELY_WHOM = re.compile(
    r"\b(?:(?:me|him|us) and|named (?:her|him|them)|in law|all set|(?:voicemail|message) (?:of|for)"
    r"|(?:a )?(?:call|message|text|card|visit)"
    r" from|report to|hear that|page|paged|dictated by|end of note|patient is|we lost|lost my (?:\w+ )?"
    r"|married|babysits|how's|where's"
    r"|i took|took|drove|visit(?:ed)?|see you(?: later| soon)?|voicemail of) $"
)
_SURELY_AFTER = re.compile(
    rf"^ ?(?:$|[.,?!;\n\[]|(?:now|after|to (?:school|work|church|the|his|her|practice)|in the|last|told|said"
    rf"|says|when|and (?:i|he|she|they)|for me"
    rf"|doing|at (?:the|home|school|work)|yesterday|this (?:morning|week)|over|a \w+ year|m ?d\b|for (?:dr"
    rf"|doctor)|he|she|they|who|my {RELATIVE})\b)"
)
_VOCATIVE_AFTER = re.compile(
    r"^ (?:let me|let's|i'm (?:going|gonna|just|so)|i am going|come (?:here|on|in|over)|hold still|look at"
    r"|sit (?:up|down|back)|lie (?:down|back)"
    r"|(?:can|could|would|will|do|did|are|were) you|open your|squeeze|take a|deep breath|any (?:pain"
    r"|questions|other)|relax|honey|sweetie)\b"
)
_STILL_AFTER = re.compile(
    r"^ (?:still (?:helping|living|working|with|at|here|driving|smoking|taking|in)|moved (?:to|back|in|out"
    r"|away)|passed|from (?:my|the|our|church|work"
    r"|school)|told me|helped|drove|brought|had the same|has been|is (?:coming|living|helping|driving|picking))\b"
)
# Words that open a turn before somebody is spoken to or of.
_OPENED = re.compile(
    r"(?:^|[\]:.?!\n] ?)(?:(?:okay|ok|alright|all right|so|well|now|hey|hi|hello|yes|yeah|yep|no|right"
    r"|oh|and|but|because|then|great|good"
    r"|thanks|thank you|sorry|come on|please|you know|i mean|like|actually),? ){0,4}$"
)
_SPOKEN_TO_AFTER = re.compile(
    r"^,? (?:she(?:'s)?|he(?:'s)?|they(?:'re)?|who|(?:can|could|would|will|do|did|are|have|were) (?:you|ya)"
    r"|honey|sweetie|dear|buddy|sweetheart|hon"
    r"|any (?:questions|other|concerns|pain|trouble|problems)|deep breath|take a|let's|how (?:are|is|have|was"
    r"|long|many|did)|what (?:brings|can|do|did|are"
    r"|happened)|where (?:is|does|are)|when (?:did|was)|have a|and i (?:are|were|went|have|got|had|used|live"
    r"|both)|is (?:here|at|in|my|her|his|our"
    r"|going|doing|coming|on|still|a (?:\w+ )?(?:\w+ year|nurse|doctor|student|teacher))|was (?:here|with|at"
    r"|there|born|the one)|has been|this is)\b"
)
_STRANGE_AFTER = re.compile(
    r"^,? (?:i|you|we|is (?!that\b|it\b|an?\b|the\b|when\b|what\b|where\b|like\b)|was|has|had|does|did|can"
    r"|could|would|will|are|and (?:me|my|he|she|they|we)|take|good|nice|just|look|listen|please|open"
    r"|squeeze|relax|stay|sit|lie|stand|breathe)\b"
)
# Whom one meets, names, waits for; a thing stands there more rarely, and hardly ever with what follows below.
_PERSONS = re.compile(
    r"\b(?:with|from|by|for|saw|seen|seeing|met|see|visit(?:ing|ed)?|named (?:him|her|it|them|after)"
    r"|call(?:ed)? (?:him|her|them)|it was|that's|that was|this is"
    rf"|how's|how is|where's|who's|is|it's|i'm|i am|hi|hello|and|or|has|had|have|get|got|{ROLE}|doctor|patient"
    rf"|client|caller|sister|brother) $"
)
_PERSONS_AFTER = re.compile(
    rf"^,? (?:when (?:it|i|we|he|she|they|you)|who\b|for (?:years|months|a (?:while|long))|(?:she|he)(?:'s)?\b"
    rf"|my {RELATIVE}\b|(?:my|our|the|your) {ROLE}\b|available"
    r"|in here|on the (?:phone|line)|doing\b|and then (?:\w+ )?(?:years|months|a year|later|two|three)"
    r"|at (?:the (?:clinic|office|desk|pharmacy|hospital|front)|home"
    r"|work|college|school)|says\b|said\b|stable\b|i think\b|or something|are (?:they|you)|i have (?:a|an)\b"
    r"|medical record|date of birth|d o b\b|from doctor"
    r"|over at|up there|down there|here (?:with|to|for)|last (?:week|month|year|time|night)|(?:this|yesterday"
    r"|earlier) (?:morning|afternoon))"
)
_NOUNS = ("ions", "ings", "ties", "ness", "isms")
_PARTICIPLES = ("ing", "ed", "ly")


class NameSpeech:
    """Says whether a word that could be a name stands where speech puts names."""

    def __init__(self, classes: NameWords, context: NameContext) -> None:
        self._classes = classes
        self._lists = classes.words
        self._context = context

    def name_at(self, reading: Reading, words: Sequence[Word], at: int) -> Span | None:
        """The name that begins at a word, None when none does; the other rules are asked before."""
        word = words[at]
        weight = self._classes.weight(word.low)
        surname = word.low in self._lists.surname_words
        if weight < Weight.UNKNOWN and not surname and word.low not in PARTICLES:
            return None
        particle = word.low in PARTICLES and at + 1 < len(words) and words[at + 1].gap == " "
        if particle:
            weight = max(weight, self._classes.weight(words[at + 1].low))
        elif len(word.low) < _SHORTEST or word.low in STATES_AND_COUNTRIES or word.text.isupper():
            return None
        if weight < Weight.UNKNOWN and not surname:
            return None
        if not particle and self._classes.clinical(words, at) and not surname and weight < Weight.WORD_GIVEN:
            return None
        last = self._context.extended(words, at)
        text = reading.text
        left = plain(text[max(0, word.start - _LEFT) : word.start])
        right = plain(text[words[last].end : words[last].end + _RIGHT])
        if self._surely(left, right, words, at):
            return (at, last, LIKELY)
        if weight < Weight.UNKNOWN or weight == Weight.WORD_SURNAME or word.low in MODAL_NAMES:
            modal = word.low in MODAL_NAMES and _SUBJECT.search(left) and _ADVERB_AFTER.match(right)
            return (at, at, POSSIBLE) if modal else None
        if weight == Weight.UNKNOWN and len(word.low) < _SHORTEST + 1 and not word.capital:
            return None
        strange = weight == Weight.UNKNOWN and not word.capital
        spoken = strange and reading.spoken
        if strange and word.low.endswith(_PARTICIPLES):
            return None
        if self._stands(left, right, words, at, strange=strange) or (spoken and self._somebody(left, right, word)):
            return (at, last, LIKELY if weight != Weight.WORD_GIVEN or last > at else POSSIBLE + 0.05)
        return None

    def _surely(self, left: str, right: str, words: Sequence[Word], at: int) -> bool:
        """Whether only a name can stand here."""
        word = words[at]
        if word.low in self._lists.titles or word.low in self._lists.relatives:
            return False
        if _HANDED.search(left) and _HANDED_AFTER.match(right):
            common = word.low in self._lists.not_a_name and not _CLOSED.match(right)
            to = left.endswith((" and to ", " also to ", "attention ", "under "))
            return not common and (
                not to or self._classes.weight(word.low) != Weight.UNKNOWN or len(word.low) > _SHORTEST
            )
        if _FIRST_NAME_AFTER.match(right) and _LAST_FIRST_SAID.search(left):
            return True
        if _SURELY_WHOM.search(left) and word.low in self._lists.surname_words and left.endswith((" page ", " paged ")):
            return bool(_SURELY_AFTER.match(right)) and word.low not in self._lists.not_a_name
        something = _SOMETHING.search(left)
        if something and self._classes.weight(something["given"]) >= Weight.WORD_GIVEN:
            return bool(_MAYBE_AFTER.match(right))
        return bool(_ONE_AFTER.match(right)) and self._classes.weight(word.low) >= Weight.WORD_SURNAME

    def _stands(self, left: str, right: str, words: Sequence[Word], at: int, *, strange: bool) -> bool:
        word = words[at]
        if word.text.lower().endswith(("'s", "’s")):
            if _OPENED.search(left) and _CONTRACTED_AFTER.match(right):
                return True
            kin = re.match(rf"^ {RELATIVE}\b", right)
            return bool(kin) or (not strange and bool(_POSSESSED.match(right)))
        if _BEFORE.search(left.rstrip(" ") + "") and left.endswith(" "):
            return not strange or not _BEFORE_STRANGE_AFTER.match(right) or bool(_PERSONS_AFTER.match(right))
        if _HAVE.search(left) and _HAVE_AFTER.match(right):
            return True
        if _TELL.search(left) and _TELL_AFTER.match(right):
            return True
        if _THERE.search(left) and _THERE_AFTER.match(right):
            return True
        if _IS.search(left) and _IS_AFTER.match(right):
            return True
        if _GREETED.search(left) and _CLOSED.match(right):
            return True
        spoken_to = _SPOKEN_TO_AFTER.match(right) or (strange and _STRANGE_AFTER.match(right))
        if spoken_to and not word.capital and _OPENED.search(left):
            return True
        if _PERSONS.search(left) and (_PERSONS_AFTER.match(right) or (strange and self._ends_as_person(left, right))):
            return True
        if _SURELY_WHOM.search(left) and _SURELY_AFTER.match(right):
            return True
        if not word.capital and _OPENED.search(left) and (_VOCATIVE_AFTER.match(right) or _STILL_AFTER.match(right)):
            return True
        if _IS.search(left) and _STILL_AFTER.match(right):
            return True
        for couple in (_COUPLE_AFTER.match(right), _COUPLE_BEFORE.search(left)):
            if couple and self._classes.weight(couple["other"]) == Weight.GIVEN and not word.capital:
                return not strange or len(word.low) > _SHORTEST
        if _SUBJECT.search(left):
            return bool(_ADVERB_AFTER.match(right) or _KNOWING_AFTER.match(right) or _ROLE_AFTER.match(right))
        return False

    def _ends_as_person(self, left: str, right: str) -> bool:
        """Whether a turn ends with whom somebody is, was with, or is called."""
        return bool(_CLOSED.match(right)) and bool(_IS_SOMEBODY.search(left))

    def _somebody(self, left: str, right: str, word: Word) -> bool:
        """Whether a word of no list in speech is rather somebody than something: whom one lost, who opens a turn."""
        if word.low.endswith(_NOUNS) or not word.low.replace("-", "").isalpha() or _NOUN_AFTER.match(right):
            return False
        goes_on = right[1:2].isalpha() and not right.startswith((" and ", " or "))
        return bool(_WHOM.search(left)) or (goes_on and bool(_OPENED.search(left)))
