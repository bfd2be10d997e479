"""Days of a month without a year where only the word before them, or their own figures, tell them from scores."""

from __future__ import annotations

import pytest


def _dates(found):
    return [text for kind, text in found if kind == "date"]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Next dressing change 10/4. Photo filed", "10/4"),
        ("Chaplain visited 3/20. Roxanol continued", "3/20"),
        ("Next IDG 3/3.", "3/3"),
        ("caffeine off 7/2. Peds follows", "7/2"),
        ("Service 12/15  CPT 99214", "12/15"),
        ("TUMOR BOARD 3/12: case 3", "3/12"),
        ("flu shot 10/5, TDaP 6/10", "10/5"),
        ("Abx start 3/2 stop 3/9", "3/9"),
        ("Rash since the picnic at Alder Works 3/8. No fever", "3/8"),
        ("Last Lovenox 3/6. Hold today", "3/6"),
        ("SROM clear 0315 11/11. Doula here", "11/11"),
        ("Tues 22/11 clinic", "22/11"),
        ("review 22/11", "22/11"),
        ("EDC 9-14", "9-14"),
    ],
)
def test_bare_day_is_found(find, text, date):
    assert any(date in found for found in _dates(find(text)))


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("seen 14 Mar 24 by locum", "14 Mar 24"),
        ("on the night of 14/15 March", "14/15 March"),
        ("clinic shut for the bank holiday Monday", "bank holiday Monday"),
        ("fell on Shrove Tuesday", "Shrove Tuesday"),
        ("rash since Bonfire Night", "Bonfire Night"),
        ("He was laid off May.", "May"),
        ("i've got you down for five twenty two at nine fifteen", "five twenty two"),
        ("did the wound nurse come\nyeah she came seven twenty one\nokay", "seven twenty one"),
        ("AGENT: Date of service? PT: twelve eight.", "twelve eight"),
        ("it's oh three oh four fifty one", "oh three oh four fifty one"),
        ("your appointment's for the third", "the third"),
        ("it was march fourteen i think", "march fourteen"),
    ],
)
def test_further_forms_are_found(find, text, date):
    assert date in _dates(find(text))


@pytest.mark.parametrize(
    "text",
    [
        "strength 4/5 in both arms",
        "Swan 22/10. Levophed 0.08",
        "Nottingham 6/9, Ki-67 22%",
        "BiPAP 12/5, rate 14",
        "pain 7/10 now, 3/10 at best",
        "TIMI 3/7",
        "Epworth 7/24",
        "ate 3/4",
        "nodes 3/12 positive",
        "ambulated 1/2 mile",
        "24/7 supervision at home",
        "got five twenty two milligrams",
        "bp one twenty two over eighty",
        "pulse came down to seventy one",
        "he may fall",
        "with May, her aide",
    ],
)
def test_scores_fractions_and_settings_stay(find, text):
    assert _dates(find(text)) == []
