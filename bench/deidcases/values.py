"""Random values for the templates: nobody's; names are written by hand and are not drawn from the product's lists."""

from __future__ import annotations

import random
from collections.abc import Callable

_GIVEN = {
    "development": "Martha Brian Keisha Luis Wei Fatima Grace Hannah Omar Priya Tyrone Siobhan Jorge Anneliese Marek Linh Deshawn Ingrid"
    " Rosa Walter Aisha Kofi Mark Yolanda Elias Noor Tomasz Guadalupe Brenda Cody",
    "held_out": "Denise Raymond Xiomara Oluwaseun Thanh Katarzyna Hope Malik Bronwyn Ezekiel Svetlana Hiroshi Paloma Terrence Joy Ngozi"
    " Dmitri Marisol Gunnar Shanice Will Anjali Rafael Philippa Cedric Beatriz Abdul Maeve Leopold Tamika Rose Zoltan",
}
_FAMILY = {
    "development": "Collins Nguyen Okafor Castillo Young Bell Kowalski Patel Hernandez Murphy Schwartz Tran Baker Abdi Lindqvist Brown Foley"
    " Mbeki Rossi Yamamoto Parkinson Delacroix Brooks Sanchez",
    "held_out": "Whitfield Achebe Moreau Petrov Gutierrez Long Wilson Takahashi O'Brien Villanueva Banerjee Szabo Graves Olufemi Ward Eriksen"
    " Bianchi Haddad Cole Zielinski Pham Rivers Barrett Underwood Mwangi Fitzgerald",
}
_CITIES = {
    "development": "Springfield,IL Duluth,MN Tacoma,WA Macon,GA Boise,ID Lansing,MI",
    "held_out": "Dayton,OH Spokane,WA Chattanooga,TN Worcester,MA Fresno,CA Shreveport,LA",
}
_STREETS = {
    "development": "Oak Street|Maple Avenue|Harbor Road|N Main St|Elm Court|Lakeview Drive",
    "held_out": "Willow Lane|Cedar Boulevard|W 5th Avenue|Birchwood Dr|Kensington Place|Old Mill Rd",
}
_FACILITIES = {
    "development": "Mercy General Hospital|Lakewood Family Medicine|St. Vincent Medical Center|Riverside Nursing Home|Hillcrest Pharmacy",
    "held_out": "Good Samaritan Hospital|Northgate Pediatrics|Cedar Ridge Rehabilitation Center|Bayview Health Center|Eastfield High School",
}
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


