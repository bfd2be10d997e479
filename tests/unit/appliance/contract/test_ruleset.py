"""The ruleset digest: blind to what the kernel counts, sharp on what decides about packets."""

import copy
import json
from typing import Any

import pytest

from appliance.contract.ruleset import RulesetError, canonical_ruleset, counter_values, ruleset_digest


def listing() -> dict[str, Any]:
    """What `nft -j list ruleset` says about a small table, as nft 1.1 prints it."""
    source = {"payload": {"protocol": "ip", "field": "saddr"}}
    dport = {"payload": {"protocol": "tcp", "field": "dport"}}
    rule = {"family": "inet", "table": "fleet", "chain": "input"}
    return {
        "nftables": [
            {"metainfo": {"version": "1.1.3", "release_name": "Commodore", "json_schema_version": 1}},
            {"table": {"family": "inet", "name": "fleet", "handle": 7}},
            {
                "counter": {
                    "family": "inet",
                    "name": "egress_denied",
                    "table": "fleet",
                    "handle": 2,
                    "packets": 4,
                    "bytes": 240,
                }
            },
            {
                "set": {
                    "family": "inet",
                    "name": "sources",
                    "table": "fleet",
                    "type": "ipv4_addr",
                    "handle": 3,
                    "elem": ["10.0.2.2", "10.0.2.9"],
                }
            },
            {
                "chain": {
                    "family": "inet",
                    "table": "fleet",
                    "name": "input",
                    "handle": 1,
                    "type": "filter",
                    "hook": "input",
                    "prio": 0,
                    "policy": "drop",
                }
            },
            {
                "rule": {
                    **rule,
                    "handle": 9,
                    "expr": [
                        {"match": {"op": "==", "left": dport, "right": {"set": [22, 9443]}}},
                        {"counter": {"packets": 1, "bytes": 60}},
                        {"accept": None},
                    ],
                }
            },
            {
                "rule": {
                    **rule,
                    "handle": 10,
                    "expr": [{"match": {"op": "==", "left": source, "right": "@sources"}}, {"accept": None}],
                }
            },
        ]
    }


def body(document: dict[str, Any], position: int) -> dict[str, Any]:
    inner: dict[str, Any] = next(iter(document["nftables"][position].values()))
    return inner


def test_counters_handles_and_element_order_do_not_change_the_digest() -> None:
    other = copy.deepcopy(listing())
    body(other, 0)["version"] = "1.0.6"
    for position in range(1, 7):
        body(other, position)["handle"] = 100 + position
    body(other, 2).update(packets=900, bytes=54000)
    body(other, 3)["elem"].reverse()
    body(other, 5)["expr"][1]["counter"].update(packets=77, bytes=1)
    body(other, 5)["expr"][0]["match"]["right"]["set"].reverse()
    assert ruleset_digest(other) == ruleset_digest(json.dumps(listing()))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: body(d, 4).update(policy="accept"),
        lambda d: body(d, 3)["elem"].append("10.0.2.3"),
        lambda d: body(d, 5)["expr"].pop(0),
        lambda d: body(d, 6)["expr"].pop(0),
        lambda d: d["nftables"].append({"table": {"family": "ip", "name": "nat", "handle": 1}}),
        lambda d: d["nftables"].insert(5, d["nftables"].pop()),
        lambda d: d["nftables"].pop(2),
    ],
)
def test_a_change_that_matters_changes_the_digest(change: Any) -> None:
    other = copy.deepcopy(listing())
    change(other)
    assert ruleset_digest(other) != ruleset_digest(listing())


def test_an_anonymous_counter_stays_in_the_form_but_its_value_does_not() -> None:
    assert b'{"counter":{}}' in canonical_ruleset(listing())
    assert b"metainfo" not in canonical_ruleset(listing())


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"nftables": 3}', '{"nftables": [3]}', '{"nftables": [{"rule": 1}]}']
)
def test_what_is_not_a_ruleset_is_refused_and_not_taken_for_an_empty_one(text: str) -> None:
    with pytest.raises(RulesetError):
        ruleset_digest(text)


def test_an_empty_ruleset_has_a_digest_of_its_own() -> None:
    assert ruleset_digest('{"nftables": []}') != ruleset_digest(listing())


def test_named_counters_are_read() -> None:
    assert counter_values(listing()) == {"egress_denied": 4}
