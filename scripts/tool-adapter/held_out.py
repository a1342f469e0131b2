"""Writes test/fixtures/tool-adapter/held-out.json: requests that the tool adapter of the default model is measured on.

    python scripts/tool-adapter/held_out.py

Written before the adapter was trained, with tools, phrasings, names and values of its own; `training_data.py` checks that
none of the tools, and no sentence, comes up in training. The seed is fixed: the file is always the same.
`held_out_second.py` makes another set of the same form.
"""

import json
import random
import re
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "test" / "fixtures" / "tool-adapter"
SYSTEMS = [None, None, "You are a helpful assistant.", "You are the assistant of a small company. Be brief."]


def tool(name, description, required=None, **properties):
    """Parameters are given as name=schema; all are required unless `required` lists some."""
    required = list(properties) if required is None else required
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"name": name, "description": description, "parameters": parameters}


def text(description):
    return {"type": "string", "description": description}


def number(description, kind="number"):
    return {"type": kind, "description": description}


def one_of(description, *values):
    return {"type": "string", "enum": list(values), "description": description}


def texts(description):
    return {"type": "array", "items": {"type": "string"}, "description": description}


# (tool, templates, values): each template is asked with two of the values; a value that no template names is left out.
TOOLS = [
    (tool("get_exchange_rate", "Current exchange rate between two currencies", base=text("Currency code to convert from, e.g. USD"), quote=text("Currency code to convert to")),
     ["What's the exchange rate from {base} to {quote}?", "How much {quote} do I get for one {base}?", "{base} to {quote}, please.", "I need today's {base}/{quote} rate.", "Look up how {base} trades against {quote}."],
     [dict(base="EUR", quote="JPY"), dict(base="GBP", quote="CHF"), dict(base="CAD", quote="MXN"), dict(base="SEK", quote="NOK")]),
    (tool("book_table", "Reserve a table at a restaurant", restaurant=text("Name of the restaurant"), guests=number("How many people", "integer"), time=text("Time of arrival, HH:MM")),
     ["Book a table for {guests} at {restaurant} at {time}.", "Could you get us a table at {restaurant}? We are {guests} people and arrive at {time}.", "Reserve {restaurant} for {guests} guests, {time}.", "We'd like to eat at {restaurant} at {time}, party of {guests}.", "Table for {guests}, {restaurant}, {time}, thanks."],
     [dict(restaurant="Luigi's", guests=4, time="19:30"), dict(restaurant="Blue Lagoon", guests=2, time="20:00"), dict(restaurant="The Copper Pot", guests=6, time="18:15")]),
    (tool("track_package", "Find out where a parcel is", tracking_number=text("The parcel's tracking number")),
     ["Where is my parcel {tracking_number}?", "Track {tracking_number} for me.", "My package has the number {tracking_number}. Has it shipped?", "Can you tell me the status of shipment {tracking_number}?", "Any news about parcel {tracking_number}?"],
     [dict(tracking_number="ZX9931"), dict(tracking_number="1Z-448-20"), dict(tracking_number="PK70215DE"), dict(tracking_number="RR55012")]),
    (tool("translate_text", "Translate a text into another language", text=text("The text to translate"), target_language=text("Language to translate into")),
     ['Translate "{text}" into {target_language}.', 'How do you say "{text}" in {target_language}?', 'What is "{text}" in {target_language}?', 'I need "{text}" in {target_language}, please.', 'Put this into {target_language}: "{text}"'],
     [dict(text="good evening", target_language="Portuguese"), dict(text="Where is the exit?", target_language="Korean"), dict(text="thank you very much", target_language="Finnish")]),
    (tool("set_thermostat", "Set the target temperature of a room", room=text("Which room"), degrees=number("Target temperature in degrees Celsius")),
     ["Set the {room} to {degrees} degrees.", "Make it {degrees} degrees in the {room}.", "I want {degrees}°C in the {room}.", "Heat the {room} to {degrees} degrees, please.", "Can you turn the thermostat in the {room} to {degrees}?"],
     [dict(room="bathroom", degrees=23.5), dict(room="nursery", degrees=20), dict(room="attic", degrees=17), dict(room="hallway", degrees=18.5)]),
    (tool("play_song", "Play a song on the speakers", ["title"], title=text("Title of the song"), artist=text("Who sings it, if known")),
     ["Play {title} by {artist}.", "I want to hear {title} by {artist}.", "Put on {title} from {artist}, please.", "Could you play the song {title} by {artist}?", "Let's listen to {artist}: {title}."],
     [dict(title="Yesterday", artist="The Beatles"), dict(title="Jolene", artist="Dolly Parton"), dict(title="Dancing Queen", artist="ABBA")]),
    (tool("find_recipe", "Search recipes that use certain ingredients", ["ingredients"], ingredients=texts("Ingredients that the recipe must use"), max_minutes=number("Longest cooking time in minutes", "integer")),
     ["Find a recipe with {ingredients} that takes at most {max_minutes} minutes.", "What can I cook with {ingredients} in {max_minutes} minutes?", "I have {ingredients} and {max_minutes} minutes. Any recipe?", "Search for a {max_minutes} minute recipe using {ingredients}.", "Show me something to cook from {ingredients}, {max_minutes} minutes at most."],
     [dict(ingredients=["leeks", "potatoes"], max_minutes=40), dict(ingredients=["tofu", "spinach", "rice"], max_minutes=25), dict(ingredients=["salmon", "dill"], max_minutes=30)]),
    (tool("convert_units", "Convert a value between units of measurement", value=number("The value to convert"), from_unit=text("Unit of the value"), to_unit=text("Unit wanted")),
     ["Convert {value} {from_unit} to {to_unit}.", "How many {to_unit} are {value} {from_unit}?", "What is {value} {from_unit} in {to_unit}?", "{value} {from_unit} in {to_unit}?", "I have {value} {from_unit}. Tell me that in {to_unit}."],
     [dict(value=12, from_unit="miles", to_unit="kilometers"), dict(value=3.5, from_unit="gallons", to_unit="liters"), dict(value=180, from_unit="pounds", to_unit="kilograms")]),
    (tool("get_stock_price", "Latest price of a share", ticker=text("Ticker symbol of the company")),
     ["What is {ticker} trading at?", "Give me the latest price of {ticker}.", "How much is a share of {ticker}?", "Check the stock {ticker} for me.", "{ticker} stock price?"],
     [dict(ticker="NVDA"), dict(ticker="TSLA"), dict(ticker="IBM"), dict(ticker="KO"), dict(ticker="SAP")]),
    (tool("schedule_meeting", "Put a meeting into the calendar", title=text("What the meeting is about"), day=one_of("Day of the week", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday"), hour=number("Hour at which it starts, 0 to 23", "integer")),
     ['Schedule a meeting called "{title}" on {day} at {hour}:00.', 'Put "{title}" in my calendar for {day}, {hour}:00.', '{day} at {hour}:00 we have a meeting about "{title}". Please add it.', 'Set up "{title}" for {day} at {hour}:00.', 'Arrange a meeting on {day}, {hour}:00, with the title "{title}".'],
     [dict(title="Budget review", day="Thursday", hour=14), dict(title="Kickoff", day="Monday", hour=9), dict(title="Design critique", day="Wednesday", hour=16)]),
    (tool("create_invoice", "Create an invoice for a customer", customer=text("Name of the customer"), amount=number("Amount in euros"), paid=number("Whether it is paid already", "boolean")),
     ["Create an invoice for {customer} over {amount} euros. {paid:It is already paid.|It is not paid yet.}", "Bill {customer} {amount} euros, {paid:already paid|not yet paid}.", "{customer} needs an invoice of {amount} euros ({paid:paid|unpaid}).", "Invoice {customer} for {amount} euros and mark it as {paid:paid|not paid}.", "Make out an invoice to {customer}: {amount} euros, {paid:paid|unpaid}."],
     [dict(customer="Brightwater Ltd", amount=1250.5, paid=True), dict(customer="Novak & Sons", amount=480, paid=False), dict(customer="Hillside Bakery", amount=99.9, paid=False)]),
    (tool("search_flights", "Search flights between two cities", origin=text("City of departure"), destination=text("City of arrival"), date=text("Day of departure, YYYY-MM-DD")),
     ["Find flights from {origin} to {destination} on {date}.", "I want to fly from {origin} to {destination} on {date}.", "Are there any flights to {destination} from {origin} on {date}?", "Search a flight {origin} to {destination}, {date}.", "I'm in {origin} and have to be in {destination}; which planes leave on {date}?"],
     [dict(origin="Porto", destination="Helsinki", date="2026-03-14"), dict(origin="Denver", destination="Calgary", date="2026-07-02"), dict(origin="Nairobi", destination="Mumbai", date="2026-11-20")]),
    (tool("define_word", "Look a word up in the dictionary", word=text("The word")),
     ["What does {word} mean?", 'Define "{word}".', 'Look up the word "{word}".', "Give me the dictionary definition of {word}.", "I came across the word {word}. What is it?"],
     [dict(word="ephemeral"), dict(word="quixotic"), dict(word="sonder"), dict(word="petrichor")]),
    (tool("get_sunrise", "Time at which the sun rises in a place", place=text("Name of the place")),
     ["When does the sun rise in {place}?", "What time is sunrise in {place}?", "Sunrise in {place}, please.", "I want to see the sun come up in {place}. When do I have to be there?", "Tell me when it gets light in {place}."],
     [dict(place="Reykjavik"), dict(place="Cusco"), dict(place="Hobart"), dict(place="Tromsø")]),
    (tool("water_garden", "Water a part of the garden", zone=one_of("Part of the garden", "lawn", "roses", "vegetables", "hedge"), minutes=number("For how long", "integer")),
     ["Water the {zone} for {minutes} minutes.", "The {zone} could do with {minutes} minutes of water.", "Please give the {zone} water for {minutes} minutes.", "Turn on the sprinklers for the {zone}, {minutes} minutes.", "{minutes} minutes of water on the {zone}, please."],
     [dict(zone="lawn", minutes=15), dict(zone="roses", minutes=5), dict(zone="hedge", minutes=20)]),
    (tool("rate_movie", "Save the user's rating of a film", movie=text("Title of the film"), stars=number("1 to 5", "integer")),
     ["Give {movie} {stars} stars.", "I'd rate {movie} {stars} out of 5.", "Save my rating: {movie}, {stars} stars.", "{movie} was worth {stars} stars. Please note that.", "Put down {stars} stars for {movie}."],
     [dict(movie="Alien", stars=5), dict(movie="Cats", stars=1), dict(movie="Casablanca", stars=4)]),
    (tool("lookup_isbn", "Find a book by its ISBN", isbn=text("ISBN of the book")),
     ["Which book has the ISBN {isbn}?", "Look up ISBN {isbn}.", "Find the book with ISBN {isbn}, please.", "{isbn} is an ISBN. Which book is it?", "Who wrote the book with the ISBN {isbn}?"],
     [dict(isbn="9780141439518"), dict(isbn="0-306-40615-2"), dict(isbn="9783161484100")]),
    (tool("roll_dice", "Roll dice and return what they show", count=number("How many dice", "integer"), sides=number("Sides of each die", "integer")),
     ["Roll {count} dice with {sides} sides.", "Please throw {count} {sides}-sided dice.", "I need a roll of {count} dice, {sides} sides each.", "Throw {count} dice that have {sides} sides.", "Can you roll {count} of the {sides}-sided dice?"],
     [dict(count=2, sides=6), dict(count=3, sides=20), dict(count=4, sides=8)]),
    (tool("get_air_quality", "Air quality index of a city", city=text("Name of the city")),
     ["How is the air in {city} today?", "What's the air quality in {city}?", "Is the air in {city} clean right now?", "Air quality index for {city}?", "Check the air pollution in {city}."],
     [dict(city="Krakow"), dict(city="Lahore"), dict(city="Santiago"), dict(city="Sofia")]),
    (tool("send_sms", "Send a text message to a phone number", phone_number=text("Number to send it to"), message=text("What the message says")),
     ['Text {phone_number}: "{message}"', 'Send an SMS to {phone_number} saying "{message}".', 'Write "{message}" to {phone_number} by SMS.', 'Let {phone_number} know: "{message}"', 'Can you message {phone_number} with the text "{message}"?'],
     [dict(phone_number="+49 151 2345", message="I'm late"), dict(phone_number="555-0182", message="Call me back"), dict(phone_number="0044 7700 900", message="The keys are under the mat")]),
    (tool("resize_image", "Scale an image file", file=text("Path of the image"), width=number("New width in pixels", "integer"), height=number("New height in pixels", "integer")),
     ["Resize {file} to {width} by {height}.", "Make {file} {width}x{height} pixels.", "I need {file} at {width} x {height}.", "Scale the picture {file} to {width} by {height} pixels.", "Change the size of {file} to {width} times {height}."],
     [dict(file="cat.png", width=640, height=480), dict(file="banner.jpg", width=1200, height=300), dict(file="img/logo.webp", width=64, height=64)]),
    (tool("find_charging_station", "Find charging stations for electric cars", ["location"], location=text("Where to look"), fast=number("Only fast chargers", "boolean")),
     ["Find a charging station in {location}. {fast:Only fast ones.|It need not be a fast one.}", "Where can I charge my car in {location}? {fast:It has to be a fast charger.|Slow ones are fine, too.}", "I need to charge my electric car near {location}, {fast:fast chargers only|not only fast chargers}.", "{fast:Fast chargers only|Any charger, fast or not}: what is there in {location}?", "Look for car chargers in {location}, {fast:just the fast ones|fast or slow}."],
     [dict(location="Utrecht", fast=True), dict(location="Graz", fast=False), dict(location="Leeds", fast=True)]),
    (tool("update_inventory", "Change the number of items in stock", sku=text("Article number"), quantity=number("New number in stock", "integer"), warehouse=one_of("Which warehouse", "north", "south", "central")),
     ["Set the stock of {sku} in the {warehouse} warehouse to {quantity}.", "We now have {quantity} pieces of {sku} in the {warehouse} warehouse.", "{warehouse} warehouse, article {sku}: {quantity} in stock. Please update.", "Please change the inventory: {quantity} of {sku}, {warehouse}.", "Update article {sku} to {quantity} at the {warehouse} warehouse."],
     [dict(sku="B-204", quantity=75, warehouse="north"), dict(sku="XL9", quantity=12, warehouse="central"), dict(sku="T-7781", quantity=340, warehouse="south")]),
    (tool("register_pet", "Register a pet with the clinic", pet={"type": "object", "description": "The animal", "properties": {"name": text("What it is called"), "species": text("Kind of animal"), "age": number("Age in years", "integer")}, "required": ["name", "species", "age"]}, owner=text("Name of the owner")),
     ["Register my {pet.species} {pet.name}, {pet.age} years old. My name is {owner}.", "{owner} wants to register a {pet.species} called {pet.name}, age {pet.age}.", "Please add {pet.name}, a {pet.species} of {pet.age} years, owner {owner}.", "New patient: {pet.name}, {pet.species}, {pet.age} years, belongs to {owner}.", "I'm {owner} and my {pet.age} year old {pet.species} {pet.name} is not registered yet. Please do it."],
     [dict(pet=dict(name="Biscuit", species="rabbit", age=3), owner="Priya Nair"), dict(pet=dict(name="Otto", species="parrot", age=12), owner="Sam Whitlock"), dict(pet=dict(name="Luna", species="cat", age=5), owner="Ingrid Dahl")]),
]

CHAT = [
    "Hi!", "Good evening, how are things?", "Thanks, that was all.", "Tell me something funny.", "Do you like poems?", "I feel a bit lonely this week.",
    "What should I call you?", "Write two lines about autumn leaves.", "You have been great, bye!", "What makes a good friend?", "I passed my exam!!", "Are you a human?",
    "Say hello to my grandmother.", "I can't sleep, any advice?", "What are your hobbies?", "Let's talk about something nice.", "Cheer me up.", "How do you feel about Mondays?",
    "Give me a name for my kitten.", "My brother is annoying.", "Good night.", "You're wrong about that.", "Explain in a sentence why the sky is blue.", "Who was Marie Curie?",
    "What is the capital of Peru?", "Why do cats purr?", "How many legs has a spider?", "What is photosynthesis?", "Name three rivers in Africa.", "Who painted the Mona Lisa?",
    "What's the difference between a frog and a toad?", "Is a tomato a fruit?", "When did World War I begin?", "What is the boiling point of water?", "How do vaccines work?", "What language do they speak in Brazil?",
    "Give me an idea for a birthday present.", "Write a haiku about rain.", "What is recursion in programming?", "Why is exercise healthy?",
]

# Wishes that need a tool, asked with tools that do something else.
NO_FIT = [
    "Order a pizza with mushrooms to my office.", "Turn on the lights in the kitchen.", "How is the traffic on the A7?", "Delete the file notes.txt.",
    "Who won the match yesterday evening?", "Wake me up at 6:30.", "Call me a taxi to the airport.", "Print the document report.pdf twice.",
    "Add milk to my shopping list.", "Post a picture of my dog on my profile.", "Lock the front door.", "Renew my library card.",
    "Book a hotel room in Vienna for two nights.", "How much battery has my phone left?", "Reply to Anna's email that I agree.", "Restart the web server.",
    "Buy two tickets for the opera on Saturday.", "What is the Wi-Fi password here?", "Make an appointment with the dentist.", "Start the washing machine.",
]

# Tools that could be meant after all.
NEAR = {"Make an appointment with the dentist.": ["schedule_meeting"], "Reply to Anna's email that I agree.": ["send_sms"]}

# (tool, arguments, question, result, what an answer has to contain)
RESULTS = [
    ("get_exchange_rate", dict(base="EUR", quote="JPY"), "What's the exchange rate from EUR to JPY?", {"base": "EUR", "quote": "JPY", "rate": 163.42}, ["163.42"]),
    ("get_exchange_rate", dict(base="GBP", quote="CHF"), "How much CHF do I get for one GBP?", {"rate": 1.128}, ["1.128"]),
    ("book_table", dict(restaurant="Luigi's", guests=4, time="19:30"), "Book a table for 4 at Luigi's at 19:30.", {"confirmed": True, "reservation_code": "LG-551"}, ["LG-551"]),
    ("track_package", dict(tracking_number="ZX9931"), "Where is my parcel ZX9931?", {"status": "in transit", "last_seen": "Hamburg"}, ["Hamburg"]),
    ("track_package", dict(tracking_number="RR55012"), "Track RR55012 for me.", {"status": "delivered", "date": "May 4"}, ["delivered"]),
    ("translate_text", dict(text="good evening", target_language="Portuguese"), 'How do you say "good evening" in Portuguese?', {"translation": "boa noite"}, ["boa noite"]),
    ("translate_text", dict(text="Where is the exit?", target_language="Korean"), 'Translate "Where is the exit?" into Korean.', {"translation": "chulguga eodieyo?"}, ["chulguga eodieyo"]),
    ("set_thermostat", dict(room="nursery", degrees=20), "Set the nursery to 20 degrees.", {"room": "nursery", "target": 20, "status": "heating"}, ["20"]),
    ("find_recipe", dict(ingredients=["leeks", "potatoes"]), "What can I cook with leeks and potatoes?", {"recipes": ["Vichyssoise", "Leek gratin"]}, ["Vichyssoise"]),
    ("convert_units", dict(value=12, from_unit="miles", to_unit="kilometers"), "Convert 12 miles to kilometers.", {"result": 19.31}, ["19.31"]),
    ("convert_units", dict(value=180, from_unit="pounds", to_unit="kilograms"), "How many kilograms are 180 pounds?", "81.65", ["81.65"]),
    ("get_stock_price", dict(ticker="NVDA"), "What is NVDA trading at?", {"ticker": "NVDA", "price": 141.98, "currency": "USD"}, ["141.98"]),
    ("get_stock_price", dict(ticker="KO"), "KO stock price?", {"price": 62.11}, ["62.11"]),
    ("schedule_meeting", dict(title="Kickoff", day="Monday", hour=9), 'Set up "Kickoff" for Monday at 9:00.', {"status": "scheduled", "room": "Orion"}, ["Orion"]),
    ("create_invoice", dict(customer="Novak & Sons", amount=480, paid=False), "Bill Novak & Sons 480 euros, not yet paid.", {"invoice_number": "2026-0117"}, ["2026-0117"]),
    ("search_flights", dict(origin="Porto", destination="Helsinki", date="2026-03-14"), "Find flights from Porto to Helsinki on 2026-03-14.", {"flights": [{"flight": "AY1738", "departs": "10:25"}]}, ["AY1738"]),
    ("search_flights", dict(origin="Denver", destination="Calgary", date="2026-07-02"), "I want to fly from Denver to Calgary on 2026-07-02.", {"flight": "WS1527", "price": 214}, ["WS1527"]),
    ("define_word", dict(word="ephemeral"), "What does ephemeral mean?", {"definition": "lasting a very short time"}, ["short time"]),
    ("get_sunrise", dict(place="Hobart"), "What time is sunrise in Hobart?", {"sunrise": "06:48"}, ["06:48", "6:48"]),
    ("get_sunrise", dict(place="Cusco"), "When does the sun rise in Cusco?", {"place": "Cusco", "sunrise": "05:31"}, ["05:31", "5:31"]),
    ("lookup_isbn", dict(isbn="9780141439518"), "Which book has the ISBN 9780141439518?", {"title": "Pride and Prejudice", "author": "Jane Austen"}, ["Pride and Prejudice"]),
    ("roll_dice", dict(count=2, sides=6), "Roll 2 dice with 6 sides.", {"rolls": [5, 3], "total": 8}, ["8"]),
    ("get_air_quality", dict(city="Krakow"), "How is the air in Krakow today?", {"aqi": 87, "level": "moderate"}, ["87", "moderate"]),
    ("get_air_quality", dict(city="Lahore"), "What's the air quality in Lahore?", {"city": "Lahore", "aqi": 212}, ["212"]),
    ("send_sms", dict(phone_number="555-0182", message="Call me back"), 'Send an SMS to 555-0182 saying "Call me back".', {"status": "sent"}, ["sent"]),
    ("resize_image", dict(file="cat.png", width=640, height=480), "Resize cat.png to 640 by 480.", {"saved_as": "cat-640x480.png"}, ["cat-640x480.png"]),
    ("find_charging_station", dict(location="Utrecht", fast=True), "Find a fast charging station in Utrecht.", {"stations": [{"name": "Voltpunt Centrum", "free": 3}]}, ["Voltpunt Centrum"]),
    ("update_inventory", dict(sku="B-204", quantity=75, warehouse="north"), "Set the stock of B-204 in the north warehouse to 75.", {"sku": "B-204", "quantity": 75, "updated": True}, ["75"]),
    ("register_pet", dict(pet=dict(name="Luna", species="cat", age=5), owner="Ingrid Dahl"), "Please add Luna, a cat of 5 years, owner Ingrid Dahl.", {"patient_id": "P-3390"}, ["P-3390"]),
    ("play_song", dict(title="Jolene", artist="Dolly Parton"), "Play Jolene by Dolly Parton.", {"error": "the speakers are offline"}, ["offline"]),
]


def listed(items):
    shown = [str(item) for item in items]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def fill(template, values, capital=True):
    """`{name}`, `{name.field}`, and `{name:if true|if false}`. `capital` makes the first letter one."""
    out = template
    for name, value in values.items():
        if isinstance(value, dict):
            for key, inner in value.items():
                out = out.replace(f"{{{name}.{key}}}", str(inner))
        elif isinstance(value, bool):
            begin = out.index(f"{{{name}:")
            end = out.index("}", begin)
            yes, no = out[begin + len(name) + 2 : end].split("|")
            out = out[:begin] + (yes if value else no) + out[end + 1 :]
        else:
            shown = listed(value) if isinstance(value, list) else str(value)
            out = out.replace(f"{{{name}}}", shown)
    return out[0].upper() + out[1:] if capital else out


def call(name, arguments):
    return {"name": name, "arguments": arguments}


def make(tools, chat, no_fit, near, results, seed, alone, capital=True):
    """The file's content. `alone`: the tool of a chat and of a wish that no tool serves, where none was drawn.
    `capital`: every sentence begins with a capital letter; else as its template or value does."""
    rng = random.Random(seed)
    by_name = {t["name"]: t for t, _, _ in tools}
    cases = []

    def others(names, most):
        rest = [n for n in by_name if n not in names]
        chosen = list(names) + rng.sample(rest, rng.randint(0, most))
        rng.shuffle(chosen)
        return chosen

    def add(kind, names, messages, **expect):
        system = rng.choice(SYSTEMS)
        given = [{"role": "system", "content": system}] if system else []
        cases.append({"kind": kind, "tools": names, "messages": given + messages, **expect})

    def user(content):
        return {"role": "user", "content": content}

    for t, templates, values in tools:
        for i, template in enumerate(templates):
            for v in (values[i % len(values)], values[(i + 1) % len(values)]):
                add("single", others([t["name"]], 3), [user(fill(template, v, capital))], calls=[call(t["name"], v)])
    for question in chat:
        add("chat", others([], 3) or [alone["chat"]], [user(question)], calls=[])
    for question in no_fit * 2:
        names = [t for t in others([], 3) if t not in near.get(question, ())]
        add("no_fit", names or [alone["no_fit"]], [user(question)], calls=[])
    for joint in ["{a} And {b}", "{a} Also, {b}", "{a} Then {b}"]:
        for _ in range(14):
            same = rng.random() < 0.4
            first = rng.choice(tools)
            second = first if same else rng.choice([t for t in tools if t is not first])
            one, two = rng.choice(first[2]), None
            while two is None or two == one:
                two = rng.choice(second[2])
            a, template = fill(rng.choice(first[1]), one, capital), rng.choice(second[1])
            a = f"{a}." if a[-1].isalnum() else a
            b = fill(template, two, capital)
            # Without `capital`, a value that begins the sentence stays as it is.
            kept = b.split()[0] in ("I", "I'm", "I'd") or b.split()[0].isupper() or (template.startswith("{") and not capital)
            b = b if kept else b[0].lower() + b[1:]
            names = {first[0]["name"]: None, second[0]["name"]: None}
            wanted = [call(first[0]["name"], one), call(second[0]["name"], two)]
            add("two", others(list(names), 2), [user(joint.format(a=a, b=b))], calls=wanted)
    for name, arguments, question, result, contains in results:
        turns = [
            user(question),
            {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": result if isinstance(result, str) else json.dumps(result)},
        ]
        for _ in range(2):
            add("result", others([name], 2), turns, contains=contains)
    for case in cases:
        check(case, by_name, not capital)
    return {"tools": by_name, "cases": cases}


def leaves(value):
    """The strings and numbers of a value; what a boolean is, only a reader can tell."""
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [] if isinstance(value, bool) else [value]


def check(case, by_name, exact):
    """All that a right answer has can be found in the messages, `exact`ly or but for case; the calls are ones of the tools given."""
    last = case["messages"][-1]["content"]
    shown = last if exact else last.lower()
    assert not re.search(r"\{\w+[}:.]", last), last
    for wanted in case.get("calls", []):
        schema = by_name[wanted["name"]]["parameters"]
        assert wanted["name"] in case["tools"] and set(schema["required"]) <= set(wanted["arguments"]) <= set(schema["properties"]), wanted
        for leaf in leaves(wanted["arguments"]):
            literal = re.escape(str(leaf) if exact else str(leaf).lower())
            pattern = literal if isinstance(leaf, str) else rf"(?<!\d){literal}(?!\d)"
            assert re.search(pattern, shown), (leaf, last)
    assert "contains" not in case or any(word.lower() in last.lower() for word in case["contains"]), case


def write(name, data):
    """Into test/fixtures/tool-adapter."""
    FIXTURES.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join("    " + json.dumps(c, ensure_ascii=False) for c in data["cases"])
    tools = ",\n".join(f"    {json.dumps(n)}: {json.dumps(t, ensure_ascii=False)}" for n, t in data["tools"].items())
    (FIXTURES / name).write_text(f'{{\n  "tools": {{\n{tools}\n  }},\n  "cases": [\n{lines}\n  ]\n}}\n')
    kinds = [c["kind"] for c in data["cases"]]
    print({k: kinds.count(k) for k in dict.fromkeys(kinds)}, len(data["tools"]), "tools")


if __name__ == "__main__":
    write("held-out.json", make(TOOLS, CHAT, NO_FIT, NEAR, RESULTS, 20261127, {"chat": "roll_dice", "no_fit": "define_word"}))
