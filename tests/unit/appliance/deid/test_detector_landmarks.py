"""Landmarks, parts of towns, and institutions with all that their names are made of."""

from __future__ import annotations

import pytest


def _hidden(find, text: str) -> list[str]:
    return [value for _, value in find(text)]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Found down at Barrow's Quarry on Sunday.", "Barrow's Quarry"),
        ("Fell near the Orvelle trailhead, no loss of consciousness.", "Orvelle trailhead"),
        ("MVC on the Route 12 overpass, restrained.", "Route 12 overpass"),
        ("Sleeps by the Lantern mall, no phone.", "Lantern mall"),
        ("Burn from a grill at the Larkspur rest stop.", "Larkspur rest stop"),
        ("He was found by the old Varga grain elevator.", "Varga grain elevator"),
        ("Went through the ice on Lake Orvelle.", "Lake Orvelle"),
        ("Lives in the Fourth Ward with two children.", "Fourth Ward"),
        ("Works nights near the Tri-County Fairgrounds.", "Tri-County Fairgrounds"),
        ("Transferred from Upper Basin for a stent.", "Upper Basin"),
        ("Stays in a tent at Larkspur Landing these days.", "Larkspur Landing"),
        ("we were all down by the old varga grain elevator", "varga grain elevator"),
        ("she was picked up near lake orvelle last night", "lake orvelle"),
        ("it happened at barrow's landing right after the light", "barrow's landing"),
        ("Seen last year at Salem VA for the knee.", "Salem VA"),
        ("Discharged to St. Aldric Home on hospice.", "St. Aldric Home"),
        ("Fills at Orvelle Pharmacy No. 12, no interactions.", "Orvelle Pharmacy No. 12"),
        ("Employer: Varga, Orvelle & Associates called for papers.", "Varga, Orvelle & Associates"),
        ("New patient from Truth or Consequences Clinic today.", "Truth or Consequences Clinic"),
        ("Follow up with Sycamore Dental if worse.", "Sycamore Dental"),
    ],
)
def test_such_places_are_hidden_whole(find, text, whole):
    assert any(whole in value for value in _hidden(find, text))


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("Mallet finger of the nasal bridge, alveolar ridge intact.", "bridge"),
        ("Multiple falls at home this month.", "falls"),
        ("Nasal Bridge: no tenderness. Trigger Point injected.", "Bridge"),
        ("VA 20/40 OD, 20/30 OS.", "VA"),
        ("Best corrected VA improved.", "VA"),
        ("he walks in the park and around the local mall", "mall"),
        ("we went to the mall and then to the park", "mall"),
        ("she parked in the parking lot near the bus stop", "bus stop"),
        ("she was at the boiling point by then", "point"),
        ("Dew point 60. End point reached.", "point"),
        ("New Lake of fluid seen below the Great Saphenous vein.", "fluid"),
    ],
)
def test_plain_words_for_land_and_buildings_stay(find, text, stays):
    assert all(stays not in value for value in _hidden(find, text))


@pytest.mark.parametrize(
    ("text", "town"),
    [
        ("clerk: what town is that again\ncaller: mobile\nclerk: okay and the zip", "mobile"),
        ("and what city\nkearney\nis he breathing", "kearney"),
        ("and grew up where\nelkins then we moved", "elkins"),
        ("he is the mayor of Flint and asks for privacy. Seen in clinic today.", "Flint"),
        ("she lives on her own in truth or consequences", "truth or consequences"),
        ("Relapsed at a bar in Normal. Back in the group now.", "Normal"),
    ],
)
def test_towns_that_are_words_are_found_where_towns_stand(find, text, town):
    assert town in _hidden(find, text)


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("all the labs came back in normal range", "normal"),
        ("what city do you live in\ni already told you that", "already"),
        ("he bent over and heard it bend then", "bend"),
        ("the chief of surgery came by", "surgery"),
    ],
)
def test_words_that_are_towns_stay_elsewhere(find, text, stays):
    assert all(stays not in value for value in _hidden(find, text))


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("he passed at fifty five worked at copper kettle freight his whole life", "copper kettle freight"),
        ("hi this is the school nurse at little pebbles daycare", "little pebbles daycare"),
        ("Employed at the Summit Call Center as a night guard.", "Summit Call Center"),
    ],
)
def test_employers_called_by_words_of_every_day_are_found(find, text, whole):
    assert any(whole in value for value in _hidden(find, text))


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("are you eating a lot of salty foods and pizza", "salty foods"),
        ("come back in one year for routine wellness", "routine wellness"),
        ("he was seen at the outpatient behavioral health", "outpatient"),
        ("she stays away from sugary foods now", "sugary foods"),
    ],
)
def test_plain_words_before_such_heads_stay(find, text, stays):
    assert all(stays not in value for value in _hidden(find, text))
