"""Whether a word is known at all, or clinical by its form; what is neither is hidden where somebody could be named."""

from __future__ import annotations

import re
from dataclasses import replace
from unicodedata import normalize

from appliance.deid.lexicon import Words
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight

_REMEMBERED = 50_000  # words whose answer is kept; more would let a text fill the memory
_SHORTEST_FORM = 7  # letters of a word that its form alone makes clinical
# Stems of the World Health Organization's nonproprietary names and endings of medical terms, beyond name_class's.
_FORMS = re.compile(
    r".+(?:ximab|zumab|limumab|umab|tinib|ciclib|rafenib|lisib|parib|degib|zomib|lukast|dronate|dronic|fibrate|pamil"
    r"|zosin|afil|barbital|barbitone|curium|curonium|dopa|fungin|grastim|oxicam|ifene|olimus|limus|rolimus|kinra"
    r"|mustine|nidazole|penem|phylline|platin|poetin|profen|quine|racetam|rubicin|taxel|tecan|terol|trexate|tretinoin"
    r"|retin|vudine|zepine|bactam|relin|reotide|stigmine|plase|teplase|vaptan|tadine|rizine|azine|setin|iptyline"
    r"|ipramine|oprim|oxazole|amide|amine|idone|icillin|cef\w+|romycin|amicin|parinux|gatran|grelor|ogrel|zolid|nazole"
    r"|vastatin|ivir|avir|ovir|buvir|asvir|previr|tegravir|navir|terone|estrol|estradiol|gestrel|olone|onide|asone"
    r"|graphy|graphic|graph|scope|scopic|scopically|cyte|cytes|cytic|cytosis|surgery|surgical|crit|genic|genesis"
    r"|lytic|lysis|philia|philic|phil|phils|phagia|phasia|plegia|plegic|paresis|rrhea|rrhage|rrhagic|rrhaphy"
    r"|sclerosis|stenosis|trophy|trophic|uresis|uretic|centesis|desis|pexy|tripsy|ectasis|ectasia|edema|penia|penic"
    r"|blast|blasts|blastic|plasia|plastic|ectomies|otomies|phobia|therapy|therapies|metry|metric|logical|logic"
    r"|coccus|cocci|bacter|bacterium|bacteria|virus|viruses|viridae|aceae|oides|oidosis|iform|ase|ases|globulin|globin"
    r"|lipid|lipids|peptide|receptor|toxin|kinin|kinase|tropin|opsia|opia|acusis|osmia|geusia|cele|celes|lith|liths"
    r"|lithiasis|malacia|megaly|necrosis|ptosis|ptysis|pnea|oxia|capnia|emic|aemia|aemic|uric|algic|algesia|esthesia"
    r"|asthenia|kinesia|kinetic|tonia|tonic|taxia|praxia|gnosia|lexia|clonus|spasm|spastic|dermal|dermic|derma"
    r"|ostial|ulous|escence|escent|ivity|ability|ibility|isation|ization|ized|ised|izing|ising|ously|ially|ically"
    r"|eous|ious|fully|less|ward|wards|wise|like|ship|hood|ments|tions|sions|sion|ities)"
)
# Combining forms before which nothing but a term of medicine is formed.
_COMBINED = re.compile(
    r"(?:neuro|cardio|gastro|hepato|nephro|pyelo|cysto|uretero|urethro|broncho|pulmo|pneumo|thoraco|laparo|arthro|osteo"
    r"|myelo|lympho|haemato|hemato|angio|cerebro|cranio|ventriculo|electro|echo|radio|chemo|immuno|physio|patho|psycho"
    r"|dermato|ophthalmo|otolaryngo|oropharyn|nasopharyn|esophago|oesophago|entero|colono|recto|chole|pancreato|spleno"
    r"|fibro|lipo|myo|chondro|tendino|costo|sterno|clavi|scapulo|acromio|gleno|femoro|patello|tibio|fibulo|metatars"
    r"|metacarp|inter|intra|extra|supra|infra|retro|trans|antero|postero|latero|medio|micro|macro|hyper|hypo|poly|multi"
    r"|pseudo|anti|ultra|semi|hemi)(?:\w{4,})"
)
# Whoever does something, called after it; "-man" ends too many names.
_PERSONS = re.compile(r"(?P<what>\w{4,})(?:men|women|person|persons|people|woman)")
_VOWEL = re.compile(r"[aeiouyàáâãäåèéêëìíîïòóôõöøùúûüýœæ]")
# Inner capitals that names have; others are trade names, antibodies, units: McNab, DeShawn, O'Dea, van der Meer-Ito.
_NAME_CAPITALS = re.compile(r"(?:Mc|Mac|De|Di|Du|La|Le|Lo|Van|Von|Fitz|St|Al|El|O['’]|D['’]|L['’])?[A-ZÀ-Þ][^A-ZÀ-Þ]*")


