"""Pools of the second unseen set: names, places, streets, organisations. Every other entry serves one half.

Common names are from the public frequency lists of the U.S. Social Security Administration and the Census Bureau; towns
are real, organisations are put together and meant to name none.
"""

from __future__ import annotations

from typing import Final

COMMON_FIRST: Final = """
James Mary Michael Patricia Robert Jennifer John Linda David Elizabeth William Barbara Richard Susan Joseph Jessica
Thomas Karen Christopher Sarah Charles Lisa Daniel Nancy Matthew Sandra Anthony Ashley Steven Emily Andrew Kimberly
Paul Donna Joshua Michelle Kenneth Carol Kevin Amanda Brian Melissa Timothy Deborah Ronald Stephanie George Rebecca
Jason Laura Edward Helen Jeffrey Sharon Ryan Cynthia Jacob Kathleen Gary Amy Nicholas Angela Eric Shirley Jonathan
Brenda Stephen Emma Larry Anna Justin Pamela Scott Nicole Brandon Samantha Benjamin Katherine Gregory Christine
Raymond Debra Patrick Rachel Dennis Carolyn Jerry Janet Tyler Maria Aaron Olivia Henry Heather Douglas Diane Peter
Julie Walter Joyce Ethan Victoria Zachary Ruth Harold Virginia Kyle Lauren Carl Kelly Gerald Christina Roger Joan
Keith Evelyn Lawrence Judith Terry Andrea Sean Hannah Albert Megan Willie Cheryl Jesse Jacqueline Bryan Martha Bruce
Madison Ralph Teresa Wayne Gloria Eugene Sara Louis Janice Philip Kathryn Bobby Ann Johnny Theresa Logan Doris Mason
Bonnie Elijah Peggy Earl Tammy Vernon Darlene Clifford Marjorie Travis Crystal Leroy Wanda Curtis Tiffany Clyde
Loretta Derek Kayla
"""
COMMON_LAST: Final = """
Smith Johnson Williams Jones Davis Miller Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Thompson White Harris
Clark Lewis Robinson Walker Allen Wright Scott Hill Adams Nelson Baker Hall Campbell Mitchell Carter Roberts Turner
Phillips Evans Parker Edwards Collins Stewart Morris Murphy Cook Rogers Morgan Peterson Cooper Reed Bailey Bell Kelly
Howard Ward Cox Richardson Watson Brooks Bennett Gray James Hughes Myers Sanders Ross Foster Powell Jenkins Perry
Russell Sullivan Henderson Coleman Simmons Patterson Jordan Reynolds Hamilton Graham Wallace Griffin West Cole Hayes
Gibson Bryant Ellis Stevens Murray Ford Marshall Owens McDonald Harrison Ruiz Kennedy Wells Alvarez Woods Mendoza
Castillo Olson Webb Washington Tucker Freeman Burns Henry Vasquez Snyder Simpson Crawford Jimenez Porter Mason Shaw
Gordon Wagner Hunter Romero Hicks Dixon Hunt Palmer Robertson Black Holmes Stone Meyer Boyd Mills Warren Fox Rose Rice
Moreno Schmidt Ferguson Nichols Herrera Medina Ryan Fernandez Weaver Daniels Stephens Gardner Payne Kelley Dunn Pierce
Arnold Tran Spencer Peters Hawkins Grant Hansen Castro Hoffman Hart Elliott Cunningham Knight Bradley O'Brien O'Connor
McCarthy MacLeod Fitzgerald
"""
# Given names and family names by origin.
ORIGINS: Final[dict[str, tuple[str, str]]] = {
    "hispanic": (
        "Guadalupe Jesus Esperanza Alejandro Xiomara Rigoberto Marisol Joaquin Yolanda Heriberto Consuelo Ulises"
        " Altagracia Wilfredo Itzel Anselmo",
        "Garcia|Rodriguez|Hernandez|de la Cruz|Villanueva|Gutierrez|Zepeda|del Toro|Echeverria|De Leon|Quiñones|"
        "Muñoz|Cisneros|de los Santos|Velázquez|Ibarra",
    ),
    "vietnamese": (
        "Thuy Minh Linh Duc Huong Quoc Ngoc Tuan Phuong Bao Hanh Khoa Trinh Dung",
        "Nguyen Pham Huynh Vo Dang Bui Ngo Duong Ly Truong Dinh Lam Vu Phan",
    ),
    "chinese": (
        "Wei Xiuying Jian Mei Zhihao Yuxuan Qing Haoran Li-Hua Jun Xiaoming Ming-Che Hui Guang",
        "Wang Zhang Liu Chen Huang Zhou Xu Zhu Guo Ouyang Cheung Leung Hsieh Tsai Qian Xie",
    ),
    "indian": (
        "Priya Arjun Lakshmi Rajesh Ananya Venkatesh Sunita Harpreet Deepika Sanjay Meenakshi Vikram Gurpreet Aditi",
        "Patel Sharma Krishnamurthy Singh Reddy Iyer Chatterjee Kaur Subramanian Desai Banerjee Nair Gupta Iyengar",
    ),
    "arabic": (
        "Fatima Omar Layla Yusuf Khadija Hassan Noor Tariq Zainab Mahmoud Samira Abdulrahman Hala Bilal",
        "al-Sayed|Haddad|Abdallah|El-Masri|Khoury|Al Hashimi|Mansour|bin Saleh|Nasser|Abu Bakr|Farouk|Al-Jabouri",
    ),
    "nigerian": (
        "Chinonso Oluwaseun Ngozi Babatunde Ifeoma Emeka Folasade Chukwuemeka Adaeze Temitope Amarachi Obinna",
        "Okonkwo Adeyemi Nwosu Ogunleye Eze Balogun Okafor Adebayo Uchenna Onyekachi Afolabi Ikwuemesi",
    ),
    "slavic": (
        "Svetlana Dmitri Oksana Vladislav Ludmila Bogdan Nadezhda Yevgeny Milica Goran Zdenka Mykola",
        "Ivanova Kuznetsov Shevchenko Petrovic Volkov Kovalenko Novotny Dvorakova Jovanovic Horvat Bondarenko Sokolov",
    ),
    "polish": (
        "Agnieszka Krzysztof Malgorzata Zbigniew Katarzyna Wojciech Jadwiga Przemyslaw Bozena Slawomir",
        "Kowalczyk Wisniewski Szymanska Wojciechowski Krawczyk Zielinski Przybylski Jablonski Dombrowski Szczepanik",
    ),
    "korean": (
        "Ji-woo Min-jun Eun-hye Sung-ho Hye-jin Dong-hyun Seo-yeon Kyung Young-mi Joon Sook-ja Tae-yang",
        "Kim Park Choi Jung Kang Yoon Jang Lim Hwang Kwon Noh Ahn",
    ),
    "filipino": (
        "Maricel Jhun Rowena Dionisio Analyn Crisanto Luzviminda Bayani Cherrylyn Rodel Imelda Arnel",
        "Dela Cruz|Bautista|Macaraeg|Pangilinan|Dimaculangan|Catacutan|Manalo|Magsaysay|Tolentino|Batungbakal",
    ),
    "hawaiian": (
        "Keoni Leilani Kaimana Nohea Kekoa Malia Ikaika Pualani Makoa Kalea",
        "Kahananui Kealoha Kamaka Nakamura Mahoe Kapaona Akana Keawe Ka'aihue Nahale",
    ),
    "other": (
        "Siobhan Aoife Giuseppe Anneliese Bjorn Yiannis Ayelet Mirlande Tewodros Sione Wambui Farzaneh Noémie Søren",
        "Van der Berg|D'Angelo|von Hoffmann|Papadopoulos|St. Clair|Jean-Baptiste|O'Shaughnessy|Tekle|Lindqvist|"
        "Ben-David|Di Stefano|Tupou|M'Bala|van Dyke|MacGillivray|Gebremariam",
    ),
}
WORD_FIRST: Final = """
Will Hope Joy Grace May June Faith Mark Bill Dawn April Summer Rose Ivy Violet Daisy Frank Grant Chase Hunter Art Sky
Pat Rob Gene Jack Drew Chance Skip Ray Rich Guy Earnest Sunny Melody Autumn Charity Patience Precious Angel Miles
Cliff Ginger Olive Pearl Ruby Iris Holly Robin Amber Jade Destiny Harmony Constance Prudence Major Royal Christian
Sage Reed
"""
WORD_LAST: Final = """
Young Good Long Price Rice Brown Green White Black Gray Short Little Small Best Day Weeks Winter Summers Love Power
Bond Banks Field Fields Woods Waters Rivers Lake Hill Stone Wood Bush Moss Fish Bird Wolf Lamb Bass Pike Crane Swan
Cross Church Bishop Pope King Prince Noble Knight Baker Butcher Carpenter Cook Farmer Fisher Mason Potter Sawyer
Taylor Ward Head Hand Foot Heart Blood Bone Pain Sharp Strong Cough Heal Moody Savage Rush Self Case Chance Early
Friend Gold Silver
"""
TOWNS: Final = (
    "Dubuque|Waycross|Yakima|Sheboygan|Lubbock|Bangor|Pocatello|Altoona|Hattiesburg|Chillicothe|Duluth|Kalamazoo|"
    "Modesto|Paducah|Elmira|Ottumwa|Fond du Lac|Las Cruces|Tuscumbia|Wausau|Bend|Mobile|Reading|Orange|"
    "Independence|Hope|Buffalo|Eau Claire|Terre Haute|Opelousas|Walla Walla|Galveston|Hilo|Nacogdoches|"
    "Brattleboro|Spartanburg|Coeur d'Alene|Flint|Sioux Falls|St. Cloud|Enid|Salina|Bakersfield|Muncie|Gulfport|"
    "Twin Falls|Scranton|Rock Hill|Laredo|Kearney|New Bern|Truth or Consequences|Ypsilanti|Puyallup|Ely|"
    "Winnemucca|Zanesville|Steubenville|Johnson City|Cedar Rapids"
)
STREETS: Final = (
    "Maple|Juniper|Old Mill|Cherry Hill|Washington|Lincoln|Sycamore|Ridgeview|Harvest Moon|Dogwood|Fairmont|"
    "Mill Creek|Martin Luther King Jr|Chestnut|Prairie View|Willow Bend|Jackson|Second|Pine Hollow|Canterbury|"
    "Rosewood|Lakeshore|Elm|Hawthorne|Stonegate|Bayberry|Quail Run|San Pedro|Magnolia|Coventry|Orchard|"
    "Cypress Point|Foxglove|Meadowlark|Aspen|Sunset|Church|Kensington|Old Post|Deer Path"
)
STREET_KINDS: Final = (
    "Street/St/St. Avenue/Ave/Ave. Road/Rd Drive/Dr Lane/Ln Court/Ct Boulevard/Blvd Circle/Cir Way/Way Place/Pl"
)
SAINTS: Final = "Brendan|Agnes|Lucia|Columba|Anselm|Bernadette|Cyril|Monica|Ansgar|Ursula|Florian|Hedwig"
FOUNDERS: Final = (
    "Whitcomb|Ellsworth|Hargrove|Dunmore|Pemberton|Lathrop|Vandermeer|Abernathy|Tillman|Kirkland|Osgood|Bellamy"
)
CARE: Final = (
    "Manor|Nursing and Rehabilitation|Assisted Living|Senior Care|Care Center|Rehab and Wellness|House Shelter|"
    "Hospice|Memory Care|Adult Day Center"
)
SCHOOLS: Final = "Elementary School|Middle School|High School|Community College|Head Start|Christian Academy|Montessori"
PHARMACIES: Final = "Pharmacy|Drug|Apothecary|Drug Store|Family Pharmacy"
EMPLOYER_KINDS: Final = (
    "Foods|Tool & Die|Trucking|Roofing LLC|Poultry|Logistics Inc.|Public Works|Auto Body|Paper Company|Steel|"
    "Landscaping|Electric Co-op|Cleaners|Plumbing and Heating|Dairy|Software|Bakery|Insurance Agency|Lumber|"
    "Sheriff's Office"
)
HOLIDAYS: Final = (
    "Thanksgiving|Christmas Eve|New Year's Day|the Fourth of July|Labor Day|Valentine's Day|Easter Sunday|Halloween"
)
MONTHS: Final = "January February March April May June July August September October November December"
AREA_CODES: Final = (
    "205 907 602 501 415 303 860 305 404 808 208 312 317 515 316 502 504 207 410 617 313 612 601 816 406 919 216 "
    "405 503"
)
DOMAINS: Final = (
    "gmail.com|yahoo.com|hotmail.com|aol.com|icloud.com|comcast.net|outlook.com|protonmail.com|att.net|"
    "hillcountrymed.org"
)
