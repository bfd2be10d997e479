"""Reads a FHIR R4 bundle into facts and a source. Nothing is dropped silently."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from appliance.clinical.document import Notice
from appliance.clinical.source import MAX_SOURCE_CHARS, Passage, Source
from appliance.drafting.bounded_json import JsonRefusedError, parse
from appliance.drafting.records.elements import Resource, code, each
from appliance.drafting.records.errors import RecordRefusedError
from appliance.drafting.records.facts import MAX_WORDS_CHARS, Fact
from appliance.drafting.records.people import People, people_of
from appliance.drafting.records.resources import READERS

# A long Synthea record has 900 KB and 280 entries; a chart of decades with images' metadata stays below these.
MAX_BUNDLE_BYTES = 32 * 1024 * 1024
MAX_ENTRIES = 20_000
# The deepest path of a US Core resource has about 12 levels.
MAX_DEPTH = 40
_TYPE = re.compile(r"^[A-Z][A-Za-z]{1,59}$")
_HINT = "export the record again as a FHIR R4 Bundle in JSON, or send it as text"


@dataclass(frozen=True)
class Record:
    """`source`: a line for each fact; `facts`: in the order of those lines, `passages[i]` of the source is `facts[i]`.

    `entries`: how many resources of each type the bundle has, read or not. `people`: whom and what it names, which is
    no part of the source and looked for wherever text is de-identified.
    """

    source: Source
    facts: tuple[Fact, ...]
    entries: Mapping[str, int]
    notices: tuple[Notice, ...]
    people: People


def read_bundle(data: bytes, *, identifier: str = "record") -> Record:
    """Read a bundle. Raises RecordRefusedError when it is not one, or beyond a bound."""
    try:
        bundle = parse(data, max_bytes=MAX_BUNDLE_BYTES, max_depth=MAX_DEPTH, exact_numbers=True)
    except JsonRefusedError as error:
        raise RecordRefusedError(f"the record is not read: {error}", hint=_HINT, code="record_invalid") from None
    if (
        not isinstance(bundle, dict)
        or bundle.get("resourceType") != "Bundle"
        or not isinstance(bundle.get("entry", []), list)
    ):
        raise RecordRefusedError("the record is no FHIR Bundle", hint=_HINT, code="record_invalid")
    entries = bundle.get("entry", [])
    if len(entries) > MAX_ENTRIES:
        raise RecordRefusedError(
            f"the bundle has {len(entries):,} entries; at most {MAX_ENTRIES:,} are read",
            hint=_HINT,
            code="record_too_long",
        )
    resources: list[Any] = [entry.get("resource") if isinstance(entry, dict) else None for entry in entries]
    if strange := sum(not _is_resource(resource) for resource in resources):
        raise RecordRefusedError(
            f"{strange} of {len(entries)} entries hold no resource with a type", hint=_HINT, code="record_invalid"
        )
    if (patients := sum(resource["resourceType"] == "Patient" for resource in resources)) > 1:
        # Facts of two people in one draft are the worst that an import can do.
        raise RecordRefusedError(
            f"the bundle is about {patients} patients", hint="send one patient", code="record_invalid"
        )
    return _record(resources, _Targets(entries), identifier)


def _is_resource(resource: Any) -> bool:
    return (
        isinstance(resource, dict) and isinstance(kind := resource.get("resourceType"), str) and bool(_TYPE.match(kind))
    )


class _Targets:
    """What a reference inside of the bundle points to: by fullUrl (urn:uuid), by Type/id, or contained (#id)."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self._by_name: dict[str, Resource] = {}
        for entry in entries:
            resource = entry["resource"]
            for name in (entry.get("fullUrl"), f"{resource['resourceType']}/{resource.get('id')}"):
                if isinstance(name, str):
                    self._by_name.setdefault(name, resource)

    def resolve(self, owner: Resource, reference: Any) -> Resource | None:
        """Return the resource, or None when the bundle does not have it."""
        name = reference.get("reference") if isinstance(reference, dict) else None
        if not isinstance(name, str):
            return None
        if name.startswith("#"):
            return next((one for one in each(owner.get("contained")) if one.get("id") == name[1:]), None)
        return self._by_name.get(name)


def _record(resources: list[dict[str, Any]], targets: _Targets, identifier: str) -> Record:
    facts: list[Fact] = []
    entries: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    wordless: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    shortened = 0
    for resource in resources:
        kind = resource["resourceType"]
        entries[kind] += 1
        reader = READERS.get(kind)
        if reader is None:
            unread[kind] += 1
        elif "entered-in-error" in (resource.get("status"), code(resource.get("verificationStatus"))):
            wrong[kind] += 1
        elif (fact := reader(resource, targets.resolve)) is None:
            wordless[kind] += 1
        elif len(fact.text) > MAX_WORDS_CHARS:
            shortened += 1
            facts.append(Fact(fact.kind, fact.date, fact.text[: MAX_WORDS_CHARS - 1] + "…", fact.open))
        else:
            facts.append(fact)
    # Oldest first, undated before all: a bundle's own order says nothing.
    facts.sort(key=lambda fact: (fact.date, fact.kind != "Patient", fact.kind))
    notices = [
        *_notice("record.not_read", "were not read, because their types hold no clinical fact that we know", unread),
        *_notice("record.wordless", "name nothing in words, only codes or less", wordless),
        *_notice("record.in_error", "are marked as entered in error and were left out", wrong),
    ]
    if shortened:
        text = f"{shortened} entries are longer than {MAX_WORDS_CHARS} characters and were shortened; each ends with …"
        notices.append(Notice(code="record.shortened", text=text))
    return Record(_source(facts, identifier), tuple(facts), dict(entries), tuple(notices), people_of(resources))


def _notice(name: str, what: str, counted: Counter[str]) -> list[Notice]:
    if not counted:
        return []
    kinds = [f"{number} {kind}" for kind, number in counted.most_common(8)]
    rest = len(counted) - len(kinds)
    listed = ", ".join(kinds) + (f" and {rest} more types" if rest > 0 else "")
    return [Notice(code=name, text=f"{counted.total()} entries {what}: {listed}."[:500])]


def _source(facts: list[Fact], identifier: str) -> Source:
    passages, lines, at = [], [], 0
    for fact in facts:
        line = fact.line
        passages.append(Passage(start=at, end=at + len(line), label=f"{fact.label} {fact.date}".strip()))
        lines.append(line)
        at += len(line) + 1
    if at > MAX_SOURCE_CHARS:
        raise RecordRefusedError(
            f"the record's facts have {at:,} characters; at most {MAX_SOURCE_CHARS:,} are read",
            hint="send the years that matter",
            code="record_too_long",
        )
    return Source(id=identifier, kind="record", text="\n".join(lines), passages=tuple(passages))
