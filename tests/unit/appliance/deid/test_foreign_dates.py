"""Dates of other languages: read with the day first, moved in their language, and marked where their order is open."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.deid import date_languages, dates
from appliance.deid.date_order import Surroundings, Usage
from appliance.deid.deidentify import Deidentifier, replaced
from appliance.deid.draws import Draws
from appliance.deid.identifier import Identifier
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.restore import Restorer
from appliance.deid.surrogates import Surrogates
from appliance.deid.taken import WholeTexts

KEY = b"k" * 16


class Marked:
    """Finds what stands between angle quotation marks."""

    def find(self, text: str, *, known_names: object = ()) -> tuple[Identifier, ...]:
        return tuple(
            Identifier(one.start(1), one.end(1), Kind.DATE, "marked", 0.9) for one in re.finditer("‹([^›]*)›", text)
        )


class FourteenWeeks(Draws):
    """Dates move by fourteen weeks."""

    @property
    def shift_days(self) -> int:
        return -98


def moved(text: str) -> str:
    surrogates = Surrogates(FourteenWeeks(KEY), WholeTexts((text,)))
    return replaced(surrogates, text, Marked().find(text))[0].replace("‹", "").replace("›", "")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("geb. ‹9.4.48›", "geb. 2.1.48"),
        ("Termin am ‹05.06.2026›", "Termin am 27.02.2026"),
        ("Termin am ‹05/06/2026›", "Termin am 27/02/2026"),
        ("Fecha de nacimiento: ‹05/06/1948›", "Fecha de nacimiento: 28/02/1948"),
        ("né le ‹05/06/1948›", "né le 28/02/1948"),
        ("Rendez-vous le mardi ‹7/10/2025›", "Rendez-vous le mardi 1/7/2025"),
        ("data di nascita ‹05/06/1948›", "data di nascita 28/02/1948"),
        ("ingresó el ‹3/4›", "ingresó el 27/12"),
        ("Aufnahme am ‹3.4.›", "Aufnahme am 27.12."),
        ("narozen ‹5. 6. 1948›", "narozen 28. 2. 1948"),
        ("Født den ‹05/06-1948›", "Født den 28/02-1948"),
        ("Visit on ‹05.06.2026›", "Visit on 27.02.2026"),
        ("Adm. ‹30/09/2025›, disch. ‹04/10/2025›", "Adm. 24/06/2025, disch. 28/06/2025"),
        ("Patient says: nació el ‹05/06/1948›", "Patient says: nació el 28/02/1948"),
    ],
)
def test_a_label_a_language_or_another_date_puts_the_day_first(text: str, wanted: str) -> None:
    assert moved(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("DOB ‹05/06/1948›", "DOB 01/29/1948"),
        ("‹05/06/1948›", "01/29/1948"),
        ("seen at 8:30 am ‹05/06/1948›", "seen at 8:30 am 01/29/1948"),
        ("last filled ‹8.9.25›, due ‹8.22.25›", "last filled 5.3.25, due 5.16.25"),
        ("He was born ‹5/6/1948› in El Paso", "He was born 1/29/1948 in El Paso"),
        ("Seen in the ER ‹5/6›, UR neg, OD 20/40", "Seen in the ER 1/29, UR neg, OD 20/40"),
    ],
)
def test_english_puts_the_month_first(text: str, wanted: str) -> None:
    assert moved(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "Befund und Aufnahme\nseen and admitted\n‹05/06/2026›",
        "‹14/03/2026› ‹03/14/2026› ‹05/06/2026›",
        "nascita e visita; the patient and his wife " + "\n" * 70 + "‹05/06/2026›",
    ],
)
def test_a_date_whose_order_is_open_is_marked_and_counted(text: str) -> None:
    deidentifier = Deidentifier(Marked(), KEY, [text])
    (made,) = deidentifier.run()
    assert "[date 1]" in made.text
    assert made.unshifted == 1
    assert Restorer(deidentifier.mapping()).restore(made.text).text == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("nacida el ‹9 de abril de 1948›", "nacida el 2 de enero de 1948"),
        ("née le ‹9 avril 1948›, vue le ‹1er mai 2025›", "née le 2 janvier 1948, vue le 23 janvier 2025"),
        ("besök ‹8 maj 2026›", "besök 30 januari 2026"),
        ("kontrol besøg ‹8. maj 2026›", "kontrol besøg 30. januar 2026"),
        ("geboren am ‹9. April 1948›", "geboren am 2. Januar 1948"),
        ("geboren op het ‹9 april 1948›", "geboren op het 2 januari 1948"),
        ("ur. ‹9 kwietnia 1948›", "ur. 2 stycznia 1948"),
        ("narozena ‹9. dubna 1948›", "narozena 2. ledna 1948"),
        ("született: ‹1948. április 9.›", "született: 1948. január 2."),
        ("дата рождения ‹9 апреля 1948›", "дата рождения 2 января 1948"),
        ("生年月日 ‹1948年4月9日›", "生年月日 1948年1月2日"),
        ("sinh ngày ‹9 tháng 4 năm 1948›", "sinh ngày 2 tháng 1 năm 1948"),
        ("‹abril de 2024›", "[date 1]"),
        ("consulta de la paciente en ‹abril de 2024› y otra visita el ‹lunes 6 de octubre›",
         "consulta de la paciente en enero de 2024 y otra visita el lunes 30 de junio"),
        ("born ‹April 9, 1948›", "born January 2, 1948"),
        ("‹8 maj 2026›", "[date 1]"),
        ("nació el ‹9 mar 2024›", "nació el [date 1]"),
        ("‹9 listopada 2024›", "[date 1]"),
    ],
)  # fmt: skip
def test_a_month_moves_in_its_language_or_is_marked(text: str, wanted: str) -> None:
    assert moved(text) == wanted


_LABELS = {
    "es": "nacida el", "fr": "née le", "de": "geboren am", "it": "nata il", "pt": "nascida em",
    "nl": "geboortedatum het", "sv": "född", "da": "besøg", "no": "besøk", "pl": "urodzona dnia", "cs": "narozena",
    "hr": "rođena", "fi": "syntynyt", "tr": "doğum tarihi", "ro": "născută", "hu": "született", "ru": "родилась",
    "uk": "народилася", "el": "γεννήθηκε",
}  # fmt: skip


def _written(day: date, code: str) -> str:
    month = date_languages.MONTHS[code][day.month - 1][0]
    if code == "hu":
        return f"{day.year}. {month} {day.day}."
    if code in ("es", "pt"):
        return f"{day.day} de {month} de {day.year}"
    return f"{day.day} {month} {day.year}"


_DAYS = st.dates(date(1950, 1, 1), date(2030, 12, 31))


@given(
    st.lists(_DAYS, min_size=2, max_size=4, unique=True),
    st.sampled_from(sorted(_LABELS)),
    st.binary(min_size=16, max_size=16),
)
def test_intervals_stay_and_all_comes_back_in_every_language(days: list[date], code: str, key: bytes) -> None:
    written = [_written(day, code) for day in days]
    text = "\n".join(f"{_LABELS[code]} ‹{one}›" for one in written)
    deidentifier = Deidentifier(Marked(), key, [text])
    (made,) = deidentifier.run()
    assert made.unshifted == 0
    found = [
        dates.find(one.group(1), usage=Usage("day", frozenset((code,))))[0]
        for one in re.finditer("‹([^›]*)›", made.text)
    ]
    shift = {one.value - day for one, day in zip(found, days, strict=True)}
    assert len(shift) == 1
    assert shift != {timedelta(0)}
    # In the same language, with the same little words.
    assert [one.match[0] for one in found] == [_written(one.value, code) for one in found]
    restorer = Restorer(deidentifier.mapping())
    assert restorer.restore(made.text).text == text
    again = restorer.restore(made.text + "\n")
    # In no text of two languages is anything brought back wrongly: what cannot be is reported.
    assert all(one in again.text for one in written) or again.leftovers, again.text


@given(_DAYS, st.sampled_from(["%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y"]), st.sampled_from(sorted(_LABELS)))
def test_figures_with_the_day_first_move_as_that_day(day: date, form: str, code: str) -> None:
    text = f"{_LABELS[code]} ‹{day.strftime(form)}›"
    wanted = day - timedelta(days=98)
    out = moved(text)
    figures = re.findall(r"\d+", out)
    assert (int(figures[0]), int(figures[1])) == (wanted.day, wanted.month)


def test_a_rewritten_date_with_the_day_first_comes_back_as_that_day_or_is_reported() -> None:
    text = "nacida el ‹05/06/1948›"
    surrogates = Surrogates(FourteenWeeks(KEY), WholeTexts((text,)))
    # 5 June is 28 February then, and 12 June is 6 March.
    other = "nacida el ‹12/06/1948›"
    deidentifier = Deidentifier(Marked(), KEY, [text, other])
    deidentifier._surrogates = surrogates
    deidentifier.run()
    restorer = Restorer(deidentifier.mapping())
    assert restorer.restore("Nació el 28/02/1948.").text == "Nació el 05/06/1948."
    assert restorer.restore("Nació el 06/03/1948.").text == "Nació el 12/06/1948."
    assert restorer.restore("Born February 28, 1948.").text == "Born June 5, 1948."


def test_words_near_a_date_decide_before_those_further_away() -> None:
    text = "The patient was seen. La paciente nació el 05/06/1948"
    at = text.index("05/")
    assert Surroundings(text).usage(at, len(text)).first == "day"
    assert Surroundings("nació y operaron. Seen on 05/06/1948").usage(26, 36).first == "month"


def test_releases_from_before_read_mappings_without_such_dates() -> None:
    for text, has_one in (("Seen on ‹03/17/2026›.", False), ("geb. ‹9.4.1948›", True)):
        deidentifier = Deidentifier(Marked(), KEY, [text])
        deidentifier.run()
        assert ("day_first" in deidentifier.mapping().dumps()) == has_one