class Values:
    """Draws one value for each kind of slot.

    Args:
        part: "development" or "held_out": each has names, cities, streets and facilities of its own.
        seed: The same seed gives the same texts.
    """

    def __init__(self, part: str, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - test data, no secret
        self._part = part
        self.slots: dict[str, tuple[str, Callable[[], str]]] = {
            "first": ("name", lambda: self._pick(_GIVEN)), "last": ("name", lambda: self._pick(_FAMILY)),
            "name": ("name", lambda: f"{self._pick(_GIVEN)} {self._pick(_FAMILY)}"),
            "last_first": ("name", lambda: f"{self._pick(_FAMILY)}, {self._pick(_GIVEN)}"),
            "middle": ("name", lambda: f"{self._pick(_GIVEN)} {self._letter()}. {self._pick(_FAMILY)}"),
            "initials": ("name", lambda: f"{self._letter()}.{self._letter()}."),
            "city": ("place", lambda: self._pick(_CITIES).split(",")[0]),
            "zip": ("place", lambda: self._number(5)),
            "address": ("address", self._address), "street": ("address", lambda: f"{self._int(10, 9800)} {self._pick(_STREETS, '|')}"),
            "facility": ("facility", lambda: self._pick(_FACILITIES, "|")),
            "date": ("date", self._date), "date_us": ("date", lambda: f"{self._int(1, 12)}/{self._int(1, 28)}/{self._int(1940, 2025)}"),
            "date_iso": ("date", lambda: f"{self._int(1940, 2025)}-{self._int(1, 12):02}-{self._int(1, 28):02}"),
            "date_short": ("date", lambda: f"{self._int(1, 12)}/{self._int(11, 28)}"),
            "date_words": ("date", lambda: f"{self._one(_MONTHS)} {self._int(1, 28)}, {self._int(1940, 2025)}"),
            "date_spoken": ("date", self._date_spoken), "month_year": ("date", lambda: f"{self._one(_MONTHS)} {self._int(2001, 2025)}"),
            "age": ("age", lambda: str(self._int(90, 103))),
            "ssn": ("ssn", lambda: f"{self._number(3)}-{self._number(2)}-{self._number(4)}"),
            "ssn_plain": ("ssn", lambda: self._number(9)), "ssn_spaced": ("ssn", lambda: f"{self._number(3)} {self._number(2)} {self._number(4)}"),
            "ssn_spoken": ("ssn", lambda: self._spoken(9)),
            "mrn": ("record", lambda: self._one([self._number(7), self._number(8), f"{self._letters(2)}{self._number(6)}", f"{self._number(3)}-{self._number(2)}-{self._number(3)}"])),
            "accession": ("record", lambda: f"{self._letter()}{self._int(10, 25)}-{self._number(5)}"),
            "plan": ("plan", lambda: self._one([f"{self._letters(3)}{self._number(9)}", self._number(10), f"{self._letter()}{self._number(8)}", f"{self._number(4)}-{self._number(6)}"])),
            "group": ("plan", lambda: self._number(6)), "mbi": ("plan", lambda: f"{self._int(1, 9)}{self._letter()}{self._letter()}{self._int(0, 9)}-{self._letter()}{self._letter()}{self._int(0, 9)}-{self._letters(2)}{self._number(2)}"),
            "account": ("account", lambda: self._number(10)), "npi": ("licence", lambda: f"1{self._number(9)}"),
            "dea": ("licence", lambda: f"{self._letters(2)}{self._number(7)}"), "licence": ("licence", lambda: f"{self._letter()}{self._number(7)}"),
            "serial": ("device", lambda: f"{self._letters(2)}{self._number(3)}-{self._number(5)}"),
            "vin": ("vehicle", lambda: "1HGCM82633A" + self._number(6)), "plate": ("vehicle", lambda: f"{self._int(1, 9)}{self._letters(3)}{self._number(3)}"),
            "phone": ("phone", self._phone), "phone_spoken": ("phone", lambda: self._spoken(10)),
            "fax": ("fax", self._phone), "email": ("email", lambda: f"{self._pick(_GIVEN).lower()}.{self._pick(_FAMILY).lower()}{self._int(1, 99)}@example{self._one(['.com', '.org', 'mail.net'])}"),
            "email_spoken": ("email", lambda: f"{self._pick(_GIVEN).lower()} dot {self._pick(_FAMILY).lower()} at {self._one(['gmail', 'yahoo', 'outlook'])} dot com"),
            "url": ("url", lambda: f"https://www.{self._pick(_FAMILY).lower()}-family.com/visit/{self._number(4)}"),
            "ip": ("ip", lambda: ".".join(str(self._int(11, 240)) for _ in range(4))), "handle": ("social", lambda: f"@{self._pick(_GIVEN).lower()}_{self._number(3)}"),
        }  # fmt: skip

    def _int(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def _one(self, values: list[str]) -> str:
        return self._random.choice(values)

    def _pick(self, table: dict[str, str], by: str | None = None) -> str:
        return self._one(table[self._part].split(by))

    def _letter(self) -> str:
        return self._one(list("ACDEFGHJKMNPQRTUVWXY"))

    def _letters(self, count: int) -> str:
        return "".join(self._letter() for _ in range(count))

    def _number(self, count: int) -> str:
        return str(self._int(1, 9)) + "".join(str(self._int(0, 9)) for _ in range(count - 1))

    def _spoken(self, count: int) -> str:
        return " ".join(self._one(_DIGITS) for _ in range(count))

    def _phone(self) -> str:
        area, middle, last = self._int(201, 989), self._int(200, 999), self._number(4)
        return self._one(
            [
                f"({area}) {middle}-{last}",
                f"{area}-{middle}-{last}",
                f"{area}.{middle}.{last}",
                f"{area} {middle} {last}",
            ]
        )

    def _address(self) -> str:
        city, state = self._pick(_CITIES).split(",")
        return f"{self._int(10, 9800)} {self._pick(_STREETS, '|')}, {city}, {state} {self._number(5)}"

    def _date(self) -> str:
        month, day, year = self._one(_MONTHS), self._int(1, 28), self._int(1950, 2025)
        return self._one(
            [
                f"{month} {day}",
                f"{month[:3]} {day}, {year}",
                f"{day} {month} {year}",
                f"{self._int(1, 12):02}/{day:02}/{year % 100:02}",
                f"{day}-{month[:3]}-{year}",
            ]
        )

    def _date_spoken(self) -> str:
        year = f"nineteen {self._one(_TENS)} {self._one(_DIGITS[1:])}"
        return f"{self._one(_MONTHS)} {self._one(_ORDINALS)} {year}"
