"""Telephone, fax, e-mail, URL, IP and social media, written and spoken."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("call (555) 201-4432", "phone", "(555) 201-4432"),
        ("555.201.4432 is her cell", "phone", "555.201.4432"),
        ("cell 5552014432", "phone", "5552014432"),
        ("+1 555 201 4432", "phone", "+1 555 201 4432"),
        ("1-555-201-4432 ext. 12", "phone", "1-555-201-4432 ext. 12"),
        ("reach me at 201-4432", "phone", "201-4432"),
        ("+44 20 7946 0958", "phone", "+44 20 7946 0958"),
        ("my phone is five five five two oh one four four three two", "phone", "five five five two oh one four four three two"),
        ("fax 555-201-4433", "fax", "555-201-4433"),
        ("Fax number: (555) 201-4433", "fax", "(555) 201-4433"),
        ("write to a.b+c@example.co.uk please", "email", "a.b+c@example.co.uk"),
        ("A_B@EXAMPLE.COM", "email", "A_B@EXAMPLE.COM"),
        ("jsmith at gmail dot com", "email", "jsmith at gmail dot com"),
        ("it's john dot q dot smith 42 at health dot example dot org", "email", "john dot q dot smith 42 at health dot example dot org"),
        ("name(at)example(dot)com", "email", "name(at)example(dot)com"),
        ("see https://example.org/a?b=c#d for it", "url", "https://example.org/a?b=c#d"),
        ("www.example.com/patient", "url", "www.example.com/patient"),
        ("on example-family.net today", "url", "example-family.net"),
        ("www dot smithfamily dot com", "url", "www dot smithfamily dot com"),
        ("from 192.168.14.7", "ip", "192.168.14.7"),
        ("from 2001:db8:85a3::8a2e:370:7334", "ip", "2001:db8:85a3::8a2e:370:7334"),
        ("twitter @mary_smith88", "social", "@mary_smith88"),
        ("Instagram: mary.smith88", "social", "mary.smith88"),
        ("her facebook name is marysmith1", "social", "marysmith1"),
    ],
)  # fmt: skip
def test_contact_is_found_whole(find, text, kind, value):
    assert (kind, value) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "take 500-1000 mg at night",
        "an 1800-calorie diet",
        "at this point in time she is well",
        "come at 10:30:15 or at 8:00",
        "section 1.2.3 of version 2.0.1",
        "e.g. b.i.d. and p.r.n., i.e. as needed",
        "seen at bedside. no distress",
    ],
)
def test_harmless_text_stays(find, text):
    assert find(text) == []
