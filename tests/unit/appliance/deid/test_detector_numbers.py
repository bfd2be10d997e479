"""Numbers: what the label says they are, in many spellings; codes, doses and results stay."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("MRN: 00482913", "record", "00482913"),
        ("MRN# 482-91-33", "record", "482-91-33"),
        ("medical record number 7743821 reviewed", "record", "7743821"),
        ("the chart number is AB448812", "record", "AB448812"),
        ("mrn 5529981", "record", "5529981"),
        ("Med Rec No. 88-1234-5", "record", "88-1234-5"),
        ("Patient ID: PT-20931", "record", "PT-20931"),
        ("Accession # S21-04417", "record", "S21-04417"),
        ("encounter number 99120034", "record", "99120034"),
        ("MRN for the patient is 6610293", "record", "6610293"),
        ("Member ID: XYZ123456789", "plan", "XYZ123456789"),
        ("member id W2231 44 981", "plan", "W2231 44 981"),
        ("health plan beneficiary number 8841-229910", "plan", "8841-229910"),
        ("Medicare number 1EG4-TE5-MK73", "plan", "1EG4-TE5-MK73"),
        ("her MBI is 1EG4TE5MK73", "plan", "1EG4TE5MK73"),
        ("policy no. K-4471209", "plan", "K-4471209"),
        ("Group #: 0087731", "plan", "0087731"),
        ("Blue Cross ID R55512345", "plan", "R55512345"),
        ("insurance card number is 900 123 4567", "plan", "900 123 4567"),
        ("claim 20240099812", "plan", "20240099812"),
        ("Medicaid ID AA12345B", "plan", "AA12345B"),
        ("RxBIN: 610014", "plan", "610014"),
        ("account number 4410098", "account", "4410098"),
        ("Acct #: 77-20918", "account", "77-20918"),
        ("card 4111 1111 1111 1111", "account", "4111 1111 1111 1111"),
        ("NPI 1234567893", "licence", "1234567893"),
        ("DEA # BL4471203", "licence", "BL4471203"),
        ("driver's license D4482913", "licence", "D4482913"),
        ("passport number 553128841", "licence", "553128841"),
        ("Serial No. PJN-448812", "device", "PJN-448812"),
        ("pacemaker serial number is LX77231", "device", "LX77231"),
        ("UDI (01)00844588003288(17)141120(21)A9912", "device", "(01)00844588003288(17)141120(21)A9912"),
        ("MAC address 00:1B:44:11:3A:B7", "device", "00:1B:44:11:3A:B7"),
        ("VIN 1HGCM82633A004352", "vehicle", "1HGCM82633A004352"),
        ("license plate 7ABC123", "vehicle", "7ABC123"),
        ("SSN 123-45-6789", "ssn", "123-45-6789"),
        ("ssn: 123456789", "ssn", "123456789"),
        ("social security number 987 65 4321", "ssn", "987 65 4321"),
        ("SSN 000-12-3456", "ssn", "000-12-3456"),
        ("SS# 123.45.6789", "ssn", "123.45.6789"),
        ("his social is xxx-xx-6789", "ssn", "xxx-xx-6789"),
        ("last four of her SSN: 6789", "ssn", "6789"),
        (
            "social one two three, four five, six seven eight nine",
            "ssn",
            "one two three, four five, six seven eight nine",
        ),
        (
            "my social security number is nine oh one two two three eight eight one",
            "ssn",
            "nine oh one two two three eight eight one",
        ),
        ("social 1 2 3 4 5 6 7 8 9", "ssn", "1 2 3 4 5 6 7 8 9"),
        ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "other", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("employee badge 55120", "other", "55120"),
    ],
)
def test_labelled_number_is_found_whole(find, text, kind, value):
    assert (kind, value) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "BP 120/80, pulse 72, SpO2 98%, temp 98.6 F",
        "WBC 12,000 and platelets 250000",
        "metformin 1000 mg twice a day, heparin 5000 units",
        "E11.9, M17.11 and Z79.4 were coded; CPT 99213",
        "LOINC 4548-4, SNOMED CT 44054006, RxNorm 860975, NDC 0093-7214-01",
        "NCT01234567 enrolled 300 patients; PMID 31978945",
        "strength 5/5, pain 7/10, murmur 2/6, GCS 15",
        "COVID-19, SARS-CoV-2, HLA-B27, CD4 count 450, FEV1 2.3 L",
        "ferritin 1250 ng/mL, BNP 3000, PSA 4.2",
        "in 2019 she weighed 180 pounds and ate 1800 calories",
        "group 2 pulmonary hypertension, stage 3b, case 4, plan: 2 weeks",
        "rs113993960 heterozygous, c.1521_1523del",
        "it was one twenty over eighty, then one ten over seventy",
        "they were born in nineteen ninety one and nineteen ninety two",
    ],
)
def test_clinical_figures_stay(find, text):
    assert find(text) == []


@pytest.mark.parametrize("length", [31, 32, 40, 500])
def test_a_long_number_is_hidden_to_its_end(find, length):
    number = "4" * length
    assert [value for _, value in find(f"typed {number} twice")] == [number]
