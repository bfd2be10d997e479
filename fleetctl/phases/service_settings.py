"""The settings files of the box's services, as the site file has them. Nothing in them is secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetctl.models.profile import HardwareProfile
from fleetctl.models.site import Site

# The public half of the box's own issuer, which its console makes.
LOCAL_ISSUER_KEYS = "/etc/appliance/local-issuer.json"
CPU_CONTEXT_TOKENS = 4096
CPU_OUTPUT_TOKENS = 600


def service_settings(
    site: Site, profile: HardwareProfile, keys: Mapping[str, Any], overrides: dict[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    """Service → content of its settings file; a service that is missing takes the defaults of the image.

    `keys` has the key set of each issuer, by its name; `overrides` is counsel's document.
    """
    gateway = gateway_settings(site, keys) | ({} if overrides is None else {"consent_overrides": overrides})
    if site.spec.release.drafting is None or profile.spec.gpus:
        return {"gateway": gateway}
    # Without a GPU: one request at a time, and drafts short enough to wait for. Both sides must know the same bound.
    bounds = {"context_tokens": CPU_CONTEXT_TOKENS}
    return {
        "gateway": gateway | bounds | {"max_output_tokens": CPU_OUTPUT_TOKENS, "max_drafts": 8},
        "drafting": bounds | {"parallel": 1, "prompt_cache_mib": 64},
    }


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
    policy = spec.clinical_policy.model_dump(exclude_none=True, exclude={"consent_overrides"})
    return settings | policy
