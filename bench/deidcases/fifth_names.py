"""Names for the fifth set: ordinary ones, names of many origins, names that are words of the clinic or of every day."""

from __future__ import annotations

from typing import Final

FEMALE: Final = """
Margaret Elaine Rosalind Tamara Colleen Bernadette Lorraine Phyllis Geraldine Marcia Yvette Denise Roberta Annette
Suzanne Maureen Eileen Audrey Marjorie Beverly Josephine Antoinette Gwendolyn Lucille Estelle Leona Vivian Darlene
Kaitlyn Brianna Mackenzie Alexis Kendra Tiffany Whitney Tasha Latoya Shanice Keisha Ebony Monique Danielle Francesca
Bethany Natalie Erica Vanessa Holly Allison Chelsea Paige Molly Fiona Imogen Harriet Philippa Gemma Siobhan Bronwyn
Zoe Chloe Isla Poppy Freya Ellie Matilda Charlotte Evie Nora Stella Aubrey Harper Willa Juniper Elizabeth Katherine
"""
MALE: Final = """
Stuart Leonard Clifford Vernon Lester Norman Stanley Herbert Russell Bernard Milton Alvin Marvin Leroy Floyd Clarence
Darnell Terrence Jamal Tyrone Andre Marquis Desmond Reginald Curtis Duane Randall Craig Todd Derek Brett Kurt Neil Ross
Alistair Callum Rhys Gareth Nigel Trevor Angus Hamish Lachlan Declan Liam Oscar Theo Felix Jasper Caleb Isaac Elijah
Micah Levi Wyatt Colton Landon Gavin Spencer Preston Dalton Bradley Nathaniel Theodore Frederick Albert Edmund Rupert
Christopher William Robert Anthony Benjamin
"""
LAST: Final = """
Abernathy Ackerman Atkinson Ballard Barlow Beckett Blackwell Bowman Bradshaw Brennan Briggs Callahan Carmichael
Clayton Coleman Connelly Crawford Cunningham Dalton Davenport Dawson Donahue Donnelly Doyle Driscoll Duncan Eldridge
Ellison Farrell Finch Fitzgerald Fleming Garrison Gibbons Gilmore Goodwin Grady Haines Halloran Hargrove Hastings
Holbrook Hutchins Ingram Jarvis Jennings Keating Kirkland Landry Langley Lowell Maddox Maguire Merrill Middleton
Montgomery Mulligan Nash Norwood Oakley Osborne Pemberton Pickett Prescott Quigley Rafferty Ramsey Redmond Sampson
Schultz Sheridan Sinclair Stafford Sutherland Talbot Thornton Tucker Underwood Vaughn Wainwright Whitaker Wilcox Yates
Smith Johnson Jones Taylor Anderson Thompson Harris Robinson Evans Roberts Chandler Hensley Sawyer
"""
ORIGINS: Final = {
    "akan": ("Akosua Abena Efua", "Kwame Kofi Yaw", "Mensah Owusu Boateng Asante"),
    "amhara": ("Tigist Hiwot Selam", "Dawit Tesfaye Yonas", "Bekele Haile Gebremariam"),
    "arabic": ("Amina Layla Noor", "Khalid Omar Yusuf", "Al-Hashimi|Haddad|Mansour|El Sayed|Abdelrahman"),
    "armenian": ("Anahit Lusine", "Hrant Vartan", "Petrosyan Hakobyan Sarkisian"),
    "chinese": ("Xiulan Meiling Yan", "Wei Jianguo Haoran", "Zhang Xu Ouyang Ng Chiu"),
    "dutch": ("Marijke Anneke", "Joost Pieter", "van der Berg|de Vries|Hoekstra|ter Haar"),
    "filipino": ("Maricel Luzviminda", "Rodel Jun", "Dimaculangan|Pangilinan|Bautista|dela Cruz"),
    "french": ("Solange Mireille", "Étienne Guillaume", "Thibodeaux Lévesque Beaulieu St-Onge"),
    "gaelic": ("Niamh Aoife Caoimhe", "Cillian Eoghan", "O'Shaughnessy|Ó Briain|MacGillivray"),
    "german": ("Ingrid Waltraud", "Jürgen Gerhard", "Schönfeld|Kessler|Zimmermann|von Ahlen"),
    "greek": ("Despina Eleni", "Stavros Kostas", "Papadakis Economou Vlahos"),
    "hausa": ("Hauwa Zainab", "Musa Ibrahim", "Danjuma Abubakar"),
    "hebrew": ("Tziporah Shira", "Avraham Moshe", "Ben-David Goldfarb Rabinowitz"),
    "hindi": ("Priyanka Sunita Lakshmi", "Rajesh Vikram Arjun", "Chakraborty Iyer Subramanian Mehta Kaur"),
    "hmong": ("Mai Pa", "Tou Xeng", "Vang Xiong Yang"),
    "igbo": ("Ngozi Chidinma", "Chukwuemeka Obinna", "Okonkwo Nwosu Eze"),
    "italian": ("Concetta Rosalia", "Salvatore Vito", "DiBenedetto Mastrangelo LoPresti"),
    "japanese": ("Haruka Michiko", "Kenji Takeshi", "Nakamura Fujimoto Oyama"),
    "korean": ("Soo-jin Eun-ji", "Min-ho Sung", "Bae Hwang Seo Noh"),
    "maori": ("Aroha Mereana", "Tama Wiremu", "Parata|Ngata|Te Rangi"),
    "native": ("Winona Dyani", "Tahoma Elan", "Begay|Tsosie|Yellowhorse|Two Bears"),
    "persian": ("Shirin Parisa", "Dariush Farhad", "Tehrani Moradi Khosravi"),
    "polish": ("Małgorzata Jadwiga", "Zbigniew Wojciech", "Szczepański Wróbel Krawczyk"),
    "portuguese": ("Fátima Graça", "João Thiago", "Figueiredo|da Silva|Carvalho"),
    "punjabi": ("Harpreet Simran", "Gurpreet Jaswinder", "Singh Dhillon Sandhu"),
    "russian": ("Svetlana Ludmila", "Dmitri Gennady", "Kuznetsova Morozov Petrenko"),
    "samoan": ("Sina Lupe", "Tavita Fetu", "Tuilagi Faleolo"),
    "somali": ("Hodan Fadumo", "Abdirahman Liban", "Warsame Farah Abdi"),
    "spanish": ("Guadalupe Xiomara Itzel", "Refugio Efraín Joaquín", "Villaseñor|Peña|Ibarra|Zúñiga|de la Torre"),
    "turkish": ("Ayşe Elif", "Mehmet Cem", "Yıldız Demirci"),
    "viet": ("Thuy Ngoc", "Tuan Duc", "Nguyen Dang Huynh"),
    "welsh": ("Angharad Cerys", "Ieuan Dafydd", "Llewellyn|Prydderch|ap Rhys"),
}
"""By origin: female first names, male first names, last names."""
WORD_FEMALE: Final = """
April May June Summer Autumn Dawn Rose Lily Violet Iris Ivy Hazel Olive Pearl Ruby Amber Crystal Angel Destiny Patience
Charity Constance Melody Faith Hope Joy Grace Sage Ginger Heather Penny Sunny Star Sandy Dot Bay
"""
WORD_MALE: Final = """
Clay Rusty Chance Chase Hunter Cliff Dale Glen Heath Miles Art Rich Bill Will Mark Grant Frank Ernest Drew Jack Guy Gene
Dean Duke Earl Major Royal Sterling Rex Buddy Skip Rocky Ray Pat Bob
"""
WORD_LAST: Final = """
Rivers Long Price Young Best May Frost Waters Bloom Day Hill Stone Woods Field Bush Marsh Lake Banks Mills Cook Baker
Cross Church Temple King Bishop Knight Noble Moody Savage Sharp Strong Swift Small Little Short Rich Good Love Hope Joy
Bliss Sweet Rice Bean Berry Pepper Wolf Fox Bird Crow Drake Hart Hands Foote Shields Power Ward Barber Chambers Hall
House Parks Street Winter Summers March Friday Weeks Early Self Person Mann Law Case Close Speed Walker Rush Drain Cash
Gold Silver Steel Flint Brown Black White Green Gray Head Blood Bone Tongue Childs Doctor Nurse Pill Cutter Payne
"""
NICKS: Final = """
Margaret>Peggy Margaret>Maggie Elizabeth>Betsy Elizabeth>Libby Katherine>Kit Josephine>Jo Bernadette>Bernie
Geraldine>Gerry Antoinette>Toni Gwendolyn>Gwen Mackenzie>Kenzie Charlotte>Lottie Matilda>Tilly Philippa>Pip
Theodore>Teddy Frederick>Freddie Albert>Bertie Edmund>Ned William>Billy William>Bill Robert>Bobby Robert>Rob
Anthony>Tony Benjamin>Benjy Nathaniel>Nate Clifford>Cliff Leonard>Len Stanley>Stan Reginald>Reggie Christopher>Kit
"""
ENDEARING: Final = "Bo Dee Junior Chuy Nana Bubba Tater Cookie Red Slim Ace Birdie Kiki Lulu Mimi Ozzie Coco Bunny"
