"""Finds sentences about consent. A model never writes one: consent is a recorded event, no conclusion."""

import re
import unicodedata

# Who consents, for words that mean something else without: "prior authorization", "we agree with your colleague".
_PERSON = (
    r"(?:patient|pt|he|she|they|mother|father|mom|dad|parents?|guardian|spouse|wife|husband|son|daughter|family|proxy"
    r"|caregiver|representative|surrogate|individual|client|everyone|both|all|mr|mrs|ms|who|you|i)"
)
_AGREES = (
    r"(?:agree[sd]?|agreeing|agreeable|agreement|allow(?:s|ed)?|permit(?:s|ted)?|accept(?:s|ed|ing)?|approve[sd]?"
    r"|authori[sz](?:e[sd]?|ing)|ok(?:ay)?(?:ed|'d)?|fine|comfortable|willing|happy|no objections?|not object(?:ed)?"
    r"|(?:did|does|do)(?: not|n't) (?:object|mind)|go[- ]ahead|opt(?:s|ed)? in|said yes|elect(?:s|ed)?|wish(?:es|ed)?"
    r"|want(?:s|ed)?|would like|decline[sd]?|refuse[sd]?|aware|informed|notified|told|advised|acknowledge[sd]?)"
)
_CAPTURE = (
    r"(?:be(?:ing)? (?:audio[- ]?|video[- ]?)?(?:record|tap|transcrib|document|listen|captur|film)\w*"
    r"|(?:the |this |an? |ambient |audio |video |our )*(?:recording|recorder|scribe|transcription|taping|ai\b"
    r"|artificial intelligence|ambient (?:listening|documentation|technology|software)|dictation|dax|microphone|device)"
    r"|recorded|transcribed|use of (?:ai\b|artificial|ambient|a scribe|software|recording|technology))"
)
_TREATMENT = (
    r"(?:proceed\w*|undergo\w*|hav(?:e|ing) (?:the |a |an |this )?(?:procedure|surgery|operation|injection|biopsy"
    r"|treatment|test|vaccin\w*|exam\w*)|be(?:ing)? (?:treated|examined|vaccinated|operated)|(?:the "
    r"|this |a |an |her |his "
    r"|their |our |your |proposed |planned |above |recommended |treatment |of )*(?:plan(?: of (?:care"
    r"|treatment))?|treatment"
    r"|procedure|surgery|operation|biopsy|injection|anesthesia|anaesthesia|transfusion|therapy)\b)"
)
_RULES = tuple(
    re.compile(rule)
    for rule in (
        # The word itself, in the languages that a US practice meets most.
        r"\bconsent(?:s|ed|ing|ement\w*|imiento\w*)?\b|\bconsient\w+|\bconsinti\w+|\bconsens(?:o|us "
        r"libre)\b|\beinwillig\w+"
        r"|\bassent(?:s|ed|ing)?\b|知情同意|同意|동의|согласи[еяю]\b|موافق",
        r"\bpermission\b|\bpermiso\b|\bpermission\w*\b|\bautoriz(?:ó|o|a|aron|ado)\b|\bestuvo de acuerdo\b"
        r"|\bestá de acuerdo\b|\baceptó\b|\ba accepté\b|\bd'accord\b",
        rf"\b{_PERSON}\b[^.;]*?\b{_AGREES}\b[^.;]*?{_CAPTURE}",
        rf"{_CAPTURE}[^.;]*?\b(?:{_PERSON}\b[^.;]*?)?\b(?:agreed|agrees|okay(?:ed)?|allowed|accepted"
        rf"|approved|authori[sz]ed"
        rf"|acknowledged|no objection)",
        rf"\b(?:agree[sd]?|agreeable|agreement|accept(?:s|ed)?|authori[sz]e[sd]?|approve[sd]?|elect(?:s|ed)?"
        rf"|wish(?:es|ed)?|okay(?:ed)?|gave (?:the )?go[- ]ahead|verbali[sz]ed (?:agreement|acceptance))"
        rf"(?: (?:verbally|fully|freely|in writing))?(?: (?:to|with|for|that))? {_TREATMENT}",
        r"\b(?:risks?|benefits?|alternatives?)\b[^.;]*\b(?:risks?|benefits?|alternatives?)\b[^.;]*"
        r"\b(?:discuss\w*|explain\w*|review\w*|understand\w*|understood|accept\w*)",
        r"\bsigned\b[^.;]*\b(?:release|waiver|authori[sz]ation|form|hipaa|paperwork|agreement)\b",
        r"\b(?:hipaa|privacy) (?:authori[sz]ation|release|notice|acknowledg\w*)",
        rf"\b{_PERSON}\b[^.;]*\bopt(?:s|ed)? (?:in|out)\b",
        r"\b(?:verbal|oral|written|implied|informed|explicit) (?:agreement|approval|authori[sz]ation"
        r"|acceptance|ok(?:ay)?)\b",
    )
)
# From here on a preview is held back: each rule needs at least one of these pieces.
_CUES = re.compile(
    r"consen|consien|consint|assent|einwillig|同意|동의|соглас|موافق|permi|autoriz|acuerdo|acept|accept"
    r"|d'accord|agree|allow"
    r"|authori|approv|record|scrib|\bai\b|artificial|ambient|waive|hipaa|opt(?:s|ed)? |risks?\b"
    r"|benefit|alternativ|proceed"
    r"|objection|verbal|go[- ]ahead|okay"
)


def plain(text: str) -> str:
    """Return the text as the rules read it: compatibility forms folded, hidden characters out, blanks single."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    visible = "".join(c for c in folded if unicodedata.category(c) not in {"Cf", "Cc", "Mn"} or c in "\n\t ")
    return " ".join(visible.split())


def mentions_consent(text: str) -> bool:
    """Say whether a sentence is about consent to capture, treatment, disclosure or AI, given or withheld.

    It errs on the side of removing: a clinician can write such a sentence, a model cannot.
    """
    folded = plain(text)
    return any(rule.search(folded) for rule in _RULES)


def may_become_consent(text: str) -> bool:
    """Say whether the beginning of a sentence could still turn into one about consent."""
    return _CUES.search(plain(text)) is not None
