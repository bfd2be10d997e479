"""Months of other languages, and the words that show in which language a date stands: all of them put the day first.

Months stand in the case in which a day stands before them ("9 kwietnia"); the first of several spellings is written.
"""

from __future__ import annotations

import re

from appliance.deid.date_words import MONTHS as _ENGLISH_MONTHS

ENGLISH = "en"
_MONTHS = {
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre|setiembre octubre noviembre diciembre",
    "fr": "janvier février|fevrier mars avril mai juin juillet août|aout septembre octobre novembre décembre|decembre",
    "de": "januar|jänner februar|feber märz|maerz april mai juni juli august september oktober november dezember",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "no": "januar februar mars april mai juni juli august september oktober november desember",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września|wrzesnia"
    " października|pazdziernika listopada grudnia",
    "cs": "ledna února|unora března|brezna dubna května|kvetna června|cervna července|cervence srpna září|zari"
    " října|rijna listopadu prosince",
    "hr": "siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenoga|studenog prosinca",
    "fi": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta"
    " marraskuuta joulukuuta",
    "tr": "ocak şubat|subat mart nisan mayıs|mayis haziran temmuz ağustos|agustos eylül|eylul ekim kasım|kasim"
    " aralık|aralik",
    "ro": "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "hu": "január februar|február március április május június július augusztus szeptember október november december",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "uk": "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "el": "ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου|μαίου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου"
    " νοεμβρίου δεκεμβρίου",
}  # fmt: skip
# Words of birth, visits and days of the week, and function words that English texts do not have.
_WORDS = {
    "en": "the and with seen patient pt date birth born she he his has her they visit dob since until from due next"
    " follow last admitted discharged on at for appointment was is of",
    "es": "fecha nacimiento nacido nacida nació cita ingresó ingreso desde hasta día días fue paciente visita "
    " una lunes martes miércoles miercoles jueves viernes sábado sabado domingo operaron"
    " próxima consulta",
    "fr": "né née naissance rendez-vous vu vue depuis jusqu'au hospitalisé hospitalisée sorti sortie avec dans une"
    " du lundi mardi mercredi jeudi vendredi samedi dimanche patiente consultation",
    "de": "geb geboren geburtsdatum geburtstag termin aufgenommen entlassen aufnahme entlassung vorstellung seit bis"
    " vom zum nach und mit ist wurde nicht eine montag dienstag mittwoch donnerstag freitag samstag sonntag"
    " untersuchung befund uhr kontrolle",
    "it": "nato nata nascita visita ricoverato ricoverata dimesso dimessa dal al della nel giorno lunedì martedì"
    " mercoledì giovedì venerdì sabato domenica una paziente appuntamento",
    "pt": "nascido nascida nasceu nascimento consulta desde até dia uma foi internado internada paciente"
    " segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    "nl": "geboren geboortedatum afspraak sinds het een werd opgenomen ontslagen controle bezoek maandag dinsdag"
    " woensdag donderdag vrijdag zaterdag zondag geb geb.dat",
    "sv": "född född besök återbesök nästa från och inskriven utskriven måndag tisdag onsdag torsdag fredag"
    " lördag söndag kl kontroll ",
    "da": "født fødselsdato besøg næste kontrol fra og indlagt udskrevet mandag tirsdag onsdag torsdag fredag"
    " lørdag søndag kl",
    "no": "født fødselsdato besøk neste kontroll fra og innlagt utskrevet mandag tirsdag onsdag torsdag fredag"
    " lørdag søndag kl ",
    "pl": "urodzony urodzona urodzenia wizyta dnia przyjęty przyjęta wypisany wypisana poniedziałek wtorek"
    " środa czwartek piątek sobota niedziela kontrola badanie",
    "cs": "narozen narozena narození dne kontrola přijat přijata propuštěn propuštěna pondělí úterý středa"
    " čtvrtek pátek sobota neděle vyšetření",
    "hr": "rođen rođena rođenja rodjen rodjena datum pregled kontrola dana ponedjeljak utorak srijeda četvrtak petak"
    " subota nedjelja",
    "fi": "synt syntynyt syntymäaika käynti potilas seuraava alkaen asti maanantaina tiistaina keskiviikkona torstaina"
    " perjantaina lauantaina sunnuntaina kontrolli",
    "tr": "doğum tarihi tarih randevu hasta muayene doğdu pazartesi salı çarşamba perşembe cuma cumartesi pazar",
    "ro": "născut născută nașterii naşterii născ internat internată externat luni marți miercuri joi vineri"
    " sâmbătă duminică din până",
    "hu": "született szül születési vizsgálat felvétel hétfő kedd szerda csütörtök péntek szombat vasárnap",
    "ru": "рождения дата родился родилась прием приём осмотр от до пациент года",
    "uk": "народження дата народився народилася прийом огляд від до пацієнт року",
    "el": "γεννήθηκε γέννησης ημερομηνία ραντεβού από έως",
    "vi": "ngày sinh khám tháng năm hẹn",
}  # fmt: skip
# Little words of English texts, too ("8:30 am", "to El Paso"): only in lower case, right before a date.
_BEFORE = {
    "es": "el al en", "fr": "le au en", "de": "am den", "it": "il", "pt": "em", "sv": "den", "da": "den d", "no": "den",
    "nl": "dd", "pl": "ur", "cs": "nar",
}  # fmt: skip
# Between the parts of a date.
LITTLE = frozenset(
    (
        "de",
        "del",
        "di",
        "do",
        "da",
        "d",
        "el",
        "le",
        "il",
        "den",
        "der",
        "am",
        "al",
        "au",
        "em",
        "r",
        "og",
        "y",
        "e",
        "et",
    )
)

