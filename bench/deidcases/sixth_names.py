"""Names for the sixth set, each pool parted by bars: of common use, of many origins, and words that are names."""

from __future__ import annotations

FEMALE = """
Darlene|Colleen|Yvette|Roxanne|Marcy|Tonya|Bernice|Lorraine|Gwendolyn|Kristen|Paige|Kelsey|Maureen|Josephine|Estelle|
Beverly|Cheryl|Tamika|Latisha|Shanice|Peggy|Nadine|Rosalind|Wilma|Harriet|Jolene|Candice|Brianna|Mackenzie|Phyllis|
Geraldine|Ramona|Leanne|Trudy|Corinne|Noreen|Delphine|Alyssa|Kendra|Winifred|Mabel|Eunice|Francine|Tabitha|Marlene
"""
MALE = """
Gerald|Wendell|Darnell|Curtis|Randall|Leroy|Clifford|Vernon|Nathaniel|Preston|Dwight|Terrence|Malik|Desmond|Roland|
Stuart|Clayton|Morris|Rodney|Travis|Derrick|Lionel|Alvin|Kirk|Garrett|Brent|Dustin|Trevor|Marvin|Floyd|Milton|Ned|
Percy|Duane|Lamar|Otis|Reggie|Brady|Colton|Emmett|Ellis|Willard|Jerome|Cedric|Spencer
"""
LAST = """
Abernathy|Whitaker|Hendricks|Lockwood|Pruitt|Stanton|Mayfield|Duckworth|Pettigrew|Swanson|Carmichael|Babcock|Hoskins|
Tillman|Ferguson|Gillespie|Holcomb|Ingram|Jernigan|Kirkland|Lattimore|McAllister|Nesbitt|Oglesby|Pendleton|Quinlan|
Ridgeway|Stallworth|Thibodeaux|Underhill|Vandiver|Wainwright|Yarbrough|Zimmerman|O'Rourke|MacIntyre|Fitzhugh|Dunleavy|
Baskerville|Crenshaw|Dillard|Eubanks|Farnsworth|Goodwin|Haverford|Kowalski|Lindgren|Moffett|Norwood|Prescott|Ramsey|
Satterfield|Trimble|Upchurch|Vickers|Whitlock|Hargrove|Boudreaux|Castleberry|DeWitt|Ellsworth|Gaither|Heffernan
"""
WORD_FEMALE = """
April|June|May|Dawn|Hope|Joy|Grace|Faith|Rose|Lily|Iris|Ginger|Summer|Autumn|Melody|Patience|Mercy|Olive|Hazel|Pearl|
Ruby|Amber|Crystal|Jewel|Sandy|Penny|Ivy|Violet|Charity|Star|Sunny|Destiny
"""
WORD_MALE = """
Mark|Bill|Art|Ray|Grant|Pierce|Hunter|Cash|Rusty|Chase|Drew|Rich|Frank|Ernest|Guy|Will|Chance|Buddy|Rock|Cliff|Dale|
Forest|Reed|Miles|Gene|Jack|Rob|Skip|Clay|Heath|Glen|Chip
"""
WORD_LAST = """
Rivers|Long|Price|Young|Best|May|Small|Cook|Fields|Stone|Frost|Winter|Summers|Bell|Banks|Church|Hill|Lake|Moon|Noble|
Page|Sharp|Short|Strong|Swift|Day|Weeks|Knight|Love|Burns|Payne|Savage|Early|Fair|Rash|Cross|Drain|Foote|Hand|Heart|
Hyde|Cater|Grey|Brown|White|Green|Black|Wise|Good|Power|Wells|Ford|Chin|Back|Marsh|Rush|Little|Moody|Steele|Close
"""
ORIGINS = {
    "vietnamese": ("Hanh|Thuy|Lan|Bich", "Minh|Quang|Duc|Tuan", "Nguyen|Tran|Pham|Vo|Dang|Bui"),
    "hmong": ("Mai|Pa Houa|Kia", "Tou|Xeng|Chue", "Vang|Xiong|Thao|Moua"),
    "nigerian": ("Ngozi|Chiamaka|Folake", "Emeka|Tunde|Obinna", "Okonkwo|Adeyemi|Eze|Balogun"),
    "ethiopian": ("Tigist|Selam|Hirut", "Dawit|Yonas|Bekele", "Tesfaye|Gebremariam|Alemu"),
    "somali": ("Hodan|Ifrah|Sahra", "Abdirahman|Liban|Warsame", "Abdullahi|Farah|Jama|Ali"),
    "mexican": ("Guadalupe|Xochitl|Marisol|Yesenia", "Ulises|Ramiro|Jesús|Efraín", "Muñoz|de la Rosa|Ibarra|Zúñiga"),
    "cuban": ("Yadira|Caridad|Odalys", "Orestes|Lázaro|Reinier", "Del Valle|Fonseca|Quintana|Peña"),
    "brazilian": ("Thaís|Juliana|Neusa", "Thiago|Edson|João", "Carvalho|dos Santos|Figueiredo"),
    "haitian": ("Marie-Ange|Guerline|Fabiola", "Jean-Robert|Wilner|Frantz", "Desrosiers|Toussaint|Jean-Baptiste"),
    "indian": ("Lakshmi|Sunita|Priyanka", "Venkatesh|Harpreet|Anil", "Krishnamurthy|Banerjee|Deshpande|Gill|Rao"),
    "pakistani": ("Rukhsana|Saima|Nadia", "Imran|Tariq|Usman", "Qureshi|Siddiqui|Mirza|Butt"),
    "chinese": ("Xiaoling|Mei|Yuhua", "Jianguo|Wei|Haoran", "Zhou|Xu|Ouyang|Ng|He|Long"),
    "korean": ("Eun-ji|Soo-min|Hye-jin", "Sang-woo|Ji-hoon|Dong", "Kwon|Yoon|Seo|Im|Noh"),
    "filipino": ("Maricel|Luzviminda|Imelda", "Rodrigo|Jun|Danilo", "Macaraeg|Bautista|Dimaculangan"),
    "russian": ("Svetlana|Galina|Ludmila", "Oleg|Gennady|Yuri", "Petrenko|Voronov|Kuznetsov|Shevchuk"),
    "polish": ("Agnieszka|Bożena|Halina", "Zbigniew|Krzysztof|Piotr", "Wiśniewski|Szymczak|Nowak"),
    "arab": ("Zeinab|Rania|Fatima", "Mahmoud|Khaled|Yusuf", "al-Hakim|Haddad|Nasser|El-Masry"),
    "persian": ("Shirin|Nasrin|Parvaneh", "Behrouz|Kaveh|Dariush", "Farahani|Rostami|Moradi"),
    "dutch": ("Geertje|Annelies|Saskia", "Joost|Pieter|Willem", "van der Berg|de Groot|Vanderhoef|ten Brink"),
    "italian": ("Concetta|Giuliana|Rosaria", "Salvatore|Gennaro|Carmine", "DiNapoli|Lo Bianco|Esposito|Mancuso"),
    "navajo": ("Nizhoni|Delphina|Ruthie", "Hosteen|Leland|Kee", "Begaye|Yazzie|Tsosie|Benally"),
    "hawaiian": ("Leilani|Kealani|Malia", "Kimo|Kekoa|Ikaika", "Kahananui|Kealoha|Nakamura"),
}
NICKNAMES = """
Bubba|Mimi|Skeeter|Tootie|Red|Pepe|Nana Jo|Big Al|Doc|Sissy|Chuy|Bo|Dot|Kiki|Tex|Peaches|Tiny|Ace|Pops|Lulu|Junie|Moe
"""
