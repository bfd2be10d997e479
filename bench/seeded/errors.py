"""Human notes with one error put into each sentence that has a place for it, the same errors in every run."""

import hashlib
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from appliance.clinical.source import Passage, Source, Speaker

LINE = re.compile(r"\s*(?:\[(\w+)\]|([\w ]{2,20}):)\s*")
SENTENCE = re.compile(r"(?<=[.!?])(?<!Dr\.)(?<!Mr\.)(?<!Mrs\.)(?<!\d\.)(?<!vs\.)\s+(?=[A-Z0-9\"(])|\n+")
SPEAKERS = {"doctor": Speaker.CLINICIAN, "patient": Speaker.PATIENT}


@dataclass(frozen=True)
class Case:
    """A sentence of a human note, its dialogue, and the errors put into it."""

    text: str
    dialogue: str
    seeds: tuple[tuple[str, str], ...]


def as_source(dialogue: str) -> Source:
    """Read a dialogue with a speaker before each line."""
    passages = []
    at = 0
    for line in dialogue.split("\n"):
        found = LINE.match(line)
        start = found.end() if found else 0
        if line[start:].strip():
            who = (found[1] or found[2]).lower().split("_")[0] if found else ""
            speaker = SPEAKERS.get(who, Speaker.OTHER)
            passages.append(Passage(start=at + start, end=at + len(line), speaker=speaker))
        at += len(line) + 1
    return Source(id="dialogue", kind="transcript", text=dialogue, passages=tuple(passages))


def sentences(note: str) -> list[str]:
    """Split a note into what a reader would call statements."""
    return [piece.strip() for piece in SENTENCE.split(note) if piece and re.search(r"\w", piece)]


# One function a class: the sentence with one error, or None where there is no place for it.
Seed = Callable[[str, str, random.Random], "str | None"]
DOSE = re.compile(r"\b(\d+(?:\.\d+)?)(?= ?(?:mg|mcg|milligrams?|units?|ml|mL|puffs?|tablets?|grams?)\b)")
TIME = re.compile(
    r"\b(\d+|one|two|three|four|five|six|seven|eight|nine|ten)([ -])(day|week|month|year|hour)(s?)\b(?![- ]old)"
)
AGE = re.compile(
    r"\b(\d{1,2})(?=[- ]?(?:year|y/o|yo\b|years)[- ]?(?:s )?(?:old|of age)?)(?=\S*[- ]?(?:years?[- ]old|y/o|yo))"
)
NUMBER = re.compile(
    r"(?<!^)(?<![\d/.,A-Za-z#-])(\d{1,4})(?![\d,]|[./]\d)(?![- ]?(?:year|y/o|yo|mg|mcg|mill"
    r"|unit|day|week|month|hour|ml|pm|a\.m|p\.m|puff|tab))\b"
)
SEXES = {
    "male": "female", "female": "male", "man": "woman", "woman": "man", "gentleman": "lady", "lady": "gentleman",
    "boy": "girl", "girl": "boy",
}  # fmt: skip
SIDES = {"left": "right", "right": "left", "bilateral": "left", "bilaterally": "on the left"}
DRUGS = (
    "warfarin", "sertraline", "furosemide", "lisinopril", "Humira", "clonazepam", "montelukast", "rivaroxaban",
    "Tivicay", "lacosamide", "methotrexate", "Entresto", "baclofen", "glipizide", "Ozempic", "ticagrelor",
)  # fmt: skip
DRUG = re.compile(
    r"\b([A-Za-z]{4,}(?:pril|sartan|statin|olol|prazole|cillin|mycin|floxacin|formin|semide|pine|mine|done"
    r"|profen|phen|sone|azole|cycline|codone|xetine|azepam)|aspirin|insulin|Lasix|Lipitor|Coumadin|Plavix"
    r"|Synthroid|Norvasc|Tylenol|Advil|Motrin|Aleve|Zoloft|Prozac|Ambien|Xanax|Vicodin|Percocet|Lantus|Zocor"
    r"|Nexium|Prilosec|Zantac|Flonase|Claritin|Zyrtec|Allegra|Celebrex|Ultram|Lexapro|morphine|codeine"
    r"|ibuprofen|Diovan|Lyrica|Neurontin|Coreg|Toprol|penicillin|sulfa)\b",
    re.I,
)
INVENTED = (
    "Urine culture was negative.", "There is a history of asthma.", "Reports hematuria for two days.",
    "Chest x-ray showed a small effusion.", "Colonoscopy was normal.", "She had an appendectomy.", "He has gout.",
    "Troponin was elevated.", "EKG showed sinus rhythm.", "Patient has two cats.",
    "There was a recent trip to Mexico.", "Biopsy was benign.",
)  # fmt: skip


def other(value: str, chance: random.Random) -> str:
    """A number that is wrong: off by some, or by a factor."""
    if "." in value:
        return str(round(float(value) * chance.choice((2, 3, 10)), 3))
    number = int(value)
    wrong = [number + chance.randint(1, 9), number * 10, number * 2 + 1, max(0, number - chance.randint(1, 5))]
    return str(chance.choice([choice for choice in wrong if choice != number]))


