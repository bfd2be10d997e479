"""Who of two voices is the clinician, by what they say: questions, instructions and findings against first-person talk.

A dated list of cues by hand, not a trained model: it can be read and disputed. English only; another language gives no
role. What it was measured on stands in docs/design/transcription.md.
"""

import math
import re
from collections.abc import Iterable

# Asking, directing, examining and planning. From how visits are taught (history, exam, assessment, plan).
_CLINICIAN = (
    r"\b(?:do|did|have|are|were|can|could|would|any) you(?:r)?\b",
    r"\bhow (?:long|often|much|many|about|'s|is|are|have)\b",
    r"\bhave you (?:had|noticed|been|tried|taken)\b",
    r"\bany (?:history|other|pain|fever|chest|shortness|changes?|nausea)\b",
    r"\blet (?:me|us|'s)\b",
    r"\blet'?s\b",
    r"\bi(?: ?'d| would) (?:like|want)(?: you)? to\b",
    r"\bi want you to\b",
    r"\b(?:we|i)(?: ?'re| am| ?'m| are) going to\b",
    r"\b(?:we|i)(?: ?'ll| will)\b",
    r"\byou(?:r)?\b",
    r"\b(?:follow|come back|see you) (?:up|in|back|again)\b",
    r"\bon (?:your )?(?:exam|examination|x-? ?ray|review)\b",
    r"\b(?:prescri\w+|milligrams?|assessment|diagnosis|refer\w*|order(?:ed)?|labs?|results?|symptoms?|mri)\b",
    r"\b(?:deep breath|take a look|listen to|step on|lie (?:back|down)|push|squeeze)\b",
)
# Telling about oneself, and answering.
_PATIENT = (
    r"\bi(?: ?'ve| have)? (?:been|feel|felt|noticed|had|took|take|get|got|was|just|went|tried|think|guess)\b",
    r"\bmy\b",
    r"\bi(?: ?'m| am) (?:not|just|feeling|having|taking|pretty|really|worried|trying)\b",
    r"\bme\b",
    r"\bi do(?: ?n't)?\b",
    r"\bi ca ?n(?:'t|not)\b",
    r"\bi did(?: ?n't)?\b",
    r"\bi have(?: ?n't| not)?\b",
    r"\bit (?:hurts?|started|feels?|was)\b",
    r"\b(?:yeah|yes|yep|no|nope|mm-hmm|uh-huh)\b",
    r"\b(?:thank you|thanks|doctor|doc)\b",
)
_CLINICIAN_CUES = tuple(re.compile(cue) for cue in _CLINICIAN)
_PATIENT_CUES = tuple(re.compile(cue) for cue in _PATIENT)
# Words that each voice must have said: fewer hold too few cues.
MIN_WORDS = 12
# The difference of the two voices' log ratios that decides. 1.0: 2.7 times the odds.
MARGIN = 1.0


def score(text: str) -> float:
    """Return the log ratio of clinician's to patient's cues in a text; above 0 is more of a clinician's."""
    lower = text.lower().replace("’", "'")
    clinician = sum(len(cue.findall(lower)) for cue in _CLINICIAN_CUES) + lower.count("?")
    patient = sum(len(cue.findall(lower)) for cue in _PATIENT_CUES)
    # One of each is added: a voice with one cue must not get an infinite ratio.
    return math.log((clinician + 1) / (patient + 1))


def clinician(texts: Iterable[str], language: str) -> int | None:
    """Return which of two voices, given as all that each said, is the clinician's, or None when it is not clear."""
    found = list(texts)
    if language != "en" or len(found) != 2 or any(len(text.split()) < MIN_WORDS for text in found):
        return None
    scores = [score(text) for text in found]
    if abs(scores[0] - scores[1]) < MARGIN:
        return None
    return scores.index(max(scores))
