"""What is known of who occurs, from opening, records and vocabulary: it reaches the detector and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from appliance.clinical.source import Speaker
from appliance.deid.identifier import Identifier
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.gateway.auth.principal import Role
from appliance.gateway.deid import Deidentification, is_person
from tests.fakes.deid import FakeDetector
from tests.unit.appliance.gateway.test_deid_paths import put

pytestmark = pytest.mark.anyio
REQUIRED = {"schema_version": "deid-policy/v1", "rules": []}
# The detector of these tests knows two names by itself, and only where they stand in full.
LISTED = {"Maria Lopez": Kind.NAME, "Hal Pruitt": Kind.NAME}
PATIENT = {
    "resourceType": "Patient", "name": [{"family": "Okafor", "given": ["Adaeze"]}],
    "identifier": [{"value": "7719-5520"}], "telecom": [{"system": "phone", "value": "512-867-5309"}],
    "address": [{"line": ["14 Rosewood Lane"]}], "contact": [{"name": {"family": "Brandt", "given": ["Ulrike"]}}],
}  # fmt: skip
COVERAGE = {"resourceType": "Coverage", "subscriberId": "XJK 4432 A"}
BUNDLE = {"resourceType": "Bundle", "entry": [{"resource": PATIENT}, {"resource": COVERAGE}]}
SAID = (
    "adaeze okafor here with ulrike, my left knee hurts. I live at 14 rosewood lane, phone 512 867 5309, "
    "number 77195520, member XJK-4432-A. Dr. Vale and pruitt and lopez sent me, and doc senger, file 883421."
)


class Remembering(FakeDetector):
    """Remembers the names that it was given."""

    def __init__(self) -> None:
        super().__init__(LISTED)
        self.names: list[tuple[str, ...]] = []

    def find(self, text: str, *, known_names: Sequence[str] = ()) -> tuple[Identifier, ...]:
        self.names.append(tuple(known_names))
        return super().find(text, known_names=known_names)


@pytest.fixture
async def gw(start: Any) -> AsyncIterator[Any]:
    async with start(deid_policy=REQUIRED) as gateway:
        gateway.transcription.lines = ((Speaker.PATIENT, SAID),)
        gateway.detector = Remembering()
        gateway.core.deid = Deidentification(gateway.core.deid.policy, lambda: gateway.detector)
        yield gateway


def read(gw: Any) -> str:
    """What the engine read last, without the random marks around sources."""
    return re.sub(r"\b[0-9a-f]{24}\b", "", str(gw.engine.requests[-1]["messages"][-1]["content"]).casefold())


def has(gw: Any, *parts: str) -> list[str]:
    """Those of the parts that the engine read as whole words: stand-ins are drawn, and one may begin as a name does."""
    return [part for part in parts if re.search(rf"(?<!\w){re.escape(part)}(?!\w)", read(gw))]


def quoted(gw: Any) -> list[str]:
    """The lines of the sources as the engine read them."""
    return [line for line in read(gw).split("\n") if line.startswith("| ")]


async def opened(gw: Any, **given: Any) -> str:
    encounter = await gw.encounter(**given)
    await gw.consent(encounter)
    return str(encounter)


async def test_whom_and_what_a_record_names_is_hidden_in_the_transcript_even_when_the_record_is_not_read(
    gw: Any,
) -> None:
    encounter = await opened(gw)
    transcript = await gw.transcribed(encounter)
    await gw.draft(encounter, transcript)
    assert all(part in read(gw) for part in ("adaeze okafor", "ulrike", "14 rosewood", "77195520", "xjk-4432-a"))
    await put(gw, encounter, BUNDLE)
    document = await gw.draft(encounter, transcript)
    assert has(gw, "adaeze", "okafor", "ulrike", "rosewood", "867 5309", "77195520", "xjk-4432-a") == []
    assert "left knee hurts" in read(gw)
    begun = [one["numbers"] for one in gw.entries() if one["event"] == "draft.begun"][-1]
    counts = {kind: begun[f"deid.{kind}"] for kind in ("name", "address", "phone", "record", "plan")}
    assert counts == {"name": 3, "address": 1, "phone": 1, "record": 1, "plan": 1}
    assert not any(part in json.dumps(gw.entries()) for part in ("Okafor", "okafor", "4432", "Rosewood"))
    # They are for the detector; the engine and the document have only what the sources say.
    assert "Okafor" not in json.dumps(document)


async def test_names_of_the_opening_the_reference_and_the_title_are_known(gw: Any) -> None:
    encounter = await opened(
        gw, names=["Adaeze Okafor", "Ulrike Brandt"], patient_ref="Patient/883421", title="Knee, sent by Maria Lopez"
    )
    transcript = await gw.transcribed(encounter)
    await gw.draft(encounter, transcript)
    assert has(gw, "adaeze", "okafor", "ulrike", "lopez", "883421") == []
    assert "left knee" in read(gw)
    assert b"Brandt" not in gw.raw()
    shown = await gw.ask("GET", f"/v1/encounters/{encounter}", status=200)
    assert "Brandt" not in shown.text


async def test_a_reference_that_is_a_name_is_known_as_one(gw: Any) -> None:
    encounter = await opened(gw, patient_ref="Maria Lopez")
    await gw.draft(encounter, await gw.transcribed(encounter))
    assert has(gw, "lopez") == []


async def test_clinicians_of_the_vocabulary_are_known_and_its_drugs_are_not(gw: Any) -> None:
    terms = {"terms": ["Dr. Senger", "Sora Vale MD", "Hal Pruitt", "knee brace", "ibuprofen"]}
    await gw.ask("PUT", "/v1/practice/vocabulary", json=terms, who=("boss", Role.ADMIN), status=200)
    encounter = await opened(gw)
    await gw.draft(encounter, await gw.transcribed(encounter))
    given = {name for names in gw.detector.names for name in names}
    assert {"Dr. Senger", "Sora Vale MD", "Hal Pruitt"} <= given
    assert not {"knee brace", "ibuprofen"} & given
    assert has(gw, "senger", "vale", "pruitt") == []
    assert "left knee" in read(gw)


async def test_the_same_is_known_where_text_is_asked_for_without_identifiers(gw: Any) -> None:
    encounter = await opened(gw, names=["Adaeze Okafor"])
    path = f"/v1/encounters/{encounter}/deidentification"
    answer = await gw.ask("POST", path, json={"text": "okafor was here"}, status=200)
    assert "okafor" not in answer.json()["texts"][0]["text"]


async def test_a_source_is_looked_at_once_until_something_that_counts_is_another(gw: Any) -> None:
    encounter = await opened(gw, names=["Adaeze Okafor"])
    transcript, other = await gw.transcribed(encounter), await gw.transcribed(encounter)

    def looks() -> int:
        found = sum(SAID in text for text in gw.detector.asked)
        gw.detector.asked.clear()
        return found

    await gw.draft(encounter, transcript)
    assert looks() == 1
    first = quoted(gw)
    await gw.draft(encounter, transcript)
    await gw.draft(encounter, transcript, kind="patient_letter")
    await gw.draft(encounter, transcript, preview=False)
    assert looks() == 0
    assert quoted(gw) == first
    await gw.draft(encounter, transcript, other)
    assert looks() == 1  # only the other one
    await put(gw, encounter, BUNDLE)  # names more people
    await gw.draft(encounter, transcript)
    assert looks() == 1
    policy = gw.core.deid.policy
    gw.core.deid = Deidentification(policy, lambda: gw.detector, lambda: "f" * 64)
    await gw.draft(encounter, transcript)
    assert looks() == 1
    gw.core.readings.forget(encounter)  # as a withdrawal, a closing, a destruction do
    await gw.draft(encounter, transcript)
    assert looks() == 1


async def test_a_form_alone_does_not_tell_by_its_gaps_who_the_patient_is(gw: Any) -> None:
    encounter = await opened(gw, names=["Adaeze Okafor"], patient_ref="883421")
    await gw.draft(encounter, kind="patient_letter", fields={"subject": "ask okafor or file 883421 or Hal Pruitt"})
    assert has(gw, "okafor", "883421") == ["okafor", "883421"]
    assert has(gw, "hal pruitt") == []


@pytest.mark.slow
def test_with_the_detector_of_the_box_people_are_told_from_drugs() -> None:
    """The real detector: it takes seconds to load."""
    from appliance.deid.loading import load_detector

    detector = load_detector()
    people = ["Dr. Nakamura", "Priya Raman", "Thomas Becker MD", "Nurse Whitfield"]
    others = ["metoprolol succinate", "Ozempic", "insulin glargine", "Foley catheter", "Crohn disease", "apixaban 5 mg"]
    assert [term for term in people if not is_person(detector, term)] == []
    assert [term for term in others if is_person(detector, term)] == []
