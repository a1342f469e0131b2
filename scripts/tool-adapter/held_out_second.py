"""Writes test/fixtures/tool-adapter/held-out-second.json: a second set of requests to measure the tool adapter on.

    python scripts/tool-adapter/held_out_second.py

The first set's author also wrote the training data. The author of this one had not read them: tools, phrasings and values
are their own, and every value of a call stands in the request as the call has it. The seed is fixed: the file is always the same.
"""

from held_out import make, number, one_of, text, texts, tool, write


def truth(description):
    return number(description, "boolean")


def integer(description):
    return number(description, "integer")


# (tool, templates, values), as in held_out.py.
TOOLS = [
    (tool("scale_deployment", "Set how many replicas of a deployment run in the cluster", ["deployment", "replicas"], deployment=text("Name of the deployment"), replicas=integer("Wanted number of replicas"), namespace=text("Namespace it lives in")),
     ["scale {deployment} to {replicas} replicas in namespace {namespace}", "We're getting hammered by traffic, so please bring the deployment {deployment} (namespace {namespace}) to {replicas} replicas.", "Can you run {replicas} replicas of {deployment} in the {namespace} namespace?", "In namespace {namespace}, {deployment} should have {replicas} replicas from now on.", "kubectl won't let me in today. I need {deployment} at {replicas} replicas, namespace {namespace}."],
     [dict(deployment="checkout-api", replicas=9, namespace="shop-prod"), dict(deployment="thumbnailer", replicas=0, namespace="media"), dict(deployment="grafana", replicas=2, namespace="observability")]),
    (tool("open_issue", "Open an issue in the bug tracker", ["title", "severity"], title=text("Title of the issue"), severity=one_of("How bad it is", "trivial", "minor", "major", "blocker"), labels=texts("Labels to attach")),
     ['Open a {severity} issue titled "{title}" with the labels {labels}.', 'file a bug: "{title}", severity {severity}, labels {labels}', 'Customers keep complaining, so could you create an issue "{title}"? Severity is {severity}, and label it {labels}.', 'There\'s a new {severity} problem, please track it as "{title}" and tag it with {labels}.', 'New ticket please. Title: "{title}". Severity: {severity}. Labels: {labels}.'],
     [dict(title="Login button does nothing on Safari", severity="major", labels=["frontend", "auth"]), dict(title="Typo in footer", severity="trivial", labels=["docs"]), dict(title="Data loss after 2.7.1 upgrade", severity="blocker", labels=["storage", "regression", "urgent-fix"])]),
    (tool("count_rows", "Count the rows of a database table where a column has a certain value", table=text("Name of the table"), column=text("Name of the column"), value=text("Value that the column must have")),
     ['How many rows in {table} have {column} = "{value}"?', 'count {table} where {column} is "{value}"', 'I have a report to write and need to know how many records of the table {table} have "{value}" in the column {column}.', 'Please check the table {table}: for how many rows does {column} equal "{value}"?', 'Give me the number of rows in {table} whose {column} is "{value}", thanks.'],
     [dict(table="customers", column="country", value="Côte d'Ivoire"), dict(table="order_items", column="status", value="refunded"), dict(table="devices", column="firmware", value="v3.0.12"), dict(table="staff", column="surname", value="O'Rourke")]),
    (tool("log_blood_pressure", "Save a blood pressure reading to the health diary", ["systolic", "diastolic"], systolic=integer("Upper value in mmHg"), diastolic=integer("Lower value in mmHg"), arm=one_of("Arm it was measured on", "left", "right")),
     ["My blood pressure was {systolic} over {diastolic} on the {arm} arm, please log it.", "bp {systolic}/{diastolic}, {arm} arm", "The doctor wants me to keep a diary. Blood pressure just now: {systolic}/{diastolic}, measured on the {arm} arm.", "Could you write down a blood pressure of {systolic} over {diastolic}? It was the {arm} arm.", "Measured on my {arm} arm: {systolic} over {diastolic}. Save that reading."],
     [dict(systolic=128, diastolic=84, arm="left"), dict(systolic=142, diastolic=91, arm="right"), dict(systolic=109, diastolic=67, arm="left")]),
    (tool("record_grade", "Enter a student's exam points in the grade book", student=text("Full name of the student"), subject=text("School subject"), points=number("Points reached")),
     ["{student} got {points} points in {subject}. Put it in the grade book.", "Enter {points} points for {student} in {subject}, please.", "I just finished marking: {student}, {subject}, {points} points.", "can you add {points} points in {subject} for {student}?", "In {subject}, {student} reached {points} points, so record that before the conference."],
     [dict(student="Zoë Albrecht", subject="chemistry", points=37.5), dict(student="Finn O'Leary", subject="geography", points=52), dict(student="Anaïs Kouassi", subject="world history", points=18.5)]),
    (tool("set_metronome", "Start the metronome", ["bpm"], bpm=integer("Beats per minute"), beats_per_bar=integer("Beats in a bar"), accent=truth("Whether the first beat of each bar is accented")),
     ["Metronome at {bpm} bpm, {beats_per_bar} beats per bar, {accent:with|without} an accent on the first beat.", "start a click at {bpm} bpm with {beats_per_bar} beats in a bar, accent {accent:on|off}", "I want to practise scales. Give me {bpm} beats per minute, {beats_per_bar} beats per bar, and {accent:do accent the first one|don't accent the first one}.", "Could the metronome tick at {bpm} bpm please? {beats_per_bar} beats a bar, {accent:first beat accented|no accent}.", "{beats_per_bar} beats to the bar, {bpm} bpm, {accent:accented first beat|no accented beat}. Metronome on!"],
     [dict(bpm=72, beats_per_bar=3, accent=True), dict(bpm=144, beats_per_bar=4, accent=False), dict(bpm=96, beats_per_bar=7, accent=True)]),
    (tool("estimate_loan", "Work out the monthly instalment of a loan", amount=number("Amount borrowed in dollars"), annual_rate=number("Interest in percent per year"), years=integer("How many years it runs")),
     ["What would I pay per month on a loan of {amount} dollars at {annual_rate} percent over {years} years?", "monthly instalment for ${amount}, {annual_rate}% a year, {years} years?", "We're thinking of a new roof. Borrowing {amount} dollars for {years} years at {annual_rate} percent interest, how much is that a month?", "Please work out a loan: {amount} dollars, {years} years, {annual_rate} % interest per year.", "The bank offers {annual_rate}% for {years} years if I borrow {amount} dollars. Tell me the monthly rate."],
     [dict(amount=18500, annual_rate=4.25, years=5), dict(amount=240000, annual_rate=3.9, years=30), dict(amount=7999.99, annual_rate=11, years=2)]),
    (tool("get_elevation", "Height above sea level at a position", latitude=number("Latitude in decimal degrees"), longitude=number("Longitude in decimal degrees")),
     ["How high above sea level is latitude {latitude}, longitude {longitude}?", "elevation at lat {latitude} lon {longitude}", "My GPS reads latitude {latitude} and longitude {longitude}. What's the altitude there?", "Please look up the elevation for latitude {latitude} and longitude {longitude}; it's for our hiking map.", "I'd like to know the height of the ground at longitude {longitude}, latitude {latitude}."],
     [dict(latitude=46.5578, longitude=8.0247), dict(latitude=-33.449, longitude=-70.669), dict(latitude=27.9881, longitude=86.925), dict(latitude=64.13, longitude=-21.94)]),
    (tool("play_chess_move", "Play a move in a running game of chess", game_id=text("ID of the game"), move=text("The move in algebraic notation")),
     ["In game {game_id}, play {move}.", "My move in {game_id} is {move}.", "{move} in game {game_id}, please", "It's my turn in game {game_id} and I've made up my mind: {move}.", "Would you make the move {move} for me in the game {game_id}?"],
     [dict(game_id="k7Qp2", move="Nf3"), dict(game_id="blitz-0419", move="exd5"), dict(game_id="G881", move="O-O"), dict(game_id="club-33", move="Qxh7+")]),
    (tool("record_milk_yield", "Note how much milk a cow gave", cow=text("Name or ear tag of the cow"), liters=number("Milk in liters"), milking=one_of("Which milking of the day", "morning", "evening")),
     ["{cow} gave {liters} liters at the {milking} milking.", "{milking} milking, cow {cow}: {liters} liters", "Write down {liters} liters of milk for {cow}, {milking} milking.", "Just came back from the shed. At the {milking} milking {cow} had {liters} liters, please note it.", "Can you record {cow}'s {milking} milk? It was {liters} liters."],
     [dict(cow="Bella", liters=14.2, milking="morning"), dict(cow="DE-0957", liters=11.75, milking="evening"), dict(cow="Rosalinde", liters=9, milking="evening")]),
    (tool("get_molar_mass", "Molar mass of a chemical compound", formula=text("Chemical formula")),
     ["What's the molar mass of {formula}?", "molar mass {formula}", "I need the molar mass of {formula} for my lab report.", "How many grams does one mole of {formula} weigh?", "Please find out the molar mass of the compound {formula}."],
     [dict(formula="C8H10N4O2"), dict(formula="KMnO4"), dict(formula="NaHCO3"), dict(formula="Fe2(SO4)3"), dict(formula="C6H12O6")]),
    (tool("report_pothole", "Report a hole in the road to the city", street=text("Name of the street"), house_number=text("Nearest house number"), on_bike_lane=truth("Whether the hole is on the bike lane")),
     ["There's a pothole on {street} in front of number {house_number}, {on_bike_lane:right on the bike lane|not on the bike lane}.", "report a pothole: {street}, number {house_number}, bike lane: {on_bike_lane:yes|no}", "I nearly broke my axle! Pothole at house number {house_number}, {street}. {on_bike_lane:It is on the bike lane.|It isn't on the bike lane.}", "Could you tell the city that the road has a hole at {street}, house number {house_number}? {on_bike_lane:It's on the bike lane|It's not on the bike lane}.", "Please send the city a pothole report for {street}, number {house_number} ({on_bike_lane:on the bike lane|not on the bike lane})."],
     [dict(street="Rue de l'Église", house_number="14b", on_bike_lane=True), dict(street="Kingsway", house_number="220", on_bike_lane=False), dict(street="Göteborgsgatan", house_number="7", on_bike_lane=True)]),
    (tool("get_departures", "Next departures of buses and trams at a stop", stop=text("Name of the stop")),
     ["What leaves next from the stop {stop}?", "next departures at {stop}?", "I'm standing at the stop {stop}. Which trams and buses are coming?", "Please show me the departures at {stop}.", "When's the next bus from {stop}? I'm in a hurry."],
     [dict(stop="Hlavní nádraží"), dict(stop="Queen's Park"), dict(stop="Mercat Nou"), dict(stop="Museum Island"), dict(stop="Oak Street Depot")]),
    (tool("record_match_score", "Enter the final score of a match in the league table", home_team=text("Team that played at home"), away_team=text("Visiting team"), home_goals=integer("Goals of the home team"), away_goals=integer("Goals of the visiting team")),
     ["Final score: {home_team} (home) {home_goals}, {away_team} (away) {away_goals}.", "The match is over. The home team {home_team} scored {home_goals}, and the visitors {away_team} scored {away_goals}. Please enter it.", "enter result, home {home_team} {home_goals} goals, away {away_team} {away_goals} goals", "Can you put this in the league table? {home_team} at home with {home_goals} goals against {away_team} with {away_goals}.", "{away_team} scored {away_goals} as the away team and {home_team} scored {home_goals} at home, so update the table."],
     [dict(home_team="FC Tårnby", away_team="Red Herons", home_goals=3, away_goals=1), dict(home_team="Ajax Juniors", away_team="St Mary's", home_goals=0, away_goals=2), dict(home_team="Lokomotiv", away_team="Old Mill United", home_goals=5, away_goals=4)]),
    (tool("apply_coupon", "Apply a discount code to a shopping cart", cart_id=text("ID of the cart"), code=text("The discount code")),
     ["Apply the code {code} to cart {cart_id}.", "cart {cart_id}, coupon {code}", "I got a voucher by mail: {code}. Can you use it on my cart {cart_id}?", "The customer with cart {cart_id} wants to redeem the coupon {code}, please.", "My cart is {cart_id} and my discount code is {code}, so take that off the price."],
     [dict(cart_id="c-48213", code="SPRING15"), dict(cart_id="7fa0e9", code="WELCOME-BACK"), dict(cart_id="K2024", code="5OFFNOW")]),
    (tool("issue_visitor_badge", "Print a badge for a visitor of the office", visitor={"type": "object", "description": "Who visits", "properties": {"full_name": text("First and last name"), "company": text("Company they come from")}, "required": ["full_name", "company"]}, host=text("Employee who is visited")),
     ["Print a visitor badge for {visitor.full_name} of {visitor.company}, host is {host}.", "{visitor.full_name} from {visitor.company} is here to see {host}. A badge, please.", "visitor badge: name {visitor.full_name}, company {visitor.company}, host {host}", "Could you get a badge ready? {host} is expecting {visitor.full_name}, who works for {visitor.company}.", "Hello, I'm {visitor.full_name} from {visitor.company} and I'm visiting {host}, so I need a badge."],
     [dict(visitor=dict(full_name="José Antúnez", company="Solaria Wind"), host="Marta Keller"), dict(visitor=dict(full_name="Grace Mbeki", company="Dunn & Hale LLP"), host="Oleg Petrov"), dict(visitor=dict(full_name="Yuki Tanabe", company="3D-Works"), host="Siobhán Byrne")]),
    (tool("set_blinds", "Open or close window blinds to a position", window=text("Which window"), percent_open=integer("0 is closed, 100 is fully open")),
     ["Set the {window} blinds to {percent_open} percent open.", "blinds {window} {percent_open}% open", "The sun is blinding me, please put the {window} blinds at {percent_open} percent open.", "Could you move the {window} blinds to {percent_open} percent open?", "I'd like the {window} blinds {percent_open}% open because the plants need it."],
     [dict(window="kitchen", percent_open=35), dict(window="south bay", percent_open=80), dict(window="skylight", percent_open=5), dict(window="office", percent_open=60)]),
    (tool("start_vacuum", "Send the robot vacuum to clean rooms", ["rooms"], rooms=texts("Rooms to clean"), quiet=truth("Whether it runs in quiet mode")),
     ["Vacuum the {rooms}, quiet mode {quiet:on|off}.", "Guests are coming at six! Send the robot through the {rooms}, {quiet:in quiet mode|not in quiet mode}.", "robot vacuum: {rooms}. quiet mode: {quiet:yes|no}", "Would you let the robot clean the {rooms}? {quiet:Use quiet mode, the baby's asleep.|Don't use quiet mode.}", "There are crumbs everywhere. The robot should do the {rooms} {quiet:with|without} quiet mode."],
     [dict(rooms=["hall", "dining room"], quiet=True), dict(rooms=["study"], quiet=False), dict(rooms=["bedroom", "playroom", "pantry"], quiet=True)]),
    (tool("hash_text", "Compute the hash of a text", text=text("The text to hash"), algorithm=one_of("Hash function", "md5", "sha1", "sha256", "blake2b")),
     ['What is the {algorithm} of "{text}"?', '{algorithm} "{text}"', 'Please hash "{text}" with {algorithm}.', 'I have to compare checksums. Compute {algorithm} for the text "{text}".', 'Could I get the {algorithm} hash of the string "{text}"?'],
     [dict(text="open sesame", algorithm="sha256"), dict(text="user:4471", algorithm="md5"), dict(text="Grüße aus Köln", algorithm="blake2b"), dict(text="deploy-2031", algorithm="sha1")]),
    (tool("dns_lookup", "Look up DNS records of a domain", domain=text("The domain"), record_type=one_of("Type of record", "AAAA", "CNAME", "MX", "NS", "TXT")),
     ["What are the {record_type} records of {domain}?", "dig {domain} {record_type}", "Mail is bouncing again. Check the {record_type} records for {domain}.", "Please look up {record_type} for the domain {domain}.", "Does {domain} have any {record_type} records? I can't tell from here."],
     [dict(domain="example.org", record_type="MX"), dict(domain="cdn.fjordnet.no", record_type="CNAME"), dict(domain="lumen-labs.io", record_type="TXT"), dict(domain="static.acme.dev", record_type="AAAA")]),
    (tool("unlock_door", "Unlock a door of the building", door=text("Which door")),
     ["Unlock the {door}.", "{door}: unlock please", "The courier is waiting outside, open the lock of the {door}.", "Can you unlock the {door} for the cleaning crew?", "I forgot my key card and the {door} is locked. Please unlock it."],
     [dict(door="loading dock"), dict(door="server room"), dict(door="east stairwell"), dict(door="bicycle cellar"), dict(door="roof terrace")]),
    (tool("log_bird_sighting", "Add birds that were seen to the survey", species=text("Species of the birds, singular"), count=integer("How many were seen"), location=text("Where they were seen")),
     ["I saw birds at {location}, species {species}, count {count}. Add it to the survey.", "bird survey: {species} x {count}, {location}", "Please log a sighting, species: {species}, number of birds: {count}, place: {location}.", "We were out with binoculars this morning. Location {location}, {count} birds of the species {species}.", "Could you note {count} birds of the species {species} at {location}?"],
     [dict(species="kingfisher", count=2, location="Lake Balaton"), dict(species="hen harrier", count=3, location="Ynys Môn"), dict(species="bar-tailed godwit", count=340, location="Jadebusen")]),
    (tool("tail_log", "Show the last lines of a log file", path=text("Path of the log file"), lines=integer("How many lines")),
     ["Show me the last {lines} lines of {path}", "tail -n {lines} {path}", "Something crashed last night. What do the last {lines} lines of the log {path} say?", "Could you print the final {lines} lines of the file {path} please?", "I need {lines} lines from the end of {path} to see what went wrong."],
     [dict(path="/var/log/nginx/error.log", lines=50), dict(path="logs/worker-3.txt", lines=15), dict(path="C:/apps/sync/out.log", lines=200)]),
    (tool("check_lottery_ticket", "Check whether the numbers of a lottery ticket won", numbers={"type": "array", "items": {"type": "integer"}, "description": "Numbers on the ticket"}, draw=text("Code of the draw")),
     ["Did the numbers {numbers} win in draw {draw}?", "check lottery: {numbers}, draw {draw}", "My ticket for the draw {draw} has {numbers}. Did I win anything?", "Please check my lottery numbers {numbers} against draw {draw}.", "Fingers crossed! Draw {draw}, numbers {numbers}."],
     [dict(numbers=[4, 11, 19, 27, 33, 40], draw="W48-SAT"), dict(numbers=[7, 8, 21, 36], draw="2291"), dict(numbers=[2, 15, 30, 41, 49], draw="EM-0716")]),
]

