"""What identifies a person is named by its class; the words of a front desk are not."""

import asyncio
from typing import Any

import pytest

from appliance.clinical.document import DocumentKind
from appliance.clinical.source import Source
from appliance.drafting.drafter import Drafter
from appliance.drafting.errors import OrderRefusedError, OutputError
from appliance.drafting.identifiers import identifying, strange_placeholders
from appliance.drafting.kinds import built_in
from appliance.drafting.order import Order
from appliance.drafting.settings import Settings


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Remind Mr. Okafor of his visit.", "name"),
        ("Dear Margaret, your visit is soon.", "name"),
        ("The patient's name is Jo Quill.", "name"),
        ("Write to Abdul218 Koepp521.", "name"),
        ("write to john smith about his bill", "name"),
        ("dr. patel will call", "name"),
        ("The visit is on March 3rd.", "date"),
        ("The visit is on 03/04/2026.", "date"),
        ("Born 1975-04-17.", "date"),
        ("Call (415) 555-0132.", "phone"),
        ("Call 415.555.0132 or 555-0132.", "phone"),
        ("MRN: 00482913", "mrn"),
        ("Chart no. A-5512", "mrn"),
        ("Write to jo.quill@example.com", "email"),
        ("jo (at) example.com", "email"),
        ("They live at 849 Koch Crossroad.", "address"),
        ("P.O. Box 12", "address"),
        ("SSN 123-45-6789", "ssn"),
        ("See https://example.com/u/1", "url"),
    ],
)
def test_an_identifier_is_found_by_class(text: str, kind: str) -> None:
    assert kind in {one.kind for one in identifying(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Dear {{patient_name}}, your appointment is on {{appointment_date}} at {{appointment_time}}.",
        "Please arrive 15 minutes early and bring your insurance card.",
        "Our office hours are Monday to Friday, 8 to 5.",
        "Thank you, {{practice_name}} at {{practice_phone}}.",
        "A copay of {{amount}} is due at check-in. Call us to reschedule.",
        "Flu Shot Clinic: walk in, no appointment needed.",
        "Dear Patient, we missed you.",
        "We will call you within 2 days.",
    ],
)
def test_ordinary_words_of_a_front_desk_are_not(text: str) -> None:
    assert identifying(text) == ()
    assert not strange_placeholders(text, built_in(DocumentKind.FRONT_DESK_TEMPLATE).placeholders)


@pytest.mark.parametrize(
    "text", ["{{ssn}}", "{patient_name}", "{{patient_name}", "{{patient_name | upper}}", "{{{{a}}}}"]
)
def test_only_known_placeholders_are_taken(text: str) -> None:
    assert strange_placeholders(text, ("patient_name",))


def run(engine: Any, text: str) -> None:
    async def drain() -> None:
        order = Order(DocumentKind.FRONT_DESK_TEMPLATE, (Source(id="form", kind="form", text=text),))
        async for _ in Drafter(engine, Settings()).draft(order):
            pass

    asyncio.run(drain())


def test_an_input_with_identifiers_is_refused_by_class_without_quoting(stub_engine: Any, answers: Any) -> None:
    engine = stub_engine(answers())
    with pytest.raises(OrderRefusedError, match=r"\(date, name, phone\)") as error:
        run(engine, "Remind Mr. Okafor of March 3, phone 415-555-0132")
    assert error.value.code == "identifier_in_input"
    assert "Okafor" not in str(error.value) + error.value.hint
    assert engine.requests == []


@pytest.mark.parametrize(
    ("said", "code"),
    [("Dear Mr. Okafor, see you soon.", "output_identifier"), ("Dear {{ssn}}, see you soon.", "output_placeholder")],
)
def test_an_answer_with_identifiers_is_no_document(stub_engine: Any, answers: Any, said: str, code: str) -> None:
    with pytest.raises(OutputError) as error:
        run(stub_engine(answers(body=[said])), "Purpose: remind of an appointment")
    assert error.value.code == code
