"""Names of the fourth set: common ones, rare and international ones, and everyday words; all combinations are invented.

A pool is words apart by blanks; an underscore is a blank of the name itself.
"""

from __future__ import annotations

from typing import Final

FEMALE: Final = """
Jennifer Patricia Linda Barbara Susan Jessica Karen Sarah Lisa Nancy Sandra Ashley Emily Kimberly Margaret Donna
Michelle
Carol Amanda Melissa Deborah Stephanie Rebecca Laura Sharon Cynthia Kathleen Amy Angela Shirley Brenda Pamela Nicole
Samantha Katherine Christine Helen Debra Rachel Carolyn Janet Maria Catherine Heather Diane Olivia Julie Joyce Victoria
Ruth Virginia Lauren Kelly Christina Joan Evelyn Judith Andrea Hannah Megan Cheryl Jacqueline Martha Madison Teresa
Gloria Sara Janice Ann Kathryn Abigail Sophia Frances Jean Alice Judy Isabella Julia Mia Ava Charlotte Amelia Zoe Leah
"""
MALE: Final = """
James Robert John Michael David William Richard Joseph Thomas Christopher Charles Daniel Matthew Anthony Donald Steven
Andrew Paul Joshua Kenneth Kevin Brian Timothy Ronald George Jason Edward Jeffrey Ryan Jacob Nicholas Gary Eric Jonathan
Stephen Larry Justin Scott Brandon Benjamin Samuel Gregory Alexander Patrick Raymond Jack Dennis Jerry Tyler Aaron Jose
Adam Nathan Henry Zachary Douglas Peter Kyle Noah Ethan Jeremy Walter Christian Keith Austin Roger Terry Sean Gerald
Carl Dylan Harold Jordan Jesse Bryan Lawrence Arthur Gabriel Bruce Logan Billy Joe Alan Juan Elijah Willie Albert Liam
"""
LAST: Final = """
Smith Johnson Williams Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson Thomas
Taylor Moore Jackson Martin Perez Thompson Harris Sanchez Clark Ramirez Lewis Robinson Walker Allen Wright Scott Torres
Nguyen Flores Adams Nelson Baker Rivera Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker Edwards
Collins Reyes Stewart Morris Morales Murphy Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos
Kim Cox Ward Richardson Watson Chavez Bennett Mendoza Ruiz Hughes Alvarez Castillo Sanders Patel Myers Ross Foster
Jimenez Powell Jenkins Perry Russell Sullivan Coleman Butler Henderson Barnes Fisher Vasquez Simmons Graham Murray Ford
"""
# Of each origin: women, men, surnames.
ORIGINS: Final = {
    "west africa": (
        "Ngozi Adaeze Funmilayo Abena Efua Aminata Fatoumata Chiamaka Yetunde Akosua",
        "Chukwuemeka Oluwaseun Kwabena Kofi Mamadou Ousmane Babatunde Emeka Ifeanyi Kwame",
        "Okonkwo Adeyemi Boateng Diallo Traoré Nwachukwu Asante Ogunleye Eze-Obi Mensah Sesay Okafor",
    ),
    "east africa": (
        "Hodan Tigist Wanjiru Makeda Asli Nyokabi Selamawit Uwimana",
        "Abdirahman Tewodros Kipchoge Yohannes Otieno Mwangi Habimana Dawit",
        "Warsame Gebremariam Kamau Wolde Ochieng Abdi_Farah Nkurunziza Tesfaye Mutua Hagos",
    ),
    "south asia": (
        "Lakshmi Anjali Sunita Gurpreet Meenakshi Farzana Shanthi Parvathi Ayesha Divya",
        "Rajesh Venkatesh Harpreet Suresh Imran Arjun Siddharth Naveen Tariq Balakrishnan",
        "Krishnamurthy Chaudhry Subramanian Bhattacharya Sandhu Iyer Qureshi Venkataraman Deshpande Rahman Dhillon",
    ),
    "east asia": (
        "Xiuying Mei-Ling Haruka Soo-jin Thuy Yuki Hyun-ah Linh Jiayi Noriko",
        "Zhiwei Takeshi Jae-hyun Minh Haoran Kenji Quang Dae-jung Bao Hiroshi",
        "Zhang Huang Tanaka Kobayashi Pham Tran Ouyang Watanabe Hwang Truong Szeto Yamaguchi Xu Ng Bui",
    ),
    "arab and persian": (
        "Layla Fatima Zahra Shirin Noor Maryam Hanan Soraya Nasrin Rania",
        "Mahmoud Khalid Omar Farhad Yusuf Behrouz Tarek Ziad Hossein Samir",
        "al-Hassan El_Sayed Haddad Khoury Rezaei Farahani Abu_Bakr Mansour Hosseini Nasser Tehrani bin_Saleh",
    ),
    "slavic": (
        "Agnieszka Svetlana Katarzyna Ludmila Oksana Zdenka Małgorzata Yelena Vesna Milica",
        "Grzegorz Vladislav Zbigniew Bohdan Dmytro Jaroslav Wojciech Zoran Miroslav Yevgeny",
        "Kowalczyk Petrenko Wiśniewski Novák Shevchenko Jovanović Szymański Dvořák Kuznetsova Hrytsenko Zielinski",
    ),
    "latin": (
        "Guadalupe Xiomara Yaritza Inés Conceição Marisol Giuseppina Itzel Ximena Belén",
        "Joaquín Heriberto Agustín Thiago Cuauhtémoc Massimo Gonçalo Ramiro Lázaro Efraín",
        "de_la_Cruz Villaseñor Dos_Santos Zúñiga Della_Rocca Quiñones Peña-Ortega Figueiredo Ybarra D'Amico del_Río",
    ),
    "celtic and nordic": (
        "Siobhán Aoife Ingrid Saoirse Solveig Niamh Sigrid Gwenllian Astrid Catriona",
        "Eoin Torbjørn Cillian Lars Ruairí Søren Gethin Halvard Anders Padraig",
        "O'Shaughnessy Ó_Briain MacGillivray Lindqvist Jørgensen Mac_an_Bhaird Þórsson Llewellyn Haugen FitzGibbon",
    ),
    "low countries and germany": (
        "Liesbeth Mechthild Annelies Gretchen Femke Waltraud Ilse Roswitha",
        "Joost Wolfgang Pieter Jürgen Hendrik Dietmar Maarten Ulrich",
        "van_der_Heijden von_Rosenberg Vandenbroucke Schröder ten_Brink Müller-Lang de_Vries Zimmermann Oosterhuis",
    ),
    "pacific and first nations": (
        "Leilani Sina Kailani Malia Aiyana Lupe Tallulah Mele",
        "Kekoa Sione Tavita Kaleo Tevita Chaska Makoa Manaia",
        "Kealoha Tuiasosopo Fonoti Kahananui Begaye Tsosie Faleomavaega Yellowhorse Manumaleuna Two_Bulls",
    ),
}  # fmt: skip
# Beginnings and ends that make names which nobody lists.
STARTS: Final = (
    "Bra Cor Dro Fen Gal Hes Jor Kal Lor Mar Nev Orl Pell Quin Rast Sel Tav Ul Vor Wes Yar Zan Thel Shan Kry"
)
FEMALE_ENDS: Final = "ina elle isha etta una ika yssa ondra eva ilyn"
MALE_ENDS: Final = "on ek aris ett us avian in evon ald eric"
LAST_ENDS: Final = "wick inski ander bury ossian etti quist ington ovari ulis enberg aux strom idge amoto"
WORD_FEMALE: Final = """
Hope Faith Grace Joy Ivy Rose Lily Daisy Violet Olive Ginger Pearl Ruby Amber Crystal Autumn Summer Dawn April May June
Iris Hazel Heaven Destiny Harmony Melody Robin Wren Honey Clementine Temperance Charity Patience Ember Scarlet Sage Rain
"""
WORD_MALE: Final = """
Bill Mark Chase Grant Drew Will Rusty Art Hunter Miles Rich Pat Gene Frank Ernest Cliff Dean Rocky Buck Chip Stone Ace
Angel Christian Duke Earl Guy Heath Jet King Lance Major Chance Reed Sonny Sterling Tanner Wade Rod Forest Archer August
"""
WORD_LAST: Final = """
Pain Bone Fever Rash Cough Blood Head Hand Foot Legg Coffin Church Ball Rice Fish Bean Berry Lemon Apple Salt Pepper
Sugar Love Day Weeks Monday Winter Frost Snow Rivers Brooks Lake Waters Stone Wood Forest Field Hill Banks Bridges
Street
Lane Cross Temple Hall House Park Bush Rose Flowers Moss Fox Wolf Lamb Bird Swan Crane Drake Finch Bass Crabbe Moody
Strong
Sharp Small Short Long Young Good Best Swift Wise Gentle Savage Bright Power Price Cash Gold Silver Steele Glass Brown
Green White Black Gray Case Page Reader Chambers Major Sargent Marshall Judge Bishop Pope Abbott Nunn Friend Self Child
"""
NICKNAMES: Final = {
    "Jennifer": "Jenny", "Patricia": "Patti", "Barbara": "Barb", "Susan": "Sue", "Margaret": "Peggy",
    "Kathleen": "Kath",
    "Deborah": "Debbie", "Rebecca": "Becky", "Victoria": "Vicky", "Elizabeth": "Betsy", "James": "Jimbo",
    "Robert": "Bobby",
    "John": "Johnny", "Michael": "Mikey", "William": "Bill", "Richard": "Rick", "Joseph": "Joey", "Charles": "Chuck",
    "Anthony": "Tony", "Kenneth": "Kenny", "Edward": "Ned", "Guadalupe": "Lupita", "Svetlana": "Sveta",
    "Oluwaseun": "Seun", "Zbigniew": "Zbyszek", "Małgorzata": "Gosia", "Heriberto": "Beto", "Wolfgang": "Wolfi",
}  # fmt: skip
