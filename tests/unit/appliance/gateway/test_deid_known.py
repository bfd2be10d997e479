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
from appliance.gateway import known_sources
from appliance.gateway.auth.principal import Role
from appliance.gateway.deid import Deidentification
from appliance.gateway.known_people import is_person
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
    terms = {"terms": ["Dr. Senger", "Sora Vale MD", "Hal Pruitt", "Lopez", "knee brace", "ibuprofen", "Rosewood"]}
    await gw.ask("PUT", "/v1/practice/vocabulary", json=terms, who=("boss", Role.ADMIN), status=200)
    encounter = await opened(gw)
    await gw.draft(encounter, await gw.transcribed(encounter))
    given = {name for names in gw.detector.names for name in names}
    assert {"Dr. Senger", "Sora Vale MD", "Hal Pruitt", "Lopez"} <= given
    assert not {"knee brace", "ibuprofen", "Rosewood"} & given
    assert has(gw, "senger", "vale", "pruitt", "lopez") == []
    assert "left knee" in read(gw)


@pytest.mark.parametrize(
    ("term", "person"),
    [
        ("Nakamura", True), ("Senger", True), ("Pruitt", True), ("Lopez's", True), ("Scott", True),
        # Brands and drugs, some of them names too; eponyms; words; what is written small; what no list has.
        ("Yasmin", False), ("Allegra", False), ("Ozempic", False), ("Stryker", False), ("Zimmer", False),
        ("Foley", False), ("Wilson", False), ("Crohn", False), ("Young", False), ("Bell", False), ("Grace", False),
        ("nakamura", False), ("Quxal", False), ("5", False), ("", False),
    ],
)  # fmt: skip
def test_one_word_is_a_person_only_where_it_is_hardly_anything_else(term: str, person: bool) -> None:
    detector = FakeDetector(LISTED)
    assert is_person(detector, term) == person
    assert detector.asked == []


NOTE = (
    "Discharge summary of 2 March. Patient Maria Lopez, MRN 7719-5520, phone 512-867-5309. Seen by Dr. Senger.\n"
    "Adaeze asked for a copy. Knee pain, left."
)
IN_NOTE = {
    "Maria Lopez": Kind.NAME, "Senger": Kind.NAME, "Adaeze": Kind.NAME, "7719-5520": Kind.RECORD,
    "512-867-5309": Kind.PHONE, "2 March": Kind.DATE,
}  # fmt: skip


async def bring(gw: Any, encounter: str, text: str) -> str:
    path = f"/v1/encounters/{encounter}/records"
    answer = await gw.ask("POST", path, content=text.encode(), headers={"content-type": "text/plain"}, status=201)
    return str(answer.json()["id"])


async def test_whom_and_what_a_record_of_text_names_is_hidden_in_the_transcript(gw: Any) -> None:
    gw.detector = Remembering()
    FakeDetector.__init__(gw.detector, {**IN_NOTE, "Hal Pruitt": Kind.NAME})
    encounter = await opened(gw)
    transcript = await gw.transcribed(encounter)
    await gw.draft(encounter, transcript)
    assert has(gw, "lopez", "senger", "77195520") == ["lopez", "senger", "77195520"]
    assert "512 867 5309" in read(gw)
    await bring(gw, encounter, NOTE)
    await gw.draft(encounter, transcript)
    assert has(gw, "lopez", "senger", "77195520", "512 867 5309") == []
    # A name of one word without a title is found where it stands, and not carried into other texts; nor is a date.
    assert has(gw, "adaeze") == ["adaeze"]
    assert "left knee hurts" in read(gw)
    looked = sum("Discharge summary" in text for text in gw.detector.asked)
    await gw.draft(encounter, transcript)
    assert sum("Discharge summary" in text for text in gw.detector.asked) == looked == 1
    assert not any(part in json.dumps(gw.entries()) for part in ("Lopez", "Senger", "7719"))
    # The same where text is asked for without identifiers; a form of the front desk learns nothing from it.
    path = f"/v1/encounters/{encounter}/deidentification"
    answer = await gw.ask("POST", path, json={"text": "lopez was here"}, status=200)
    assert "lopez" not in answer.json()["texts"][0]["text"]
    await gw.draft(encounter, kind="patient_letter", fields={"subject": "ask lopez"})
    assert has(gw, "lopez") == ["lopez"]


async def test_of_text_records_a_bounded_part_is_looked_through_the_newest_first(
    gw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_sources, "MAX_TOLD_CHARS", 40)
    encounter = await opened(gw)
    await bring(gw, encounter, "Sent by Hal Pruitt. Knee pain, left.")
    await bring(gw, encounter, "Sent by Maria Lopez. " + "Knee pain, left. " * 5)
    await gw.draft(encounter, await gw.transcribed(encounter))
    assert has(gw, "lopez", "pruitt") == ["pruitt"]
    assert max(map(len, (text for text in gw.detector.asked if "Sent by" in text))) == 40


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
