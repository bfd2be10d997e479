"""Which conditions last: named in a history, they are still the patient's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from appliance.grounding.tokens import Token, stem, words

# ICD-10-CM Official Guidelines, section IV.I: a chronic disease under treatment is coded as often as it is cared for;
# section IV.J: what was treated and no longer exists is not. Written by us from the conditions of office practice.
_LASTING = frozenset(
    stem(word)
    for word in words(
        "diabetes diabetic dm dm1 dm2 t1dm t2dm iddm niddm hypertension hypertensive htn hyperlipidemia hld"
        " dyslipidemia"
        " hypercholesterolemia hyperlipemia asthma asthmatic copd emphysema bronchiectasis chf hfref hfpef cad"
        " coronary"
        " cardiomyopathy fibrillation afib pvd pad ckd esrd cirrhosis hypothyroidism hyperthyroidism hashimoto graves"
        " gout osteoarthritis arthritis rheumatoid osteoporosis osteopenia lupus sle scleroderma sclerosis parkinson"
        " parkinson's parkinsonism dementia alzheimer alzheimer's epilepsy migraine migraines depression depressive"
        " anxiety bipolar schizophrenia adhd autism ptsd gerd reflux crohn crohn's colitis ibs psoriasis eczema"
        " glaucoma obesity obese apnea osa hiv aids fibromyalgia neuropathy retinopathy nephropathy endometriosis pcos"
        " thalassemia hemophilia celiac bph insomnia rhinitis spondylitis sarcoidosis amyloidosis myasthenia"
        " hypogonadism hypoparathyroidism panhypopituitarism tremor neuralgia scoliosis"
    )
) | frozenset({"chronic", stem("chronic"), stem("congenital"), stem("hereditary")})
_NAMED = (
    "heart failure", "kidney disease", "liver disease", "valve disease", "vascular disease", "bowel disease",
    "lung disease", "seizure disorder", "hepatitis b", "hepatitis c", "sickle cell",
    "blood pressure", "high cholesterol",
)  # fmt: skip
_PAIRS = frozenset(tuple(map(stem, pair.split())) for pair in _NAMED)


def lasting(tokens: Sequence[Token], first: int, last: int, low: int) -> bool:
    """Whether tokens [first, last) name a condition that lasts, or are called chronic, in a sentence from `low` on."""
    stems = [token.stem for token in tokens[first : last + 1]]
    if _LASTING & set(stems[: last - first]) or _PAIRS & set(pairwise(stems)):
        return True
    return any(token.text in ("chronic", "longstanding", "lifelong") for token in tokens[max(low, first - 2) : first])
