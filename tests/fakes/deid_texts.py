"""Texts with identifiers, made by hypothesis: invented people, look-alikes, other scripts, surrogates by accident."""

from __future__ import annotations

from hypothesis import strategies as st

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.vocabulary import pool

IDENTIFIERS: dict[str, Kind] = {
    "Maria Lopez": Kind.NAME, "Ms. Lopez": Kind.NAME, "maria": Kind.NAME, "LOPEZ, MARIA": Kind.NAME,
    "M. Lopez": Kind.NAME, "Jean-Luc O'Brien": Kind.NAME, "Søren Łukasz": Kind.NAME, "李小龙": Kind.NAME,
    "José": Kind.NAME, "Grace": Kind.NAME, "de la Cruz": Kind.NAME, "Straße": Kind.NAME,
    "March 5, 2024": Kind.DATE, "3/5/2024": Kind.DATE, "03/06/24": Kind.DATE, "march fifth": Kind.DATE,
    "2024-03-12": Kind.DATE, "June 2019": Kind.DATE, "Christmas": Kind.DATE, "2021": Kind.DATE,
    "93": Kind.AGE, "ninety-five": Kind.AGE,
    "(512) 867-5309": Kind.PHONE, "512-867-5309": Kind.PHONE, "123-45-6789": Kind.SSN,
    "MRN: 00123456": Kind.RECORD, "00123456": Kind.RECORD, "XJK 4432 A": Kind.PLAN, "7": Kind.OTHER,
    "maria.lopez@gmail.com": Kind.EMAIL, "https://mercy.org/x": Kind.URL, "10.0.0.7": Kind.IP,
    "123 Main St, Apt 4B, Austin, TX 78701": Kind.ADDRESS, "Austin": Kind.PLACE, "78701": Kind.PLACE,
    "\tTab ": Kind.NAME,
    "Mercy General Hospital": Kind.FACILITY, "General Hospital": Kind.FACILITY, "Lopez Clinic": Kind.FACILITY,
}  # fmt: skip
"""Strings that the fake detector finds."""

_FILLER = (
    "the", "patient", "reports", "pain", "since", "2019", "grace", "may", "march", "strength 5/5", "BP 120/80", "90+",
    "[name 1]", "naïve", "ﬁne", "\u200b", "e\u0301", "MariaX", "xLopez", "Lopezian", "555-0123", "00042", "x.example",
    "A.", "I", "İstanbul", "ẞ", "\n", "\r\n", "\t", "—", "'s", "’s", ",", ".", "(", "ａｂｃ", "𝔐",
)  # fmt: skip

_WORDS = st.one_of(
    st.sampled_from(tuple(IDENTIFIERS)),
    st.sampled_from(_FILLER),
    st.sampled_from((*pool("given"), *pool("family"), *pool("place")[:200])),
    st.text(max_size=8),
)
_JOINTS = st.sampled_from((" ", "", "\n", ", ", "'s ", "-", ". "))

TEXTS = st.lists(st.tuples(_WORDS, _JOINTS), max_size=25).map(lambda parts: "".join(a + b for a, b in parts))
"""Any text: identifiers beside each other and inside of other words, all of Unicode that a string can hold."""

KEYS = st.binary(min_size=16, max_size=32)
