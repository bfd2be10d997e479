"""Which kinds of document have codes, and why another has none."""

from __future__ import annotations

from appliance.clinical.document import DocumentKind
from appliance.problems import ProblemError

CODED = frozenset({DocumentKind.VISIT_NOTE, DocumentKind.DISCHARGE_INSTRUCTIONS, DocumentKind.REFERRAL_LETTER})
"""What a clinician signs about a condition that they treated or send somebody on for, on one day of service.

A diagnosis is coded from what the provider documented of the encounter, and as far as it was treated or affected care
(ICD-10-CM Official Guidelines, sections I.B.14 and IV.J). A referral carries the codes of what it is for.
"""

_WHY_NOT = {
    DocumentKind.RECORD_SUMMARY: "it retells what others wrote on other days; code each visit from its own note",
    DocumentKind.PRIOR_AUTH_APPEAL: "it argues for codes that were decided before; take those of the visit note",
    DocumentKind.PATIENT_LETTER: "it explains to a patient and documents no diagnosis; take those of the visit note",
    DocumentKind.FRONT_DESK_TEMPLATE: "it holds nothing clinical",
}


def require_coded(kind: DocumentKind) -> None:
    """Raise ProblemError 409 for a kind of document that has no codes, with why."""
    if kind not in CODED:
        raise ProblemError(
            409, "not-coded", "This document has no codes", f"no codes of a {kind.value}: {_WHY_NOT[kind]}",
            kind=kind.value, coded=sorted(one.value for one in CODED),
        )  # fmt: skip
