"""Short visits to hold statements against."""

from collections.abc import Callable

import pytest

from appliance.clinical.document import Grounding
from appliance.clinical.source import Doubt, Passage, Source, Speaker
from appliance.grounding import Grounder

VISIT = (
    "D: Good morning, ma'am. How old are you?",
    "P: I am fifty two.",
    "D: Any fever or chills?",
    "P: No, none of that.",
    "D: Do you have a cough?",
    "P: Yes, for three days now.",
    "D: Any chest pain?",
    "P: I'm not sure.",
    "P: My right knee hurts. I fell two weeks ago.",
    "D: Your blood pressure is one hundred forty two over eighty eight.",
    "D: You take lisinopril twenty milligrams once a day and metformin five hundred milligrams twice a day, right?",
    "P: Yes. I have high blood pressure since two thousand eight.",
    "D: The swelling is on both ankles. Temperature is ninety eight point six.",
    "P: I don't smoke. I quit five years ago. I drink a glass of wine on Sundays.",
    "P: My father died of lung cancer.",
    "D: This may be bronchitis. You are five seven and your pain is eight out of ten.",
)
SPEAKERS = {"D": Speaker.CLINICIAN, "P": Speaker.PATIENT}


def transcript(*lines: str, doubts: tuple[str, ...] = ()) -> Source:
    """A transcript of lines "D: ..." and "P: ...", with doubts on the words given."""
    text = "\n".join(lines)
    passages, at = [], 0
    for line in lines:
        passages.append(Passage(start=at + 3, end=at + len(line), speaker=SPEAKERS[line[0]]))
        at += len(line) + 1
    marked = tuple(Doubt(start=text.index(word), end=text.index(word) + len(word), kind="number") for word in doubts)
    return Source(id="visit", kind="transcript", text=text, passages=tuple(passages), doubts=marked)


@pytest.fixture(scope="session")
def speech() -> Callable[..., Source]:
    return transcript


@pytest.fixture(scope="session")
def visit() -> Source:
    return transcript(*VISIT)


@pytest.fixture(scope="session")
def check(visit: Source) -> Callable[[str], Grounding]:
    return Grounder([visit]).check


@pytest.fixture(scope="session")
def kinds(check: Callable[[str], Grounding]) -> Callable[[str], set[str]]:
    """The kinds of findings on a statement about the visit."""
    return lambda text: {finding.kind.value for finding in check(text).findings}
