"""Systems with a client certificate: what nginx says about it becomes the principal of an EHR.

Only nginx reaches the gateway's socket, and it overwrites these headers on each request, so they are its words.
"""

from collections.abc import Mapping

from appliance.gateway.auth.principal import Principal, Role
from appliance.gateway.auth.settings import AccessSettings

ISSUER = "urn:appliance:client-certificate"
_HEADERS = ("x-client-verify", "x-client-role", "x-client-name", "x-client-serial")


def _of_nginx(headers: Mapping[str, str]) -> dict[str, str] | None:
    """Return the four headers; None if one is missing or comes twice, because then it is not nginx's alone."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        lowered = name.lower()
        if lowered not in _HEADERS:
            continue
        if lowered in found:
            return None
        found[lowered] = value
    return found if len(found) == len(_HEADERS) else None


def ehr_principal(headers: Mapping[str, str], settings: AccessSettings) -> Principal | None:
    """Return the principal of a verified clinical certificate whose name is configured, else None.

    An operator's certificate is None too: who looks after the box has no business with encounters.
    """
    said = _of_nginx(headers)
    if said is None or said["x-client-verify"] != "SUCCESS" or said["x-client-role"] != "clinical":
        return None
    serial = said["x-client-serial"].replace(":", "").upper()
    for client in settings.ehr_clients:
        if client.name == said["x-client-name"] and (not client.serials or serial in client.serials):
            return Principal(subject=client.subject, roles=frozenset({Role.EHR}), issuer=ISSUER, mfa=False)
    return None
