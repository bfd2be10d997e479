"""One reader for each FHIR resource type that states clinical facts: what it says as one line."""

from collections.abc import Callable

from appliance.drafting.records.elements import (
    Resolve,
    Resource,
    code,
    concept,
    concepts,
    dosage,
    each,
    first_day,
    period,
    quantity,
    value_of,
)  # fmt: skip
from appliance.drafting.records.facts import Fact, day, words

Reader = Callable[[Resource, Resolve], Fact | None]
_ENDED = frozenset({"completed", "stopped", "cancelled", "revoked", "not-taken", "entered-in-error"})


def _line(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _status(resource: Resource, *silent: str) -> str:
    status = words(resource.get("status"))
    return "" if status in silent else status.replace("-", " ")


def _patient(resource: Resource, _: Resolve) -> Fact | None:
    """Sex and dates only: names, addresses and numbers never get into a source."""
    born, died = day(resource.get("birthDate")), day(resource.get("deceasedDateTime"))
    dead = f"died {died}" if died else "deceased" if resource.get("deceasedBoolean") is True else ""
    text = _line(words(resource.get("gender")), f"born {born}" if born else "", dead)
    return Fact("Patient", "", text) if text else None


def _condition(resource: Resource, _: Resolve) -> Fact | None:
    name = concept(resource.get("code"))
    status, verified = code(resource.get("clinicalStatus")), code(resource.get("verificationStatus"))
    ended = first_day(resource, "abatementDateTime", "abatementPeriod")
    is_open = status not in {"resolved", "inactive", "remission"} and not ended and verified != "refuted"
    doubt = "" if verified in {"", "confirmed"} else verified.replace("-", " ")
    text = _line(name, concepts(resource.get("bodySite")), doubt, status, f"ended {ended}" if ended else "")
    when = first_day(resource, "onsetDateTime", "onsetPeriod", "recordedDate")
    return Fact("Condition", when, text, is_open) if name else None


def _medicine(resource: Resource, resolve: Resolve) -> str:
    if name := concept(resource.get("medicationCodeableConcept")):
        return name
    reference = resource.get("medicationReference")
    found = resolve(resource, reference)
    shown = next((words(one.get("display")) for one in each(reference)), "")
    return (concept(found.get("code")) if found else "") or shown


def _medication(kind: str) -> Reader:
    def read(resource: Resource, resolve: Resolve) -> Fact | None:
        name = _medicine(resource, resolve)
        status = words(resource.get("status"))
        never = "must not be given" if resource.get("doNotPerform") is True else ""
        instruction = dosage(resource.get("dosageInstruction")) or dosage(resource.get("dosage"))
        why = concepts(resource.get("reasonCode"))
        text = _line(name, never, instruction, f"for {why}" if why else "", status)
        when = first_day(resource, "authoredOn", "effectiveDateTime", "effectivePeriod", "dateAsserted")
        return Fact(kind, when, text, status not in _ENDED and not never) if name else None

    return read


def _allergy(resource: Resource, _: Resolve) -> Fact | None:
    name = concept(resource.get("code"))
    reactions = "; ".join(
        _line(concepts(one.get("manifestation")), words(one.get("severity"))) for one in each(resource.get("reaction"))
    )
    verified, status = code(resource.get("verificationStatus")), code(resource.get("clinicalStatus"))
    doubt = "" if verified in {"", "confirmed"} else verified.replace("-", " ")
    risk = words(resource.get("criticality"))
    text = _line(name, reactions and f"reaction {reactions}", risk and f"criticality {risk}", doubt, status)
    when = first_day(resource, "onsetDateTime", "recordedDate")
    return Fact("AllergyIntolerance", when, text, status not in {"resolved", "inactive"}) if name else None


def _observation(resource: Resource, _: Resolve) -> Fact | None:
    name = concept(resource.get("code"))
    components = "; ".join(
        f"{concept(one.get('code'))} {value_of(one)}".strip() for one in each(resource.get("component"))
    )
    reading = _line(value_of(resource), components)
    meaning = concepts(resource.get("interpretation"))
    ranges = ", ".join(
        words(one.get("text")) or "–".join(filter(None, (quantity(one.get("low")), quantity(one.get("high")))))
        for one in each(resource.get("referenceRange"))
    )
    text = f"{name} {reading}".strip()
    text = _line(text, meaning, ranges and f"reference {ranges}", _status(resource, "final", "amended", "corrected"))
    when = first_day(resource, "effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued")
    return Fact("Observation", when, text) if name else None


def _procedure(resource: Resource, _: Resolve) -> Fact | None:
    name, why = concept(resource.get("code")), concepts(resource.get("reasonCode"))
    sites = concepts(resource.get("bodySite"))
    text = _line(name, sites, why and f"for {why}", concept(resource.get("outcome")), _status(resource, "completed"))
    return Fact("Procedure", first_day(resource, "performedDateTime", "performedPeriod"), text) if name else None


def _immunization(resource: Resource, _: Resolve) -> Fact | None:
    name = concept(resource.get("vaccineCode"))
    status = words(resource.get("status"))
    text = _line(
        name,
        "not given" if status == "not-done" else _status(resource, "completed"),
        concept(resource.get("statusReason")),
    )
    return Fact("Immunization", first_day(resource, "occurrenceDateTime"), text) if name else None


def _encounter(resource: Resource, _: Resolve) -> Fact | None:
    name, why = concepts(resource.get("type")), concepts(resource.get("reasonCode"))
    end = next((concept(one.get("dischargeDisposition")) for one in each(resource.get("hospitalization"))), "")
    text = _line(name or "encounter", why and f"for {why}", end, _status(resource, "finished"))
    return Fact("Encounter", first_day(resource, "period"), text)


def _report(resource: Resource, _: Resolve) -> Fact | None:
    name, conclusion = concept(resource.get("code")), words(resource.get("conclusion"))
    results = "; ".join(text for one in each(resource.get("result")) if (text := words(one.get("display"))))
    coded = concepts(resource.get("conclusionCode"))
    text = _line(
        name, conclusion, coded, results and f"with {results}", _status(resource, "final", "amended", "corrected")
    )
    return (
        Fact("DiagnosticReport", first_day(resource, "effectiveDateTime", "effectivePeriod", "issued"), text)
        if name
        else None
    )


def _care_plan(resource: Resource, resolve: Resolve) -> Fact | None:
    name = words(resource.get("title")) or words(resource.get("description")) or concepts(resource.get("category"))
    activities = "; ".join(
        concept(detail.get("code")) or words(detail.get("description"))
        for one in each(resource.get("activity"))
        for detail in each(one.get("detail"))
    )
    problems = [resolve(resource, one) for one in each(resource.get("addresses"))]
    about = "; ".join(text for one in problems if one is not None and (text := concept(one.get("code"))))
    during = period(resource.get("period"))
    text = _line(name, about and f"for {about}", activities and f"with {activities}", during, _status(resource))
    return Fact("CarePlan", first_day(resource, "period", "created"), text) if name or activities else None


def _goal(resource: Resource, _: Resolve) -> Fact | None:
    name = concept(resource.get("description"))
    status = words(resource.get("lifecycleStatus"))
    when = first_day(resource, "startDate", "statusDate")
    return Fact("Goal", when, _line(name, status, concept(resource.get("achievementStatus")))) if name else None


def _imaging(resource: Resource, _: Resolve) -> Fact | None:
    series = "; ".join(
        _line(*(words(part.get("display")) for key in ("modality", "bodySite") for part in each(one.get(key))))
        for one in each(resource.get("series"))
    )
    text = _line(words(resource.get("description")), concepts(resource.get("procedureCode")), series)
    return Fact("ImagingStudy", first_day(resource, "started"), text) if text else None


READERS: dict[str, Reader] = {
    "Patient": _patient,
    "Condition": _condition,
    "MedicationRequest": _medication("MedicationRequest"),
    "MedicationStatement": _medication("MedicationStatement"),
    "AllergyIntolerance": _allergy,
    "Observation": _observation,
    "Procedure": _procedure,
    "Immunization": _immunization,
    "Encounter": _encounter,
    "DiagnosticReport": _report,
    "CarePlan": _care_plan,
    "Goal": _goal,
    "ImagingStudy": _imaging,
}  # fmt: skip
