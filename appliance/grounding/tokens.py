"""Words, numbers and marks of a folded text, each with its place in the original and its stem."""

import re
from dataclasses import dataclass
from functools import lru_cache

from appliance.grounding.folding import fold

# A longer run of letters or digits is no word of any language we read: cut, so that no token is unbounded.
MAX_TOKEN_CHARS = 64
_TOKEN = re.compile(
    r"covid-?19|(?:[a-z]\.){2,}(?![a-z])"  # b.i.d., p.r.n., a.m.
    r"|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|(?<!\d)\.\d+"
    r"|[a-z]*\d[a-z\d]*"
    r"|[a-z]+(?:'[a-z]+)*"
    r"|[^\W\d_]+|\n|\S"
)
_NUMBER = re.compile(r"\d*\.?\d+")
_ATTACHED = re.compile(
    r"(\d+)(mg|mcg|ug|g|gm|ml|cc|l|iu|u|units?|kg|lbs?|cm|mm|in|ft|hrs?|h|hours?|days?|d|weeks?|wks?|w|months?|mos?|m|years?"
    r"|yrs?|y|yo|yof|yom|am|pm|x|st|nd|rd|th|s|bpm|percent|f|meq|mmhg)$"
)
_EVERY = re.compile(r"q(\d{1,2})(h|hr|hrs|hours|d|days)?$")
_TIMES = re.compile(r"x(\d+)$")
MARKS = frozenset(".,;:?!/%-+()'\"&<>=*#[]{}|~_@^$\\\n")
SENTENCE_ENDS = frozenset(".?!;\n")


def words(text: str) -> tuple[str, ...]:
    """Return a written-out list of words; long lists of them read better as one line."""
    return tuple(text.split())


@dataclass(slots=True)
class Token:
    """One token. `kind`: w word, n number, c a mix of letters and digits, m mark. Offsets are of the original text."""

    text: str
    start: int
    end: int
    stem: str
    kind: str


