"""The names under which a note keeps its sections: from a written header to one key, whatever its form."""

from __future__ import annotations

import re
from functools import lru_cache

from appliance.grounding.tokens import words

# Key: the names that lead to it, after `normalised`. Written for this project from the headers that notes of the
# development encounters use and from the sections of the consolidated clinical document (HL7 C-CDA R2.1, LOINC names).
_NAMES: dict[str, str] = {
    "chief_complaint": "chief complaint|chief complaints|cc|presenting complaint|reason for visit|reason for"
    " consultation"
    "|reason for consult|reason for referral|presenting problem|indication|indications",
    "history_present_illness": "history of present illness|hpi|present illness|history of presenting illness"
    "|history of"
    " the present illness|history of presenting complaint|interval history|interim history|genhx|subjective|s|history"
    "|clinical history|hospital course|brief hospital course|ed course|edcourse|emergency department course|course"
    "|interval events|present history",
    "past_history": "past medical history|pmh|pmhx|medical history|past history|pasthx|pastmedicalhx|pertinent past"
    " medical history|previous medical history|significant past medical history|prior medical history|past psychiatric"
    " history|psychiatric history|past obstetric history|obstetric history|ob history|birth history|gynecologic"
    " history"
    "|gynhx|gyn history|past ocular history|ocular history|past cardiac history|antecedents|personal history|personal"
    " antecedents|medical antecedents|past illnesses|other history|other_history|medical hx|past medical hx",
    "surgical_history": "past surgical history|psh|pshx|surgical history|past surgeries|previous surgeries|prior"
    " surgeries|pastsurgical|surgical hx|past surgical hx|surgeries|previous operations|past procedures|medical and"
    " surgical history|past medical and surgical history|past medical surgical history|pmh psh",
    "family_history": "family history|fh|fhx|famhx|family hx|fam hx|family medical history|family psychiatric history"
    "|family antecedents|familial history|pertinent family history",
    "social_history": "social history|sh|shx|sochx|social hx|social|habits|substance use|substance use history|tobacco"
    "|tobacco use|alcohol|occupational history|lifestyle|fam sochx|family and social history|social and family"
    " history",
    "problem_list": "problem list|active problems|problems|active problem list|active issues|active medical problems"
    "|chronic problems|chronic conditions|comorbidities",
    "medications": "medications|meds|current medications|current meds|home medications|home meds|medications on"
    " admission|admission medications|discharge medications|outpatient medications|medication list|present medications"
    "|medication|prescriptions|rx",
    "allergies": "allergies|allergy|all|drug allergies|medication allergies|allergies and reactions|nkda|adverse"
    " reactions|allergies intolerances",
    "immunizations": "immunizations|immunization history|vaccinations|vaccines|immunisations|health maintenance",
    "review_of_systems": "review of systems|ros|systems review|system review|review of symptoms",
    "vitals": "vitals|vital signs|vs|vitals reviewed|vital signs reviewed",
    "exam": "physical exam|physical examination|exam|examination|pe|on exam|on examination|objective|o|physical"
    " findings"
    "|mental status exam|mental status examination|mse|neurological examination|clinical examination|general exam"
    "|general examination",
    "results": "results|labs|lab results|laboratory|laboratory data|laboratory results|lab data|laboratory studies"
    "|imaging"
    "|radiology|diagnostics|diagnostic studies|diagnostic data|data|data reviewed|studies|investigations|test results"
    "|pertinent results|ekg|ecg|findings|pathology|diagnostic results|laboratory findings|imaging studies|x ray|xray",
    "procedures": "procedures|procedure|procedures performed|operation|operations|operative procedure|interventions",
    "assessment": "assessment|a|impression|impressions|assessment and plan|assessment plan|a p|a and p|ap"
    "|impression and"
    " plan|impression plan|diagnosis|diagnoses|dx|final diagnosis|final diagnoses|discharge diagnosis|discharge"
    " diagnoses|admission diagnosis|admitting diagnosis|principal diagnosis|primary diagnosis|secondary diagnosis"
    "|secondary diagnoses|preoperative diagnosis|postoperative diagnosis|clinical impression|clinical assessment"
    "|problem assessment|assessment and recommendations|assessment recommendations|summary and assessment|working"
    " diagnosis|conclusion|conclusions|medical decision making|mdm|assessment and differential",
    "differential": "differential|differential diagnosis|differential diagnoses|ddx|dd|rule out|possible diagnoses",
    "plan": "plan|p|recommendations|recommendation|plan of care|treatment plan|treatment|plan and recommendations"
    "|disposition|orders|follow up|followup|follow up plan",
    "instructions": "instructions|patient instructions|discharge instructions|patient education|education|counseling"
    "|patient education and counseling|advice",
    "return_precautions": "return precautions|return instructions|return to clinic if|return if|return to er if"
    "|call if"
    "|seek care if|warning signs|red flags to watch for|when to call|when to seek care",
    "pertinent_negatives": "pertinent negatives|negatives|negative for|denies|patient denies|negative",
    "pertinent_positives": "pertinent positives|positives|positive for|positive|endorses|reports",
}
_KEYS = {name: key for key, names in _NAMES.items() for name in names.split("|")}
LONGEST = max(len(name.split()) for name in _KEYS)
# Names of one or two letters and everyday words: a header only with its colon, and alone or at the start of a line.
SHORT = frozenset(name for name in _KEYS if len(name) <= 2) | frozenset(
    [
        "all",
        "data",
        "history",
        "findings",
        "problems",
        "social",
        "habits",
        "education",
        "advice",
        "course",
        "alcohol",
        "tobacco",
        "treatment",
        "conclusion",
        "negative",
        "positive",
        "denies",
        "reports",
        "endorses",
        "orders",
        "medication",
        "procedure",
        "exam",
    ]
)
_MARKS = re.compile(r"[\s/&+,_()\-\u2013.]+")
_QUALIFIERS = re.compile(
    r"^(?:the|patient|patients|patient s|current|pertinent|relevant|updated|brief|full|additional) "
)
_AND = re.compile(r"\band\b")

STATUS_KEYS = frozenset(
    words("past_history surgical_history family_history differential return_precautions pertinent_negatives")
)
"""Sections that by themselves decide how a mention is held; any other header ends them, known or not."""


@lru_cache(maxsize=20_000)
def key_of(written: str) -> str:
    """Return the section key of a written header ("Assessment & Plan", "A/P", "FHx"), empty when it is none."""
    name = normalised(written)
    if not name or name.count(" ") >= LONGEST + 2:
        return ""
    for _ in range(3):
        found = _KEYS.get(name) or _KEYS.get(_AND.sub(" ", name).replace("  ", " "))
        if found:
            return found
        shorter = _QUALIFIERS.sub("", name)
        if shorter == name:
            return ""
        name = shorter
    return ""


def normalised(written: str) -> str:
    """Return a header in lower case without marks: "Past Medical/Surgical Hx." is "past medical surgical hx"."""
    plain = written.casefold().replace("&", " and ").replace("'", "").replace("\u2019", "")
    return _MARKS.sub(" ", plain).strip()
