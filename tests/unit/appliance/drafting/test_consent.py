"""Sentences about consent are found in the words people use, and ordinary sentences stay."""

import pytest

from appliance.drafting.consent import may_become_consent, mentions_consent

# From section texts of MTS-Dialog (Ben Abacha et al., EACL 2023, CC BY 4.0), as written there.
FOUND = [
    "The patient understands the risks and benefits and elected to proceed, signed consent obtained.",
    "The patient agreed to this plan.",
    "The patient states he understands and is in agreement with the plan.",
    "Risks and benefits of surgery were discussed.",
    "All questions were answered and parents agreed to above plan.",
    "Informed consent was obtained.",
    "She wishes to proceed with arthroplasty at this time.",
    "She was consented for the procedure.",
    "He has agreed to undergo this procedure and a consent was obtained preoperatively.",
]
# Ours, about capture, AI and disclosure, in several languages and disguises.
OURS = [
    "Patient gives verbal consent to the use of an ambient AI scribe.",
    "The patient agreed to be recorded.",
    "Patient is okay with recording the visit.",
    "Permission to record was granted by the mother.",
    "Patient did not object to the recording.",
    "She was informed that AI would be used and approved it.",
    "The recording was approved by the patient.",
    "He opted in to artificial intelligence documentation.",
    "The patient declined to be recorded.",
    "The patient authorized the use of a scribe.",
    "Patient signed the HIPAA release.",
    "Verbal agreement for AI documentation noted.",
    "Patient con\u200bsented to recording.",
    "Ｃｏｎｓｅｎｔ was given.",
    "El paciente dio su consentimiento para la grabación.",
    "La paciente autorizó la grabación.",
    "La patiente a donné son consentement.",
    "患者同意录音。",
]
KEPT = [
    "Prior authorization for infliximab was denied on 2026-03-02.",
    "We request authorization of the procedure.",
    "The patient has a recorded blood pressure of 142 over 88.",
    "She reports pain in the left knee.",
    "He stopped ibuprofen because of heartburn.",
    "The wound was present on admission.",
    "Continue metformin 500 mg twice a day.",
    "Patient refuses to eat breakfast.",
    "There is no agreement between the two readings of the film.",
    "The benefit of the brace was small.",
    "She is allowed to bear weight on the left leg.",
    "He accepts food by mouth.",
]


@pytest.mark.parametrize("sentence", FOUND + OURS)
def test_a_sentence_about_consent_is_found_and_held_back(sentence: str) -> None:
    assert mentions_consent(sentence)
    # Were it shown until its last word, the preview would have said it.
    assert may_become_consent(sentence)


@pytest.mark.parametrize("sentence", KEPT)
def test_other_sentences_stay(sentence: str) -> None:
    assert not mentions_consent(sentence)
