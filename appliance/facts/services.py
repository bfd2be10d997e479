"""The units of the appliance and their states, in systemd's words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from appliance.facts.reading import UnreadableError, run
from appliance.facts.sandbox import PROPERTIES, differences

TARGET = "appliance.target"
_PROPERTIES = (
    "Id", "ActiveState", "SubState", "Result", "NRestarts", "MainPID", "Type", "PrivateNetwork",
    "ActiveEnterTimestampMonotonic",
)  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """One service. `main_pid` is 0 when it does not run."""

    unit: str
    active: str
    sub: str
    result: str
    restarts: int
    main_pid: int
    kind: str
    private_network: bool
    active_since_s: float | None = None  # on the clock since boot; None when it never was
    sandbox_differs: tuple[str, ...] | None = None  # None: it was not compared


def parse_show(text: str) -> list[dict[str, str]]:
    """Parse `systemctl show`: blocks of KEY=VALUE, separated by empty lines."""
    return [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.strip().split("\n\n")
        if block.strip()
    ]


def parse_units(text: str) -> list[Unit]:
    """Parse the states of services."""
    units = []
    for fields in parse_show(text):
        try:
            units.append(
                Unit(
                    fields["Id"], fields["ActiveState"], fields["SubState"], fields["Result"],
                    int(fields.get("NRestarts") or 0), int(fields.get("MainPID") or 0),
                    fields.get("Type", ""), fields.get("PrivateNetwork") == "yes",
                    int(fields.get("ActiveEnterTimestampMonotonic") or 0) / 1e6 or None,
                )
            )  # fmt: skip
        except KeyError as error:
            raise UnreadableError(f"systemctl show: {fields.get('Id', 'a unit')} has no {error.args[0]}") from None
    return units


def target_services(text: str) -> list[str]:
    """Return the services that the target wants or requires, from `systemctl show`."""
    (fields,) = parse_show(text) or [{}]
    names = {name for key in ("Wants", "Requires") for name in fields.get(key, "").split() if name.endswith(".service")}
    if not names:
        raise UnreadableError(f"{TARGET} wants no service: is it installed?")
    return sorted(names)


def appliance_units(systemctl: Callable[[list[str]], str] = lambda argv: run(["systemctl", *argv])) -> list[Unit]:
    """Return the state of every service that the appliance consists of."""
    names = target_services(systemctl(["show", TARGET, "-p", "Wants", "-p", "Requires"]))
    return _shown(names, systemctl, ())


def compared_units(systemctl: Callable[[list[str]], str] = lambda argv: run(["systemctl", *argv])) -> list[Unit]:
    """Return the same, each compared with the sandbox that the image's own unit file wants."""
    names = target_services(systemctl(["show", TARGET, "-p", "Wants", "-p", "Requires"]))
    return _shown(names, systemctl, PROPERTIES)


def _shown(names: list[str], systemctl: Callable[[list[str]], str], more: Sequence[str]) -> list[Unit]:
    text = systemctl(["show", *names, *(f"--property={name}" for name in (*_PROPERTIES, *more))])
    units = parse_units(text)
    missing = set(names) - {unit.unit for unit in units}
    if missing:
        raise UnreadableError(f"systemctl show said nothing about {', '.join(sorted(missing))}")
    if not more:
        return units
    shown = {fields["Id"]: fields for fields in parse_show(text)}
    return [replace(unit, sandbox_differs=tuple(differences(unit.unit, shown[unit.unit]))) for unit in units]
