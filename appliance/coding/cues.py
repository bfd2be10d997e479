"""Words that say how a text holds what stands near them: cues, what they reach, and what only looks like one.

The method is that of NegEx (Chapman et al., J Biomed Inform 34, 2001) and ConText (Harkema et al., J Biomed Inform 42,
2009): a cue before or behind a mention, a scope, words that end it, and pseudo-cues. The words are ours. Terms of
uncertainty follow section IV.H of the ICD-10-CM Official Guidelines (fiscal year 2026), which bars an uncertain
diagnosis from being coded as present for an outpatient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from appliance.coding.suggestion import Assertion
from appliance.grounding.tokens import Token


class Reach(Enum):
    """Where a cue looks: at what follows it, at what precedes it, or at what touches it from the left."""

    FORWARD = "forward"
    BACKWARD = "backward"
    BESIDE = "beside"


@dataclass(frozen=True, slots=True)
class Cue:
    """One cue in a text.

    Args:
        assertion: What it says of a mention in its scope; None for words that only look like a cue.
        reach: Where its scope lies.
        first: Its first token.
        last: Behind its last token.
        lists: Whether its scope passes the commas of a list.
    """

    assertion: Assertion | None
    reach: Reach
    first: int
    last: int
    lists: bool


_H, _P, _F, _Y, _N = (
    Assertion.HISTORICAL, Assertion.POSSIBLE, Assertion.FAMILY, Assertion.HYPOTHETICAL, Assertion.NEGATED,
)  # fmt: skip

# Pseudo-cues: longer than the cue that they contain, so they win over it.
_PSEUDO = (
    "history of present illness|past medical history|past surgical history|past history|medical history"
    "|history of presenting illness|history and physical|history taking|poor history|year - old|year old|years old"
    "|month - old|months old|week - old|weeks old|day - old|days old|hour - old|year - olds"
    "|social history|medication history|good history|no history obtained|likely to|more likely to|as possible|prior to"
    "|if possible|as soon as possible|whenever possible|where possible|no doubt|without doubt|what if|as if|even"
    " if|if so|if not|risk factor for having"
    "|history is|suspect that|past few|past week|past weeks|past month|past months|past day|past days|past year"
    "|past several|past two|past three|over the past|in the past week|in the past month|in the past few|may 1|may 2"
    "|concerned about his|concerned about her|concerned about the|concerned about my|concerned about your|in may"
    "|since may|last may|test results|high risk sexual"
)
# What these deny is a change, a hindrance or a limit, never the thing itself.
_NO_DENIAL = (
    "no increase|no significant increase|no further increase|no change|no changes|no significant change|no"
    " interval change"
    "|no acute change|without change|unchanged|not only|not just|not merely|not necessarily|without difficulty"
    "|no difficulty|without problems|no improvement|without improvement|no relief|without relief|no response"
    "|no progression|without progression|no worsening|not controlled|not well controlled|not adequately controlled"
    "|not relieved|not improved|not improving|not resolved|not responding|gram negative|gram - negative|no doubt"
    "|without doubt|not tolerated|no decrease|no reduction|not sure why|no limitation|triple negative"
    "|triple - negative|no good control|not yet resolved|no trouble|no reason|without interruption|never without"
)
_FORWARD: dict[Assertion, tuple[str, str]] = {
    # assertion: (cues whose scope passes the commas of a list, cues whose scope ends with one)
    _H: (
        "history of|history is significant for|history significant for|history notable for|history positive for"
        "|history remarkable for|history includes|history included|history includes|h / o|hx of|hx|history :|pmh|pmhx"
        "|past history of|prior history of|previous history of|remote history of|personal history of|known history of"
        "|antecedents of|antecedent of|history significant for prior|background of",
        "status post|s / p|previous|previously had|prior|remote|former|formerly|previously diagnosed with"
        "|previously treated for|childhood|old|past|had had|in the past had|resolved|recovered from|healed"
        "|treated in the past for|last year had|as a child had|used to have|used to get|previously|no longer|no"
        " longer has"
        "|no longer have|resolution of",
    ),
    _P: (
        "differential includes|differential diagnosis includes|differential diagnoses include|differential include"
        "|ddx|ddx includes|differential diagnosis|differential diagnosis of|differential of|possibilities include"
        "|could include|considerations include|ruling out|rule out|r / o|to exclude|work up for|workup for",
        "possible|possibly|probable|probably|suspected|suspect|suspects|suspecting|suspicion of|suspicion for"
        "|suspicious for|suspicious of|concern for|concerned that|concerns for|concerning for|concerned about"
        "|concern about|concern of"
        "|likely due to|likely secondary to|likely from|likely related to|probably due to|possibly due to|possibly"
        " from"
        "|possibly related to|most likely due to|is likely due to|is likely from|is likely secondary to|likely"
        "|most likely|presumed|presumptive|presumably|questionable|question of|? |cannot rule out"
        "|can't rule out|can not rule out|cannot exclude|can't exclude|can not exclude|could not exclude"
        "|could not rule out|not ruled out|consistent with|compatible with|suggestive of|suggesting|suggests|suggest"
        "|worrisome for|may be|might be|could be|may have|might have|could have|may represent|might represent"
        "|could represent|may reflect|appears to be|seems to be|evaluate for|evaluation for|evaluation of possible"
        "|evaluated for|assess for|assessment for|to look for|check for|looking for|versus|vs|vs .|working diagnosis"
        "|working diagnosis of|thought to be|think it's|think it is|think you have|think this is|think that's|favor"
        "|favors|favoring|favored|equivocal for|indeterminate for|borderline for|perhaps|maybe|apparent|looks like"
        "|look like|sounds like|seems like"
        "|cannot be excluded|impression of possible|raises concern for|raising concern for|raise suspicion of"
        "|raised suspicion of|under investigation for|diagnostic consideration|consider|considering|considered",
    ),
    _Y: (
        "return if|return for|returns if|come back if|come back for|call if|call for|call us if|call me if|call"
        " back if"
        "|call the office if|let me know if|let us know if|seek care for|seek care if|seek medical attention for"
        "|seek medical attention if|go to the emergency room for|go to the er for|go to the er if|go to the ed for"
        "|go to the ed if|watch for|watch out for|monitor for|monitored for|monitoring for|observe for|look out for"
        "|be alert for|alert for|precautions for|warning signs of|signs of|signs and symptoms of|symptoms of"
        "|counseled on|counseled about|educated on|educated about|education on|education about|counseling on"
        "|warned about|warned of|advised about|risks include|risks including|risks of|risk of|risk for|at risk of"
        "|at risk for|increased risk of|increased risk for|risk factors for|side effects include|side effects such as"
        "|side effects like|complications such as|complications include|prevent|prevents|preventing|prevention of"
        "|to avoid|prophylaxis for|prophylaxis against|prophylaxis of|protect against|protects against"
        "|vaccinated against|vaccinated for|vaccination against|vaccination for|vaccine for|vaccine against"
        "|immunized against|immunization against|immunization for|immunized for|screen for|screened for|screening for"
        "|screens for|tested for|test for|testing for|in case of|in the event of|as needed for|prn for|prn|if|should"
        "|unless|whether|when you have|when you get|whenever you|can cause|could cause|may cause|might cause"
        "|can lead to|could lead to|may lead to|might lead to|can progress to|may progress to|may develop|might"
        " develop"
        "|could develop|can develop|may become|could become|would|to reduce|to decrease|afraid of|fear of|fears"
        "|worried about|worry about|worries about|worried that|wonders about|wondering about|asks about|asked about"
        "|information about|information on|pamphlet on|handout on|handout about|exposure to|exposed to|contact with"
        "|evaluate whether|to determine if|goal of preventing|avoidance of",
        "indicated for|used for|used to treat|treats|approved for|prescribed for|given for",
    ),
    _N: (
        # Plain denials ("no", "denies", "without", "not") are read by `appliance.grounding.polarity`.
        "ruled out for|negative for|no evidence of|no signs of|no sign of|no symptoms of|no history of|no hx of"
        "|no known history of|no personal history of|no prior history of|no family history of|no fh of"
        "|no suggestion of|no indication of|no suspicion of|no suspicion for|no concern for|no findings of"
        "|not consistent with|not suggestive of|not concerning for|low suspicion for|low suspicion of|lack of"
        "|fails to reveal|failed to reveal|never had|never been diagnosed with|rules out|ruled out|rule out of"
        "|unremarkable for|reassuring against|nor|neg for|no risk of|no sxs of|no sx of|no e / o|without evidence of"
        "|without signs of|w / o|w / out|argues against|argue against|arguing against|inconsistent with",
        "rather than|instead of|unlikely|unlikely to be|doubt|doubtful|less likely|improbable|not likely|unlikely"
        " to have|excluded",
    ),
    _F: (
        "family history of|family history significant for|family history positive for|family history includes"
        "|family history is significant for|family history is positive for|family history notable for|fh of|fhx of"
        "|fh positive for|fh significant for|family hx of|family history :|fh :|fhx :|fh|fhx|family history"
        " remarkable for"
        "|runs in the family :|strong family history of|familial history of|relatives with|family members with"
        "|relative with|family member with|family members have|family member has|family members had|family"
        " antecedents of",
        "",
    ),
}
_BACKWARD: dict[Assertion, str] = {
    _N: (
        "ruled out|was ruled out|has been ruled out|have been ruled out|were ruled out|is ruled out|been excluded"
        "|was excluded|were excluded|is excluded|is unlikely|are unlikely|was unlikely|is less likely|seems unlikely"
        "|appears unlikely|unlikely|is doubtful|less likely|is not suspected|not suspected|is negative|was negative"
        "|are negative|were negative|negative|denied|is denied|was denied|is absent|are absent|absent|not present"
        "|not seen|not identified|not noted|not found|not appreciated|not detected|not demonstrated|not evident"
        "|not observed|is not present|was not found|was not seen|not supported|rules out|never confirmed|not confirmed"
    ),
    _P: (
        "is suspected|was suspected|suspected|is possible|possible|is probable|is likely|likely|not ruled out"
        "|cannot be ruled out|can't be ruled out|can not be ruled out|could not be ruled out|has not been ruled out"
        "|not been ruled out|not yet ruled out|not excluded|cannot be excluded|can't be excluded|can not be excluded"
        "|could not be excluded|not been excluded|is a possibility|remains a possibility|is a consideration"
        "|is considered|was considered|is being considered|versus|vs|vs .|in the differential|on the differential"
        "|is in question|is questionable|questionable|? |presumed|is presumed|is favored|favored|to be ruled out"
        "|should be ruled out|needs to be ruled out|must be ruled out|to be excluded|should be excluded|maybe"
    ),
    _H: (
        "resolved|has resolved|have resolved|since resolved|now resolved|has since resolved|in the past|as a child"
        "|in childhood|as a teenager|in her youth|in his youth|years ago|year ago|in remission of|s / p|status post"
        "|many years ago|last year|last winter|last summer|last spring|last fall|last autumn|a decade ago|decades"
        " ago|previously|has gone away|went away|went away on its own"
        "|is gone|has subsided|subsided|in infancy|during childhood|as an infant|as an adolescent|as a young adult"
    ),
    _Y: "as needed|precautions were reviewed|were reviewed as risks|if it recurs",
    _F: (
        "in her mother|in his mother|in her father|in his father|in the mother|in the father|in mother|in father"
        "|in her family|in his family|in the family|in my family|runs in the family|runs in her family"
        "|runs in his family|runs in my family|in a sister|in a brother|in his brother|in her brother|in her sister"
        "|in his sister|in a sibling|in siblings|in her grandmother|in his grandmother|in grandmother|in grandfather"
        "|in her grandfather|in his grandfather|in relatives|in a relative|in first degree relatives|on her"
        " mother's side"
        "|on his mother's side|on her father's side|on his father's side|on my mother's side|on my father's side"
        "|in an aunt|in an uncle|in her aunt|in his uncle|in her daughter|in his son|in her son|in his daughter"
        "|in a first - degree relative|in maternal grandmother|in maternal grandfather|in paternal grandmother"
        "|in paternal grandfather|in both parents|in a parent|in one parent|in his parents|in her parents"
    ),
}
# Directly behind a mention: "seizure precautions", "DVT prophylaxis", "influenza vaccine", "cancer screening".
_BESIDE: dict[Assertion, str] = {
    _Y: (
        "precautions|prophylaxis|screening|screen|vaccine|vaccines|vaccination|vaccinations|immunization|shot|shots"
        "|prevention|education|counseling|test|tests|testing|risk|risks|risk assessment|exposure|panel|serology"
        "|booster"
        "|risk reduction|awareness"
    ),
    _H: "survivor",
}


# "Past medical history significant for", "known history of": what is said before and behind "history".
_BEFORE = (
    "", "past", "past medical", "past surgical", "past psychiatric", "medical", "surgical", "prior", "previous",
    "known", "remote", "personal", "significant", "significant past medical", "extensive", "long", "longstanding",
    "strong",
)  # fmt: skip
_AFTER = (
    "of", "significant for", "is significant for", "notable for", "is notable for", "positive for", "is positive for",
    "remarkable for", "is remarkable for", "includes", "included", "include", "consists of", "for", ":",
)  # fmt: skip
_HISTORIES = "|".join(" ".join(f"{before} history {after}".split()) for before in _BEFORE for after in _AFTER)


def _compiled() -> dict[str, list[tuple[tuple[str, ...], tuple[tuple[Assertion | None, Reach, bool], ...]]]]:
    meant: dict[tuple[str, ...], dict[Reach | None, tuple[Assertion | None, Reach, bool]]] = {}

    def add(spellings: str, assertion: Assertion | None, reach: Reach, lists: bool, slot: Reach | None) -> None:
        for spelling in filter(None, spellings.split("|")):
            meant.setdefault(tuple(spelling.split()), {})[slot] = (assertion, reach, lists)

    for assertion, (listing, single) in _FORWARD.items():
        add(listing, assertion, Reach.FORWARD, True, Reach.FORWARD)
        add(single, assertion, Reach.FORWARD, False, Reach.FORWARD)
    add(_HISTORIES, Assertion.HISTORICAL, Reach.FORWARD, True, Reach.FORWARD)
    for assertion, spellings in _BACKWARD.items():
        add(spellings, assertion, Reach.BACKWARD, False, Reach.BACKWARD)
    for assertion, spellings in _BESIDE.items():
        add(spellings, assertion, Reach.BESIDE, False, Reach.BESIDE)
    for pseudo in (_PSEUDO, _NO_DENIAL):
        add(pseudo, None, Reach.FORWARD, False, None)
    table: dict[str, list[tuple[tuple[str, ...], tuple[tuple[Assertion | None, Reach, bool], ...]]]] = {}
    for spelling, found in meant.items():
        table.setdefault(spelling[0], []).append((spelling, tuple(found.values())))
    for rows in table.values():
        rows.sort(key=lambda row: -len(row[0]))
    return table


_TABLE = _compiled()


def cues(tokens: Sequence[Token], low: int, high: int) -> list[Cue]:
    """Return the cues of tokens [low, high), the longest at each place; a pseudo-cue takes its words away."""
    found: list[Cue] = []
    at = low
    while at < high:
        step = 1
        for spelling, meanings in _TABLE.get(tokens[at].text, ()):
            end = at + len(spelling)
            if end <= high and all(tokens[at + place].text == word for place, word in enumerate(spelling)):
                pseudo = any(meaning[0] is None for meaning in meanings)
                found += [
                    Cue(assertion, reach, at, end, lists)
                    for assertion, reach, lists in meanings
                    if assertion is None or not pseudo
                ]
                step = len(spelling)
                break
        at += step
    return found