# Endings that change the role of a word and not what it names; longest first. Ours.
_ENDINGS = (
    "ications", "ication", "ations", "ically", "ation", "ements", "ement", "iness", "ities", "ances", "ences", "ition",
    "ative", "ional", "ingly", "ments", "ness", "ment", "able", "ible", "ally", "ance", "ence", "ions", "ives", "ical",
    "ious", "ity", "ion", "ive", "ing", "ous", "ies", "ied", "ers", "est", "ate", "ed", "es", "er", "al", "ic", "ly",
    "or",
    "s", "y", "e",
)  # fmt: skip
# Words whose stem would meet an unrelated one, and irregular forms. Ours.
_FIXED = {
    "does": "do", "did": "do", "done": "do", "was": "be", "is": "be", "are": "be", "were": "be", "been": "be",
    "died": "die", "dying": "die", "dies": "die", "feet": "foot", "teeth": "tooth", "children": "child", "kids": "kid",
    "women": "woman", "men": "man", "took": "take", "taken": "take", "taking": "take", "felt": "feel", "fell": "fall",
    "fallen": "fall", "began": "begin", "begun": "begin", "broke": "break", "broken": "break", "bled": "bleed",
    "slept": "sleep", "ate": "eat", "eaten": "eat", "drank": "drink", "drunk": "drunk", "went": "go", "gone": "go",
    "gave": "give", "given": "give", "saw": "see", "seen": "see", "swollen": "swell", "lost": "lose", "losing": "lose",
    "loss": "lose", "quit": "quit", "hurt": "hurt", "married": "marry", "marriage": "marry", "worse": "worse",
    "best": "best", "diabetes": "diabetes", "diabetic": "diabetes", "pelvis": "pelv", "pelvic": "pelv", "used": "use",
    "use": "use", "uses": "use", "using": "use", "testes": "testis", "testicle": "testis", "testicles": "testis",
    "testicular": "testis", "feces": "feces", "cardiac": "heart", "renal": "kidney", "pulmonary": "lung", "hepatic":
    "liver", "abdominal": "abdomen", "dental": "tooth", "urinary": "urine", "urinate": "urine", "urinating": "urine",
    "urination": "urine", "nasal": "nose", "ocular": "eye", "cervical": "cervical", "surgical": "surgery",
    "surgically": "surgery", "surgeries": "surgery", "allergies": "allergy", "allergic": "allergy",
    "injuries": "injury",
    "biopsies": "biopsy", "arteries": "artery", "arterial": "artery", "anxious": "anxiety", "months": "month",
    "clinical": "clinic", "medication": "medicine", "medications": "medicine", "medicines": "medicine", "meds":
    "medicine", "vaccination": "vaccine", "vaccinated": "vaccine", "vaccinations": "vaccine", "nauseous": "nausea",
    "nauseated": "nausea", "dizzy": "dizziness", "itchy": "itch", "pregnant": "pregnancy", "breathing": "breath",
    "breathe": "breath", "thrown": "throw", "threw": "throw", "wore": "wear", "woke": "wake", "awoke": "wake",
    "grew": "grow", "grown": "grow", "drove": "drive", "brought": "bring", "bought": "buy", "told": "tell",
    "said": "say", "thought": "think", "caught": "catch", "taught": "teach", "wives": "wife", "knives": "knife",
    "lives": "live", "living": "live", "lived": "live", "this": "this", "his": "his", "has": "have", "had": "have",
    "her": "her", "hers": "her", "one": "one", "none": "none", "never": "never", "ever": "ever", "over": "over",
    "other": "other", "after": "after", "every": "every", "fever": "fever", "liver": "liver", "fevers": "fever",
    "ulcer": "ulcer", "ulcers": "ulcer", "cancer": "cancer", "mother": "mother", "father": "father",
    "brother": "brother",
    "sister": "sister", "daughter": "daughter", "shoulder": "shoulder", "bladder": "bladder", "finger": "finger",
    "fingers": "finger", "number": "number", "water": "water", "yes": "yes", "us": "us", "bus": "bus", "gas": "gas",
    "nausea": "nausea", "ear": "ear", "ears": "ear", "eye": "eye", "eyes": "eye", "toe": "toe", "toes": "toe",
    "better": "better", "later": "later", "computer": "computer", "center": "center",
    "sister's": "sister",
    "being": "be", "during": "during", "morning": "morning", "evening": "evening", "ring": "ring", "sing": "sing",
    "nothing": "nothing", "something": "something", "anything": "anything", "hearing": "hear", "heard": "hear",
    "positive": "positive", "negative": "negative", "native": "native", "general": "general", "local": "local",
    "family": "family", "families": "family", "early": "early", "daily": "daily", "weekly": "weekly",
    "monthly": "monthly",
    "dose": "dose", "does'nt": "do", "nose": "nose", "hospital": "hospital", "hospitalized": "hospital",
    "hospitalization": "hospital", "hospitalizations": "hospital", "hospitalised": "hospital", "operation": "operate",
    "operations": "operate", "operative": "operate", "universal": "universal", "university": "university",
    "animal": "animal", "anal": "anal", "oral": "oral", "orally": "oral", "ambulate": "ambul", "organ": "organ",
    "rate": "rate", "date": "date", "mate": "mate", "state": "state", "united": "united", "unit": "unit",
    "units": "unit",
}  # fmt: skip


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Return what is left of a word without its endings; words of up to three letters stay as they are."""
    if word.endswith("'s"):
        word = word[:-2]
    fixed = _FIXED.get(word)
    if fixed is not None:
        return fixed
    for _ in range(2):
        if len(word) <= 3 or word.endswith(("ss", "us", "is")):
            break
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= max(3, 6 - len(ending)):
                word = word[: -len(ending)]
                break
        else:
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sel":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word[-1] in "iy" else word


@lru_cache(maxsize=200_000)
def _classify(text: str) -> tuple[tuple[str, str, int], ...]:
    """Split one raw token into (text, kind, characters): 40mg is a number and a unit, b12 stays whole."""
    length = len(text)
    if text.startswith("covid"):
        return (("covid", "w", length),)
    if text[0] in MARKS and not (text[0] == "." and length > 1):
        return ((text, "m", length),)
    plain = text.replace(",", "")
    if _NUMBER.fullmatch(plain):
        return ((plain, "n", length),)
    if "." in text:
        return ((text.replace(".", ""), "w", length),)
    if text.isascii() and any(character.isdigit() for character in text):
        if found := _ATTACHED.match(text):
            return ((found[1], "n", len(found[1])), (found[2], "w", length - len(found[1])))
        if found := _EVERY.match(text):
            unit = "days" if (found[2] or "h").startswith("d") else "hours"
            return (("every", "w", 1), (found[1], "n", len(found[1])), (unit, "w", max(0, length - 1 - len(found[1]))))
        if found := _TIMES.match(text):
            return (("x", "w", 1), (found[1], "n", length - 1))
        return ((text, "c", length),)
    return ((text, "w", length),)


def tokenise(text: str, base: int = 0) -> list[Token]:
    """Return the tokens of a text in order, offsets moved by `base`. Spelled letters (M R I) become one word."""
    folded = fold(text)
    tokens: list[Token] = []
    for match in _TOKEN.finditer(folded.text):
        raw = match.group()
        at = match.start()
        if len(raw) > MAX_TOKEN_CHARS:
            # Kept as one opaque token: it names nothing we know, so it finds no support.
            start, end = folded.origin(at, match.end())
            tokens.append(Token(raw[:MAX_TOKEN_CHARS], start, end, raw[:MAX_TOKEN_CHARS], "c"))
            continue
        for piece, kind, length in _classify(raw):
            start, end = folded.origin(at, at + max(1, length))
            tokens.append(Token(piece, start, end, stem(piece) if kind == "w" else piece, kind))
            at = min(at + length, match.end() - 1)
    tokens = _join_letters(tokens, text)
    if base:
        for token in tokens:
            token.start += base
            token.end += base
    return tokens


def _join_letters(tokens: list[Token], text: str) -> list[Token]:
    """Join runs of spelled capitals; a lone "I" or "a" between lower-case words is none."""
    if not any(len(token.text) == 1 and token.kind == "w" for token in tokens):
        return tokens
    joined: list[Token] = []
    run: list[Token] = []

    def flush() -> None:
        if len(run) > 1:
            word = "".join(token.text for token in run)
            joined.append(Token(word, run[0].start, run[-1].end, stem(word), "w"))
        else:
            joined.extend(run)
        run.clear()

    for token in tokens:
        single = token.kind == "w" and len(token.text) == 1 and text[token.start].isupper()
        if single and (not run or text[run[-1].end : token.start] == " "):
            run.append(token)
            continue
        flush()
        if single:
            run.append(token)
        else:
            joined.append(token)
    flush()
    return joined
