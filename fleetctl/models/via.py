"""`management.via` of a site: the proxy or bastion that leads to its management network."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, Field

_FORM = re.compile(
    r"^(?P<kind>connect|ssh)://(?:(?P<user>[a-z_][a-z0-9_.-]{0,31})@)?(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]+\])"
    r":(?P<port>[1-9][0-9]{0,4})$"
)


@dataclass(frozen=True)
class Via:
    """One proxy (`connect`) or bastion (`ssh`). `user` is of the bastion alone."""

    kind: Literal["connect", "ssh"]
    host: str
    port: int
    user: str = ""

    @classmethod
    @lru_cache(maxsize=256)
    def of(cls, text: str) -> Via:
        """Parse what a site file says. Raises ValueError."""
        match = _FORM.match(text)
        if match is None:
            raise ValueError("must be connect://host:port or ssh://user@host:port, without a password")
        kind, user, host = match["kind"], match["user"] or "", match["host"].strip("[]")
        port = int(match["port"])
        if port > 65535:
            raise ValueError("must have a port of at most 65535")
        if "[" in match["host"]:
            ipaddress.IPv6Address(host)
        if (kind == "ssh") is not bool(user):
            raise ValueError("ssh:// wants a user, connect:// takes none")
        if host.startswith("-"):
            raise ValueError("a host does not begin with -")
        return cls(cast(Literal["connect", "ssh"], kind), host, port, user)

    @property
    def known_as(self) -> str:
        """The name of its host key in the fleet's known_hosts, in OpenSSH's form (sshd(8), SSH_KNOWN_HOSTS)."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"


def _checked(text: str) -> str:
    Via.of(text)
    return text


ViaText = Annotated[
    str,
    AfterValidator(_checked),
    Field(description="Proxy or bastion before it: connect://host:port or ssh://user@host:port."),
]
