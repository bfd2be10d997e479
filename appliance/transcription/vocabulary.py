"""A practice's own terms: drug and clinician names that the recogniser should expect. Bounded, and told by digest."""

import hashlib
import json
import re
from dataclasses import dataclass

from appliance.problems import invalid

MAX_TERMS = 200
MAX_TERM_CHARACTERS = 60
MAX_BYTES = 16 * 1024
# Letters, marks and figures of any script, and what names hold; no control characters and no brackets of tokens.
_TERM = re.compile(r"[\w .,'’/()+-]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# Words of a term that stand in any sentence: they must not let the vocabulary's decoding win.
_MIN_WORD = 4


@dataclass(frozen=True)
class Vocabulary:
    """Terms in order of importance: the model takes as many from the front as fit before its text."""

    terms: tuple[str, ...] = ()

    @property
    def sha256(self) -> str | None:
        """Digest of the canonical JSON list; None without terms."""
        if not self.terms:
            return None
        return hashlib.sha256(json.dumps(self.terms, ensure_ascii=False).encode()).hexdigest()

    def hotwords(self, count: int) -> str | None:
        """Return the first `count` terms as the model is given them."""
        return ", ".join(self.terms[:count]) or None

    def words(self, count: int) -> frozenset[str]:
        """Return the lower-case words of the first `count` terms that are no common short words."""
        found = {word.lower() for term in self.terms[:count] for word in _WORD.findall(term)}
        return frozenset(word for word in found if len(word) >= _MIN_WORD)


def judge(value: object) -> Vocabulary:
    """Return the vocabulary of a decoded JSON value. Raises ProblemError 400, which repeats nothing."""
    wanted = f"`vocabulary` is a JSON list of at most {MAX_TERMS} texts of 1 to {MAX_TERM_CHARACTERS} characters"
    if value is None:
        return Vocabulary()
    if not isinstance(value, list) or len(value) > MAX_TERMS:
        raise invalid("vocabulary", wanted)
    terms = []
    for index, term in enumerate(value):
        if not isinstance(term, str) or not 1 <= len(term.strip()) <= MAX_TERM_CHARACTERS:
            raise invalid("vocabulary", f"{wanted}; entry {index} is not")
        if not _TERM.fullmatch(term):
            raise invalid("vocabulary", f"`vocabulary` entry {index} holds a character that is not for names")
        terms.append(" ".join(term.split()))
    return Vocabulary(tuple(dict.fromkeys(terms)))


def parse(text: str) -> Vocabulary:
    """Return the vocabulary of a form field; an empty one means none. Raises ProblemError 400."""
    if not text:
        return Vocabulary()
    if len(text.encode()) > MAX_BYTES:
        raise invalid("vocabulary", f"`vocabulary` is at most {MAX_BYTES} bytes")
    try:
        return judge(json.loads(text))
    except (ValueError, RecursionError):
        raise invalid("vocabulary", "`vocabulary` is not JSON; send a list of texts") from None
