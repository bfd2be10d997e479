"""Tables of judgements."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from appliance.contract.health import Verdict
from fleetctl.actions.judge import SiteJudgement
from fleetctl.errors import printable
from fleetctl.report.verdicts import STYLES


def judgements_table(judgements: Sequence[SiteJudgement]) -> Table:
    """One line a check; what is wrong shows what was wanted and what to do."""
    table = Table("site", "check", "verdict", "seen", "reason and next action", show_lines=False)
    for judgement in judgements:
        if judgement.error:
            why = f"{judgement.error}\n→ {judgement.next_action}"
            table.add_row(judgement.site, "reachable", judgement.verdict.value, "", printable(why))
        for result in judgement.checks:
            why = result.reason
            if result.difference:
                why += f"\ndiffers: {result.difference}"
            if result.verdict is not Verdict.OK:
                why += f"\nwanted: {result.wanted}\n→ {result.next_action}"
            table.add_row(
                judgement.site,
                result.check,
                result.verdict.value,
                printable(result.seen),
                printable(why),
                style=None if result.verdict is Verdict.OK else STYLES[result.verdict],
            )
    return table