def by(pattern: re.Pattern[str], change: Callable[[re.Match[str], random.Random], str]) -> Seed:
    """A seed that changes one match of a pattern."""

    def seed(text: str, dialogue: str, chance: random.Random) -> str | None:
        matches = list(pattern.finditer(text))
        if not matches:
            return None
        match = chance.choice(matches)
        return text[: match.start()] + change(match, chance) + text[match.end() :]

    return seed


def flipped(text: str, dialogue: str, chance: random.Random) -> str | None:
    """Deny what was affirmed, or the reverse."""
    for pattern, wrong in (
        (r"\b(denies|denied) (?!to\b)(?:any |having )?", "reports "), (r"\b[Nn]o (?=[a-z])", ""), (r"\bwithout\b",
        "with"),
        (r"\b(?:do|does|did) not (?!have any)(\w+)", r"does \1"), (r"\b(is|was|are|were) not\b", r"\1"),
        (r"\bnegative for\b", "positive for"),
        (r"\b(reports|complains of|complaining of|endorses|states)(?! that| she| he)\b", "denies"),
        (r"(?<!not )\b(has|had|have) (a |an |some )?(?!"
            r"been|it|much|past|couple|down|not|no|had|since|also|any|this|his|her|to|taken|gone|done|seen"
            r"|gotten|two|three|one|otherwise|many|never|the)"
            r"(?=(?![a-z]*(?:ed|en|ly)\b)[a-z]+(?: [a-z]+)?[ .,])", r"\1 no "),
        (r"\bwith (a )?history of\b", "with no history of"),
        (r"\b[Hh]istory of\b", "No history of"), (r"\b[Pp]ositive for\b", "negative for"),
    ):  # fmt: skip
        changed = re.sub(pattern, wrong, text, count=1)
        if changed != text:
            return changed
    return None


def retimed(match: re.Match[str], chance: random.Random) -> str:
    """Three days become three weeks, or seven days."""
    number, gap, unit, plural = match.groups()
    if chance.random() < 0.5:
        return (
            number + gap + chance.choice([name for name in ("day", "week", "month", "year") if name != unit]) + plural
        )
    words = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    wrong = words[(words.index(number) + chance.randint(1, 8)) % 10] if number in words else other(number, chance)
    return wrong + gap + unit + plural


def redated(text: str, dialogue: str, chance: random.Random) -> str | None:
    """A wrong duration, or else a wrong year."""
    year = by(
        re.compile(r"\b(?:19|20)\d\d\b"), lambda match, chance: str(int(match[0]) + chance.choice((-3, -2, -1, 1, 2)))
    )
    return by(TIME, retimed)(text, dialogue, chance) or year(text, dialogue, chance)


def swapped_drug(text: str, dialogue: str, chance: random.Random) -> str | None:
    """Another drug in the place of the one that was named."""
    absent = [name for name in DRUGS if name.lower() not in (text + dialogue).lower()]
    return by(DRUG, lambda match, chance: chance.choice(absent))(text, dialogue, chance)


def invented(text: str, dialogue: str, chance: random.Random) -> str | None:
    """A finding that nobody spoke of; its name is not in the dialogue in these words."""
    said = dialogue.lower()
    options = [
        option for option in INVENTED
        if not any(word in said for word in re.findall(r"[a-z]{4,}", option.lower())
                   if word not in ("patient", "there", "history", "showed", "negative", "reports", "small",
                                   "days", "recent", "normal",
                                   "chest", "sinus", "elevated"))
    ]  # fmt: skip
    return chance.choice(options) if options else None


SEEDS: dict[str, Seed] = {
    "number": by(NUMBER, lambda match, chance: other(match[0], chance)),
    "dose": by(DOSE, lambda match, chance: other(match[0], chance)),
    "drug": swapped_drug,
    "laterality": by(
        re.compile(r"\b(?:left|right|bilateral|bilaterally)\b(?! now| away)"), lambda match, chance: SIDES[match[0]]
    ),
    "negation": flipped,
    "date": redated,
    "demographic": lambda text, dialogue, chance: (
        by(AGE, lambda match, chance: other(match[0], chance))(text, dialogue, chance)
        if chance.random() < 0.5 and AGE.search(text)
        else by(re.compile(r"\b(?:" + "|".join(SEXES) + r")\b"), lambda match, chance: SEXES[match[0]])(
            text, dialogue, chance
        )
    ),
    "invented": invented,
}


def cases(pairs: Iterator[tuple[str, str, str]]) -> list[Case]:
    """Split notes into cases. The chance of each comes from its identifier: the same errors in every run."""
    made = []
    for identifier, note, dialogue in pairs:
        for place, text in enumerate(sentences(note)):
            seeds = []
            for name, seed in SEEDS.items():
                digest = hashlib.sha256(f"{identifier}/{place}/{name}".encode()).digest()
                changed = seed(text, dialogue, random.Random(digest))  # noqa: S311 - reproducible, not secret
                if changed is not None and changed != text:
                    seeds.append((name, changed))
            made.append(Case(text, dialogue, tuple(seeds)))
    return made
