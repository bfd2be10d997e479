"""Makes the unit of a probe out of a live service's unit: the same sandbox around another program. Pure."""

from dataclasses import dataclass
from pathlib import PurePath

# Lines about what runs and how it is supervised, not about what it may do. Secrets are not handed to a probe.
_NOT_SANDBOX = frozenset(
    {
        "Type", "NotifyAccess", "ExecStart", "ExecStartPre", "ExecStartPost", "ExecCondition", "ExecReload", "ExecStop",
        "ExecStopPost", "Restart", "RestartSec", "RestartSteps", "RestartMaxDelaySec", "RemainAfterExit", "PIDFile",
        "GuessMainPID", "TimeoutSec", "TimeoutStartSec", "TimeoutStopSec", "TimeoutAbortSec", "RuntimeMaxSec",
        "WatchdogSec", "BusName", "Sockets", "FileDescriptorStoreMax", "KillSignal", "KillMode", "FinalKillSignal",
        "SuccessExitStatus", "StandardInput", "StandardOutput", "StandardError", "RuntimeDirectory",
        "RuntimeDirectoryMode", "RuntimeDirectoryPreserve", "StateDirectory", "CacheDirectory", "LogsDirectory",
        "ConfigurationDirectory", "LoadCredential", "LoadCredentialEncrypted", "ImportCredential", "SetCredential",
        "SetCredentialEncrypted", "Nice",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Files:
    """Where a probe reads its task and writes its result; opened by systemd, outside of the sandbox."""

    task: PurePath
    result: PurePath
    errors: PurePath


def service_lines(unit_text: str) -> list[str]:
    """Return the assignments of all [Service] sections of `systemctl cat`, in order, continuation lines joined."""
    lines: list[str] = []
    section, pending = "", ""
    for raw in unit_text.splitlines():
        line = pending + raw.strip()
        pending = ""
        if raw.strip().startswith(("#", ";")) or not line:
            continue
        if line.endswith("\\"):
            pending = line[:-1] + " "
        elif line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line:
            lines.append(line)
    return lines


def sandbox_lines(unit_text: str) -> list[str]:
    """Return the lines of a unit that make its sandbox."""
    return [line for line in service_lines(unit_text) if line.split("=", 1)[0].strip() not in _NOT_SANDBOX]


def _unit(unit: str, sandbox: list[str], command: list[str], files: Files, timeout_s: float) -> str:
    if any(character in part for part in command for character in " \"'\\%$"):
        raise ValueError("a probe's command must not need quoting")
    return "\n".join(
        [
            "[Unit]",
            f"Description=Egress probe in the place of {unit}",
            f"JoinsNamespaceOf={unit}",
            "DefaultDependencies=no",
            "CollectMode=inactive-or-failed",
            "",
            "[Service]",
            *sandbox,
            "Type=oneshot",
            f"ExecStart={' '.join(command)}",
            f"TimeoutStartSec={timeout_s:.0f}",
            f"StandardInput=file:{files.task}",
            f"StandardOutput=file:{files.result}",
            f"StandardError=file:{files.errors}",
            "",
        ]
    )


def in_sandbox(unit: str, unit_text: str, command: list[str], files: Files, timeout_s: float) -> str:
    """Return a unit whose process has exactly the sandbox and the network namespace of `unit`."""
    return _unit(unit, sandbox_lines(unit_text), command, files, timeout_s)


def in_namespace(unit: str, command: list[str], files: Files, timeout_s: float) -> str:
    """Return a unit in the network namespace of `unit` and nothing else around it, able to send raw packets."""
    return _unit(unit, ["PrivateNetwork=yes"], command, files, timeout_s)
