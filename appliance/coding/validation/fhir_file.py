"""Coded records from FHIR bundles: a document's text with the diagnoses of its encounter's claim or conditions."""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from appliance.coding.suggestion import CodeSystem
from appliance.coding.validation.records import (
    MAX_FILE_BYTES,
    MAX_RECORDS,
    MAX_TEXT_CHARS,
    CodedRecord,
    RecordsError,
    Wrong,
    WrongRecordError,
    age_on,
    day_of,
    diagnoses,
    id_of,
    text_of,
)
from appliance.drafting.bounded_json import JsonRefusedError, parse
from appliance.errors import UnknownStateError

_SYSTEMS = (CodeSystem.ICD_10_CM.uri, "urn:oid:2.16.840.1.113883.6.90")
_NOT_HELD = {"entered-in-error", "refuted"}
_BLOCKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol"}
_FORM = "a FHIR R4 bundle (.json), or one bundle a line (.ndjson)"
_MAX_BUNDLE_BYTES = 32 * 1024 * 1024


def read_fhir(file: Path) -> tuple[list[CodedRecord], list[Wrong]]:
    """Read a bundle, a file with one bundle a line, or a folder of bundles.

    Each encounter with a document (DocumentReference with text/plain or HTML inside, or Composition) is a record. Its
    codes are the diagnoses of its Claim in their sequence; without a claim, of its Conditions that nobody refuted.

    Raises:
        RecordsError: It is no such file at all.
        UnknownStateError: It cannot be read.
    """
    records: list[CodedRecord] = []
    wrong: list[Wrong] = []
    seen: set[str] = set()
    try:
        for place, text in _bundles(file):
            for record in _of_bundle(place, text, wrong):
                if record.id in seen:
                    wrong.append(Wrong(record.place, "a second document of an encounter that was read already"))
                    continue
                seen.add(record.id)
                records.append(record)
                if len(records) > MAX_RECORDS:
                    raise RecordsError(f"{file}: over {MAX_RECORDS} records", hint="split the file")
    except OSError as error:
        raise UnknownStateError(f"{file}: {error.strerror}", hint=f"wanted: {_FORM}") from None
    if not records and not wrong:
        raise RecordsError(f"{file}: no encounter with a document and ICD-10-CM codes", hint=f"wanted: {_FORM}")
    return records, wrong


def _bundles(file: Path) -> Iterator[tuple[str, bytes]]:
    files = sorted(each for each in file.glob("*.json")) if file.is_dir() else [file]
    if not files:
        raise RecordsError(f"{file}: no .json file in it", hint=f"wanted: {_FORM}")
    for position, one in enumerate(files, 1):
        # Exports name such files after patients: the place is told by their order.
        named = f"file {position} by name: " if file.is_dir() else ""
        if one.stat().st_size > MAX_FILE_BYTES:
            raise RecordsError(f"{one}: over {MAX_FILE_BYTES} bytes", hint="split the file")
        with one.open("rb") as stream:
            if one.suffix == ".ndjson":
                for number, line in enumerate(stream, 1):
                    if line.strip():
                        yield f"{named}line {number}", line
            else:
                yield f"{named}bundle", stream.read(_MAX_BUNDLE_BYTES + 1)


def _of_bundle(place: str, content: bytes, wrong: list[Wrong]) -> Iterator[CodedRecord]:
    try:
        bundle = parse(content, max_bytes=_MAX_BUNDLE_BYTES, max_depth=64)
    except JsonRefusedError as error:
        wrong.append(Wrong(place, str(error)))
        return
    entries = bundle.get("entry") if isinstance(bundle, dict) and bundle.get("resourceType") == "Bundle" else None
    if not isinstance(entries, list):
        wrong.append(Wrong(place, "no FHIR bundle with entries"))
        return
    held = _Bundle([each.get("resource") for each in entries if isinstance(each, dict)], entries)
    for number, document in enumerate(held.documents(), 1):
        where = f"{place}, document {number}"
        try:
            if (record := held.record(document, where)) is not None:
                yield record
        except WrongRecordError as error:
            wrong.append(Wrong(where, str(error)))


