"""What institutions and employers are: the last words of their names, and the words before which no name stands.

Written by hand for this project. `SURE` heads name an institution behind any proper word ("Alder Senior Care");
`LIKELY` ones are words of medicine or of every day as well ("drug", "general"), so they need a place where an
institution stands.
"""

from __future__ import annotations

import re

from appliance.deid.lexicon import around

_ORGANS = (
    r"spine|pain|joint|bone|sports?|foot|ankle|eye|ear|nose|throat|heart|lung|allergy|asthma|sinus|skin|laser|vein"
    r"|vascular|arthritis|brain|kidney|diabetes|hand|shoulder|digestive|liver|sleep|rehab|wellness"
)
_SURE = (
    # Practices by what they treat, "Spine & Pain"; the longer forms of homes before the shorter ones.
    f"(?:{_ORGANS})(?:,? (?:{_ORGANS}),?)? (?:and|&) (?:{_ORGANS})"
    "(?: (?:center|clinic|institute|associates|specialists|care))?"
    "|(?:orthopaedics|orthopaedic|orthopedics|orthopedic|cardiology|dermatology|gastroenterology|urology|neurology"
    "|oncology|nephrology|rheumatology|endocrinology|psychiatry|pediatrics|vascular|gynecology|ophthalmology|radiology"
    "|surgical) (?:group|associates|partners|specialists|physicians|surgeons|center|clinic|institute|consultants"
    "|practice|care)"
    "|(?:power|water|light|gas|electric) (?:and|&) (?:light|power|gas|electric|water|sewer)(?: company)?"
    "|electric (?:co-?op|cooperative)|(?:unified|independent|consolidated|union) (?:high )?school district"
    "|skilled nursing (?:facility|center)|(?:senior|assisted|independent) living(?: (?:center|facility|community))?"
    "|internal medicine(?: (?:associates|group|partners|specialists|clinic))?|"
    # care
    "senior care|elder care|eldercare|care (?:center|centre|home)|adult day(?: care)?(?: center)?|day ?care(?: center)?"
    "|(?:rehab|rehabilitation|health|nursing|care)(?: center)? (?:and|&) (?:wellness|rehab(?:ilitation)?|healing"
    "|nursing|care|hospice|healthcare)(?: center)?"
    "|wellness(?: center)?|healing center|recovery(?: center| house)?|treatment center|detox center"
    "|behavioral health(?: center| services)?|mental health center"
    "|counseling (?:center|services|associates)|family (?:medicine|practice|health|physicians)|birth(?:ing)? center"
    "|women['’]?s (?:health|center|care|clinic)"
    "|home (?:health|care)|hospice (?:house|care)"
    "|convalescent(?: home| hospital| center)?|group home|veterans['’]? home|soldiers['’]? home"
    "|skilled nursing|living center|eye (?:associates|center|care|clinic|institute|surgeons)|eyecare|optical|opticians"
    "|optometry|vision center|orthodontics|endodontics|periodontics|dentistry|(?:family )?dental (?:care|group|arts"
    "|center"
    "|associates|office)|podiatry|chiropractic|physical therapy"
    "|kidney center|sleep center|pain (?:center|institute)|vein center|spine (?:center|institute)"
    "|women and children['’]?s"
    "|apothecary|chemists?|drugs ?store|animal (?:hospital|clinic)|veterinary(?: clinic| hospital)?|physicians group"
    "|medical (?:group|partners)|(?:pediatric|internal medicine|surgical|family|primary care|orthopedic|cardiology"
    "|women['’]?s|heart|oncology) (?:associates|partners|specialists|group)"
    # schools, churches, offices
    "|montessori|pre-?school|kindergarten|head start|(?:junior|senior) high(?: school)?|school district"
    "|public schools?|community college|polytechnic|conservatory"
    "|(?:sheriff['’]?s?|police|fire|public works|highway|parks|transit|water|health|corrections|sanitation|school)"
    " (?:office|department|dept|authority|district|board)|public works|city hall|courthouse"
    "|detention center|penitentiary|correctional|juvenile hall|library"
    "|synagogue|mosque|cathedral|basilica|tabernacle|ministries|(?:baptist|methodist|lutheran|presbyterian|catholic"
    "|bible|christian|community) (?:church|fellowship|center|academy|school)"
    # trades
    "|shipyards?|shipbuilding|vna|home medical"
    "|trucking|landscaping|lawn care|plumbing|heating|roofing|masonry|paving|concrete|drywall|electric(?: company)?"
    "|hvac"
    "|(?:plumbing|heating|roofing|electric|cooling|drain|air) (?:and|&) (?:heating|cooling|air|siding|sons|plumbing)"
    "|bakery|brewery|brewing|distillery|winery|vineyards|dairy|creamery|orchards|meats|meat packing|packing (?:company"
    "|plant|house)|poultry|seafood|produce|foods|catering|grocery|grocers|supermarket|diner|grill|pizzeria|cafe|bistro"
    "|tavern|steakhouse|auto ?body|auto (?:body|repair|parts|sales|glass)|body shop|tire|towing|transport|transit"
    "|freight|shipping|logistics|airways|railroad"
    "|(?:paper|insurance|furniture|supply|moving|mining|oil|gas|power|steel|lumber|cleaning|construction|taxi|bus"
    "|manufacturing|tool|trucking|packaging|glass|paint|title|gas and electric|bottling) (?:company|co|agency|works"
    "|mill|plant|store)|ironworks|steelworks|foundry|sawmill|mills|lumber|warehouse|distribution(?: center)?"
    "|fulfillment"
    " center|manufacturing|fabrication|fabricators|machining|machine shop|tool and die|welding|plastics|chemicals?"
    "|textiles|printing|publishing|outfitters|hardware|furniture|jewelers|florists?|nursery and garden"
    "|cleaners|laundry|laundromat|dry cleaning|barber ?shop|salon|fitness|daycare|stables|kennels|ranch|farms"
    "|insurance agency|credit union|savings bank|realty|properties|mortgage|accounting|law (?:firm|office|offices"
    "|group)"
    "|legal aid|staffing|consulting|consultants|software|technologies|electronics|solutions|aerospace|holdings"
    "|shelter|food bank|thrift store|boys (?:and|&) girls club|ymca|ywca|funeral home|mortuary|museum|theat(?:er"
    "|re)|zoo"
    "|casino|speedway|stadium|call center|steel(?:works)?"
)
_LIKELY = (
    "general|memorial|regional|mercy|baptist|methodist|presbyterian|lutheran|adventist|deaconess|drug|drugs|dental"
    "|rehab"
    "|house|home|place|group|services|associates|partners|systems|health|care|medical|hospice|plant|market|shop|store"
    "|center|centre|supply|works|garage|studios?|labs?|institute|schools?|office|department|terrace|gardens|lodge"
    "|commons|haven|pines|oaks|estates|village|villa|club|agency|company|press|prep|sons|brothers|bros|farm|mill"
    "|union|society"
    "|fellowship|chapel|parish|temple|vision|clinic|pharmacy|hospital|snf|ltac|alf|vamc|va|ent|tech|campus|heart|high"
    "|counseling|kidney|acres|community|dept|trust|ems|pd|ambulance|unified|isd|energy|utilities|wireless|communications"
    "|pharmaceuticals|financial|aviation|mining|petroleum|air|freight|lines|records"
)
_END = r"(?![\w'’-])"
SURE = re.compile(rf"\b(?:{_SURE}){_END}", re.I)
"""The longest of these that begins at a word."""
LIKELY = re.compile(rf"\b(?:{_LIKELY}){_END}", re.I)


