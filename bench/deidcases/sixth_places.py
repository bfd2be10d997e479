"""Places, facilities, employers and numbers for the sixth set; # is a digit, ? a letter, * either."""

from __future__ import annotations

TOWNS = """\
Bozeman,MT,597|Duluth,MN,558|Yuma,AZ,853|Bangor,ME,044|Salina,KS,674|Paducah,KY,420|Elko,NV,898|Waco,TX,767
Dothan,AL,363|Macon,GA,312|Erie,PA,165|Utica,NY,135|Flint,MI,485|Racine,WI,534|Minot,ND,587|Rapid City,SD,577
Casper,WY,826|Provo,UT,846|Pueblo,CO,810|Enid,OK,737|Biloxi,MS,395|Ocala,FL,344|Hickory,NC,286|Roanoke,VA,240
Elkins,WV,262|Salisbury,MD,218|Danbury,CT,068|Nashua,NH,030|Barre,VT,056|Pittsfield,MA,012|Warwick,RI,028|Peoria,IL,616|Joplin,MO,648|Kearney,NE,688
Yakima,WA,989|Bend,OR,977|Redding,CA,960|Nampa,ID,836|Kenai,AK,996|Hilo,HI,967|Reading,PA,196|Mobile,AL,366
Defiance,OH,435|Normal,IL,617|Independence,MO,640|Superior,WI,548|Temple,TX,765|Truth or Consequences,NM,879
Eau Claire,WI,547|Coeur d'Alene,ID,838|St. Cloud,MN,563|Las Cruces,NM,880|Fond du Lac,WI,549|Mount Vernon,WA,982
"""
COUNTIES = "Yavapai|Penobscot|Oneida|Natrona|Marathon|Lackawanna|Carroll|Deschutes|Kootenai|Beaufort|Sangamon|Wake|Bay"
HOODS = """\
Cutler Heights|the Old Mill District|Eastgate|Piney Flats|the Sixth Ward|Harbor Point|Chestnut Hollow|North Bottoms
Sugar Creek|Lower Falls
"""
LANDMARKS = """\
the Route 9 overpass|Coldwater Dam|the Pine Bluff rest stop|Miller's Landing|the Eagle Ridge trailhead|Sawyer's Quarry
the Fairview mall|Lake Tamarack|the old Hobart grain elevator|Dunmore Beach|the Tri-County Fairgrounds
"""
STREETS = """\
Larkspur|Old Quarry|Tanglewood|Hollister|Mockingbird|Sixth|Copper Mine|Wexford|Chapel Hill|Ferris|Juniper|Bayberry
Martin Luther King|Pulaski|San Carlos|Winding Brook|Sycamore|Delancey|Fox Run|Kingfisher|Lower Ridge|Commerce|Orchard
Tyler|Cedar Bluff
"""
STREET_KINDS = """\
Street,St|Avenue,Ave|Road,Rd|Drive,Dr|Lane,Ln|Court,Ct|Boulevard,Blvd|Circle,Cir|Place,Pl|Trail,Trl|Way,Way|Terrace,Ter
"""
UNITS = "Apt #?|Apt ##|Unit #|#4##|Lot ##|Trlr ##|Suite 2##|Bldg ? Apt ##|Fl # Rm ##|Apt. #-?"
RURAL = (
    "RR # Box ##|##### County Rd ##|HC ## Box ###|###0 State Hwy ##|W###N#### Country Aire Dr|Rural Route #, Box ###"
)
NAMESAKES = "Hollingsworth|Pfeiffer|Alder|Quimby|Blackwell|Okafor|Tilden|Marchetti|Rosen|Van Buren|Sutter|Loomis"
SAINTS = "Brendan|Ursula|Gerard|Dymphna|Casimir|Monica|Columba|Bernadette"
HOSPITALS = """\
{town} Valley Medical Center|{saint} Hospital|{namesake} Memorial Hospital|{town} Community Hospital
{namesake} Children's Hospital|Mercy {town}|University Hospital of {town}|{town} VA Medical Center
{namesake} Heart Institute|Good Shepherd Hospital of {town}|Tri-Rivers Regional Medical Center|Upper Basin Health
"""
CLINICS = """\
{namesake} Family Practice|{town} Eye Associates|{town} Women's Health|Northfork Orthopedics|{namesake} Sleep Center
Redbud Pediatrics|{town} Heart & Vascular|Second Wind Recovery Center|{town} Dialysis Center|Bright Path Dental
{namesake} Pain & Spine|Lantern Street Clinic|{town} Urgent Care|Three Pines Behavioral Health
"""
CARE = """\
Heron Pointe|{namesake} Manor|Autumn Lane Assisted Living|{town} Care & Rehab|The Willows at {town}|{saint} Home
Golden Prairie Nursing Center|Maplecrest Memory Care|Harborview Group Home|{town} Veterans Home
"""
PHARMACIES = (
    "{town} Drug|{namesake} Pharmacy|Corner Drug on {street}|Prairie Apothecary|Valu-Rx No. 12|Medi-Mart {town}"
)
SHORT = "{town} General|{namesake} Memorial|{saint}|{town} VA|Tri-Rivers|Upper Basin"
EMPLOYERS = """\
Halvorsen Steel|Big Sky Freight|{namesake} Poultry|Pinnacle Call Center|{town} Fire Department|Tollgate Brewing
{namesake} & Sons Roofing|Lakeshore Credit Union|{town} Transit Authority|Ridgeline Logistics|Bluebird Bakery
{namesake} Aerospace|Cedar Fork Sawmill|Kestrel Airlines|Sunrise Foods|{town} Public Works|QuickBox Warehouse
"""
SCHOOLS = """\
{namesake} Elementary|{town} High School|{namesake} Middle School|{town} State University|St. Columba Academy
Little Acorns Daycare|Pathways Head Start|{town} Community College
"""
GRADE_SCHOOLS = """\
{namesake} Elementary|{namesake} Lower School|Little Acorns Daycare|Pathways Head Start|Cotton Creek School|P.S. 212
"""
CHURCHES = """\
First Baptist Church of {town}|{saint} Parish|New Hope Tabernacle|Masjid An-Noor|Temple Beth Shalom
Grace Lutheran Church|Iglesia Roca Viva|Mount Olive AME Church
"""
AREA_CODES = "203 207 218 307 308 337 406 417 435 509 541 575 605 606 701 715 775 806 814 907"
MAIL_HOSTS = "example.com|example.org|example.net|mail.example.com|clinic.example.org|health.example.net|example.edu"
HOLIDAYS = """\
Christmas Eve|Christmas|Thanksgiving|the Fourth of July|New Year's Eve|Halloween|Labor Day|Memorial Day|Easter Sunday
Valentine's Day|Juneteenth|Veterans Day
"""

