"""The part of the appliance's contract that modules share with the services, taken from the image."""

from __future__ import annotations

import site

_APPLIANCE_SITE = "/usr/lib/appliance/site"


def digest_of_rules(listing: str) -> str:
    """Digest of `nft -j list ruleset` output, by the same function that the box's own checks use."""
    try:
        from appliance.contract.ruleset import ruleset_digest
    except ImportError:  # Ansible runs the system's Python, which does not know where the image keeps the appliance
        site.addsitedir(_APPLIANCE_SITE)
        from appliance.contract.ruleset import ruleset_digest
    digest: str = ruleset_digest(listing)
    return digest