def _first_words(pattern: str) -> frozenset[str]:
    """The words, as a reading writes them, with which alternatives of a pattern begin."""
    found: set[str] = set()
    depth, start = 0, 0
    for place, sign in enumerate(pattern + "|"):
        depth += (sign == "(") - (sign == ")")
        if sign != "|" or depth:
            continue
        part, start = pattern[start:place], place + 1
        if part.startswith("(?:"):
            found |= _first_words(part[3 : part.index(")")])
            continue
        word = part.split(" ")[0].split("(")[0].replace("['’]?", "'")
        for form in {word.replace("?", ""), re.sub(r".\?", "", word)}:
            # The reading takes a possessive ending off.
            found |= {form.removesuffix("'s").rstrip("'"), form.replace("'", "")}
    return frozenset(found)


SURE_FIRST, LIKELY_FIRST = _first_words(_SURE), _first_words(_LIKELY)
"""Where a head can begin: looking up words is several times faster than trying the patterns everywhere."""

_HOLY = (
    r"(?:good (?:shepherd|samaritan)|holy (?:cross|family|name|spirit|trinity|redeemer|rosary)|sacred heart"
    r"|blessed sacrament"
    r"|precious blood|our lady of(?: the)? [a-z]{3,15}|(?:first|second|grace|trinity|calvary|bethel|zion|faith"
    r"|emmanuel)"
    r" (?:baptist|methodist|presbyterian|lutheran|assembly))"
)
HOLY = re.compile(rf"{_HOLY}(?! (?:hospital|medical)){_END}", re.I)
"""Hospitals and churches that are called by what they were named for."""
HOLY_FIRST = around("institution_heads.holy_first")

EMPLOYERS = around("institution_heads.employers")
"""Employers of many thousand people, in lower case behind "works at"; written by hand."""

TOWARDS = around("institution_heads.towards")
"""Before an institution that is not called by an article."""

STOPS = around("institution_heads.stops")
"""No part of a name that is written in lower case."""
