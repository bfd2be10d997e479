"""What can be configured about access: issuers, sessions, client certificates, revocations, and what signing needs."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from appliance.gateway.auth.principal import PRACTICE_ROLES, Role

Algorithm = Literal["RS256", "PS256", "ES256", "EdDSA"]
MAX_TOKEN_BYTES = 8 * 1024

_ISSUER = re.compile(r"(https://|urn:)[!-~]{1,190}")
_Claim = Annotated[str, Field(min_length=1, max_length=200)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IssuerSettings(_Settings):
    """Somebody whose tokens count. Keys are given here or in a file, and are never fetched: the box has no network.

    `roles_claim` is the path to the list of roles or groups, one step a name: `["realm_access", "roles"]`, or
    `realm_access.roles`; a text with `://` is one name. `roles` maps the values found to roles of the box, others mean
    nothing. `local` is the issuer of the box itself: unless `lab`
    is set, all its tokens carry the role console, so that what root does never looks like a clinician's work.
    """

    issuer: Annotated[str, Field(max_length=200)]
    audience: _Claim
    jwks: dict[str, Any] | None = None
    jwks_file: Path | None = None
    algorithms: Annotated[frozenset[Algorithm], Field(min_length=1)] = frozenset({"RS256", "PS256", "ES256", "EdDSA"})
    roles_claim: Annotated[tuple[_Claim, ...], Field(min_length=1, max_length=6)] = ("roles",)
    roles: Annotated[dict[_Claim, Role], Field(min_length=1, max_length=100)]
    require_nbf: bool = True
    mfa_amr: frozenset[_Claim] = frozenset({"mfa"})  # RFC 8176, section 2: more than one factor was used
    mfa_acr: frozenset[_Claim] = frozenset()
    local: bool = False
    lab: bool = False

    @field_validator("roles_claim", mode="before")
    @classmethod
    def _path(cls, given: object) -> object:
        if isinstance(given, str):
            return (given,) if "://" in given else tuple(given.split("."))
        return given

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not _ISSUER.fullmatch(self.issuer) or "#" in self.issuer:
            raise ValueError(f"issuer {self.issuer!r}: wanted an https URL or a URN without a fragment")
        if (self.jwks is None) == (self.jwks_file is None):
            raise ValueError(f"issuer {self.issuer}: give either jwks or jwks_file")
        if self.issuer.startswith("urn:appliance:") != self.local:
            raise ValueError(f"issuer {self.issuer}: urn:appliance: and `local` belong together")
        if self.lab and not self.local:
            raise ValueError(f"issuer {self.issuer}: only the local issuer can be a lab's")
        allowed = PRACTICE_ROLES | {Role.CONSOLE} if self.local else PRACTICE_ROLES
        if not set(self.roles.values()) <= allowed:
            extra = ", ".join(sorted(role.value for role in set(self.roles.values()) - allowed))
            raise ValueError(f"issuer {self.issuer}: no identity provider may give the role {extra}")
        return self


class EhrClient(_Settings):
    """A system that comes with a client certificate. `name` is what nginx passes in X-Client-Name, compared exactly.

    With `serials`, only these certificates (hexadecimal serial numbers) count, so that one can be withdrawn at once.
    """

    name: Annotated[str, Field(min_length=1, max_length=256)]
    subject: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,199}$")]
    serials: frozenset[Annotated[str, Field(pattern=r"^[0-9A-F]{1,64}$")]] = frozenset()


class SessionSettings(_Settings):
    """Automatic logoff, 45 CFR 164.312(a)(2)(iii). The rule names no times; these are ours to begin with.

    15 minutes idle is a visit's pause, 12 hours a long shift. `max_open` bounds the store: 300 providers with a
    new token every ten minutes are 43,200 a day.
    """

    idle_timeout_s: Annotated[float, Field(ge=30, le=8 * 3600)] = 900
    max_session_s: Annotated[float, Field(ge=60, le=24 * 3600)] = 12 * 3600
    max_open: Annotated[int, Field(ge=1, le=1_000_000)] = 50_000


class AccessPolicy(_Settings):
    """What acts need beyond a role. `console_may_sign` is for a lab without people, and never for a practice."""

    sign_requires_mfa: bool = True
    sign_requires_npi: bool = False
    break_glass_requires_mfa: bool = True
    console_may_sign: bool = False
    break_glass_s: Annotated[float, Field(ge=60, le=24 * 3600)] = 4 * 3600
    break_glass_min_chars: Annotated[int, Field(ge=1, le=200)] = 10
    break_glass_max_chars: Annotated[int, Field(ge=200, le=4000)] = 1000


class AccessSettings(_Settings):
    """Everything about access. With no issuer and no EHR client nobody gets in, which is a valid state of a new box."""

    issuers: Annotated[tuple[IssuerSettings, ...], Field(max_length=10)] = ()
    ehr_clients: Annotated[tuple[EhrClient, ...], Field(max_length=50)] = ()
    sessions: SessionSettings = SessionSettings()
    policy: AccessPolicy = AccessPolicy()
    revocations_file: Path | None = None
    clock_skew_s: Annotated[float, Field(ge=0, le=300)] = 30
    max_token_lifetime_s: Annotated[float, Field(ge=60, le=24 * 3600)] = 3600

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        issuers = [issuer.issuer for issuer in self.issuers]
        names = [client.name for client in self.ehr_clients]
        if len(set(issuers)) != len(issuers) or len(set(names)) != len(names):
            raise ValueError("an issuer or an EHR client is given twice")
        if sum(issuer.local for issuer in self.issuers) > 1:
            raise ValueError("a box has one local issuer")
        return self