class KnownWords:
    """Says what the lists know of words, in whatever form; names count as known."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._classes = NameWords(replace(words, ordinary=words.ordinary | words.vocabulary))
        self._known: dict[str, bool] = {}
        self._formed: dict[str, bool] = {}
        listed = words.clinical | words.heads | words.not_a_name | words.relatives | words.titles | words.credentials
        self._listed = listed | words.eponyms | words.always_clinical | words.nations | STATES_AND_COUNTRIES

    def known(self, low: str) -> bool:
        """Whether a word in lower case is in a list, is a form of one that is, or is clinical by its form."""
        known = self._known.get(low)
        if known is None:
            known = self._is_known(low)
            if len(self._known) < _REMEMBERED:
                self._known[low] = known
        return known

    def _is_known(self, low: str) -> bool:
        lists = self._words
        if len(low) > 4 and not low.isascii():
            plain = normalize("NFD", low).encode("ascii", "ignore").decode()
            if (
                plain in lists.eponyms
                or plain in lists.clinical
                or plain in lists.ordinary
                or plain in lists.vocabulary
            ):
                return True  # ménière, café
        if low in lists.nations or low in STATES_AND_COUNTRIES or low in lists.eponyms or low in lists.graded:
            return True
        if low in lists.always_clinical or self._classes.weight(low) != Weight.UNKNOWN:
            return True
        if "-" in low:
            parts = low.split("-")
            return all(len(part) < 4 or self.known(part) for part in parts) and any(self.known(part) for part in parts)
        if low.endswith("s") and len(low) > 4 and (low[:-1] in lists.nations or low[:-1] in lists.vocabulary):
            return True
        if low.isascii() and not _VOWEL.search(low):
            return True  # an abbreviation: hctz
        person = _PERSONS.fullmatch(low)
        if person and self.known(person["what"]):
            return True
        return len(low) >= _SHORTEST_FORM and bool(_FORMS.fullmatch(low) or _COMBINED.fullmatch(low))

    def by_form(self, low: str) -> bool:
        """Whether nothing but its ending makes a word clinical: no list has it, nor a word that it is a form of."""
        formed = self._formed.get(low)
        if formed is None:
            formed = self._is_formed(low)
            if len(self._formed) < _REMEMBERED:
                self._formed[low] = formed
        return formed

    def _is_formed(self, low: str) -> bool:
        if (
            not low.isalpha()
            or low in self._listed
            or low in self._classes.name_words
            or self._classes.is_ordinary(low)
        ):
            return False
        return self.known(low) and bool(_VOWEL.search(low)) and not _COMBINED.fullmatch(low)


def is_name_cased(text: str) -> bool:
    """Whether a word has its capitals where names have them: at its beginning, behind a particle, behind a hyphen."""
    return all(part[:1].islower() or _NAME_CAPITALS.fullmatch(part) is not None for part in text.split("-"))
