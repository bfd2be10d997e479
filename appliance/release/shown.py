"""Release status, offer and steps for whoever stands at the console."""

from appliance.contract.release_status import Offer, ReleaseStatus, ReleaseStep, SetState

_MIB = 1 << 20


def status_lines(found: ReleaseStatus) -> list[str]:
    """The status, one thing a line."""
    lines = [f"site       {found.site}, {found.at:%Y-%m-%d %H:%M} UTC"]
    if found.phase != "idle":
        lines.append(f"phase      {found.phase.replace('_', ' ')}")
    if found.usr_root_hash:
        lines.append(f"system     /usr {found.usr_root_hash[:12]}")
    lines += [*_set("active", found.active), *_set("previous", found.previous), *_set("staged", found.staged)]
    lines.append(f"accepts    sequence {found.minimum_sequence} and newer")
    lines += [f"denied     {each.release} since {each.at:%Y-%m-%d %H:%M}: {each.reason}" for each in found.denied]
    if found.metadata and found.metadata.expires_at:
        lines.append(f"metadata   counts until {found.metadata.expires_at:%Y-%m-%d}")
    total = sum(found.images.values())
    lines.append(f"images     {len(found.images)}, {total // _MIB} MiB; {found.free_bytes // _MIB} MiB are free")
    in_flight = found.in_flight
    words = "not known" if in_flight is None else ", ".join(f"{n} {what}" for what, n in in_flight.items() if n)
    lines.append(f"in work    {words or 'nothing'}")
    for change in found.changes[:5]:
        end = (change.outcome or "goes on").replace("_", " ")
        what = f"{change.action} {change.release}" if change.release else change.action
        lines.append(f"change     {change.started_at:%Y-%m-%d %H:%M} {what}: {end}. {change.reason}".rstrip())
    return lines


def _set(role: str, found: SetState | None) -> list[str]:
    if found is None:
        return [f"{role:10} none"]
    name = f"{found.release} (sequence {found.sequence})" if found.release else "what the provisioning installed"
    models = ", ".join(f"{task} {root_hash[:12]}" for task, root_hash in found.models.items())
    if found.adapters:
        models += f", adapters {' '.join(root_hash[:12] for root_hash in found.adapters)}"
    if found.usr_root_hash:
        models = f"{models}, system {found.usr_root_hash[:12]}"
    return [f"{role:10} {name}: {models}{'' if found.complete else '; INCOMPLETE'}"]


def offer_lines(found: Offer) -> list[str]:
    """What is missing, or every reason against it."""
    if found.refused:
        return [f"{found.release} ({found.channel}) is refused:", *(f"  - {reason}" for reason in found.refused)]
    if not found.missing:
        return [f"{found.release} ({found.channel}) can be staged; nothing has to come"]
    return [
        f"{found.release} ({found.channel}) can be staged when these have come:",
        *(
            f"  {each.root_hash}.raw  {each.task}, {each.size_bytes} bytes, {each.received_bytes} are here"
            for each in found.missing
        ),
    ]


def step_line(step: ReleaseStep) -> str:
    """One step, as it happens."""
    return f"{step.at:%H:%M:%S} {step.phase.replace('_', ' ')}: {step.text}"
