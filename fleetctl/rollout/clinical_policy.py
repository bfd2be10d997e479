"""A rollout policy's clinical limits as the box takes them, and as its signed result names them by digest."""

from __future__ import annotations

from appliance.contract.clinical_gate import ClinicalPolicy
from fleetctl.models.alerts import seconds
from fleetctl.models.rollout import ClinicalSpec


def policy_of(clinical: ClinicalSpec) -> ClinicalPolicy:
    """The limits without what concerns the operator's side alone: when it runs, and who countersigns."""
    return ClinicalPolicy(
        evaluation_set=clinical.evaluation_set,
        word_error_rate=clinical.word_error_rate,
        number_error_rate=clinical.number_error_rate,
        drug_error_rate=clinical.drug_error_rate,
        negation_error_rate=clinical.negation_error_rate,
        words_on_silence=clinical.words_on_silence,
        unsupported_share=clinical.unsupported_share,
        valid_for_s=seconds(clinical.valid_for),
    )
