"""Templates of queries, notes and dialogues, and the harmless hard cases; the held-out part is for the bench alone.

A slot in braces is an identifier, words in double brackets are clinical and must stay. Rules were made with the
development part in view; the held-out part was written before its first run and no rule was changed for it.
"""

QUERIES = {
    "development": """
What is the right dose of [[metformin]] for {name}, MRN {mrn}, born {date_us}?
Summarize the visit of patient {last_first} (member ID {plan}, group {group}) on {date}.
Can you draft an appeal for {name}? Policy number {plan}, claim denied on {date_iso} for [[Humira]].
pt {name} dob {date_us} ssn {ssn} here for [[copd]] f/u
SSN: {ssn_plain}. Medicare ID {mbi}. [[Parkinson's disease]] since 2014.
Call {first} at {phone} or email {email} about the [[Holter monitor]] results.
Patient's social security number is {ssn_spaced}; verify with insurance card {plan}.
Fax the [[Pap smear]] result to Dr. {last} at {fax}. NPI {npi}, DEA {dea}.
{name} of {address} needs a letter for the [[Foley catheter]] supplies, account #{account}.
The pacemaker serial number {serial} was interrogated on {date_words} at {facility}.
Is [[Lasix]] safe with GFR 38? MRN: {mrn}, seen by {first} {last}, NP.
Portal login from {ip}; see {url} for the [[Apgar]] table.
My mother {first} is {age} years old and takes [[Coumadin]].
Subscriber {name}, health plan number {plan}, wants a second opinion on [[Crohn's]].
Accession {accession}: [[Gleason score]] 7, patient {middle}.
Driver's license {licence}, plate {plate}, VIN {vin} were in the chart of {name}.
""",
    "held_out": """
Which antibiotic fits {name} (medical record number {mrn}) with a [[Foley]] and [[E. coli]]?
Rewrite this referral: {name}, date of birth {date_words}, Medicaid number {plan}, [[Graves' disease]].
Health plan beneficiary number {plan}; patient {first} asks whether [[Eliquis]] is covered.
please check mrn {mrn} for {name}, [[wilson disease]] workup, phone {phone}
Her SSN is {ssn} and his is {ssn_spaced}, both on the consent of {date_us}.
insurance id {plan}, group no. {group}, social {ssn_plain}, name {name}
Letter to {facility}, attention Dr. {name}, fax number {fax}, re {last_first}.
Chart #{mrn}: {middle}, {age}-year-old woman with [[Bell's palsy]], lives in {city}.
Explain the [[Glasgow Coma Scale]] of 9 to the wife of Mr. {last}, who was admitted {date_iso}.
Invoice to account number {account} for {name}, {street}, zip {zip}.
The insulin pump (S/N {serial}) of {first} {last} alarmed on {date}.
Text {phone} or {email} when the [[Mohs surgery]] for {first} is booked.
Prescriber license {licence}, DEA number {dea}, NPI {npi}: refill [[Norco]] for {name}.
Instagram {handle}, website {url}, IP address {ip} all belong to the patient.
Specimen {accession} collected {date_short} shows [[Hodgkin lymphoma]] in {initials}, a 44-year-old man.
MBI {mbi}, subscriber {last_first}, needs prior auth for [[Botox]].
""",
}
DIALOGUES = {
    "development": """
[doctor] hi {first} , how are you today ? [patient] hey , doctor {last} , my [[lasix]] ran out .
[doctor] so {first} is a 54-year-old female with [[crohn's disease]] . [patient] yes since {month_year} .
[doctor] miss {last} , can you give me your date of birth ? [patient] it's {date_spoken} .
[patient] my social is {ssn_spoken} . [doctor] and your phone ? [patient] {phone_spoken} .
[doctor] is your wife {first} with you ? [patient] no , she is at {facility} .
[patient] you can write me at {email_spoken} . [doctor] okay {first} , we [[will]] do that .
[doctor] next patient is {name} , medical record number {mrn} .
[doctor] thanks {first} . you [[may]] feel [[grace]]ful again soon . [patient] thank you dr. {last} .
[patient] i live at {street} in {city} now . [doctor] got it , mister {last} .
[doctor] alright {first} , let's [[march]] on . any [[parkinson's]] in the family ?
""",
    "held_out": """
[doctor] good morning {first} , what brings you in ? [patient] my daughter {first} says i snore .
[doctor] i have {name} here , she's a 61 year old with [[graves disease]] . [patient] hi doctor {last} .
[doctor] can you confirm your birthday ? [patient] sure , {date_spoken} .
[nurse] what's your social ? [patient] {ssn_spoken} . [nurse] and a number to call ? [patient] {phone_spoken} .
[doctor] hey mrs. {last} , nice to see you . is {first} your husband ? [patient] yes , he [[will]] drive me .
[patient] my email is {email_spoken} . [doctor] perfect , we'll send the [[doppler]] there .
[doctor] this is {name} , date of birth {date_us} , here for a [[holter monitor]] .
[doctor] okay {first} , i want you to see dr. {last} for the [[baker's cyst]] . [patient] okay .
[patient] i moved to {city} in {month_year} . [doctor] welcome , {first} .
[doctor] so {first} , the [[mark]] on your arm is fine . [patient] thanks doctor {last} .
""",
}
NOTES = {
    "development": """
Patient: {last_first}\\nMRN: {mrn}\\nDOB: {date_us}\\nHPI: {first} is a pleasant 61-year-old with [[Raynaud's]] who saw Dr. {last} on {date}.
{name} was transferred from {facility} to our unit on {date_words}. [[Jackson-Pratt drain]] in place, [[Murphy sign]] negative.
Mrs. {last} lives at {address}. Her son {first} can be reached at {phone}. [[Lachman test]] positive.
Electronically signed by {name}, MD, on {date_iso}. cc: {facility}, fax {fax}.
""",
    "held_out": """
Name: {name}\\nMedical record #: {mrn}\\nDate of service: {date_us}\\nMs. {last} reports [[Meniere's disease]] and was seen by {first} {last}, RN.
{middle} presented to {facility} on {date}. [[Babinski sign]] absent, [[Spurling test]] negative, [[Kernig]] negative.
Mr. {last}, aged {age}, resides at {address}; his niece {first} holds power of attorney ({phone}).
Dictated by Dr. {name} {date_words}. Copy to {facility}, fax: {fax}. [[Mallory-Weiss tear]] excluded.
""",
}
HARMLESS = {
    "development": """
Parkinson's disease with Lewy bodies was discussed.
A Foley catheter was placed and Lasix 40 mg given.
Wilson disease and Crohn disease are in the differential.
May repeat in 6 weeks; Will hold aspirin.
Apgar scores were 8 and 9.
Glasgow Coma Scale 15, BP 120/80, pulse 72, SpO2 98%.
The patient has a graceful gait and will march in place.
Start Allegra 180 mg and Yasmin daily.
Murphy sign negative, McBurney point tender, Rovsing sign absent.
Mark the site and drape the left knee.
Baker's cyst behind the right knee measuring 3.2 x 1.4 cm.
Bell's palsy, House-Brackmann grade III.
WBC 12,000, platelets 250000, hemoglobin 13.2 g/dL.
Strength 5/5 in all extremities, pain 3/10.
ICD-10 code E11.9 and CPT 99213 were billed.
Grace period for the premium is a year.
She drew a breath and rose from the chair.
The iris and the cornea are normal.
Cushing syndrome, Addison disease and Graves ophthalmopathy were excluded.
Hold heparin 5000 units if platelets are below 100,000.
""",
    "held_out": """
Huntington disease and Tourette syndrome run in families.
Place a Hickman line and flush with heparin 10 units/mL.
Down syndrome screening at 12 weeks was low risk.
He may carry up to 20 pounds and will return in 2 weeks.
Gleason 3+4, Breslow depth 0.7 mm, Clark level IV.
Take Zoloft 50 mg, Norco 5/325 and Synthroid 88 mcg.
Romberg negative, Tinel and Phalen signs positive on the left.
Hodgkin lymphoma in remission since 2016.
The patient can bill Medicare Part B for the Holter monitor.
There is hope that the joy of walking returns.
Colles fracture with 15 degrees of dorsal angulation.
TSH 4.5 mIU/L, A1c 7.2%, GFR 58 mL/min, BNP 1200 pg/mL.
Norton score 14, Braden scale 17, Karnofsky 80.
Penrose drain removed; Kocher incision healing well.
HCPCS J1885 and code M17.11 apply to the right knee.
Dupuytren contracture of the ring finger, Heberden nodes.
Sue the insurer, he said, but frank discussion helped.
Barrett's esophagus without dysplasia, Los Angeles grade B.
Temperature 101.2 F, respirations 18, pain 6/10, murmur 2/6.
Art therapy and ray of light exercises, twice a day for 30 days.
""",
}
