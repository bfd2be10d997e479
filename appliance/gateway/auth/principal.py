"""Who asks: roles, and the principal that a token or a client certificate became."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What somebody is on this box."""

    CONSOLE = "console"  # root on the box: only the local issuer gives it, and it sticks to all that root does
    CLINICIAN = "clinician"
    CODER = "coder"
    FRONT_DESK = "front_desk"
    AUDITOR = "auditor"
    ADMIN = "admin"
    EHR = "ehr"  # a system: only a client certificate gives it


PRACTICE_ROLES = frozenset({Role.CLINICIAN, Role.CODER, Role.FRONT_DESK, Role.AUDITOR, Role.ADMIN})
"""The roles that an identity provider may give."""


@dataclass(frozen=True)
class Principal:
    """Somebody who proved who they are.

    `session_id` is `sid:…`, or `jti:…` where the token names no session; empty for a client certificate. The times of a
    client certificate are None: nginx has checked its validity for this connection. `mfa`: signed in with more than one
    factor. `authenticated_at`: when they last proved themselves (claim auth_time), None where the issuer does not say.
    """

    subject: str
    roles: frozenset[Role]
    issuer: str
    name: str = ""
    npi: str | None = None
    licence_states: frozenset[str] = frozenset()
    session_id: str = ""
    token_id: str | None = None
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    authenticated_at: datetime | None = None
    mfa: bool = False

    @property
    def member_id(self) -> str:
        """What care teams and owners are stored as. Two issuers may use the same subject, so it holds both.

        An issuer's URL has no fragment (OpenID Connect Discovery 1.0, section 2), so the first # is the border.
        """
        return f"{self.issuer}#{self.subject}"
