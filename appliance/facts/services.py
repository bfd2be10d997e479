"""The units of the appliance and their states, in systemd's words."""

from collections.abc import Callable
from dataclasses import dataclass

from appliance.facts.reading import UnreadableError, run

TARGET = "appliance.target"
_PROPERTIES = ("Id", "ActiveState", "SubState", "Result", "NRestarts", "MainPID", "Type", "PrivateNetwork")


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
    units = parse_units(systemctl(["show", *names, *(part for name in _PROPERTIES for part in ("-p", name))]))
    missing = set(names) - {unit.unit for unit in units}
    if missing:
        raise UnreadableError(f"systemctl show said nothing about {', '.join(sorted(missing))}")
    return units
