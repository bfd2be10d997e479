"""The refusals of consent: one closed table of codes. No refusal repeats what was sent."""

from appliance.errors import RefusedError

# code: (HTTP status, what is wrong, what to do next)
REFUSALS: dict[str, tuple[int, str, str]] = {
    "state-unknown": (422, "the location is no US state and not DC", "give the state's two letters, for instance CA"),
    "consent-no-location": (422, "the event lacks the state of the patient or of the clinician", "record both states"),
    "consent-in-future": (422, "the event lies in the future", "compare the clocks of the sender and of this box"),
    "consent-too-old": (422, "the event is older than consent may be when it is recorded", "ask for consent again"),
    "consent-out-of-order": (409, "the event is older than the last one recorded", "record in order of time"),
    "consent-duplicate": (409, "an event of this id is recorded already", "give each event its own id"),
    "consent-too-many": (409, "the encounter holds as many consent events as are kept", "begin another encounter"),
    "consent-refused": (403, "consent was refused", "do not record; document the visit by hand"),
    "consent-withdrawn": (403, "consent was withdrawn", "stop recording"),
    "consent-missing": (403, "no consent is recorded for this", "record the patient's consent first"),
    "consent-patient-missing": (403, "the consent of the patient or their representative is missing", "ask them"),
    "consent-clinician-missing": (403, "the clinician's own consent is missing", "record it"),
    "consent-others-missing": (403, "somebody else who is present has not consented", "ask everybody present"),
    "consent-location-changed": (403, "consent was given for other states than now's", "ask again"),
    "consent-stale": (403, "the consent was given too long ago", "ask again, and record it"),
}  # fmt: skip


class ConsentError(RefusedError):
    """Consent does not allow it, or an event cannot be recorded. `code` is a key of REFUSALS."""

    def __init__(self, code: str) -> None:
        status, detail, hint = REFUSALS[code]
        super().__init__(detail, hint=hint)
        self.code = code
        self.status = status
        self.detail = detail