CHAT = [
    "hey there", "Morning! Did you sleep well?", "ok cool, thanks a lot", "Tell me a riddle.", "I'm so bored right now", "What's your favourite season?",
    "my boss yelled at me today and I feel awful", "You're the best.", "Can machines be creative?", "Never mind, I figured it out myself.", "Happy new year!", "lol that's hilarious",
    "Do you ever get tired?", "I'm nervous about my driving test", "Give me a compliment.", "Which is better, tea or coffee?", "Write a short rhyme about a lazy dog.", "See you tomorrow then.",
    "Suggest a title for a story about a lighthouse keeper.", "How do I apologize to a friend?", "Why is the sea salty?", "Who wrote Don Quixote?", "What is an eclipse?", "how many continents are there",
    "What causes thunder?", "Can you explain inflation in simple words?", "In which country is Machu Picchu?", "Who was the first person on the moon?", "What do bees make honey from?", "Is glass a liquid?",
    "Tell me one fact about octopuses.", "What does a conductor of an orchestra do?", "Why do leaves turn red?", "What's the largest planet in the solar system?", "Give me three tips for learning Spanish.", "Explain what a black hole is to a child.",
    "What is the opposite of generous?", "How does a sailing boat go against the wind?", "Was Cleopatra Egyptian?", "What is democracy?",
]

