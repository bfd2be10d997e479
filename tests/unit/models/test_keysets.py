"""Key sets of identity providers: public keys and nothing else leave the fleet directory for a box."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.gpu_wanted import GpuWanted
from fleetctl.errors import ConfigError
from fleetctl.models.fleetdir import FleetDir, load_profile
from fleetctl.models.keysets import read_consent_overrides, read_deid_policy, read_key_set
from fleetctl.models.profile import builtin_profile_paths
from fleetctl.models.site import Site
from fleetctl.phases.service_settings import gateway_settings, service_settings
from tests.fakes import gpus
from tests.fakes import site as fake

KEY = {"kty": "EC", "crv": "P-256", "kid": "1", "x": "x", "y": "y"}
ISSUER = {"issuer": "https://login.practice.example/realm", "audience": "appliance", "jwks": "identity/practice.json"}


def written(folder: Path, content: Any) -> Path:
    (folder / "identity").mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "identity/practice.json").write_text(text)
    return folder


def test_public_keys_are_read_and_nothing_beside_them(tmp_path: Path) -> None:
    assert read_key_set(written(tmp_path, {"keys": [KEY], "more": 1}), ISSUER["jwks"]) == {"keys": [KEY]}


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_private_key_material_is_refused_and_not_repeated(tmp_path: Path, member: str) -> None:
    with pytest.raises(ConfigError, match="private key material") as caught:
        read_key_set(written(tmp_path, {"keys": [KEY, {**KEY, member: "c2VjcmV0"}]}), ISSUER["jwks"])
    assert "keys[1]" in caught.value.message
    assert "c2VjcmV0" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", {"keys": []}, {"keys": {}}, {"keys": [1]}, {"keys": [{"kty": "oct"}]}, {"keys": [KEY] * 51},
     " " * 300_000],
)  # fmt: skip
def test_what_is_no_key_set_is_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(ConfigError):
        read_key_set(written(tmp_path, content), ISSUER["jwks"])


def test_a_link_out_of_the_fleet_is_refused(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    (tmp_path / "outside.json").write_text(json.dumps({"keys": [KEY]}))
    (fleet / "inside.json").symlink_to(tmp_path / "outside.json")
    with pytest.raises(ConfigError, match="leads out"):
        read_key_set(fleet, "inside.json")


def site(**spec: Any) -> Site:
    document = fake.SITE.model_dump(mode="json", by_alias=True)
    return Site.model_validate(document | {"spec": document["spec"] | spec})


@pytest.mark.parametrize(
    "identity",
    [
        {"issuers": [ISSUER | {"jwks": "../outside.json"}]}, {"issuers": [ISSUER | {"jwks": "/etc/passwd"}]},
        {"issuers": [ISSUER | {"issuer": "http://plain.example"}]}, {"issuers": [ISSUER, ISSUER]},
        {"issuers": [ISSUER | {"roles": {"Doctors": "console"}}]},
        {"ehr_clients": ["a,CN=b"]}, {"ehr_clients": ["a", "a"]}, {"secret": "x"},
    ],
)  # fmt: skip
def test_a_wrong_identity_is_refused(identity: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        site(identity=identity)


def test_the_gateways_settings_are_those_of_the_site_file() -> None:
    """Read with the gateway's own reader: its keys are the ones that are written."""
    from appliance.gateway.settings import Settings

    given = gateway_settings(
        site(
            identity={
                "issuers": [ISSUER | {"roles_claim": "groups", "roles": {"Doctors": "clinician"}}],
                "ehr_clients": ["ehr 1"],
            },
            clinical_policy={"review_window_h": 24},
        ),
        {ISSUER["issuer"]: {"keys": [KEY]}},
    )
    settings = Settings.model_validate_json(json.dumps(given))
    assert (settings.site, settings.drafting, settings.local_issuer, settings.lab) == ("lab-1", True, None, False)
    assert (settings.review_window_h, settings.retention_days) == (24, Settings().retention_days)
    (issuer,), (ehr,) = settings.access.issuers, settings.access.ehr_clients
    assert (issuer.jwks, issuer.roles_claim, issuer.local) == ({"keys": [KEY]}, ("groups",), False)
    assert {name: role.value for name, role in issuer.roles.items()}["Doctors"] == "clinician"
    assert (ehr.name, ehr.subject) == ("ehr 1", "ehr:ehr_1")
    plain = Settings.model_validate_json(json.dumps(gateway_settings(site(), {})))
    assert (plain.access.issuers, plain.access.ehr_clients) == ((), ())
    named = Settings.model_validate_json(
        json.dumps(gateway_settings(site(identity={"issuers": [ISSUER]}), {ISSUER["issuer"]: {"keys": [KEY]}}))
    )
    assert {name == role for name, role in named.access.issuers[0].roles.items()} == {True}
    lab = Settings.model_validate_json(json.dumps(gateway_settings(site(identity={"local_issuer": True}), {})))
    assert (lab.lab, str(lab.local_issuer)) == (True, "/etc/appliance/local-issuer.json")


