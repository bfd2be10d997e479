"""The result of a validation: figures with their intervals, nothing that a patient could be known by."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from appliance.coding.validation.statistics import Bin, Interval


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Agreement(_Frozen):
    """Agreement at one level of detail; each code of a record counts once at that level."""

    level: str = Field(description="code, category or chapter.")
    coded: int
    suggested: int
    agreed: int
    precision: Interval = Field(description="Share of suggestions that the coders coded; Wilson.")
    recall: Interval = Field(description="Share of the coders' codes that were suggested; Wilson.")
    f1: Interval = Field(description="Interval by a bootstrap over records.")


class Kappa(_Frozen):
    """Cohen's kappa over the presence of codes in records."""

    pooled: Interval = Field(
        description="Over all pairs of record and code seen by either side; bootstrap over records."
    )
    codes: int = Field(description="Codes seen by either side.")
    judged: int = Field(description="Codes with at least `least` records on either side, for the median.")
    least: int
    median: float | None = Field(description="Of the kappas of these codes.")
    lowest: tuple[tuple[str, float, int], ...] = Field(description="(code, kappa, records) of the worst of them.")


class ChapterRow(_Frozen):
    """What became of the coders' codes of one chapter, and what was suggested beyond."""

    chapter: str
    coded: int
    agreed: int
    same_category: int
    same_chapter: int
    other_chapter: int
    nothing: int
    beyond: int = Field(description="Suggestions of this chapter that stand for none of the coders' codes.")


class Crossing(_Frozen):
    """Codes of one chapter for which another chapter's stood."""

    coded: str
    suggested: str
    count: int


class EditRow(_Frozen):
    """How many records fail an edit on their date of service, with the suggested codes and with the coders' own."""

    rule: str
    severity: str
    suggested: int
    coded: int


class Times(_Frozen):
    """Seconds per record."""

    median: float
    p95: float
    longest: float
    total: float


class ValidationReport(_Frozen):
    """A whole validation."""

    schema_version: str = "coding-validation/v1"
    made_at: str = Field(description="ISO 8601, UTC.")
    source: str = Field(
        description="What was read: the name of a CSV file; of FHIR only how much, for its names may be people's."
    )
    source_sha256: str
    engine: str
    tables: tuple[str, ...] = Field(description="Code tables used, with version and digest.")
    threshold: float = Field(description="Suggestions below this confidence are left out.")
    seed: int
    rounds: int
    records: int
    skipped: int = Field(description="Records of the file that could not be read and were left out.")
    years: str = Field(description="Of the dates of service; days are identifiers.")
    not_compared: int = Field(description="Codes of other systems in the records.")
    agreement: tuple[Agreement, ...]
    exact_records: Interval = Field(description="Share of records with exactly the coders' codes; Wilson.")
    kappa: Kappa
    chapters: tuple[ChapterRow, ...]
    crossings: tuple[Crossing, ...]
    losses: dict[str, int] = Field(description="Codes of the right category that differ, by what was lost.")
    not_billable_suggested: Interval
    not_billable_coded: Interval
    edits: tuple[EditRow, ...]
    calibration: tuple[Bin, ...] = Field(description="Of all suggestions, also those below the threshold.")
    calibration_error: float | None
    sure: Interval = Field(description="Precision of suggestions at or above 0.95.")
    sure_coverage: Interval = Field(description="Share of the coders' codes that these agree with.")
    times: Times | None = Field(description="Null when the suggestions came without.")


class Miss(_Frozen):
    """One disagreement, for the coders' own review; `record` is a place in the file unless names were asked for."""

    record: str
    coded: str
    suggested: str
    confidence: float | None
    outcome: str
    loss: str
    edits: str
