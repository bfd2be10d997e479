"""Institutions and landmarks that begin with a name or a town that was found."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Sending: Wrexham Children's, by road", "Wrexham Children's"),
        ("Seen by the Varga Community Dental Service today", "Varga Community Dental Service"),
        ("from Saint Casimir Home for the Aged, by van", "Saint Casimir Home for the Aged"),
        ("she works at Varga, Moss & Brandt LLP downtown", "Varga, Moss & Brandt LLP"),
        ("chaplain of Varga Chapel on Sycamore", "Varga Chapel on Sycamore"),
        ("at the Lubbock Sikh gurdwara on Sunday", "Lubbock Sikh gurdwara"),
        ("a driver with wrexham freight", "wrexham freight"),
        ("she teaches at boston montessori", "boston montessori"),
        ("sleeps behind Varga State Park", "Varga State Park"),
        ("fell at the wrexham bus station", "wrexham bus station"),
    ],
)
def test_institution_is_whole(find, text, whole):
    assert any(kind in ("facility", "place") and whole in value for kind, value in find(text)), find(text)


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("Ms. Varga home is two miles away", "home"),
        ("Dr. Varga surgery was moved to noon", "surgery"),
        ("Tobias Varga services the car", "services"),
        ("told Margot Moss school is hard", "school"),
    ],
)
def test_words_in_lower_case_behind_a_name_stay(find, text, stays):
    assert not any(stays in value for _, value in find(text)), find(text)
