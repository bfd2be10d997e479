"""Places of the fourth set: towns with the start of their ZIP codes, parts of streets, institutions and employers."""

from __future__ import annotations

from typing import Final

# Town, state, first three digits of its ZIP codes; real towns, since a town tells nobody's name.
TOWNS: Final = """
Dubuque,IA,520; Yuma,AZ,853; Bangor,ME,044; Paducah,KY,420; Sheboygan,WI,530; Lake Charles,LA,706; Missoula,MT,598
Elkhart,IN,465; Macon,GA,312; Salinas,CA,939; Chickasha,OK,730; Oneonta,NY,138; Bend,OR,977
Truth or Consequences,NM,879
Dothan,AL,363; Greenville,MS,387; Rock Springs,WY,829; Laredo,TX,780; Winona,MN,559; Altoona,PA,166; St. Joseph,MO,645
Coeur d'Alene,ID,838; Hilo,HI,967; Waterbury,CT,067; Ypsilanti,MI,481; Normal,IL,617; Cape Coral,FL,339; Sitka,AK,998
Independence,KS,673; Walla Walla,WA,993; Rutland,VT,057; Harlingen,TX,785; Lowell,MA,018; Florence,SC,295
Burlington,NC,272
Vineland,NJ,083; Beckley,WV,258; Minot,ND,587; Las Cruces,NM,880; Opelousas,LA,705; El Centro,CA,922; Nogales,AZ,856
Grand Island,NE,688; Ogden,UT,844; Carson City,NV,897; Pueblo,CO,810; Chillicothe,OH,456; Kingsport,TN,376; Dover,DE,199
"""
COUNTIES: Final = (
    "Okeechobee Tuscarawas Maricopa Wayne Clatsop Starr Chemung Natrona Box_Butte Lake Orange St._Clair Iron"
)
FOREIGN: Final = """
Guadalajara; Lagos; Port-au-Prince; Manila; Hanoi; Kraków; San Salvador; Addis Ababa; Chennai; Aleppo; Ponce; Mogadishu
Tegucigalpa; Cork; Guangzhou; Kyiv; Accra; Santo Domingo; Quetzaltenango; Peshawar; Tijuana; Hamburg; Suva; Kumasi
"""
STREETS: Final = """
Maple Oak Elm Washington Juniper Ridgecrest Mill Sycamore Prospect Hawthorne Calumet Orchard Quarry Saint_Francis
Lincoln
Old_Mission Cemetery Bluebonnet Sandpiper Martin_Luther_King Magnolia Pioneer Vine Hickory Fairview Chestnut Depot
Lakeshore
Tamarack Bayou Meridian Cottonwood Harbor Spring Sunset Willow Foxglove Canal Industrial Kings Wolf_Creek Dogwood
Alameda
"""
STREET_KINDS: Final = (
    "Street St Avenue Ave Road Rd Drive Dr Lane Ln Court Ct Boulevard Blvd Way Place Terrace Circle Pkwy Trail"
)
SPANISH_STREETS: Final = (
    "Calle_Luna Calle_Sol Avenida_Juárez Calle_del_Río Camino_Viejo Calle_Fortaleza Avenida_Hidalgo"
)
SAINTS: Final = "Mary Luke Joseph Anne Vincent Elizabeth Francis Brigid Jude Raphael Agnes Camillus"
GIVEN: Final = """
Riverbend Cedar_Hollow Blue_Ridge Lakeview Pine_Bluff Northgate Stonebrook Silver_Creek Prairie_View Heron_Point Summit
Harborview Juniper_Flats Meadowlark Sunrise Bayfront Copper_Canyon Fox_Run Granite_Falls Valley_Forge Redwood Gateway
"""
FACILITIES: Final = """
St. {saint}'s Hospital; {given} Medical Center; {given} Family Practice; {given} Urgent Care; {town} General Hospital
{given} Rehabilitation Center; {given} Dialysis; {given} Pediatrics; Saint {saint} Hospice
{town} Community Health Center
{given} Nursing and Rehab; {given} Dental Group; {given} Women's Health; {given} Imaging Center
{town} VA Medical Center
{last} Memorial Hospital; {given} Behavioral Health; {last} Eye Clinic; {given} Surgery Center; {town} Regional Hospital
{given} Pharmacy; {last} Drugs; {given} Assisted Living; {given} Orthopedics
"""
SCHOOLS: Final = """
{given} Elementary; {last} Middle School; {town} High School; {given} Preschool; {given} Head Start; St. {saint} School
{last} Elementary School; {given} Montessori; {town} Community College; {given} Daycare
"""
EMPLOYERS: Final = """
{last} Trucking; {given} Foods; {last} & Sons Roofing; {given} School District; {town} Fire Department; {last} Plumbing
{given} Logistics; {town} Sawmill; {last} Auto Body; {given} Poultry; {last}, {other} & Associates; {given} Steel
{town} Police Department; {given} Credit Union; {last} Dairy Farm; Hotel {given}; {given} Casino; {last} Manufacturing
"""