MONTHS: dict[str, tuple[tuple[str, ...], ...]] = {
    ENGLISH: tuple((name,) for name in _ENGLISH_MONTHS),
    **{code: tuple(tuple(one.split("|")) for one in names.split()) for code, names in _MONTHS.items()},
}
"""The twelve months of a language, each with its spellings in lower case."""


def _by_word(table: dict[str, str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for code, words in table.items():
        for word in words.split():
            found.setdefault(word, set()).add(code)
    return {word: frozenset(codes) for word, codes in found.items()}


WORDS = _by_word(_WORDS)
"""Languages by the words that show them, in lower case."""
WORDS_BEFORE = _by_word(_BEFORE)
"""Languages by little words that show them right before a date."""


def _numbers() -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for code, months in MONTHS.items():
        for number, spellings in enumerate(months, 1):
            for word in spellings:
                found.setdefault(word, {})[code] = number
    return found


NUMBERS = _numbers()
"""Months by their words in lower case: their number in each language that has the word."""
FOREIGN = frozenset(word for word, codes in NUMBERS.items() if ENGLISH not in codes)
"""Words of months that are not those of English, in lower case."""
SHARED = frozenset(word for word, codes in NUMBERS.items() if ENGLISH in codes and len(codes) > 1)
"""Words of months of English and of another language: april."""


def either(words: frozenset[str]) -> str:
    """Return a pattern of these words, the longest first."""
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=lambda one: (-len(one), one))) + ")"


def number_of(word: str, languages: frozenset[str]) -> int:
    """Return a month's number; a ValueError where languages differ on it (listopada) and none is known."""
    numbers = NUMBERS[word.lower()]
    known = {number for code, number in numbers.items() if code in languages} or set(numbers.values())
    if len(known) > 1:
        raise ValueError(f"a month of {len(known)} numbers")
    return known.pop()


def name_of(month: int, like: str, languages: frozenset[str]) -> str:
    """Return a month's name in the language in which another one is written.

    Args:
        month: 1 to 12.
        like: A month as written; in a list of `MONTHS`.
        languages: Those in which the text around is written; empty: nothing shows one.

    Raises:
        ValueError: Languages that have the other month differ on this one, and none of them is known.
    """
    codes = frozenset(NUMBERS[like.lower()])
    fitting = codes & languages or (codes & {ENGLISH} if not languages else frozenset()) or codes
    names = {MONTHS[code][month - 1][0] for code in fitting}
    if len(names) > 1:
        raise ValueError(f"a month of {len(names)} names")
    return names.pop()