def test_a_local_issuer_is_for_the_lab(fleet_dir: FleetDir) -> None:
    for profile, right in (("lab-vm", True), ("clinic-t360", False)):
        path = fleet_dir.write_site(site(profile=profile, identity={"local_issuer": True}), replace=True)
        if right:
            assert fleet_dir.site("lab-1").spec.identity.local_issuer
        else:
            with pytest.raises(ConfigError, match="not of the class lab") as caught:
                fleet_dir.site("lab-1")
            assert str(path) in caught.value.message


def test_engine_and_gateway_know_the_same_bound() -> None:
    """Read with the engine's and the gateway's own readers."""
    from appliance.engine.settings import Settings as EngineSettings
    from appliance.gateway.settings import Settings

    given = service_settings(site(), fake.PROFILE, {})
    gateway, engine = Settings.model_validate(given["gateway"]), EngineSettings(**given["drafting"])
    assert gateway.context_tokens == engine.context_tokens
    assert gateway.max_output_tokens < engine.context_tokens
    without = service_settings(site(release={"transcription": "whisper-tiny.en"}), fake.PROFILE, {})
    assert set(without) == {"gateway"}
    assert not Settings.model_validate(without["gateway"]).drafting


@pytest.mark.parametrize(("name", "cards"), [("hospital-r760xa", "4"), ("clinic-t360", "2")])
def test_cards_are_shared_between_drafting_and_transcription(name: str, cards: str) -> None:
    """Read with the services' own readers, and turned into vLLM's own command line."""
    from appliance.engine import vllm
    from appliance.engine.settings import Settings as EngineSettings
    from appliance.gateway.settings import Settings
    from appliance.transcription.settings import Settings as SpeechSettings
    from appliance.weights import Weights

    profile = load_profile(name, builtin_profile_paths())
    given = service_settings(site(), profile, {})
    gateway, engine = Settings.model_validate(given["gateway"]), EngineSettings(**given["drafting"])
    assert gateway.context_tokens == engine.context_tokens
    assert SpeechSettings(**given["transcription"]).device == "cuda"
    argv = vllm.argv(engine, Weights(Path("/run/model"), "m", None, ""), Path("/e.sock"))
    assert argv[argv.index("--tensor-parallel-size") + 1] == cards
    share = float(argv[argv.index("--gpu-memory-utilization") + 1])
    need_mib = share * engine.card_memory_mib + engine.transcription_mib
    assert share >= 0.1
    assert need_mib <= engine.memory_share * engine.card_memory_mib
    without = service_settings(site(release={"transcription": "whisper-tiny.en"}), profile, {})
    assert set(without) == {"gateway", "transcription", "gpu"}


