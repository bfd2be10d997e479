"""Places and organisations for the fifth set: towns are real, everything else is put together and names nobody."""

from __future__ import annotations

from typing import Final

TOWNS: Final = """
Bozeman,MT,597|Dubuque,IA,520|Paducah,KY,420|Yakima,WA,989|Chillicothe,OH,456|Pocatello,ID,832|Sheboygan,WI,530
Macon,GA,312|Tyler,TX,757|Bangor,ME,044|Utica,NY,135|Altoona,PA,166|Lima,OH,458|Salina,KS,674|Minot,ND,587
Beaufort,SC,299|Ocala,FL,344|Rutland,VT,057|Keene,NH,034|Muncie,IN,473|Joplin,MO,648|Hilo,HI,967|Kenai,AK,996
Redding,CA,960|Medford,OR,975|Elko,NV,898|Logan,UT,843|Gallup,NM,873|Flagstaff,AZ,860|Casper,WY,826
Rapid City,SD,577|Kearney,NE,688|Enid,OK,737|Conway,AR,720|Houma,LA,703|Hattiesburg,MS,394|Dothan,AL,363
Cookeville,TN,385|Roanoke,VA,240|Beckley,WV,258|Hickory,NC,286|Hagerstown,MD,217|Dover,DE,199|Toms River,NJ,087
Norwich,CT,063|Pawtucket,RI,028|Fall River,MA,027|Traverse City,MI,496|Kalamazoo,MI,490|Mankato,MN,560|Peoria,IL,616
Carbondale,IL,629|Pueblo,CO,810|Lubbock,TX,794|Waco,TX,767|Valdosta,GA,316|Elmira,NY,149|Scranton,PA,185
Zanesville,OH,437|Eau Claire,WI,547|La Crosse,WI,546|Coeur d'Alene,ID,838|Walla Walla,WA,993|Bellingham,WA,982
Visalia,CA,932|Chico,CA,959|Reading,PA,196|Mobile,AL,366|Orange,TX,776|Normal,IL,617|Independence,MO,640|Hope,AR,718
Superior,WI,548|Buffalo,NY,142
""".strip()
STATES: Final = """
MT Montana|IA Iowa|KY Kentucky|WA Washington|OH Ohio|ID Idaho|WI Wisconsin|GA Georgia|TX Texas|ME Maine|NY New York
PA Pennsylvania|KS Kansas|ND North Dakota|SC South Carolina|FL Florida|VT Vermont|NH New Hampshire|IN Indiana
MO Missouri|HI Hawaii|AK Alaska|CA California|OR Oregon|NV Nevada|UT Utah|NM New Mexico|AZ Arizona|WY Wyoming
SD South Dakota|NE Nebraska|OK Oklahoma|AR Arkansas|LA Louisiana|MS Mississippi|AL Alabama|TN Tennessee|VA Virginia
WV West Virginia|NC North Carolina|MD Maryland|DE Delaware|NJ New Jersey|CT Connecticut|RI Rhode Island
MA Massachusetts|MI Michigan|MN Minnesota|IL Illinois|CO Colorado
""".strip()
COUNTIES: Final = (
    "Lancaster|Bexar|Maricopa|Tioga|Ottawa|Sauk|Bonneville|Tuolumne|Chatham|Ector|Doña Ana|St. Lawrence|Pike|Cass"
)
UK_TOWNS: Final = """
Harrogate|Kettering|Stockport|Taunton|Hereford|Kilmarnock|Wrexham|Grimsby|Shrewsbury|Bury St Edmunds|Deal|Sandwich
Newton Abbot|Kirkcaldy|Lisburn|Rugby|Poole|Bath
""".strip()
AU_TOWNS: Final = "Ballarat|Toowoomba|Wagga Wagga|Bunbury|Launceston|Bendigo|Dubbo|Mildura|Orange|Cairns"
CA_TOWNS: Final = (
    "Moose Jaw|Kingston|Lethbridge|Sault Ste. Marie|Moncton|Kamloops|Trois-Rivières|Medicine Hat|Corner Brook"
)
HOODS: Final = "Maple Heights|Southgate|the Flats|Old Mill|Westover|Riverbend|Dutchtown|the Hollow|Pecan Grove"
LANDMARKS: Final = """
Heron Lake State Park|Pinewood Mall|the Cutler Street bus station|Stillwater Reservoir|Fort Callan Beach
Tanner's Crossing|the Oxbow Trailhead|Bluestem Fairgrounds|Gull Point Lighthouse|Copperhead Creek Campground
""".strip()
STREETS: Final = """
Larkspur|Wharton|Quarry|Juniper|Old Post|Saddleback|Cedar Hollow|Tamarack|Eleanor|Vine|Foundry|Peach Orchard|Grange
Marlborough|Bell Tower|Kingfisher|Bluff|Sycamore|Harbor View|Veterans|Court|Church|Spring|Whippoorwill
Sgt. Hollis|Windmill|Three Notch|Penny|Market
""".strip()
STREET_KINDS: Final = """
Street,St|Avenue,Ave|Road,Rd.|Drive,Dr|Lane,Ln|Court,Ct|Boulevard,Blvd|Way,Way|Terrace,Terr|Place,Pl.|Circle,Cir
Parkway,Pkwy|Trail,Trl|Loop,Loop|Pike,Pike
""".strip()
NAMESAKES: Final = "Harlan Whitcomb|Corvin|Ashgrove|Eddington|Lindqvist|Marisol Vega|Thackeray|Bexley|Calloway|Dunmore"
HOSPITALS: Final = """
{town} Medical Center|{namesake} Memorial Hospital|{saint} Medical Center|{town} Regional Health|{namesake} Children's
Mount {namesake} Hospital|{town} Community Hospital|{namesake} Cancer Institute|{saint} Mercy Hospital
Northern {town} Health System|Our Lady of {town} Hospital|{namesake} University Hospital|{town} VA Medical Center
""".strip()
SHORT_HOSPITALS: Final = (
    "{town} Gen|{saint}|{namesake} Mem|{town} Mercy|{town} Children's|{town} Baptist|Mt. {namesake}"
)
CLINICS: Final = """
{street} Family Practice|{namesake} Pediatrics|{town} Urgent Care|{namesake} Dental|{street} Street Dialysis
{town} Women's Health Associates|{namesake} and Sons Physical Therapy|Bright Harbor Behavioral Health
{town} Eye Associates|Kidney Care of {town}|{namesake} Orthopaedics|ClearPath Imaging of {town}|QuickMend Walk-In
""".strip()
HOMES: Final = """
{namesake} Manor|The Gables at {town}|{street} Hospice House|{town} Rehab and Nursing|{saint} Home for the Aged
Golden Meadow Assisted Living|{namesake} House|Villa {namesake}|{street} Group Home|Harbor Light Recovery
""".strip()
PHARMACIES: Final = (
    "{town} Drug|{namesake} Apothecary|{street} Street Pharmacy|Hometown Rx #{number}|FairValue Pharmacy {number}"
)
UK_FACILITIES: Final = """
{uk} General Hospital|The {namesake} Surgery|{street} Medical Centre|{uk} Royal Infirmary|{namesake} House Surgery
{street} Road Health Centre|{uk} Community Dental Service|The {uk} Clinic|{namesake} Hospice
""".strip()
SAINTS: Final = "St. Brendan|St. Odile|Saint Casimir|St. Philomena|Sacred Heart|Holy Rosary|St Aidan"
EMPLOYERS: Final = """
{town} Fire Department|Corvin Freight|Lindqvist Cabinetry|{namesake} Poultry|the {street} Street Diner|Bluebird Daycare
{town} Public Works|Tri-State Roofing & Gutter|Ashgrove Steel|the {town} Gazette|Dunmore County Sheriff's Office
Happy Paws Grooming|{namesake} Logistics|Eddington Foods|Sparrow Airlines|{town} Water District|Big Al's Tire Barn
Calloway, Pruitt & Lowe LLP|the Thackeray cannery|Nine Pines Casino|{namesake} State University
Polar Mart|{town} Transit Authority|{town} Community College|Lindqvist Technical Institute
""".strip()
SCHOOLS: Final = """
{namesake} Elementary|{town} High School|{saint} Academy|{town} Middle School|PS {number}
Little Acorns Preschool|{street} Road Primary School
""".strip()
CHURCHES: Final = """
{street} Street Baptist Church|{saint} parish|{town} Islamic Center|Temple Beth {namesake}|New Dawn Tabernacle
First Methodist of {town}|Grace Chapel on {street}|the {town} Sikh gurdwara|Iglesia Luz de {town}
""".strip()
HOLIDAYS: Final = """
Christmas Eve|Christmas Day|Thanksgiving|the Fourth of July|New Year's Eve|Labor Day|Memorial Day|Halloween
Boxing Day|Canada Day|Easter Sunday|Valentine's Day|Juneteenth|Anzac Day|Bonfire Night|St. Patrick's Day
""".strip()
HOSTS: Final = (
    "example.com|example.org|example.net|mail.example.com|clinic.example.org|school.example.edu|post.example.net"
)
AREAS: Final = "206|214|303|312|404|415|502|513|602|614|702|704|718|802|816|860|901|907|919|937|973|215|248|605|406|808"
