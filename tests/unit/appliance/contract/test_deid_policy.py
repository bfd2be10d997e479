"""The policy's file: what decides, what is refused, and that every kind of document is in it."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest

from appliance.clinical.document import DocumentKind
from appliance.contract.deid_policy import DEFAULT, Kind, PolicyError, TextRule, parse


def written(*rules: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"schema_version": "deid-policy/v1", "rules": list(rules), **more}).encode()


def test_the_first_rule_that_fits_decides_and_without_one_it_is_required() -> None:
    policy = parse(
        written(
            {"kind": "visit_note", "engine": "small", "text": "allowed"},
            {"kind": "visit_note", "text": "forbidden", "sealed": True},
            {"engine": "small", "text": "forbidden"},
        )
    )
    asked = [
        ("visit_note", "small", False), ("visit_note", "large", True), ("visit_note", "large", False),
        ("coding", "small", True), ("coding", "large", True),
    ]  # fmt: skip
    assert [policy.rule(kind, engine, sealed=sealed).value for kind, engine, sealed in asked] == [
        "allowed", "forbidden", "required", "forbidden", "required",
    ]  # fmt: skip


def test_without_a_file_weights_that_are_not_sealed_read_nothing_as_it_is() -> None:
    for kind in DocumentKind:
        assert DEFAULT.rule(kind.value, "any", sealed=False) is TextRule.REQUIRED
        assert DEFAULT.rule(kind.value, "any", sealed=True) is TextRule.ALLOWED


def test_the_kinds_are_those_of_documents() -> None:
    assert set(get_args(Kind)) == {kind.value for kind in DocumentKind} | {"*", "coding"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{\n "rules": [,]}', "line 2, column 12: not JSON"),
        (b"", "line 1, column 1: not JSON"),
        (b"\xff{}", "not JSON in UTF-8"),
        (b"[]", "the document"),
        (
            written({"text": "sometimes"}),
            "rules.0.text: Input should be 'required', 'forbidden' or 'allowed'; seen: 'sometimes'",
        ),
        (written({"text": "allowed", "kind": "note"}), "rules.0.kind"),
        (written({"text": "allowed", "engine": "a b"}), "rules.0.engine"),
        (written({"text": "allowed", "extra": 1}), "rules.0.extra"),
        (written({}), "rules.0.text: Field required"),
        (written(on_unrestored="ignore"), "on_unrestored"),
        (b'{"rules": []}', "schema_version: Field required"),
        (b'{"rules": [], "rules": []}', "the key 'rules' stands twice"),
        (written({"text": "allowed"}, {"kind": "coding", "text": "required"}), "rules.1 is never reached: rules.0"),
        (b" " * 300_000, "at most"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(data: bytes, said: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(said)):
        parse(data)


def test_the_digest_is_of_what_it_says_and_not_of_how_it_is_written() -> None:
    one, two = parse(written({"text": "allowed"})), parse(b" " + written({"kind": "*", "text": "allowed"}))
    assert one.sha256 == two.sha256
    assert one.sha256 != parse(written({"text": "required"})).sha256