def test_the_watch_on_the_box_learns_what_the_profile_wants_and_which_cards_were_found() -> None:
    """Read with the box's own reader."""
    profile = load_profile("clinic-t360", builtin_profile_paths())
    silent = gpus.gpu(1, serial=gpus.NOT_SUPPORTED, vbios=gpus.unread())
    report = gpus.report(gpus.gpu(0), silent, gpus.lost(2))
    wanted = GpuWanted.model_validate_json(json.dumps(service_settings(site(), profile, {}, None, report)["gpu"]))
    (kind,) = wanted.gpus
    assert (kind.count, kind.ecc, kind.min_pcie_width) == (2, "on", 16)
    uuids = ["GPU-5a1e0000-0000-4000-8000-00000000a000", "GPU-5a1e0000-0000-4000-8000-00000000a001"]
    assert [each.uuid for each in wanted.recorded] == uuids
    assert [(each.serial, each.vbios) for each in wanted.recorded] == [
        ("1650000000000", "95.02.66.00.01"),
        (None, None),
    ]
    assert service_settings(site(), profile, {})["gpu"].get("recorded") == []
    assert "gpu" not in service_settings(site(), fake.PROFILE, {})


def test_counsels_decisions_travel_as_they_are(tmp_path: Path) -> None:
    """Read with the gateway's own reader, which judges them."""
    from appliance.gateway.__main__ import overrides_of
    from appliance.gateway.consent import law
    from appliance.gateway.settings import Settings

    document = {
        "schema_version": "consent-overrides/v1",
        "overrides": [
            {
                "id": "tx-1", "states": ["TX"], "parties": "one", "decided_by": "General counsel",
                "decided_on": "2026-01-01", "effective_from": "2026-01-02", "expires_on": "2027-01-02",
                "reference": "memo 7",
            }
        ],
    }  # fmt: skip
    (tmp_path / "counsel.json").write_text(json.dumps(document))
    given = service_settings(site(), fake.PROFILE, {}, read_consent_overrides(tmp_path, "counsel.json"))
    found = overrides_of(Settings.model_validate_json(json.dumps(given["gateway"])), law.load())
    assert [entry.id for entry in found.entries] == ["tx-1"]


@pytest.mark.parametrize("text", ["[]", "{}", "{", '{"schema_version": "other"}'])
def test_a_file_that_is_no_decision_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "counsel.json").write_text(text)
    with pytest.raises(ConfigError, match=r"counsel\.json"):
        read_consent_overrides(tmp_path, "counsel.json")


def test_a_policy_of_the_fleet_reaches_the_gateway_as_it_is(tmp_path: Path) -> None:
    from appliance.gateway.deid import policy_of
    from appliance.gateway.settings import Settings

    rules = [{"kind": "coding", "sealed": True, "text": "allowed"}]
    (tmp_path / "deid.json").write_text(json.dumps({"schema_version": "deid-policy/v1", "rules": rules}))
    policy = read_deid_policy(tmp_path, "deid.json")
    given = service_settings(site(), fake.PROFILE, {}, deid_policy=policy)
    found = policy_of(Settings.model_validate_json(json.dumps(given["gateway"])).deid_policy)
    assert found.rule("coding", "m", sealed=True).value == "allowed"
    assert found.rule("visit_note", "m", sealed=True).value == "required"
    assert "deid_policy" not in service_settings(site(), fake.PROFILE, {})["gateway"]
    assert site(clinical_policy={"deid_policy": "deid.json"}).spec.clinical_policy.deid_policy == "deid.json"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{\n,", "line 2, column 1: not JSON"),
        ('{"schema_version": "deid-policy/v1", "rules": [{}]}', r"rules\.0\.text"),
    ],
)
def test_a_policy_that_is_none_is_refused_before_anything_is_sent(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "deid.json").write_text(text)
    with pytest.raises(ConfigError, match=rf"deid\.json: {said}"):
        read_deid_policy(tmp_path, "deid.json")
