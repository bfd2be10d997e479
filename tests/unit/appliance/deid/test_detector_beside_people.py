"""The rest of a name of which one part was found, and words of other languages that no list has."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Seen: Margot Blot, 34, for a cough", "Margot Blot"),
        ("Child's name Zoé Blot; born in May", "Zoé Blot"),
        ("Élisabeth M Blot signed the form", "Élisabeth M Blot"),
        ("Decedent: João Vitor M. Pastor   Age: 71", "João Vitor M. Pastor"),
        ("Eduarda da Cruz called about the bill", "Eduarda da Cruz"),
        ("has Aylla da Conceição had a scan", "Aylla da Conceição"),
        ("Baby Boy de Anda went home", "de Anda"),
        ("the chart of Gerrit van der Moss was lost", "Gerrit van der Moss"),
        ("my niece ánh drives me home", "ánh"),
        ("this is the family of phạm on line two", "phạm"),
        ("Findings were called to Soczka by Lê at 1905", "Lê"),
        ("Hello Sai, I got the bill.", "Sai"),
        ("Good morning Dom - your labs are back.", "Dom"),
        ("You can text me. Thanks, Aachal", "Aachal"),
        ("It came back high. - Letizia (406-555-0149)", "Letizia"),
        ("Triage Annegrete 7:40p, no fever", "Annegrete"),
        ("Probe was assigned Parda 2024-01-12; dropouts", "Parda"),
        ("9:20 the wife of Bhavani, hernia repair", "Bhavani"),
    ],
)
def test_name_is_whole(find, text, name):
    assert any(name in whole for _, whole in find(text)), find(text)


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("Margot Denies pain", "Denies"),
        ("Margot RN gave it", "RN"),
        ("Margot Hospital is near", "near"),
        ("Hello Team, the scan is back.", "Team"),
        ("Dear Colleague, thank you", "Colleague"),
        ("Kept on Zyphorin 257 mg daily", "Zyphorin"),
        ("Kept on Zyphorin 5/325 daily", "Zyphorin"),
        ("sjögren and ménière were ruled out", "ménière"),
        ("she fell asleep over the boxes", "boxes"),
    ],
)
def test_what_stands_beside_a_name_stays(find, text, stays):
    assert not any(stays in whole for _, whole in find(text)), find(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Dr K. M. Fujita (GMC 6888632)", "K. M. Fujita"),
        ("form MEDIF: Vlahos/Stavros, booking open", "Vlahos/Stavros"),
        ("Varga, Ada / partner Wróbel, Małgorzata. Donor", "Wróbel, Małgorzata"),
        ("Dentist UK. Pt FINCH Robert. NHS band 2.", "FINCH Robert"),
        ("Sister Slim holds a spare key", "Slim"),
        ("In the back. Mate Tater drove.", "Tater"),
        ("Screen fail, init JGS, consented", "JGS"),
        ("pulled hydromorphone for MSN 404721484", "MSN"),
        ("Peer review: JMK case K08887874", "JMK"),
    ],
)
def test_names_that_are_one_and_initials(find, text, name):
    assert any(name in whole for _, whole in find(text)), find(text)


@pytest.mark.parametrize(
    "text",
    [
        "Mother is well",
        "Driver was unhurt",
        "referral for MRI of the knee",
        "Sister was told",
        "labs/imaging were sent",
    ],
)
def test_kin_and_terms_stay(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Varga and Brown were told of the result", "Brown"),
        ("Today Park and Varga have agreed to it", "Park"),
        ('"It was never sent," says Brandtner.', "Brandtner"),
        ("What is your name? Jildau S Bouts", "Jildau S Bouts"),
        ("They were Varga, Moss and White.", "White"),
        ("Dale and White were on call", "Dale"),
        ("He was late. Mark told Varga about it", "Mark"),
    ],
)
def test_names_beside_and_and_behind_a_quotation(find, text, name):
    assert any(name in whole for _, whole in find(text)), find(text)