RECORD = "########|0#######|MR-######|##-##-##|E#######|####-####|M00######|7######|?##?####"
ENCOUNTER = "CSN 1########|V00#########|HAR-#######|2########"
ACCESSION = "A2#-######|XR-##-#####|US2######|CT##-0####|ACC#######"
SPECIMEN = "S2#-#####|SP-##-####|NG-##-###|2#:S0####|CY#######"
PRESCRIPTION = "7######|0######-####|Rx######|C#######"
PLAN = "W#########|XEH#########|R##*#####|9########|U########01|H####-###-####|YPP###W#####|JQW###A#####"
GROUP = "GRP-#####|0######|####-A|7####-00#|K####"
MEDICAID = "??#####?|1#########|0#########|###-###-####"
ACCOUNT = "A-######|300#######|####-##-####|PB-#######|G#######|00######"
BANK = "#########|0###########|####-######-##"
CLAIM = "2######-##-###|EOB-########|CLM########|DCN##########"
DOCTOR = "MD-#####|A#####|#####-20|ME######|036.######|T####-TX"
NURSE = "RN#######|RN-#####|#####-LPN|APRN.#####|R-######"
DRIVER = "D###-####-####|?#######|##-###-####|###-##-##4#|S##########"
PASSPORT = "A########|5########|C0#######|?##?#####"
PLATE = "???-####|#???###|###-???|??#-##?|??? ####|##-####?|?##-???"
SERIAL = "SN-#######|PJN######S|BLC######|2#-*****-#|G??####?|R##????##?|4####-###|ICD######"
UDI = "(01)00########0###(21)######|(01)1##########3##(17)2#0#3#(21)A####"
CASE = "2#-#####|#####-###|F########|####-##|C-#####|########|R######|??-####"
COURT = "CR-2#-#####|2#-CV-####|PR##-####|20##JV###|BK-##-#####"
STUDY = "NX-0##-1##|P####-S##|10#-0##|SUBJ-0###|ARM2-####"
BADGE = "B-####|U####|EMP0#####|T-#####|K#####"
