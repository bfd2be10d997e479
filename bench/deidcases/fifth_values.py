"""Values for the fifth set: its own names, places, numbers and forms; check digits as in the third set."""

from __future__ import annotations

from typing import Final

from deidcases import fifth_numbers as numbers
from deidcases import fifth_places as places
from deidcases import third_values
from deidcases.draws import Kinds, Piece
from deidcases.fifth_people import draw_person, nickname
from deidcases.second_numbers import digit_words, luhn, number_words
from deidcases.second_people import Person, letters
from deidcases.second_pools import MONTHS
from deidcases.third_values import listed

_SEX: Final = {"her": 0, "mum": 0, "wife": 0, "dau": 0, "sis": 0, "him": 1, "dad": 1, "husb": 1, "son": 1, "bro": 1}
_KIN: Final = ("mum", "wife", "dau", "sis", "dad", "husb", "son", "bro", "kin")
_PATIENTS: Final = ("pt", "her", "him")
SAME_LAST = 0.55
"""Share of relatives who bear the patient's last name."""


def without_article(name: str) -> list[Piece]:
    """The pieces of a name, whose article tells nobody anything."""
    article, parted, bare = name.partition(" ")
    return [(article + parted, False), (bare, True)] if article.lower() == "the" else [(name, True)]


class Draws(third_values.Draws):
    """The values of one text of the fifth set: `pt`, `her`, `him` are patients, then their kin, staff and others."""

    roles = (*_PATIENTS, *_KIN, "doc", "doc2", "doc3", "nurse", "staff", "pal", "x", "y")

    def _person(self, role: str) -> Person:
        who = draw_person(self._rng, _SEX.get(role))
        patient = next((self._people[other] for other in _PATIENTS if other in self._people), None)
        if role in _KIN and patient and self._rng.random() < SAME_LAST:
            return Person(who.first, who.middle, patient.last, "")
        return who

    def _kinds(self) -> Kinds:
        own: Kinds = {
            "date": ("date", lambda form: self._date(form, 2022, 2026)),
            "dob": ("date", lambda form: self._date(form, 1937, 2021)),
            "birth": ("date", lambda form: self._date(form, 2009, 2024)),
            "landmark": ("place", lambda _: without_article(self._one(places.LANDMARKS))),
            "hood": ("place", lambda _: without_article(self._one(places.HOODS))),
            "emp": ("employer", lambda form: self._organisation(places.EMPLOYERS, form)),
            "school": ("employer", lambda form: self._organisation(places.SCHOOLS, form)),
            "church": ("employer", lambda form: self._organisation(places.CHURCHES, form)),
        }
        return super()._kinds() | own

    def _place(self, pool: str) -> str:
        return self._one(pool).format(
            town=self._one(places.TOWNS).split(",")[0], uk=self._one(places.UK_TOWNS), saint=self._one(places.SAINTS),
            namesake=self._one(places.NAMESAKES), street=self._one(places.STREETS), number=self._rng.randint(2, 418),
        )  # fmt: skip

    def _organisation(self, pool: str, form: str) -> list[Piece]:
        name = self._place(pool)
        return without_article({"": name, "say": name.replace("&", "and"), "caps": name.upper()}[form])

    def _facility(self, form: str) -> str:
        name = self._place(
            {
                "": places.HOSPITALS, "caps": places.HOSPITALS, "short": places.SHORT_HOSPITALS, "home": places.HOMES,
                "clinic": places.CLINICS, "pharmacy": places.PHARMACIES, "uk": places.UK_FACILITIES,
            }[form]
        )  # fmt: skip
        return name.upper() if form == "caps" else name

    def _name(self, role: str, form: str) -> tuple[str, list[Piece]]:
        kind, _ = super()._name(role, "")  # draws whoever has the role
        who, rng = self._people[role], self._rng
        own = {
            "nick": lambda: nickname(who.first, rng),
            "called": lambda: f'{who.first} "{nickname(who.first, rng)}" {who.last}',
            "capslast": lambda: who.last.upper(),
            "capsfirst": lambda: who.first.upper(),
            "bigcomma": lambda: f"{who.last.upper()}, {who.first}",
            "lastini": lambda: f"{who.last} {who.first[0]}",
            "three": lambda: f"{who.first[0]}{who.middle}{who.last[0]}".upper(),
            "two": lambda: f"{who.first[0]}. {who.middle}. {who.last}",
            "dots": lambda: f"{who.first[0]}.{who.middle}.{who.last[0]}.".upper(),
            "nickini": lambda: f"{nickname(who.first, rng)} {who.last[0]}.",
            "whole": lambda: f"{who.first} {draw_person(rng, _SEX.get(role)).first} {who.last}",
            "slash": lambda: f"{who.last}/{who.first}",
        }
        if form in own:
            return kind, [(own[form](), True)]
        return super()._name(role, form)

    def _date(self, form: str, since: int, until: int = 2026) -> list[Piece]:
        rng = self._rng
        year, month, day, later = rng.randint(since, until), rng.randint(1, 12), rng.randint(1, 21), rng.randint(1, 7)
        name = MONTHS.split()[month - 1]
        short = {"September": "Sept"}.get(name, name[:3])
        suffix = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
        weekday = rng.choice(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))
        hour = f"{rng.randint(0, 23):02}{rng.randint(0, 59):02}"
        stamp = f"{hour[:2]}:{hour[2:]}"
        oh = "oh " if month < 10 else ""
        forms: dict[str, list[Piece]] = {
            "stamp": [(f"{year}-", False), (f"{month:02}-{day:02}", True), (f"T{stamp}", False)],
            "slashiso": [(f"{year}/", False), (f"{month:02}/{day:02}", True)],
            "hl": [(f"{year}", False), (f"{month:02}{day:02}", True), (hour, False)],
            "uk": [(f"{day:02}/{month:02}", True), (f"/{year}", False)],
            "uktwo": [(f"{day}/{month}", True), (f"/{year % 100:02}", False)],
            "ukdot": [(f"{day}.{month}", True), (f".{year % 100:02}", False)],
            "ukth": [(f"{day}{suffix} {name}", True), (f" {year}", False)],
            "ukday": [(f"{weekday} ", False), (f"{day}{suffix} {name}", True)],
            "ukbare": [(f"{day} {name}", True)],
            "wday": [(f"{weekday}, ", False), (f"{name} {day}", True), (f", {year}", False)],
            "wdshort": [(f"{weekday[:3]} ", False), (f"{month}/{day}", True)],
            "wdmon": [(f"{weekday[:3]}, ", False), (f"{short} {day}", True)],
            "mdzero": [(f"{month:02}/{day:02}", True)],
            "mddash": [(f"{month}-{day}", True)],
            "span": [(f"{month}/{day}", True), ("-", False), (f"{month}/{day + later}", True), (f"/{year}", False)],
            "mspan": [(f"{name} {day}", True), (" to ", False), (f"{day + later}", True)],
            "dspan": [(f"{day}", True), (" to ", False), (f"{day + later} {name}", True), (f" {year}", False)],
            "upper": [(f"{name} {day}".upper(), True), (f", {year}", False)],
            "monthof": [(name, True), (f" of {year}", False)],
            "monthin": [(f"{short}.", True), (f" {year}", False)],
            "mmyy": [(f"{month}", True), (f"/{year % 100:02}", False)],
            "apos": [(short, True), (f" '{year % 100:02}", False)],
            "fr": [(f"{day} {_FRENCH[month - 1]}", True), (f" {year}", False)],
            "tight": [(f"{day}{short.upper()}", True), (f"{year % 100:02}", False)],
            "asr": [(f"{name} {day}{suffix}", True)],
            "asryear": [(f"{name} {day}{suffix}", True), (f" {year}", False)],
            "saycard": [(f"{name} {number_words(day)}", True)],
            "saydigits": [
                (f"{oh}{number_words(month)} {'oh ' if day < 10 else ''}{number_words(day)}", True),
                (f" {year}", False),
            ],
            "sayslash": [(f"{number_words(month)} slash {number_words(day)}", True)],
            "sayend": [("the end of ", False), (name, True)],
        }  # fmt: skip
        return forms[form] if form in forms else super()._date(form, since, min(until, 2025))

    def _age(self, form: str) -> str:
        if form != "word":
            return super()._age(form)
        years = int(super()._age(""))
        return number_words(years).replace(" ", "-") if years < 100 else "one-hundred"

    def _street(self, form: str) -> str:
        rng, name = self._rng, self._one(places.STREETS)
        whole, short = self._one(places.STREET_KINDS).split(",")
        house = rng.choice((rng.randint(1, 60), rng.randint(101, 999), rng.randint(1001, 18999)))
        patterns = {
            "name": f"{name} {whole}", "uk": f"{rng.randint(1, 190)} {name} {rng.choice(('Road', 'Close', 'Gardens'))}",
            "say": f"{number_words(rng.randint(11, 98))} {number_words(rng.randint(11, 98))} {name} {whole}",
            "saydigits": f"{digit_words(str(house), rng)} {name} {whole}", "asr": f"{house} {name} {whole}",
            "box": self._any("PO Box ###", "P. O. Box ####", "POB ##", "General Delivery Box ##"),
            "rural": self._any("Rural Route # Box ##", "HC ## Box ###", "#### County Rd ##", "Star Route Box ##"),
            "corner": f"{name} and {self._one(places.STREETS)}", "caps": f"{house} {name} {short}".upper(),
            "au": f"{rng.randint(1, 9)}/{rng.randint(1, 150)} {name} {rng.choice(('St', 'Cres', 'Pde'))}",
            "exit": self._any("mile marker ## on Route ##", "mile ### of Highway ##", "exit ## on Interstate ##"),
            "": f"{house} {rng.choice(('', '', '', 'N. ', 'SW ', 'East '))}{name} {rng.choice((whole, short))}",
        }  # fmt: skip
        return patterns[form]

    def _unit(self, _form: str) -> str:
        return self._any(
            "Apt ##", "Apt. #?", "Unit ?", "#1##", "Trailer ##", "Flat #", "Bldg ? Apt #", "Lot ##", "Ste ##"
        )

    def _town(self, form: str) -> str | list[Piece]:
        pools = {
            "uk": places.UK_TOWNS, "au": places.AU_TOWNS, "ca": places.CA_TOWNS, "county": places.COUNTIES,
        }  # fmt: skip
        if form in pools:
            return self._one(pools[form]) + (" County" if form == "county" else "")
        town, state, self._zip_start = self._one(places.TOWNS).split(",")
        names = dict(line.split(" ", 1) for line in listed(places.STATES))
        forms: dict[str, str | list[Piece]] = {
            "": town, "say": town, "caps": town.upper(), "state": [(town, True), (f", {state}", False)],
            "long": [(town, True), (f", {names[state]}", False)],
            "saylong": [(town, True), (f" {names[state]}", False)],
            "bare": [(town, True), (f" {state}", False)],
        }  # fmt: skip
        return forms[form]

    def _zip(self, form: str) -> str:
        if form in ("uk", "au", "ca"):
            return self._any(
                *{"uk": ("??# #??", "??## #??", "?# #??"), "au": ("3###", "4###"), "ca": ("?#? #?#",)}[form]
            )
        return super()._zip(form)

    def _holiday(self, _form: str) -> list[Piece]:
        return without_article(self._one(places.HOLIDAYS))

    def _phone(self, form: str) -> str:
        rng, area, line = self._rng, self._one(places.AREAS), self._filled("01##")
        if form in ("uk", "au"):
            return self._numbered({"uk": numbers.UK_PHONE, "au": numbers.AU_PHONE}[form])
        tail = f"{number_words(rng.randint(10, 99))}"
        said = {
            "say": f"{digit_words(area, rng)} five five five {digit_words(line, rng)}",
            "sayseven": f"five five five {digit_words(line, rng)}",
            "saygroups": f"{digit_words(area, rng)} triple five oh one {tail}",
            "sayasr": f"{area} 555 {line}",
            "sayuk": f"oh double seven double oh nine hundred {digit_words(self._filled('###'), rng)}",
            "seven": f"555-{line}", "last": line,
        }  # fmt: skip
        if form:
            return said[form]
        return rng.choice(
            (f"({area}) 555-{line}", f"{area}-555-{line}", f"{area}.555.{line}", f"{area}/555-{line}",
             f"{area} 555 {line}", f"{area}555{line}", f"+1 {area} 555 {line}", f"1 ({area}) 555-{line}",
             f"+1-{area}-555-{line}", f"{area}-555-{line} ext. {rng.randint(11, 980)}",
             f"{area}-555-{line}x{rng.randint(2, 99)}")
        )  # fmt: skip

    def _mailbox(self) -> tuple[str, str]:
        who = draw_person(self._rng)
        return letters(who.first).lower(), letters(who.last).lower()

    def _email(self, form: str) -> str:
        rng, host, (first, last) = self._rng, self._one(places.HOSTS), self._mailbox()
        if form.startswith("say"):
            said = f"{first} dot {last}", f"{first[0]} {last}", f"{last} {number_words(rng.randint(11, 99))}"
            name = {"say": rng.choice(said), "sayunder": f"{first} underscore {last}"}[form]
            return f"{name} at {host.replace('.', ' dot ')}"
        year = rng.randint(51, 99)
        boxes = (f"{first}{last}", f"{last}.{first[0]}", f"{first}-{last}", f"{first}{year}", f"the.{last}.family",
                 f"{first[0]}.{last}+clinic", f"{last}{year}", f"{first}_{last[0]}")  # fmt: skip
        address = f"{rng.choice(boxes)}@{host}"
        return {"": address, "caps": address.upper()}[form]

    def _url(self, form: str) -> str:
        (first, last), rng = self._mailbox(), self._rng
        if form == "say":
            return rng.choice((f"www dot {last} family dot example dot com", f"example dot org slash {first} {last}"))
        return rng.choice(
            (f"https://portal.example.org/p/{last}{self._filled('###')}", f"www.{first}{last}.example.com/blog",
             f"http://caring.example.org/visit/{first}{last}", f"https://tele.example.com/room/{self._filled('????-####')}",
             f"gofund.example.com/help-{first}-heal", f"https://img.example.net/share?id={self._filled('********')}",
             f"photos.example.com/{last}/{self._filled('####')}")
        )  # fmt: skip

    def _ip(self, form: str) -> str:
        rng, host = self._rng, self._rng.randint(10, 99)
        if form == "say":
            return f"one nine two dot zero dot two dot {number_words(host)}"
        net = rng.choice(("192.0.2", "198.51.100", "203.0.113"))
        six = f"2001:db8:{rng.randrange(16, 4096):x}:{rng.randrange(1, 99):x}::{host:x}"
        return {"": f"{net}.{host}", "six": six}[form]

    def _ssn(self, form: str) -> str | list[Piece]:  # type: ignore[override]  # a mask stays, so it comes in pieces
        if form in ("masked", "stars"):
            return [({"masked": "XXX-XX-", "stars": "***-**-"}[form], False), (super()._ssn("last"), True)]
        if form == "sin":
            return self._any("0## ### ###", "0##-###-###")  # Canada issues none that starts with 0
        if form == "dots":
            return super()._ssn("").replace("-", ".")
        if form == "sayasr":
            return super()._ssn("sp")
        return super()._ssn(form)

    def _record(self, form: str) -> str:
        if form == "say":
            return digit_words(self._any("#######", "######"), self._rng)
        if form == "sayasr":
            return self._any("#######", "## ## ###", "#### ####")
        pools = {"": numbers.RECORD, "enc": numbers.ENCOUNTER, "acc": numbers.ACCESSION, "path": numbers.SPECIMEN}
        return self._numbered((pools | {"rx": numbers.PRESCRIPTION, "nhs": numbers.NHS, "ur": numbers.UR})[form])

    def _plan(self, form: str) -> str:
        if form == "mbi":
            return super()._plan(form)
        if form == "say":
            return digit_words(self._any("HGX######", "ZK#######", "########"), self._rng)
        pools = {"": numbers.PLAN, "group": numbers.GROUP, "medicaid": numbers.MEDICAID, "ohip": numbers.OHIP}
        return self._numbered((pools | {"au": numbers.AUSTRALIAN_MEDICARE})[form])

    def _account(self, form: str) -> str:
        if form == "card":
            return super()._account(form)
        if form == "say":
            return digit_words(self._any("55######", "#######"), self._rng)
        return self._numbered({"": numbers.ACCOUNT, "bank": numbers.BANK, "claim": numbers.CLAIM}[form])

    def _licence(self, form: str) -> str:
        if form in ("npi", "dea"):
            return super()._licence(form)
        if form == "say":
            return digit_words(self._any("RN######", "?#######"), self._rng)
        pools = {"": numbers.DOCTOR, "rn": numbers.RN, "driver": numbers.DRIVER, "gmc": numbers.GMC}
        return self._numbered((pools | {"ahpra": numbers.AHPRA, "passport": numbers.PASSPORT})[form])

    def _device(self, form: str) -> str:
        if form == "say":
            return digit_words(self._any("ICD#######", "RL######", "########"), self._rng)
        if form == "imei":
            body = self._filled("35############")
            return body + luhn(body)
        return self._numbered({"": numbers.SERIAL, "udi": numbers.UDI, "mac": numbers.MAC}[form])

    def _vehicle(self, form: str) -> str:
        if form == "vin":
            return super()._vehicle(form)
        if form == "say":
            return digit_words(self._any("???###", "#???###"), self._rng)
        return self._numbered({"": numbers.PLATE, "uk": numbers.UK_PLATE}[form])

    def _social(self, form: str) -> str:
        rng, (first, last) = self._rng, self._mailbox()
        number = rng.randint(11, 99)
        if form == "say":
            return rng.choice(
                (f"{first} underscore {last}", f"real {first} {number_words(number)}", f"{first} dot {last}")
            )
        handle = rng.choice(
            (f"{first}{last}", f"{last}_{number}", f"real.{first}", f"{first}x{last[:3]}", f"mama_{last}")
        )
        return {"": f"@{handle}", "bare": handle}[form]

    def _code(self, form: str) -> str:
        if form == "say":
            return digit_words(self._any("A######", "25######", "####"), self._rng)
        pools = {"": numbers.CASE, "study": numbers.STUDY, "badge": numbers.BADGE, "auth": numbers.AUTHORISATION}
        return self._numbered((pools | {"run": numbers.RUN, "pupil": numbers.PUPIL})[form])


_FRENCH: Final = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
