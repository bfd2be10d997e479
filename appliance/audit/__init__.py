"""The audit log: append-only, a Merkle tree in the C2SP tlog-tiles layout, fail-closed (docs/design/audit-log.md)."""

from appliance.audit.errors import (
    AuditUnavailableError,
    EntryRefusedError,
    LogDamagedError,
    LogInUseError,
    LogUnreadableError,
)
from appliance.audit.log import AuditLog, LoggedEntry, Receipt
from appliance.audit.note import Checkpoint, VerifierKey

__all__ = [
    "AuditLog",
    "AuditUnavailableError",
    "Checkpoint",
    "EntryRefusedError",
    "LogDamagedError",
    "LogInUseError",
    "LogUnreadableError",
    "LoggedEntry",
    "Receipt",
    "VerifierKey",
]
