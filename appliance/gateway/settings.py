"""What can be configured about the gateway, with the bounds on every request. Read from a small JSON file."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from appliance.coding.tables.store import STORE
from appliance.contract.drain import DRAIN_PATH
from appliance.errors import UsageError
from appliance.gateway.auth.local_issuer import issuer_settings
from appliance.gateway.auth.settings import AccessSettings
from appliance.gateway.consent.policy import ConsentPolicy

CONFIG_PATH = Path("/etc/appliance/gateway.json")
MIB = 1024 * 1024

_Hours = Annotated[float, Field(gt=0, le=24 * 366)]
_Days = Annotated[int, Field(ge=1, le=366 * 50)]
_Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Settings(BaseModel):
    """Defaults are those of the box."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] = "site"
    socket: Path = Path("/run/appliance-gateway/http.sock")
    state_dir: Path = Path("/var/lib/appliance/gateway")
    audit_dir: Path = Path("/var/lib/appliance/audit")
    database_url: Annotated[
        str | None, Field(max_length=1000, description="None: SQLite in state_dir. A password stands in a passfile.")
    ] = None
    transcription_socket: Path = Path("/run/appliance-transcription/http.sock")
    drafting_socket: Path = Path("/run/appliance-drafting/http.sock")
    drain: Annotated[Path, Field(description="Root's order that nothing begins: contract/drain.py.")] = DRAIN_PATH
    drafting: Annotated[bool, Field(description="Is there a drafting engine at this site?")] = True
    coding: Annotated[bool, Field(description="Are codes suggested at this site?")] = True
    code_packs: Annotated[Path, Field(description="Code tables that were imported; others are built in.")] = STORE

    access: Annotated[AccessSettings, Field(description="Identity providers, EHR certificates, sessions, signing.")] = (
        AccessSettings()
    )
    local_issuer: Annotated[
        Path | None, Field(description="Public keys of the box's own issuer: its tokens are taken. For root's console.")
    ] = None
    lab: Annotated[bool, Field(description="The local issuer may speak for a clinician. Never at a practice.")] = False

    review_window_h: _Hours = 72
    retention_days: Annotated[_Days, Field(description="After the last signature; then the encounter's key goes.")] = (
        365 * 7
    )
    recording_retention_days: Annotated[_Days, Field(description="After the encounter's last signature.")] = 30
    unsigned_retention_days: Annotated[_Days, Field(description="Of an encounter that nobody finished.")] = 90
    consent: ConsentPolicy = ConsentPolicy()
    consent_overrides: Annotated[
        dict[str, Any] | None, Field(description="Counsel's decisions, as consent/overrides.py reads them.")
    ] = None
    deid_policy: Annotated[
        dict[str, Any] | None, Field(description="Which text a model reads how, as contract/deid_policy.py has it.")
    ] = None

    max_recording_bytes: Annotated[int, Field(gt=0)] = 512 * MIB
    max_record_bytes: Annotated[int, Field(gt=0)] = 12 * MIB
    max_json_bytes: Annotated[int, Field(gt=0)] = MIB
    max_live_sessions: Annotated[int, Field(gt=0, le=1000)] = 32
    max_drafts: Annotated[int, Field(gt=0, le=1000)] = 64
    transcription_timeout_s: _Seconds = 6 * 3600
    draft_timeout_s: _Seconds = 3600
    context_tokens: Annotated[int, Field(ge=512, le=1_000_000)] = 8192
    max_output_tokens: Annotated[int, Field(ge=16, le=100_000)] = 1500
    kept_sources_bytes: Annotated[
        int, Field(ge=0, description="Memory for sources that were opened lately; 0: each is opened anew.")
    ] = 64 * MIB
    min_free_bytes: Annotated[int, Field(ge=0, description="Captures are refused below it; the log needs room.")] = (
        256 * MIB
    )

    @property
    def url(self) -> str:
        """The database."""
        return self.database_url or f"sqlite:///{self.state_dir / 'clinical.db'}"

    @cached_property
    def all_access(self) -> AccessSettings:
        """Access, with the box's own issuer where it counts."""
        if self.local_issuer is None:
            return self.access
        local = issuer_settings(self.local_issuer, lab=self.lab)
        return self.access.model_copy(update={"issuers": (*self.access.issuers, local)})


def load(path: Path = CONFIG_PATH) -> Settings:
    """Read the settings; a missing file means the defaults. Unknown keys and wrong types are refused."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return Settings()
    try:
        return Settings.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise UsageError(
            f"{path}: {where}: {first['msg']}", hint=f"correct {path}, or remove it to get the defaults"
        ) from None