NO_FIT = [
    "Find me a plumber for tomorrow morning.", "turn the TV off", "Download the photos from my camera.", "How many steps did I walk today?",
    "pause the podcast please", "Sign me up for the pottery course on Tuesday evening.", "Feed the fish at noon.", "I'd like two bags of cat litter delivered to my flat.",
    "Put my phone in airplane mode.", "Take a screenshot of this page.", "merge the branch feature/login into main", "Renew my car insurance for another year.",
    "Mute everybody in the video call.", "Does the pharmacy on Mill Lane have ibuprofen in stock?", "Start the dishwasher, the eco programme.", "Transcribe the recording interview.mp3.",
    "close the garage door", "Extend my parking ticket by an hour.", "Show me the photos I took in Lisbon last summer.", "Cancel my magazine subscription, I never read it.",
]

# Tools that could be meant after all.
NEAR = {"close the garage door": ["unlock_door", "set_blinds"]}

# (tool, arguments, question, result, what an answer has to contain)
RESULTS = [
    ("scale_deployment", dict(deployment="thumbnailer", replicas=6, namespace="media"), "scale thumbnailer to 6 replicas in namespace media", {"deployment": "thumbnailer", "replicas": {"wanted": 6, "ready": 4}}, ["4", "four", "6", "six"]),
    ("scale_deployment", dict(deployment="grafana", replicas=2, namespace="observability"), "Can you run 2 replicas of grafana in the observability namespace?", {"error": "quota exceeded", "namespace": "observability"}, ["quota"]),
    ("open_issue", dict(title="Typo in footer", severity="trivial", labels=["docs"]), 'Open a trivial issue titled "Typo in footer" with the label docs.', {"key": "WEB-1482", "url": "https://bugs.example.org/WEB-1482"}, ["WEB-1482"]),
    ("count_rows", dict(table="order_items", column="status", value="refunded"), 'How many rows in order_items have status = "refunded"?', {"count": 1739}, ["1739", "1,739"]),
    ("count_rows", dict(table="devices", column="firmware", value="v3.0.12"), 'count devices where firmware is "v3.0.12"', "58", ["58"]),
    ("log_blood_pressure", dict(systolic=142, diastolic=91, arm="right"), "bp 142/91, right arm", {"saved": True, "category": "hypertension stage 2", "entries_this_week": 5}, ["saved", "logged", "recorded", "hypertension"]),
    ("record_grade", dict(student="Finn O'Leary", subject="geography", points=52), "Finn O'Leary got 52 points in geography. Put it in the grade book.", {"student": "Finn O'Leary", "grade": "B+"}, ["B+"]),
    ("set_metronome", dict(bpm=96, beats_per_bar=4, accent=False), "Metronome at 96 bpm, 4 beats per bar, without an accent on the first beat.", {"running": True, "bpm": 96}, ["96"]),
    ("estimate_loan", dict(amount=18500, annual_rate=4.25, years=5), "What would I pay per month on a loan of 18500 dollars at 4.25 percent over 5 years?", {"monthly": 342.79, "total_interest": 2067.4}, ["342.79"]),
    ("estimate_loan", dict(amount=240000, annual_rate=3.9, years=30), "monthly instalment for $240000, 3.9% a year, 30 years?", {"monthly_payment": 1132.0, "currency": "USD"}, ["1132", "1,132"]),
    ("get_elevation", dict(latitude=46.5578, longitude=8.0247), "How high above sea level is latitude 46.5578, longitude 8.0247?", {"elevation_m": 3454}, ["3454", "3,454"]),
    ("get_elevation", dict(latitude=64.13, longitude=-21.94), "elevation at lat 64.13 lon -21.94", {"meters": 37, "source": "SRTM"}, ["37"]),
    ("play_chess_move", dict(game_id="blitz-0419", move="exd5"), "In game blitz-0419, play exd5.", {"accepted": True, "reply": "Qxd5"}, ["Qxd5"]),
    ("play_chess_move", dict(game_id="club-33", move="Qxh7+"), "It's my turn in game club-33 and I've made up my mind: Qxh7+.", {"accepted": True, "result": "checkmate"}, ["checkmate"]),
    ("record_milk_yield", dict(cow="Bella", liters=14.2, milking="morning"), "Bella gave 14.2 liters at the morning milking.", {"ok": True, "weekly_total_liters": 176.3}, ["176.3", "14.2"]),
    ("get_molar_mass", dict(formula="KMnO4"), "What's the molar mass of KMnO4?", {"formula": "KMnO4", "g_per_mol": 158.034}, ["158.034", "158.03"]),
    ("get_molar_mass", dict(formula="NaHCO3"), "I need the molar mass of NaHCO3 for my lab report.", "84.007 g/mol", ["84.007"]),
    ("report_pothole", dict(street="Kingsway", house_number="220", on_bike_lane=False), "There's a pothole on Kingsway in front of number 220, not on the bike lane.", {"case_number": "PH-60311", "expected_repair": "within 10 days"}, ["PH-60311", "10 days"]),
    ("get_departures", dict(stop="Mercat Nou"), "When's the next bus from Mercat Nou? I'm in a hurry.", {"departures": [{"line": "57", "to": "Cornellà", "minutes": 6}]}, ["57", "Cornellà", "6 minutes"]),
    ("get_departures", dict(stop="Queen's Park"), "What leaves next from the stop Queen's Park?", [{"line": "N18", "destination": "Harrow Weald", "time": "23:52"}], ["N18", "Harrow Weald", "23:52"]),
    ("record_match_score", dict(home_team="Ajax Juniors", away_team="St Mary's", home_goals=0, away_goals=2), "Final score: Ajax Juniors (home) 0, St Mary's (away) 2.", {"stored": True, "leader": "Blue Comets"}, ["Blue Comets", "stored", "recorded", "entered", "updated"]),
    ("apply_coupon", dict(cart_id="c-48213", code="SPRING15"), "Apply the code SPRING15 to cart c-48213.", {"discount": 12.6, "new_total": 71.4}, ["71.4", "12.6"]),
    ("apply_coupon", dict(cart_id="K2024", code="5OFFNOW"), "My cart is K2024 and my discount code is 5OFFNOW, so take that off the price.", {"error": "coupon expired"}, ["expired"]),
    ("issue_visitor_badge", dict(visitor=dict(full_name="Grace Mbeki", company="Dunn & Hale LLP"), host="Oleg Petrov"), "Grace Mbeki from Dunn & Hale LLP is here to see Oleg Petrov. A badge, please.", {"badge": "V-0093", "printer": "Lobby 2"}, ["V-0093", "Lobby 2"]),
    ("set_blinds", dict(window="skylight", percent_open=5), "Set the skylight blinds to 5 percent open.", {"window": "skylight", "state": "blocked by wind sensor"}, ["wind", "blocked"]),
    ("start_vacuum", dict(rooms=["study"], quiet=False), "Vacuum the study, quiet mode off.", {"status": "started", "estimated_minutes": 18, "battery": "64%"}, ["18", "started"]),
    ("hash_text", dict(text="user:4471", algorithm="md5"), 'What is the md5 of "user:4471"?', {"digest": "9c1f77ab"}, ["9c1f77ab"]),
    ("dns_lookup", dict(domain="example.org", record_type="MX"), "What are the MX records of example.org?", {"records": ["10 mail.example.org"]}, ["mail.example.org"]),
    ("tail_log", dict(path="logs/worker-3.txt", lines=2), "Show me the last 2 lines of logs/worker-3.txt", "03:13:58 INFO retry 3 of 3\n03:14:07 ERROR out of disk space on /data", ["disk space"]),
    ("check_lottery_ticket", dict(numbers=[7, 8, 21, 36], draw="2291"), "Did the numbers 7, 8, 21 and 36 win in draw 2291?", {"matches": 2, "prize": "12.50 EUR"}, ["12.50", "12.5"]),
]

if __name__ == "__main__":
    write("held-out-second.json", make(TOOLS, CHAT, NO_FIT, NEAR, RESULTS, 20261128, {"chat": "get_molar_mass", "no_fit": "hash_text"}, capital=False))
