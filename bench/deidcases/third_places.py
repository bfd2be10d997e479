"""Places for the third set: real towns of the United States with state and first digits of the ZIP code; made-up rest.

Streets, practices and employers are put together from common parts and are no particular one.
"""

from __future__ import annotations

from typing import Final

TOWNS: Final = """
Duluth,MN,558|Kalamazoo,MI,490|Terre Haute,IN,478|Bakersfield,CA,933|Amarillo,TX,791|Lubbock,TX,794|Yakima,WA,989
Bangor,ME,044|Utica,NY,135|Altoona,PA,166|Youngstown,OH,445|Lima,OH,458|Peoria,IL,616|Joplin,MO,648|Topeka,KS,666
Omaha,NE,681|Sioux Falls,SD,571|Billings,MT,591|Pocatello,ID,832|Provo,UT,846|Reno,NV,895|Flagstaff,AZ,860
Las Cruces,NM,880|Pueblo,CO,810|Tulsa,OK,741|Texarkana,AR,718|Lafayette,LA,705|Biloxi,MS,395|Tuscaloosa,AL,354
Valdosta,GA,316|Ocala,FL,344|Pensacola,FL,325|Asheville,NC,288|Greenville,SC,296|Roanoke,VA,240|Huntington,WV,257
Knoxville,TN,379|Paducah,KY,420|Hagerstown,MD,217|Dover,DE,199|Trenton,NJ,086|New Haven,CT,065|Pawtucket,RI,028
Fitchburg,MA,014|Nashua,NH,030|Burlington,VT,054|Eau Claire,WI,547|Dubuque,IA,520|Fargo,ND,581|Casper,WY,826
Medford,OR,975|Eureka,CA,955|Hilo,HI,967|Fairbanks,AK,997|El Paso,TX,799|Laredo,TX,780|Corpus Christi,TX,784
Scranton,PA,185|Poughkeepsie,NY,126|Schenectady,NY,123|Bowling Green,KY,421|Council Bluffs,IA,515|Elkhart,IN,465
Mobile,AL,366|Independence,MO,640|Hope,AR,718|Normal,IL,617|Surprise,AZ,853|Bend,OR,977|Paris,TX,754|Orange,CA,928
""".strip()
STATES: Final = """
MN Minnesota|MI Michigan|IN Indiana|CA California|TX Texas|WA Washington|ME Maine|NY New York|PA Pennsylvania|OH Ohio
IL Illinois|MO Missouri|KS Kansas|NE Nebraska|SD South Dakota|MT Montana|ID Idaho|UT Utah|NV Nevada|AZ Arizona
NM New Mexico|CO Colorado|OK Oklahoma|AR Arkansas|LA Louisiana|MS Mississippi|AL Alabama|GA Georgia|FL Florida
NC North Carolina|SC South Carolina|VA Virginia|WV West Virginia|TN Tennessee|KY Kentucky|MD Maryland|DE Delaware
NJ New Jersey|CT Connecticut|RI Rhode Island|MA Massachusetts|NH New Hampshire|VT Vermont|WI Wisconsin|IA Iowa
ND North Dakota|WY Wyoming|OR Oregon|HI Hawaii|AK Alaska
""".strip()
STREETS: Final = """
Maplewood|Sycamore|Washington|Lincoln|Jefferson|Prospect|Chestnut|Pine Ridge|Fairview|Meadowbrook|Sunset|Church|Mill
Spring|Walnut|Ridgecrest|Magnolia|Cherry Hill|Division|Franklin|Wood Duck|Lakeshore|Juniper|Stonegate|Old Post|Quail Run
Martin Luther King|County Line|Shady Grove|Turnberry|Canyon|Arbor|Hickory|Bluebonnet|Cactus Wren|Tamarack|Pecan|Mission
""".strip()
STREET_KINDS: Final = """
Street,St|Avenue,Ave|Road,Rd|Drive,Dr|Lane,Ln|Court,Ct|Boulevard,Blvd|Place,Pl|Way,Way|Circle,Cir|Terrace,Ter|Trail,Trl
Parkway,Pkwy|Street,Street
""".strip()
SAINTS: Final = "Luke|Joseph|Mary|Elizabeth|Francis|Anthony|John|Catherine|Agnes|Clare|Anne|Rita"
NAMESAKES: Final = "Holloway|Brackenridge|Whitcomb|Ellsworth|Barlow|Stanfield|Penrose|Thayer|Lathrop|Kessler|Dunleavy"
HOSPITALS: Final = """
{town} Regional Medical Center|{town} General Hospital|{town} Community Hospital|St. {saint}'s Hospital
St. {saint} Medical Center|{namesake} Memorial Hospital|{town} Memorial Hospital|{namesake} University Hospital
{town} VA Medical Center|{town} Children's Hospital|Sisters of St. {saint} Hospital|{street} Medical Center
Presbyterian Hospital of {town}|{namesake} Heart Institute|{town} Methodist Hospital|{namesake} Health System
""".strip()
CLINICS: Final = """
{street} Family Practice|{town} Internal Medicine Associates|{town} Pediatric Clinic|{namesake} Dermatology
{street} Women's Health Center|{town} Orthopaedic Group|{street} Urgent Care|{town} Kidney Center
{namesake} Eye Clinic|{town} Community Health Center|{town} Cardiology Associates|{street} Behavioral Health
Drs. {namesake} and Associates|{town} Spine & Pain|{street} Dialysis
""".strip()
CARE: Final = """
{street} Manor|{street} Nursing and Rehab|The Pavilion at {street}|{street} Assisted Living|{namesake} House
{town} Skilled Nursing Facility|{street} Village|{town} Hospice|Villa St. {saint}|{street} Memory Care
""".strip()
PHARMACIES: Final = "{street} Pharmacy|{town} Drug|{namesake} Apothecary|{street} Drugs|{namesake}'s Pharmacy"
SCHOOLS: Final = """
{street} Elementary|{town} High School|{namesake} Middle School|{town} Community College|{street} Day Care
{namesake} University|St. {saint} School|{street} Preschool
""".strip()
EMPLOYERS: Final = """
{town} Unified School District|{namesake} Manufacturing|{town} Transit Authority|{street} Logistics
{namesake} & Sons Roofing
{town} Fire Department|{namesake} Foods|City of {town}|{town} Steel|{street} Landscaping|{namesake} Trucking
{town} Power and Light|{namesake} Realty|{street} Credit Union|{namesake} Poultry|{town} Sheriff's Office
""".strip()
AREA_CODES: Final = (
    "218 269 812 661 806 509 207 315 814 330 309 417 785 402 605 406 208 801 775 928 575 719 918 337 228"
)
MAIL_HOSTS: Final = """
example.com|example.org|example.net|mail.example.com|inbox.example.net|students.example.edu|homemail.example.org
""".strip()
HOLIDAYS: Final = """
Christmas|Thanksgiving|Easter|New Year's Eve|the Fourth of July|Labor Day|Memorial Day|Halloween|Christmas Eve
Valentine's Day|Mother's Day|Father's Day|Veterans Day|Juneteenth
""".strip()
