"""Records from outside: FHIR R4 bundles and plain text become a source; dated facts become a timeline."""

from appliance.drafting.records.bundle import Record, read_bundle
from appliance.drafting.records.errors import RecordRefusedError
from appliance.drafting.records.facts import Fact
from appliance.drafting.records.people import KnownValue, People
from appliance.drafting.records.plain_text import read_text
from appliance.drafting.records.skeleton import skeleton

__all__ = ["Fact", "KnownValue", "People", "Record", "RecordRefusedError", "read_bundle", "read_text", "skeleton"]
