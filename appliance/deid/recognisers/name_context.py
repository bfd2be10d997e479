"""What stands around a word that makes it a name: titles, introductions, greetings, relatives, names beside it."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.deid.lexicon import around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import CERTAIN, LIKELY
from appliance.deid.recognisers.name_class import PARTICLES, STATES_AND_COUNTRIES, NameWords, Weight

_TITLES = around("name_context.titles")
_INTRODUCTIONS = (("am", "i"), ("is", "this"), ("me", "call"), ("by", "goes"))
_OWNERS = frozenset(("my", "his", "her", "their", "your", "our"))
MODAL_NAMES = frozenset(("will", "may"))
"""Given names that are mostly verbs; only a capital inside a sentence or a surname tells them apart."""

_NEVER_CALLED = frozenset(("will", "may", "can", "do", "see", "said", "just", "back", "call", "was", "is", "has"))
# Behind these and "doctor" a surname may be any word: "i saw doctor page last week".
_MET = frozenset(
    ("saw", "see", "seen", "seeing", "by", "with", "from", "hi", "hello", "and", "i'm", "am", "as", "thanks")
)
_ABBREVIATED = around("name_context.abbreviated")
_CALLED = around("name_context.called")
_LONGEST = 5  # words of a name
_DIRECTIONS = frozenset(("north", "south", "east", "west"))
_GREETINGS = around("name_context.greetings")
_VOCATIVES = around("name_context.vocatives")
_TURNS = around("name_context.turns")
AFTER_A_NAME = around("name_context.after_a_name")
# "miss" behind these is a verb: "I miss her".
_MISSING = around("name_context.missing")
_TOWARDS = around("name_context.towards")
Span = tuple[int, int, float]
"""First word, last word, confidence."""


class NameContext:
    """Says whether a name begins at a word."""

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes
        self._lists = classes.words
        self._places = classes.words.places | classes.words.large_places

    def name_at(self, reading: Reading, words: Sequence[Word], at: int) -> Span | None:
        """The name that begins at a word, None when none does."""
        word = words[at]
        before = words[at - 1] if at else None
        dotted = word.gap.strip() == "." and before is not None and before.low in _ABBREVIATED
        if before and before.low in self._lists.titles and (word.gap.strip() == "" or dotted) and "\n" not in word.gap:
            titled = self._titled(words, at, before) or self._particle(words, at)
            if titled or before.low in _TITLES:
                return titled
        weight = self._classes.weight(word.low)
        if word.low in MODAL_NAMES and self._modal_name(reading, words, at):
            return (at, self._extended(words, at, introduced=True), LIKELY)
        if weight <= Weight.ORDINARY or _is_broken_off(reading.text, words, at):
            return None
        if self._introduced(words, at, weight):
            return (at, self._extended(words, at, introduced=True), CERTAIN if weight > Weight.UNKNOWN else LIKELY)
        if self._classes.clinical(words, at):
            return None
        if weight == Weight.UNKNOWN:
            return self._strange(reading, words, at)
        return self._alone(reading, words, at, weight)

    def _alone(self, reading: Reading, words: Sequence[Word], at: int, weight: Weight) -> Span | None:
        """Without an introduction: given names are names in any case, others need a capital or a name beside them."""
        word = words[at]
        shouted = word.text.isupper() and len(word.text) > 1
        last = self._extended(words, at)
        before = words[at - 1].low if at else ""
        state = words[last].low in STATES_AND_COUNTRIES and (
            last == at or word.low in ("north", "south", "west", "east", "new")
        )
        if state and (weight != Weight.GIVEN or before in _TOWARDS):
            return None
        if weight != Weight.GIVEN and last == at and before in _TOWARDS and word.low in self._places:
            return None
        if weight == Weight.GIVEN:
            # ANA is an antibody, IDA an anaemia.
            return (
                None if shouted and len(word.low) <= 3 and last == at else (at, last, CERTAIN if last > at else LIKELY)
            )
        capital = word.capital and not shouted and not word.opens and reading.capitals
        if word.low in _DIRECTIONS and any(sign.isdigit() for sign in word.gap):
            return None  # unit 4 West
        if weight == Weight.WORD_GIVEN:
            beside = words[at + 1] if at + 1 < len(words) else None
            if (
                last > at
                and beside
                and (
                    self._classes.weight(beside.low) >= Weight.SURNAME
                    or (word.capital and beside.capital and not shouted)
                )
            ):
                return (at, last, LIKELY)
            asked = before == "is" and beside is not None and beside.low in ("your", "his", "her", "with")
            strange = last > at and before in ("is", "have") and self._classes.weight(words[last].low) == Weight.UNKNOWN
            if asked or strange:
                return (at, last, LIKELY)
            subject = (
                beside is not None
                and beside.gap == " "
                and beside.low in AFTER_A_NAME
                and ((word.opens and word.capital) or self._described(words, at + 1))
            )
            return (at, last, LIKELY) if subject or (capital and not self._in_title(words, at)) else None
        opens = word.capital and word.opens and not shouted and reading.capitals
        if weight == Weight.SURNAME and (
            capital or opens or (before in ("patient", "pt", "client") and word.gap == " ")
        ):
            return (at, last, LIKELY)
        return None

    def _strange(self, reading: Reading, words: Sequence[Word], at: int) -> Span | None:
        """A word of no list: the patient by that word before it, or, in lower case, a name by the surname behind it."""
        word = words[at]
        before = words[at - 1].low if at else ""
        if before in ("patient", "pt", "client") and word.capital and not word.text.isupper() and word.gap == " ":
            return (at, self._extended(words, at, introduced=True), LIKELY)
        beside = words[at + 1] if at + 1 < len(words) and words[at + 1].gap == " " else None
        if not reading.spoken or beside is None or len(word.low) < 4 or word.capital:
            return None
        if self._classes.weight(beside.low) == Weight.SURNAME and not self._classes.clinical(words, at + 1):
            return (at, at + 1, LIKELY)
        return None

    def _modal_name(self, reading: Reading, words: Sequence[Word], at: int) -> bool:
        """Whether "Will" or "May" is a name: a capital inside a sentence, or a surname behind it."""
        word = words[at]
        if not word.capital or word.text.isupper():
            return False
        index = at + 1
        while index < len(words) and len(words[index].text) == 1 and words[index].capital:
            index += 1
        behind = words[index] if index < len(words) and words[index].gap in (" ", ". ") else None
        if behind and behind.capital and self._classes.weight(behind.low) >= Weight.WORD_SURNAME:
            return not self._classes.clinical(words, index)
        clause = word.gap.strip()[-1:] in (";", ":", "-", "|")
        inside = reading.capitals and not word.opens and not clause and not self._in_title(words, at)
        return inside and (word.low == "will" or words[at - 1].low in self._lists.relatives)

    def _described(self, words: Sequence[Word], at: int) -> bool:
        """Whether the verb at `at` describes a person: "is a 45", "is here", "is the patient"."""
        following = words[at + 1] if at + 1 < len(words) else None
        return (
            words[at].low == "is" and following is not None and following.low in ("a", "an", "here", "the", "my", "our")
        )

    def _in_title(self, words: Sequence[Word], at: int) -> bool:
        """Whether its neighbours are ordinary words with capitals as well: a heading or a title, no name."""
        neighbours = [words[index] for index in (at - 1, at + 1) if 0 <= index < len(words)]
        return any(
            word.capital and not word.opens and self._classes.weight(word.low) <= Weight.ORDINARY and len(word.low) > 3
            for word in neighbours
        )

    def _titled(self, words: Sequence[Word], at: int, title: Word) -> Span | None:
        word = words[at]
        weight = self._classes.weight(word.low)
        if title.text in ("MR", "MS", "DR") and not word.capital:
            return None
        if len(word.text) == 1:
            return None
        previous = words[at - 2].low if at > 1 else ""
        # "are you miss hill?" asks for a name, "I miss work" does not.
        asked = previous == "you" and weight > Weight.UNKNOWN
        if title.low == "miss" and not word.capital and previous in _MISSING and not asked:
            return None
        if title.low in _TITLES:
            if word.low in self._lists.surname_words and word.low not in _NEVER_CALLED:
                return (at, self._extended(words, at, titled=True), CERTAIN)
            proper = (
                word.capital
                and title.capital
                and (word.low in self._lists.surname_words or word.low not in self._lists.not_a_name)
            )
            if weight <= Weight.ORDINARY and not proper and not self._odd_surname(words, at):
                return None
        elif weight <= Weight.ORDINARY:
            skipped = word.low in _NEVER_CALLED or word.low in self._lists.titles
            met = previous in _MET and word.low in self._lists.surname_words and not skipped
            if title.low not in _CALLED or not (met or self._odd_surname(words, at)):
                return None
        elif weight == Weight.UNKNOWN and not (word.capital and title.capital and not word.text.isupper()):
            if title.low not in _CALLED or word.text.isupper() or word.gap != " ":
                return None
        elif weight in (Weight.WORD_SURNAME, Weight.WORD_GIVEN) and not (
            word.capital or title.low in ("doctor", "doctors", "miss", "professor")
        ):
            return None
        return (at, self._extended(words, at, titled=True), CERTAIN)

    def _particle(self, words: Sequence[Word], at: int) -> Span | None:
        """ "Dr. dos Yonur": a particle in lower case with a capital behind it."""
        following = words[at + 1] if at + 1 < len(words) else None
        joined = following is not None and following.gap == " " and (following.capital or following.low in PARTICLES)
        if words[at].low not in PARTICLES or words[at].capital or not joined:
            return None
        last = self.extended(words, at)
        return (at, last, CERTAIN) if words[last].capital else None

    def _introduced(self, words: Sequence[Word], at: int, weight: Weight) -> bool:
        """Whether the words before say that a name follows."""
        if at == 0:
            return False
        word, before = words[at], words[at - 1]
        gap = word.gap.strip()
        second = words[at - 2].low if at > 1 else ""
        if gap not in ("", ","):
            return False
        if before.low in ("is", "was") and gap == "" and second in ("name", "names", "surname"):
            return at < 3 or words[at - 3].low not in ("brand", "generic", "trade", "drug", "street", "medication")
        if before.low in ("named", "name's", "called") and gap == "":
            return weight >= Weight.WORD_GIVEN or (weight == Weight.UNKNOWN and before.low != "called" and word.capital)
        named = weight == Weight.GIVEN or (word.capital and weight >= Weight.WORD_GIVEN)
        if named and (before.low == "i'm" or (before.low, second) in _INTRODUCTIONS):
            return True
        if before.low in _GREETINGS:
            return self._greeted(words, at, weight)
        owns = before.text.lower().endswith(("'s", "’s")) and not word.capital  # my cousin's whipple
        if before.low in self._lists.relatives and gap in ("", ",") and not owns:
            if weight >= Weight.WORD_GIVEN:
                owned = second in _OWNERS and gap == ""
                return weight == Weight.GIVEN or word.capital or owned
            if weight == Weight.UNKNOWN and gap == "" and not word.capital:
                following = words[at + 1].low if at + 1 < len(words) else ""
                return second in _OWNERS and len(word.low) > 4 and (following in AFTER_A_NAME or _closed(words, at))
            shouted = word.text.isupper() or before.text.isupper()
            return weight == Weight.UNKNOWN and word.capital and gap == "" and not shouted
        turn = before.gap.strip()[-1:] in ("]", ":")
        spoken_to = gap == "," or before.low in _TURNS or turn
        if before.low not in _VOCATIVES or not spoken_to or not _closed(words, at):
            return False
        return weight == Weight.WORD_GIVEN or (
            weight == Weight.UNKNOWN and turn and len(word.low) > 4 and not before.capital and gap == ""
        )

    def _greeted(self, words: Sequence[Word], at: int, weight: Weight) -> bool:
        if weight >= Weight.WORD_GIVEN:
            return True
        following = words[at + 1] if at + 1 < len(words) else None
        asked = following is not None and following.low in (
            "how",
            "good",
            "nice",
            "it's",
            "i'm",
            "what",
            "thanks",
            "so",
        )
        turn = words[at - 2].gap if at > 1 and words[at - 2].low == "good" else words[at - 1].gap
        opened = turn.strip()[-1:] in ("]", ":") or words[at - 1].opens
        return opened and (_closed(words, at) or asked)

    def extended(self, words: Sequence[Word], at: int) -> int:
        """Index of the last word of a name that begins at `at` and that a role or a place in a text introduces."""
        if words[at].low in PARTICLES:
            furthest = min(at + _LONGEST, len(words) - 1)
            while at < furthest and words[at].low in PARTICLES:
                at += 1
        return self._extended(words, at, introduced=True)

    def _odd_surname(self, words: Sequence[Word], at: int) -> bool:
        """Whether a word such as "young" ends a name: "doctor young ," and not "doctor young people"."""
        low = words[at].low
        return low in self._lists.surname_words and low not in self._lists.titles and _closed(words, at)

    def _extended(self, words: Sequence[Word], at: int, *, titled: bool = False, introduced: bool = False) -> int:
        """Index of the last word of the name that begins at `at`."""
        last = at
        first = words[at]
        given = introduced or self._classes.weight(first.low) in (Weight.GIVEN, Weight.WORD_GIVEN)
        # "doctor bhavesh ndlovu" in a transcript: two words of no list behind a title are one name.
        given = given or (titled and self._classes.weight(first.low) == Weight.UNKNOWN)
        for index in range(at + 1, min(at + _LONGEST, len(words))):
            word = words[index]
            initial = len(words[index - 1].text) == 1 or words[index - 1].low in PARTICLES
            if index - 1 == last and words[last].text.lower().endswith(("'s", "’s")):
                break  # Mr Hoover's Bell palsy
            if word.gap not in (" ", "  ", "^") and not (word.gap in (". ", " . ") and initial):
                break
            following = words[index + 1] if index + 1 < len(words) else None
            if len(word.text) == 1:
                if (
                    following
                    and word.capital == following.capital
                    and following.gap in (" ", ". ")
                    and (
                        word.capital
                        or (given and self._classes.weight(following.low) in (Weight.UNKNOWN, Weight.SURNAME))
                    )
                ):
                    continue
                break
            weight = self._classes.weight(word.low)
            if (
                word.low in PARTICLES
                and following
                and following.gap in (" ", ". ")
                and (
                    following.capital
                    or following.low in PARTICLES
                    or self._classes.weight(following.low) >= (Weight.UNKNOWN if given else Weight.SURNAME)
                )
            ):
                continue
            if self._classes.clinical(words, index) and not (given and weight >= Weight.WORD_SURNAME and last == at):
                break
            shouted = word.text.isupper() and not first.text.isupper()
            cased = word.capital == first.capital
            proper = word.capital and first.capital and not shouted
            if (
                (
                    weight >= Weight.SURNAME
                    and (cased or not shouted)
                    and (proper or last == at or weight == Weight.GIVEN)
                )
                or (proper and (weight >= Weight.UNKNOWN or word.low in self._lists.surname_words))
                or (
                    given
                    and last == at
                    and cased
                    and (not shouted or len(word.text) > 3)  # Max HR
                    and weight in (Weight.WORD_SURNAME, Weight.WORD_GIVEN, Weight.UNKNOWN)
                )
                or ((given or titled) and last == at and self._odd_surname(words, index))
                # "Mom (Paul Cough)": whatever ends a name in brackets with its capital
                or (
                    proper
                    and weight == Weight.ORDINARY
                    and last == at
                    and word.behind[:1] == ")"
                    and words[at].gap.endswith("(")
                )
            ):
                last = index
            else:
                break
        following = words[last + 1] if last + 1 < len(words) else None
        if following and following.text in ("Jr", "Sr", "II", "III", "IV", "jr", "sr") and following.gap in (" ", ", "):
            last += 1
        return last


def _closed(words: Sequence[Word], at: int) -> bool:
    """Whether a pause follows the word."""
    return at + 1 == len(words) or words[at + 1].gap.strip()[:1] in (",", ".", "?", "!", "[", "-")


def _is_broken_off(text: str, words: Sequence[Word], at: int) -> bool:
    """Whether a speaker broke off and began again: "mira- miralax"."""
    following = words[at + 1] if at + 1 < len(words) else None
    return (
        text[words[at].end : words[at].end + 1] == "-"
        and following is not None
        and following.low.startswith(words[at].low)
    )
