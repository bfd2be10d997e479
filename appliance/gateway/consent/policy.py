"""What a practice decides about consent: how long it lasts, and what a withdrawal does to what was captured."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Disposition(StrEnum):
    """What happens to what was captured when consent is refused or withdrawn."""

    KEEP_UNTIL_REVIEW = "keep_until_review"
    DELETE_RECORDING = "delete_recording"
    DELETE_ALL = "delete_all"


class ConsentPolicy(BaseModel):
    """The practice's choice.

    `max_age_s`: how old a yes may be when capture begins or goes on; 24 hours is one visit. `clock_skew_s`: how far an
    event may lie in the future, because the sender's clock is not ours.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    on_withdrawal: Disposition = Disposition.DELETE_RECORDING
    max_age_s: Annotated[float, Field(ge=60, le=366 * 86400)] = 86400
    clock_skew_s: Annotated[float, Field(ge=0, le=300)] = 60


@dataclass(frozen=True)
class Handling:
    """What to do with an encounter whose consent was refused or withdrawn. Capture stops in every case.

    `hold`: nothing is drafted, shown or signed from the capture until a person decided. Signed documents are never
    deleted here: they are the medical record, and stay under the retention rules.
    """

    disposition: Disposition
    delete_recording: bool
    delete_transcript: bool
    delete_unsigned_documents: bool
    hold: bool


def handling(disposition: Disposition) -> Handling:
    """Return what a disposition means."""
    everything = disposition is Disposition.DELETE_ALL
    return Handling(
        disposition=disposition,
        delete_recording=disposition is not Disposition.KEEP_UNTIL_REVIEW,
        delete_transcript=everything,
        delete_unsigned_documents=everything,
        hold=disposition is Disposition.KEEP_UNTIL_REVIEW,
    )