class _Bundle:
    """The resources of one bundle by kind and by what refers to them."""

    def __init__(self, resources: list[Any], entries: list[Any]) -> None:
        self._all = [each for each in resources if isinstance(each, dict)]
        self._names: dict[str, dict[str, Any]] = {}
        for entry in entries:
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(resource, dict):
                if isinstance(entry.get("fullUrl"), str):
                    self._names[entry["fullUrl"]] = resource
                self._names[f"{resource.get('resourceType')}/{resource.get('id')}"] = resource

    def documents(self) -> list[dict[str, Any]]:
        return [
            each
            for each in self._all
            if each.get("resourceType") in ("DocumentReference", "Composition")
            and each.get("status") != "entered-in-error"
        ]

    def record(self, document: dict[str, Any], place: str) -> CodedRecord | None:
        """The record of a document; None for one without a text, such as a scan."""
        text = _document_text(document)
        if text is None:
            return None
        context = document.get("context")
        reference = _reference(document.get("encounter")) or _reference(
            _first((context or {}).get("encounter") if isinstance(context, dict) else None)
        )
        encounter = self._names.get(reference, {})
        only = len(self.documents()) == 1
        codes, others = diagnoses(self._codes(reference, encounter, only=only), "diagnoses")
        if not codes:
            raise WrongRecordError("no ICD-10-CM code in a claim or condition of its encounter")
        period = encounter.get("period")
        start = period.get("start") if isinstance(period, dict) else None
        day = day_of(str(start or document.get("date") or ""), "date of service")
        name = str(encounter.get("id") or document.get("id") or "")
        return CodedRecord(
            id_of(name, "id"), text_of(text, "text"), day, codes, place, self._age(document, day), others
        )

    def _codes(self, reference: str, encounter: dict[str, Any], *, only: bool) -> list[str]:
        claims = [
            each
            for each in self._all
            if each.get("resourceType") == "Claim" and each.get("status") not in ("cancelled", "entered-in-error")
        ]
        held = [
            each for each in claims if self._of_encounter(_encounters_of_claim(each), reference, encounter, only=only)
        ]
        if held:
            return [code for claim in held for code in self._claim_codes(claim)]
        conditions = [each for each in self._all if each.get("resourceType") == "Condition"]
        return [
            code
            for each in conditions
            if self._of_encounter([_reference(each.get("encounter"))], reference, encounter, only=only)
            and not _NOT_HELD.intersection(_coded(each.get("verificationStatus"), None))
            for code in _coded(each.get("code"), _SYSTEMS)
        ]

    def _of_encounter(self, named: list[str], reference: str, encounter: dict[str, Any], *, only: bool) -> bool:
        named = [each for each in named if each]
        if not named or not reference:
            return only
        return reference in named or (bool(encounter) and any(self._names.get(each) is encounter for each in named))

    def _claim_codes(self, claim: dict[str, Any]) -> list[str]:
        listed = [each for each in _list(claim.get("diagnosis")) if isinstance(each, dict)]
        listed.sort(key=lambda each: each["sequence"] if isinstance(each.get("sequence"), int) else 10**6)
        codes = []
        for each in listed:
            found = _coded(each.get("diagnosisCodeableConcept"), _SYSTEMS)
            condition = self._names.get(_reference(each.get("diagnosisReference")), {})
            codes += found or _coded(condition.get("code"), _SYSTEMS)
        return codes

    def _age(self, document: dict[str, Any], day: datetime.date) -> int | None:
        patient = self._names.get(_reference(document.get("subject")), {})
        try:
            return age_on(datetime.date.fromisoformat(str(patient.get("birthDate"))), day)
        except ValueError:
            return None


def _encounters_of_claim(claim: dict[str, Any]) -> list[str]:
    return [
        _reference(each)
        for item in _list(claim.get("item"))
        if isinstance(item, dict)
        for each in _list(item.get("encounter"))
    ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(value: Any) -> Any:
    return next(iter(_list(value)), None)


def _reference(value: Any) -> str:
    reference = value.get("reference") if isinstance(value, dict) else None
    return reference if isinstance(reference, str) else ""


def _coded(concept: Any, systems: tuple[str, ...] | None) -> list[str]:
    codings = _list(concept.get("coding")) if isinstance(concept, dict) else []
    return [
        str(each["code"])
        for each in codings
        if isinstance(each, dict)
        and isinstance(each.get("code"), str)
        and (systems is None or each.get("system") in systems)
    ]


def _document_text(document: dict[str, Any]) -> str | None:
    if document.get("resourceType") == "Composition":
        parts = list(_sections(_list(document.get("section")), 0))
        return "\n\n".join(parts) if parts else None
    for content in _list(document.get("content")):
        attachment = content.get("attachment") if isinstance(content, dict) else None
        if not isinstance(attachment, dict) or not isinstance(attachment.get("data"), str):
            continue
        kind = str(attachment.get("contentType", "")).split(";")[0].strip().casefold()
        if kind not in ("text/plain", "text/html", "application/xhtml+xml"):
            continue
        if len(attachment["data"]) > 8 * MAX_TEXT_CHARS:
            raise WrongRecordError(f"attachment: over {8 * MAX_TEXT_CHARS} characters of base64")
        try:
            text = base64.b64decode(attachment["data"], validate=True).decode("utf-8-sig")
        except (binascii.Error, ValueError):
            raise WrongRecordError("attachment: no base64 of text in UTF-8") from None
        return text if kind == "text/plain" else _plain(text)
    return None


def _sections(sections: list[Any], depth: int) -> Iterator[str]:
    for each in sections if depth < 8 else []:
        if isinstance(each, dict):
            narrative = each.get("text")
            body = _plain(str(narrative.get("div", ""))) if isinstance(narrative, dict) else ""
            if body.strip():
                yield f"{str(each.get('title', '')).upper()}\n\n{body}".strip()
            yield from _sections(_list(each.get("section")), depth + 1)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _plain(markup: str) -> str:
    if len(markup) > 4 * MAX_TEXT_CHARS:
        raise WrongRecordError(f"narrative: {len(markup)} characters, at most {4 * MAX_TEXT_CHARS}")
    reader = _Text()
    reader.feed(markup)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).splitlines())
    return "\n".join(line for line in lines if line)
