"""Names for the third set, by how common they are in the United States: common, middling, of many origins, words.

Common and middling last names follow the surnames of the 2010 census, first names the Social Security
Administration's lists of the decades 1930 to 2010; who bears them here is nobody.
"""

from __future__ import annotations

from typing import Final

FEMALE: Final = """
Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa Nancy Betty Sandra Margaret Ashley
Kimberly Emily Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Sharon Laura Cynthia Dorothy Amy Kathleen
Angela Shirley Emma Brenda Pamela Nicole Anna Samantha Katherine Christine Debra Rachel Carolyn Janet Maria Olivia
Heather Helen Catherine Diane Julie Victoria Joyce Lauren Kelly Christina Joan Evelyn Judith Andrea Cheryl Megan Teresa
"""
MALE: Final = """
James Robert John Michael David William Richard Joseph Thomas Christopher Charles Daniel Matthew Anthony Donald Steven
Andrew Paul Joshua Kenneth Kevin Brian Timothy Ronald Jason George Edward Jeffrey Ryan Jacob Nicholas Gary Eric
Jonathan Stephen Larry Justin Scott Brandon Benjamin Samuel Gregory Alexander Patrick Raymond Jack Dennis Jerry Tyler
Aaron Jose Adam Nathan Henry Zachary Douglas Peter Kyle Noah Ethan Jeremy Christian Walter Keith Austin Roger Terry
"""
MIDDLING_FEMALE: Final = """
Roberta Geraldine Loretta Yvette Rosemary Bernadette Tanya Marlene Constance Darlene Ramona Kendra Meredith Tabitha
Wendy Gwendolyn Adrienne Lorraine Mabel Thelma Paulette Kaitlyn Jocelyn Mackenzie Latoya Ebony Shauna Corinne Felicia
Maxine Eleanor Harriet Lucille Doris Alma Delores Noreen Claudette Brittney Savannah Peyton Aubrey Jeanette Trisha
Candace Leticia Yesenia Marisela Tameka Rhonda Glenda Twila Verna Opal Inez Elaine Bethany Krista Nadine Colleen
"""
MIDDLING_MALE: Final = """
Clifford Vernon Leroy Marvin Wendell Rodney Darryl Clayton Dwayne Randall Curtis Wesley Byron Lamar Kirk Garrett
Spencer Colby Trevor Dalton Hunter Brett Gerald Ernest Floyd Clyde Herman Milton Lyle Elmer Alvin Harold Reginald
Demetrius Terrell Jermaine Andre Antoine Hector Ramiro Arturo Efrain Rogelio Salvador Gilbert Ruben Quentin Emmett
Rufus Neil Duane Stuart Jasper Landon Caleb Gavin Bryce Preston Malcolm Otis Virgil Homer Roland Conrad
"""
LAST: Final = """
Smith Johnson Williams Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson Thomas
Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Allen Wright
Scott Torres Nguyen Flores Adams Nelson Baker Rivera Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz
Parker Cruz Edwards Collins Reyes Stewart Morris Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson
Bailey Reed Kelly Howard Ramos Kim Cox Ward Richardson Watson Chavez James Bennett Gray Mendoza Ruiz Hughes Price
Alvarez Castillo Sanders Patel Myers Ross Foster Jimenez Powell Jenkins Perry Russell Sullivan Coleman Butler
Henderson Barnes Gonzales Fisher Vasquez Simmons Patterson Jordan Reynolds Hamilton Graham
"""
MIDDLING_LAST: Final = """
Abernathy Ainsworth Applegate Armbruster Baumgartner Beasley Birdwell Blankenship Boatwright Bohannon Bracken Brewster
Broussard Burkhart Cagle Callaway Carmichael Cathcart Clevenger Coffey Colvin Covington Crenshaw Culpepper Dabney
Dansby Deaton Dempsey Dillard Draper Eastman Eckert Eldridge Fairchild Faulkner Fenton Fincher Fontenot Gallegos
Garrison Gentry Gillespie Goodwin Grissom Guidry Haggerty Hairston Hammonds Hargrove Haskins Hatcher Hebert Hendrix
Hightower Hinojosa Holcomb Hollis Hutchins Ivey Jamison Jarvis Jeffries Kemper Kendrick Kilgore Kirkland Knowles
Landry Lassiter Ledbetter Livingston Lockhart Lomax Mabry Maldonado McAllister McCutcheon McElroy McNair Merriweather
Mireles Mulligan Muniz Nance Nettles Oakley Oldham Overstreet Pendergrass Pickett Poindexter Prather Purcell Quarles
Rademacher Ragland Renteria Ritchie Roundtree Rutledge Sandoval Satterfield Schaefer Seagraves Shumate Sizemore
Spradlin Stallings Strickland Stubblefield Swanson Tackett Talbert Thibodeaux Tidwell Tillman Treadway Trujillo
Underhill Vanderpool Vaughn Wagoner Walden Weatherford Wendt Westmoreland Whitaker Wilkerson Winfield Yarbrough Yoder
Zamora Zapata Zimmerman
"""
ORIGINS: Final = {  # female, male, last
    "Chinese": ("Xiaoling Meifang Yuting Jiayi Lihua", "Zhiwei Haoran Guoqiang Jianhong Yifan",
                "Zhang Ouyang Xu Zheng Qiu Huang Tsai"),
    "Vietnamese": ("Thuy Bichngoc Hang Kimlien", "Quoc Tuan Duy Hieu", "Truong Huynh Vo Dang Bui Lam Duong"),
    "Korean": ("Eunji Soyeon Minjung Hyejin", "Seungho Jaewon Dongwook Kyungsoo", "Hwang Yoon Kwon Seo Bae Ahn"),
    "Japanese": ("Haruka Michiko Ayumi Setsuko", "Kenji Takeshi Daisuke Noboru", "Fujimoto Okamura Shimizu Morita"),
    "South Asian": ("Lakshmi Sunita Kavya Harpreet Rukhsana", "Venkatesh Arvind Gurpreet Sanjay Imtiaz",
                    "Krishnamurthy Subramanian Chaudhary Dhillon Iyer Mukherjee Reddy Siddiqui"),
    "Arabic": ("Layla Hanan Zainab Rania", "Khalid Tariq Bassam Mahmoud", "Al-Masri Khoury Hamdan Nasser El-Amin"),
    "Iranian": ("Shirin Niloufar Mahnaz", "Behrouz Farhad Kaveh", "Hosseini Tehrani Moradi Farahani"),
    "Nigerian": ("Chinelo Folasade Adaeze Temitope", "Chukwuemeka Babatunde Obinna Segun",
                 "Adeyemi Okonkwo Eze Nwosu Ogunleye"),
    "Ethiopian": ("Selamawit Tigist Hiwot", "Dawit Yohannes Tesfaye", "Gebremariam Tadesse Bekele Haile"),
    "Somali": ("Hodan Ifrah Sagal", "Abdirahman Guled Liban", "Warsame Farah Jama Elmi"),
    "Russian": ("Ludmila Galina Oksana", "Vladislav Yevgeny Arkady", "Sokolov Lebedeva Kuznetsov Orlova Vinogradov"),
    "Polish": ("Agnieszka Jadwiga Bozena", "Zbigniew Wojciech Kazimierz", "Wisniewski Lewandowska Jablonski Mazur"),
    "Armenian": ("Anahit Siranush", "Hovsep Vartan", "Petrosyan Hakobyan Der-Bedrosian"),
    "Greek": ("Eleni Despina", "Spyridon Stavros", "Papadakis Karagiannis Economou"),
    "Italian": ("Concetta Filomena Giuliana", "Salvatore Gaetano Rocco", "Esposito DiNapoli Caruso LoPresti"),
    "French": ("Genevieve Solange", "Thibault Gaston", "Beauchamp Lefebvre DeLaRosiere"),
    "German": ("Liesl Hildegard", "Klaus Dietrich", "Von Hagen|Schroeder|Kirchhoff|Pfeiffer"),
    "Dutch": ("Annika Margriet", "Pieter Willem", "Van der Meer|DeVries|Hoekstra"),
    "Scandinavian": ("Solveig Astrid", "Torvald Bjorn", "Halvorsen Lundgren Rasmussen"),
    "Irish": ("Aoife Sinead", "Eoghan Cormac", "O'Shaughnessy McGillicuddy O'Hara Gallagher"),
    "Filipino": ("Maricel Luzviminda", "Rodrigo Jun", "Dela Cruz|Macaraeg|Bautista|Pangilinan"),
    "Hawaiian and Samoan": ("Leilani Kalea", "Keoni Sione", "Kealoha Kamaka Tuiasosopo Faleafa"),
    "Navajo and Lakota": ("Nizhoni Winona", "Chaska Tse", "Begay|Tsosie|Yazzie|Benally|Two Bulls"),
    "Hmong": ("Pa Nhia|Mai Yer|Kao", "Tou|Chue|Nou", "Vang Xiong Thao Moua"),
    "Spanish": ("Guillermina Itzel Socorro Lucía", "Heriberto Anselmo Jesús Eusebio",
                "Villalobos|Zepeda|Quiñones|Escamilla|De la Torre"),
    "Portuguese": ("Conceicao Graziela", "Joaquim Thiago", "Medeiros Furtado Carvalho"),
    "Haitian": ("Marie-Ange Guerda", "Jean-Claude Wilner", "Toussaint Desrosiers Pierre-Louis"),
    "Hebrew": ("Shoshana Yael", "Menachem Avraham", "Rosenzweig Ben-David Teitelbaum"),
    "Turkish": ("Zeynep Aylin", "Mehmet Emre", "Yildirim Demirci Ozturk"),
    "Cambodian and Lao": ("Sophea Bounmy", "Sokha Khamphone", "Chea Sisavath Phommachanh"),
}  # fmt: skip
WORD_FEMALE: Final = (
    "Grace Rose Hope Faith Joy Ivy Violet Ruby Pearl Autumn Summer Dawn Crystal Iris Olive June April May Daisy"
)
WORD_MALE: Final = "Will Mark Grant Rich Chase Miles Cliff Bill Frank Drew Pierce Dean Guy Art Chance Rusty"
WORD_LAST: Final = """
Young Long Short Brown Green Black Waters Fields Stone Woods Banks Pope Bishop Knight Day Winter Frost Best Love Strong
Small Little Hand Foot Head Bone Blood Payne Ache Cash Rich Church Field Ball Bush Wells Rice Berry Lamb Fox Wolf Swan
Hill Lake Moon Starr Cross Wise Speed Sharp Power Post Park Lane Carpenter Gardner Chance Savage Pugh Sample Self
"""
