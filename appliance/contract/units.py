"""The units that may never have a network of their own; a proof of isolation must have tried each of them."""

DRAFTING_UNIT = "appliance-drafting.service"

_ALWAYS = ("appliance-transcription.service", "appliance-gateway.service", "appliance-health.service")
PHI_UNITS: tuple[str, ...] = (*_ALWAYS, DRAFTING_UNIT)


def phi_units(*, drafting: bool) -> tuple[str, ...]:
    """Those that run at a site. Without drafting its unit is skipped by systemd and must not be waited for.

    Each side says by what it knows itself whether there is drafting: the operator by the site file, the box by its
    seal. Who does not know says yes: a unit that is missing is then an error, never silently left out.
    """
    return PHI_UNITS if drafting else _ALWAYS
