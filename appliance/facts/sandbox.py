"""The sandbox of a unit as systemd runs it, against the one that the unit files in the verified /usr ask for."""

from collections.abc import Mapping
from pathlib import Path

from appliance.facts.reading import UnreadableError, read_text

IMAGE_UNITS = Path("/usr/lib/systemd/system")
_YES_OR_NO = (
    "PrivateNetwork", "PrivateUsers", "PrivateTmp", "PrivateDevices", "PrivateIPC", "MemoryDenyWriteExecute",
    "NoNewPrivileges", "ProtectClock", "ProtectHostname", "ProtectKernelTunables", "ProtectKernelModules",
    "ProtectKernelLogs", "ProtectControlGroups", "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality",
    "DynamicUser",
)  # fmt: skip
_WORDS = ("ProtectSystem", "ProtectHome", "ProtectProc", "ProcSubset", "DevicePolicy", "User", "RootDirectory")
# systemd shows them as a list in its own order.
_LISTS = ("RestrictAddressFamilies", "CapabilityBoundingSet", "AmbientCapabilities", "DeviceAllow", "ReadWritePaths")
_WHERE_FROM = ("FragmentPath", "DropInPaths")
PROPERTIES = (*_YES_OR_NO, *_WORDS, *_LISTS, *_WHERE_FROM)
"""What is asked of `systemctl show`; it is asked for all units at once."""
_TRUE = ("yes", "true", "on", "1")
_SHOWN_WHEN_UNSET = {
    "ProtectSystem": "no", "ProtectHome": "no", "ProtectProc": "default", "ProcSubset": "all", "DevicePolicy": "auto",
}  # fmt: skip


def wanted(unit: str, root: Path = IMAGE_UNITS) -> dict[str, list[str]]:
    """Return the settings of a unit's [Service] section, with the image's own drop-ins over it, as lists of values."""
    texts = [read_text(root / unit)]
    folder = root / f"{unit}.d"
    texts += [read_text(path) for path in sorted(folder.glob("*.conf"))] if folder.is_dir() else []
    settings: dict[str, list[str]] = {}
    for text in texts:
        section = ""
        for line in text.splitlines():
            if line.startswith("["):
                section = line.strip()
            elif section == "[Service]" and "=" in line and not line.startswith(("#", ";")):
                name, value = (part.strip() for part in line.split("=", 1))
                # An empty value takes back what stood before (systemd.syntax(7)).
                settings[name] = [*settings.get(name, []), value] if value else [""]
    return settings


def differences(unit: str, shown: Mapping[str, str], root: Path = IMAGE_UNITS) -> list[str]:
    """Say each property that systemd runs the unit with otherwise than the image wants it."""
    try:
        asked = wanted(unit, root)
    except UnreadableError:
        return [f"{unit} is not a unit of the image"]
    found = [f"{name}: {shown[name]}" for name in _foreign(shown, root)]
    for name in _YES_OR_NO:
        found += _compared(name, "yes" if asked.get(name, [""])[-1] in _TRUE else "no", shown.get(name, "no"))
    for name in _WORDS:
        value = asked.get(name, [""])[-1]
        unset = _SHOWN_WHEN_UNSET.get(name, "")
        found += _compared(name, {"true": "yes", "false": "no"}.get(value, value) or unset, shown.get(name) or unset)
    for name in _LISTS:
        if name in asked:
            found += _compared(name, _as_set(asked[name]), _as_set([shown.get(name, "")]))
    return found


def _foreign(shown: Mapping[str, str], root: Path) -> list[str]:
    """A unit file or drop-in outside of the verified /usr changes a service whatever it says."""
    return [name for name in _WHERE_FROM for path in shown.get(name, "").split() if not Path(path).is_relative_to(root)]


def _compared(name: str, want: str, seen: str) -> list[str]:
    return [] if want == seen else [f"{name}: wanted {want or 'nothing'}, runs with {seen or 'nothing'}"[:200]]


def _as_set(values: list[str]) -> str:
    """Names in one order and one spelling; capabilities are written in capitals and shown in small letters."""
    return " ".join(sorted({word.lower() for value in values for word in value.split()}))
