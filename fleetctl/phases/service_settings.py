"""The settings files of the box's services, as the site file has them. Nothing in them is secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.contract.gpu import GpuReport, Value
from appliance.contract.gpu_wanted import GpuWanted, RecordedGpu, Wanted
from fleetctl.models.profile import GpuRequirement, HardwareProfile
from fleetctl.models.site import Site

# The public half of the box's own issuer, which its console makes.
LOCAL_ISSUER_KEYS = "/etc/appliance/local-issuer.json"
CPU_CONTEXT_TOKENS = 4096
CPU_OUTPUT_TOKENS = 600
# An hour's visit is about 10,000 tokens, and its note 1,000 (docs/design/planner.md).
GPU_CONTEXT_TOKENS = 16384
GPU_OUTPUT_TOKENS = 2048
GPU_PARALLEL = 32
# faster-whisper's README: large-v2, fp16, batch 8 takes 6,090 MB of a card; large-v3 has the same size.
WHISPER_MIB = 5818


def service_settings(
    site: Site,
    profile: HardwareProfile,
    keys: Mapping[str, Any],
    overrides: dict[str, Any] | None = None,
    gpus: GpuReport | None = None,
    deid_policy: dict[str, Any] | None = None,
) -> dict[str, dict[str, Any]]:
    """Service → content of its settings file; a service that is missing takes the defaults of the image.

    `keys` has the key set of each issuer, by its name; `overrides` is counsel's document; `gpus` is the box's reading,
    whose cards are recorded; `deid_policy` says which text a model reads without identifiers.
    """
    named = {"consent_overrides": overrides, "deid_policy": deid_policy}
    gateway = gateway_settings(site, keys) | {name: said for name, said in named.items() if said is not None}
    if profile.spec.gpus:
        services = gpu_settings(profile.spec.gpus[0], gateway, drafting=site.spec.release.drafting is not None)
        return services | {"gpu": gpu_wanted(profile, gpus)}
    if site.spec.release.drafting is None:
        return {"gateway": gateway}
    # Without a GPU: one request at a time, and drafts short enough to wait for. Both sides must know the same bound.
    bounds = {"context_tokens": CPU_CONTEXT_TOKENS}
    return {
        "gateway": gateway | bounds | {"max_output_tokens": CPU_OUTPUT_TOKENS, "max_drafts": 8},
        "drafting": bounds | {"parallel": 1, "prompt_cache_mib": 64},
    }


def gpu_settings(gpu: GpuRequirement, gateway: dict[str, Any], *, drafting: bool) -> dict[str, dict[str, Any]]:
    """vLLM over all cards by tensor parallelism, Whisper beside it on the first one, memory split between the two.

    The figures are those that the profile demands of a card, so that a larger one has room to spare.
    """
    speech = {"device": "cuda", "compute_type": "float16"}
    if not drafting:
        return {"gateway": gateway, "transcription": speech}
    bounds = {"context_tokens": GPU_CONTEXT_TOKENS}
    engine = {
        "engine": "vllm",
        "cards": gpu.count,
        "card_memory_mib": gpu.min_memory_mib,
        "transcription_mib": WHISPER_MIB,
        "quantization": "fp8",
        "parallel": GPU_PARALLEL,
    }
    return {
        "gateway": gateway | bounds | {"max_output_tokens": GPU_OUTPUT_TOKENS, "max_drafts": 2 * GPU_PARALLEL},
        "drafting": bounds | engine,
        "transcription": speech,
    }


def gpu_wanted(profile: HardwareProfile, report: GpuReport | None) -> dict[str, Any]:
    """What the watch on the box judges by. A card that did not say who it is cannot be recorded."""
    recorded = [
        RecordedGpu(
            uuid=gpu.uuid.value,
            serial=gpu.serial.value if isinstance(gpu.serial, Value) else None,
            vbios=gpu.vbios.value if isinstance(gpu.vbios, Value) else None,
        )
        for gpu in (report.gpus if report else ())
        if isinstance(gpu.uuid, Value)
    ]
    wanted = [Wanted.model_validate(each.model_dump(include=set(Wanted.model_fields))) for each in profile.spec.gpus]
    return GpuWanted(gpus=tuple(wanted), recorded=tuple(recorded)).model_dump(mode="json", exclude_none=True)


def gateway_settings(site: Site, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Who may log in, and the practice's policy. What the site file leaves out is left to the gateway's defaults."""
    spec = site.spec
    settings: dict[str, Any] = {
        "site": site.name,
        "drafting": spec.release.drafting is not None,
        "access": {
            "issuers": [
                {
                    "issuer": issuer.issuer,
                    "audience": issuer.audience,
                    "jwks": keys[issuer.issuer],
                    "roles": dict(issuer.roles),
                    **({"roles_claim": issuer.roles_claim} if issuer.roles_claim else {}),
                }
                for issuer in spec.identity.issuers
            ],
            "ehr_clients": [
                {"name": name, "subject": f"ehr:{name.replace(' ', '_')}"} for name in spec.identity.ehr_clients
            ],
        },
        "lab": spec.identity.local_issuer,
    }
    if spec.identity.local_issuer:
        settings["local_issuer"] = LOCAL_ISSUER_KEYS
    policy = spec.clinical_policy.model_dump(exclude_none=True, exclude={"consent_overrides", "deid_policy"})
    return settings | policy
