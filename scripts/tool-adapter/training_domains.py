"""Written-out tools of the training data: their names, descriptions, parameters and what users say. See training_data.py."""

import random
import string

from vocabulary_words import WORDS_OF_VOCABULARY

CITIES = "Paris|London|Tokyo|Berlin|Madrid|Rome|New York|San Francisco|Chicago|Toronto|Sydney|Melbourne|Seoul|Shanghai|Shenzhen|Delhi|Cairo|Lima|Boston|Seattle|Austin|Oslo|Vienna|Prague|Warsaw|Dublin|Lisbon|Athens|Istanbul|Moscow|Singapore|Bangkok|Jakarta|Manila|Hanoi|Buenos Aires|Mexico City|Bogotá|Zürich|Geneva|Munich|Hamburg|Lyon|Naples|Bergen|Kyoto|Osaka|Cape Town|Lagos|Accra|Casablanca|Dubai|Tehran|Karachi|Dhaka|Kathmandu|Auckland|Honolulu|Las Vegas|New Orleans|Beijing|Amsterdam|Brussels|Milan|Barcelona|Valencia|Stockholm|Copenhagen|Budapest|Bucharest|Belgrade|Zagreb|Kiev|Minsk|Riga|Vilnius|Tallinn|Ankara|Baghdad|Riyadh|Doha|Kabul|Islamabad|Kolkata|Chennai|Bangalore|Colombo|Yangon|Taipei|Guangzhou|Wuhan|Chengdu|Nanjing|Busan|Sapporo|Nagoya|Perth|Brisbane|Adelaide|Wellington|Caracas|Quito|Montevideo|Havana|Panama|Houston|Dallas|Miami|Atlanta|Detroit|Phoenix|Portland|Philadelphia|Montreal|Vancouver|Ottawa|Tunis|Algiers|Tripoli|Addis Ababa|Kampala|Kigali|Luanda|Harare|Johannesburg|Durban|Dakar|Manchester|Glasgow|Edinburgh|Belfast|Cork|Marseille|Bordeaux|Nice|Frankfurt|Cologne|Stuttgart|Turin|Venice|Florence|Seville|Malaga".split("|")
PEOPLE = "Alice|Bob|Carlos|Diana|Emma|Farid|Grace|Hiro|Ivan|Julia|Kenji|Laura|Mohamed|Nina|Oscar|Paula|Quentin|Rosa|Stefan|Tara|Umar|Vera|Wei|Yusuf|Zoe|John Smith|Maria Lopez|Dr. Chen|Anna Kowalski|Peter Jones|Fatima Ali|Tom Baker|Li Na|Omar Haddad|Eva Braunstein".split("|")
WORDS = "river|amber|falcon|garden|winter|silver|harbor|meadow|rocket|violet|copper|island|thunder|maple|castle|orchid|marble|lantern|pepper|velvet|canyon|ember|willow|cobalt|saffron|granite|juniper|beacon|summit|coral".split("|")
LINES = "see you at noon|the report is ready|please bring the charts|we are out of paper|dinner is at eight|I will be there soon|the door code has changed|happy anniversary|don't forget the milk|great work everyone|the train was cancelled|can we talk later|new prices from Monday|the printer is broken|welcome to the team|all tests passed|check the oven|we won the game|the answer is no|take your umbrella".split("|")
LANGS = "English|French|German|Spanish|Italian|Japanese|Chinese|Arabic|Russian|Hindi|Turkish|Polish|Dutch|Swedish|Greek".split("|")
THINGS = "milk|eggs|bread|apples|coffee|rice|batteries|soap|pens|paper|candles|cheese|tomatoes|onions|butter|sugar|tea|nails|paint|gloves".split("|")


def invented(rng):
    """A word that nobody knows: it can only be copied."""
    syllables = [rng.choice("bcdfghjklmnprstvwz") + rng.choice(["a", "e", "i", "o", "u", "ai", "or", "en", "ul", "ar"]) for _ in range(rng.randint(2, 3))]
    return "".join(syllables).capitalize()


def ident(rng):
    letters = "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.randint(1, 3)))
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(2, 7)))
    return rng.choice([f"{letters}-{digits}", f"{letters}{digits}", digits, f"{digits}-{letters}", f"{letters.lower()}_{digits}"])


def pick(values):
    values = values.split("|") if isinstance(values, str) else values
    return lambda rng: rng.choice(values)


def known(rng, *kinds):
    """A word of the vocabulary. Behind a space it is one token, behind a quotation mark often several: copying it has to be learned for
    all of them, and not for those of a list."""
    return rng.choice(WORDS_OF_VOCABULARY[rng.choice(kinds or ("Name", "Name", "word"))])


def mixed(values, share=0.6):
    """A value from the list, or a name that is none of its kind: from the vocabulary, or invented."""

    def draw(rng):
        if rng.random() >= share:
            return pick(values)(rng)
        kind = rng.random()
        return known(rng, "Name") if kind < 0.6 else invented(rng) if kind < 0.8 else f"{known(rng, 'Name')} {known(rng, 'Name')}"

    return draw


def code(rng):
    """Short capitals, as of currencies and shares, alone or in pairs."""
    one = lambda: known(rng, "CODE") if rng.random() < 0.5 else "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.randint(2, 4)))
    return rng.choice([one(), one(), f"{one()}{rng.randint(1, 99)}"])


def whole(low, high):
    return lambda rng: rng.randint(low, high)


def decimal(low, high):
    def draw(rng):
        value = round(rng.uniform(low, high), rng.choice([0, 1, 1, 2]))
        return int(value) if value == int(value) else value

    return draw


def several(values):
    values = values.split("|") if isinstance(values, str) else values

    def draw(rng):
        kind = "Name" if values[0][0].isupper() else "word"
        given = [known(rng, kind) if rng.random() < 0.5 else v for v in rng.sample(values, rng.randint(1, 4))]
        return list(dict.fromkeys(given))

    return draw


def day(rng):
    iso = f"{rng.randint(2024, 2027)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    return rng.choice([iso, iso, rng.choice("tomorrow|today|next Friday|May 5|12 June|next week|October 31|Sunday|this weekend".split("|"))])


def clock(rng):
    return rng.choice([f"{rng.randint(0, 23):02}:{rng.choice(['00', '15', '30', '45', '05', '20'])}", f"{rng.randint(1, 12)} {rng.choice(['am', 'pm'])}"])


def expression(rng):
    n = lambda: str(rng.choice([rng.randint(2, 20), rng.randint(2, 999), round(rng.uniform(1, 50), 1)]))
    op = lambda: rng.choice([" + ", " - ", " * ", " / ", "+", "*", "-", "/"])
    out = n() + op() + n()
    if rng.random() < 0.4:
        out = f"({out}){op()}{n()}"
    elif rng.random() < 0.4:
        out += op() + n()
    return rng.choice([out, out, out, f"sqrt({n()})", f"{rng.randint(2, 12)}^{rng.randint(2, 5)}", f"{rng.randint(2, 90)}% of {rng.randint(10, 900)}"])


city, person = mixed(CITIES), mixed(PEOPLE, 0.4)
line = lambda rng: pick(LINES)(rng) if rng.random() < 0.6 else " ".join(known(rng, "word") for _ in range(rng.randint(1, 5)))
name = lambda rng: rng.choice([invented(rng), f"{rng.choice(WORDS)} {rng.choice(WORDS)}".title(), known(rng), f"{known(rng, 'Name')} {known(rng)}", f"The {known(rng, 'Name')}"])
email = lambda rng: f"{rng.choice(PEOPLE).split()[-1].lower()}@{rng.choice(WORDS)}.{rng.choice(['com', 'org', 'net'])}"
path = lambda rng: f"{rng.choice(['', 'docs/', 'src/', '/tmp/', 'data/'])}{rng.choice(WORDS)}{rng.choice(['', '_2', '-old'])}.{rng.choice(['txt', 'pdf', 'csv', 'py', 'md', 'zip'])}"


class Param:
    """One parameter: `names` and `about` are its aliases; `said`, how an optional one is added to a sentence."""

    def __init__(self, key, names, about, draw, type="string", values=None, said=None):
        self.key, self.names, self.about, self.draw, self.type = key, names.split("|"), about.split("|"), draw, type
        self.values, self.said = values, said.split("|") if isinstance(said, str) else said


def text(key, names, about, draw, said=None):
    return Param(key, names, about, draw, said=said)


def integer(key, names, about, draw, said=None):
    return Param(key, names, about, draw, "integer", said=said)


def number(key, names, about, draw, said=None):
    return Param(key, names, about, draw, "number", said=said)


def enum(key, names, about, values, said=None):
    return Param(key, names, about, pick(values), values=values.split("|"), said=said)


def flag(key, names, about, said):
    """`said`: pairs of what means true and what means false."""
    return Param(key, names, about, lambda rng: rng.random() < 0.5, "boolean", said=said)


def array(key, names, about, draw, said=None):
    return Param(key, names, about, draw, "array", said=said)


class Domain:
    def __init__(self, names, about, params, asks, result, answers):
        self.names, self.about, self.params, self.asks = names.split("|"), about.split("|"), params, asks if isinstance(asks, list) else asks.split("|")
        self.result, self.answers = result, answers.split("|")


DOMAINS = [
    Domain("get_quote|share_quote|quote_of|market_quote|lookup_symbol", "Quote of a security|Latest quote for a symbol|What a security costs", [text("symbol", "symbol|code|security|instrument", "Symbol of the security|Short code", code)],
        "Quote for {symbol}|{symbol}?|How does {symbol} stand?|What does {symbol} cost today?|Where is {symbol} right now?|I own some {symbol}. How is it doing?|Show {symbol}", {"quote": decimal(1, 900)}, "{symbol} stands at {quote}.|It is at {quote}."),
    Domain("convert_currency|currency_conversion|exchange_money|fx", "Convert an amount of money from one currency to another|Currency conversion", [number("amount", "amount|sum|value|money", "Amount of money", decimal(1, 5000)), text("source", "source|from_currency|have|from_code", "Currency of the amount|Code of the currency given", code), text("target", "target|to_currency|want|to_code", "Currency wanted|Code of the currency wanted", code)],
        "{amount} {source} in {target}?|Change {amount} {source} into {target}.|What are {amount} {source} in {target}?|I have {amount} {source} and want {target}.|How many {target} is {amount} {source}?", {"result": decimal(1, 9000)}, "You get {result} {target}.|{amount} {source} are {result} {target}."),
    Domain("compare_pair|pair_info|pair_price|spread_of", "Compare two codes|Figures of a pair", [text("left", "left|first|a|base_code", "First code of the pair", code), text("right", "right|second|b|other_code", "Second code of the pair", code)],
        "{left}/{right}?|How does {left} do against {right}?|Compare {left} with {right}.|{left} to {right}|I need the pair {left}/{right}.|From {left} to {right}: how is it?", {"ratio": decimal(0, 40)}, "The ratio of {left} and {right} is {ratio}.|It is {ratio}."),
    Domain("explain_term|lookup_term|glossary|find_entry|dictionary", "Look up a term in the glossary|Explains a term", [text("term", "term|entry|expression|lemma", "The term|What to look up", lambda r: known(r, "word", "word", "Name"))],
        "What's {term}?|Explain {term}.|What is meant by {term}?|Is there an entry for {term}?|Glossary: {term}|I don't know the term {term}. Look it up.|The text says \"{term}\". Find that entry.", {"entry": line}, "{term}: {entry}.|The entry says: {entry}."),
    Domain("get_current_weather|get_weather|weather_now|current_conditions|weather_report|check_weather", "Get the weather in a city|Current weather of a place|Returns weather information for a location",
        [text("city", "city|location|place|town", "Name of the city|City name, e.g.: Paris, Tokyo|Where", city), enum("unit", "unit|units|scale", "Temperature unit|Unit of the temperature", "celsius|fahrenheit", " in {v}|, in degrees {v}| (use {v})")],
        "What's the weather like in {city}|How's the weather in {city} today?|Is it cold in {city}|weather {city}|Do I need an umbrella in {city}|Will I need a coat in {city} today?|Tell me the current temperature in {city}.|I'm travelling to {city}. What is the weather there|Is it raining in {city}|What's it like outside in {city} right now",
        {"temperature": whole(-15, 38), "condition": pick("sunny|cloudy|light rain|snow|windy|foggy")}, "It is {temperature} degrees in {city}, with this condition: {condition}.|The weather in {city}: {condition}, {temperature} degrees."),
    Domain("get_forecast|weather_forecast|predict_weather|forecast", "Weather forecast for the next days|How the weather will be",
        [text("place", "place|city|region|location", "Place of the forecast|City or region", city), integer("days", "days|num_days|horizon", "Number of days|How many days ahead", whole(2, 10))],
        "What will the weather be in {place} for the next {days} days?|Forecast for {place}, {days} days.|Give me a {days} day forecast for {place}.|How will the weather be in {place} over the next {days} days?",
        {"outlook": pick("mostly sunny|rain on most days|changeable|storms"), "high": whole(5, 35)}, "For {place} the outlook is {outlook}, with a high of {high}.|{place}: {outlook}, up to {high} degrees."),
    Domain("calculate|calculator|compute|evaluate_expression|do_math|solve", "Perform mathematical calculations|Evaluate a mathematical expression|A calculator",
        [text("expression", "expression|formula|expr|input", "Mathematical expression|What to compute", expression)],
        "What is {expression}?|Calculate {expression}.|How much is {expression}?|Compute {expression} for me.|{expression} = ?|I need the result of {expression}.|Please work out {expression}.|Can you tell me what {expression} is?|Solve {expression}",
        {"result": decimal(-50, 5000)}, "{expression} is {result}.|The result is {result}."),
    Domain("get_time|current_time|time_in|local_time|world_clock", "Current time in a city or time zone|What time it is somewhere",
        [text("place", "place|city|timezone|zone", "City or time zone|Where", city)],
        "What time is it in {place}?|Tell me the time in {place}.|How late is it in {place} now?|Current time in {place}?|I want to call someone in {place}, what's the time there?",
        {"time": clock}, "It is {time} in {place}.|The time in {place} is {time}."),
    Domain("send_email|email|compose_mail|mail_to|send_mail", "Send an email|Writes and sends a mail",
        [text("to", "to|recipient|address", "Email address of the recipient|Who gets it", email), text("subject", "subject|title|topic", "Subject line", name), text("body", "body|content|text", "Text of the mail", line)],
        'Send an email to {to} with the subject "{subject}" and the text "{body}".|Email {to}, subject {subject}: {body}|Write to {to}. Subject: {subject}. Body: {body}|Mail "{body}" to {to} under the subject "{subject}".',
        {"status": pick("sent|queued|delivered"), "message_id": ident}, "The email to {to} has the status {status} (id {message_id}).|Your mail to {to}: {status}, with the id {message_id}."),
    Domain("set_alarm|create_alarm|alarm|wake_me", "Set an alarm|Sets an alarm clock", [text("time", "time|at|alarm_time", "When it rings", clock), text("label", "label|note|name", "A label for the alarm", name, said=', label "{v}"| with the name {v}')],
        "Set an alarm for {time}|I must get up at {time}|Alarm at {time}|Please wake me at {time}|Let the alarm ring at {time}", {"alarm": clock, "id": ident}, "The alarm {id} is set to {alarm}.|Done: alarm {id} rings at {alarm}."),
    Domain("set_timer|start_timer|countdown|timer", "Start a countdown|Starts a timer", [integer("minutes", "minutes|duration|length", "Minutes until it rings|Duration in minutes", whole(1, 90))],
        "Set a timer for {minutes} minutes.|Start a {minutes} minute timer.|Count down {minutes} minutes.|Remind me in {minutes} minutes.|Timer, {minutes} minutes", {"ends_at": clock}, "Your timer of {minutes} minutes ends at {ends_at}.|It is running and ends at {ends_at}."),
    Domain("add_reminder|create_reminder|remind|new_reminder", "Create a reminder|Reminds the user of something", [text("what", "what|task|text|subject", "What to be reminded of", line), text("when", "when|date|due", "When", day)],
        'Remind me "{what}" {when}.|Create a reminder for {when}: {what}|Reminder "{what}", due {when}|On {when} remind me: "{what}"|Don\'t let me forget "{what}" ({when}).', {"reminder_id": ident, "status": pick("saved|created|active")}, "The reminder is {status}; its number is {reminder_id}.|Reminder {reminder_id} is {status}."),
    Domain("web_search|search|search_the_web|find_online|internet_search", "Search the web|Looks something up on the internet", [text("query", "query|q|keywords|terms", "What to search for|Search terms", lambda r: rng_topic(r)), integer("limit", "limit|max_results|count", "Most results to return", whole(1, 20), said=", at most {v} results| and show {v} results| (top {v})")],
        'Search the web for {query}|Find pages about {query}|Look online for {query}|Google {query}|search "{query}"|I want to read about {query} on the internet', {"title": name, "url": lambda r: f"https://{r.choice(WORDS)}.org/{r.choice(WORDS)}"}, "The best page is {title}: {url}|I found {title} at {url}."),
    Domain("get_news|latest_news|news_headlines|fetch_news", "Latest headlines|News about a topic", [text("topic", "topic|subject|about|category", "Subject of the news", lambda r: rng_topic(r))],
        "What's new about {topic}?|Show me the latest news on {topic}.|Any headlines about {topic}?|News: {topic}|What happened lately with {topic}?", {"headline": line, "source": name}, "{source} writes: {headline}.|The latest headline is \"{headline}\", from {source}."),
    Domain("turn_light|switch_light|set_light|light_control", "Turn a light on or off|Switches lights", [text("room", "room|area|where", "Which room", mixed("kitchen|bedroom|living room|garage|cellar|office|balcony")), enum("state", "state|power|mode", "Wanted state", "on|off")],
        "Turn the light in the {room} {state}.|Switch {state} the {room} light.|{room} light {state}|Lights {state} in the {room}, please.|I want the {room} lights {state}.", {"room": None, "light": None, "brightness": whole(0, 100)}, "The light in the {room} is {state}, with brightness {brightness}.|Done, {room}: {state}. The brightness is {brightness}."),
    Domain("set_volume|change_volume|volume|adjust_volume", "Set the volume of a speaker|Changes how loud a device is", [integer("level", "level|volume|percent", "Volume from 0 to 100", whole(0, 100)), text("device", "device|speaker|output", "Which device", mixed("TV|radio|headphones|kitchen speaker"), said=" on the {v}| for the {v}|, device {v}")],
        "Set the volume to {level}|Make it as loud as {level} percent|Volume {level}|Change the loudness to {level}|Turn it to volume {level}", {"volume": None, "muted": pick("no|yes")}, "The volume is {level} now.|Done, it is at {level}."),
    Domain("shopping_add|add_to_list|add_items|shopping_list_add|put_on_list", "Add items to the shopping list|Puts things on a list", [array("items", "items|things|products|entries", "Items to add|What to buy", several(THINGS))],
        "Add {items} to my shopping list.|Put {items} on the list.|We need {items}.|I have to buy {items}.|Please note {items} for shopping.|Shopping list: {items}", {"count": whole(1, 30)}, "The list has {count} entries now.|Added. There are now {count} things on your list."),
    Domain("get_distance|distance_between|route_length|how_far|measure_distance", "Distance between two places|How far it is from one place to another", [text("start", "start|from_city|from_place|a", "Where it begins|First place", city), text("end", "end|to_city|to_place|b", "Where it ends|Second place", city)],
        "How far is it from {start} to {end}?|What's the distance between {start} and {end}?|Distance {start} - {end}|How many kilometers is {end} from... I mean from {start} to {end}?|I drive from {start} to {end}. How far is that?", {"km": whole(20, 9000)}, "From {start} to {end} it is {km} km.|It is {km} km from {start} to {end}."),
    Domain("find_trains|search_trains|train_connections|rail_search|bus_search", "Train connections|Finds trains between stations", [text("origin", "origin|from_station|departure|start", "Station of departure", city), text("target", "target|to_station|arrival|goal", "Station of arrival", city), text("when", "when|date|day", "Day of travel", day, said=" {v}| on {v}|, leaving {v}")],
        "Which trains go from {origin} to {target}|Train from {origin} to {target}|I need to get to {target} by rail, starting in {origin}|Look for trains, {origin} to {target}|How do I get from {origin} to {target} by train", {"train": ident, "departs": clock}, "Train {train} leaves at {departs}.|You can take {train}, which departs at {departs}."),
    Domain("book_hotel|reserve_room|hotel_booking|find_hotel|get_hotel_room", "Book a hotel room|Reserves a room in a hotel", [text("city", "city|town|where", "City of the hotel", city), integer("nights", "nights|length_of_stay|num_nights", "Number of nights", whole(1, 14)), flag("breakfast", "breakfast|with_breakfast|includes_breakfast", "Whether breakfast is included", [(" with breakfast", " without breakfast"), (", breakfast included", ", no breakfast")])],
        "Book a hotel in {city} for {nights} nights|I need a room in {city}, {nights} nights|Reserve {nights} nights in {city}|We stay {nights} nights in {city}, find us a room", {"hotel": name, "price": whole(50, 900)}, "Your room is at the {hotel}, for {price}.|The {hotel} costs {price} for {nights} nights."),
    Domain("order_food|place_order|order_meal|deliver_food", "Order food from a restaurant|Orders a meal", [text("dish", "dish|meal|item|food", "What to order", mixed("pizza|ramen|tacos|pad thai|burger|lasagna|sushi|falafel")), integer("amount", "amount|quantity|portions|how_many", "How many portions", whole(1, 9))],
        "Order {amount} {dish}.|I'd like {amount} portions of {dish}.|Get us {dish}, {amount} times.|{amount} x {dish} please|We are hungry: {amount} portions of {dish}!", {"order": ident, "minutes": whole(10, 80)}, "Order {order} arrives in {minutes} minutes.|Your {dish} comes in {minutes} minutes (order {order})."),
    Domain("get_user|find_user|lookup_person|get_contact|user_info", "Look up a user by name|Information about a person in the company", [text("name", "name|user|who|username", "Name of the person", person)],
        "Who is {name} in our company?|Look up {name}.|Find the contact of {name}.|I need the details of {name}.|Show me the record of {name}.|What's the number of {name}?", {"email": email, "extension": whole(100, 9999)}, "{name} has the address {email} and extension {extension}.|You reach {name} under {extension} or {email}."),
    Domain("read_file|open_file|cat_file|load_document|get_file", "Read a file|Returns the contents of a file", [text("path", "path|filename|file_path|name", "Path of the file", path)],
        "Show me {path}.|Read {path}.|What's in {path}?|Open the file {path} please|Print the contents of {path}.", {"content": line}, "The file says: {content}|{path} contains \"{content}\"."),
    Domain("write_file|save_file|create_file|store_text", "Write text to a file|Creates a file", [text("path", "path|filename|target|name", "Path of the file", path), text("content", "content|text|data|body", "What the file will contain", line)],
        'Write "{content}" to {path}.|Create {path} with the content "{content}".|Save "{content}" as {path}.|Put the text "{content}" into the file {path}.', {"bytes": whole(3, 400)}, "{path} has {bytes} bytes now.|Written: {bytes} bytes in {path}."),
    Domain("run_query|query_database|sql|execute_sql|db_query", "Run an SQL query|Asks the database", [text("sql", "sql|query|statement", "SQL statement", lambda r: f"SELECT {r.choice(['*', 'name', 'count(*)', 'id, price'])} FROM {r.choice(WORDS)}s" + r.choice(["", f" WHERE id = {r.randint(1, 500)}", f" LIMIT {r.randint(1, 50)}"]))],
        "Run {sql}|Execute the query {sql}|Ask the database: {sql}|What does {sql} return?", {"rows": whole(0, 500)}, "The query gives {rows} rows.|There are {rows} rows."),
    Domain("translate|translator|to_language|translate_phrase", "Translates from one language to another|Language translation", [text("source", "source|sentence|phrase|original", "What to translate", line), text("lang", "lang|language|to|into", "Language of the result", pick(LANGS))],
        "How would one say '{source}' in {lang}?|{lang} version of '{source}', please|I have to write '{source}' in {lang}. Help me.|Render the sentence '{source}' in {lang}", {"output": lambda r: " ".join(invented(r).lower() for _ in range(3))}, "In {lang} it is: {output}|You say \"{output}\"."),
    Domain("log_workout|add_workout|record_training|save_exercise", "Save a workout|Records sport", [enum("sport", "sport|activity|kind|exercise", "Kind of sport", "running|swimming|cycling|yoga|rowing"), integer("minutes", "minutes|duration|length", "Minutes of training", whole(5, 180)), number("km", "km|distance|kilometers", "Distance in kilometers", decimal(1, 60), said=", {v} km| over {v} kilometers")],
        "Log {minutes} minutes of {sport}|I did {minutes} minutes of {sport} today|{sport}, {minutes} minutes|Save my training: {sport} for {minutes} minutes", {"calories": whole(50, 1500)}, "Saved. You burned {calories} calories.|That were {calories} calories."),
    Domain("get_balance|account_balance|check_account|bank_balance", "Balance of a bank account|How much money is on an account", [text("account", "account|account_id|iban|number", "Number of the account", ident)],
        "What's the balance of account {account}?|How much money is on {account}?|Check account {account}.|Balance {account}?|Is there any money left on {account}?", {"balance": decimal(-500, 20000), "currency": pick("dollars|euros|pounds")}, "Account {account} has {balance} {currency}.|The balance is {balance} {currency}."),
    Domain("transfer_money|send_money|pay|make_payment", "Transfer money to somebody|Pays an amount", [text("recipient", "recipient|to|payee|receiver", "Who gets the money", person), number("amount", "amount|sum|value", "Amount in dollars", decimal(1, 2000)), text("purpose", "purpose|memo|note", "Purpose of the payment", name, said=' for "{v}"|, purpose {v}')],
        "Send {amount} dollars to {recipient}|Transfer {amount} to {recipient}|Pay {recipient} {amount} dollars|{recipient} gets {amount} dollars from me|I owe {recipient} {amount} dollars, please pay", {"transaction": ident}, "Paid: the transaction is {transaction}.|{recipient} got {amount} dollars, transaction {transaction}."),
    Domain("plan_trip|create_itinerary|trip_planner|make_travel_plan", "Plan a journey with several stops|Makes a travel plan", [array("stops", "stops|cities|places|waypoints", "Places to visit in order", several(CITIES)), enum("by", "by|vehicle|transport|mode", "Means of transport", "car|train|bike|bus")],
        "Plan a trip by {by} through {stops}.|I want to travel to {stops} by {by}.|Make a {by} tour: {stops}.|We go by {by} and visit {stops}. Plan it.", {"hours": whole(3, 90)}, "The trip takes {hours} hours.|Your tour by {by} needs {hours} hours."),
    Domain("generate_password|random_password|make_password|new_secret", "Make a random password|Generates a secure password", [integer("length", "length|size|chars", "Number of characters", whole(6, 64)), flag("symbols", "symbols|special|use_symbols", "Whether it has special characters", [(" with special characters", " without special characters"), (", symbols allowed", ", no symbols")])],
        "Generate a password with {length} characters|Make me a {length} character password|I need a random password of length {length}|New password, {length} letters long", {"password": ident}, "Your password is {password}|Here it is: {password}"),
    Domain("random_number|rand|pick_number|draw_number", "A random number|Draws a number from a range", [integer("low", "low|min|from|minimum", "Smallest number", whole(0, 50)), integer("high", "high|max|to|maximum", "Largest number", whole(51, 1000))],
        "Give me a random number between {low} and {high}.|Pick a number from {low} to {high}.|Random number, {low} to {high}|Draw any number between {low} and {high}.", {"number": whole(1, 1000)}, "The number is {number}.|I drew {number}."),
    Domain("create_event|new_event|calendar_add|add_event", "Add an event to the calendar|Creates a calendar entry", [text("title", "title|name|summary|event", "What it is", name), text("date", "date|day|on|when", "Day of the event", day), text("time", "time|start|at|begin", "Time it begins", clock)],
        'Add "{title}" to my calendar, {date} at {time}.|Create an event {title} on {date}, {time}.|New event: {title}, {date}, {time}|I have {title} on {date} at {time}, write it down.', {"event_id": ident}, "The event is {event_id}.|{title} is in your calendar as {event_id}."),
    Domain("submit_order|create_order|checkout|buy", "Order a product for a customer|Places an order",
        [text("product", "product|item|article", "What is ordered", name), Param("address", "address|ship_to|delivery|destination", "Where it goes", lambda r: {"street": f"{r.choice(WORDS).title()} Street {r.randint(1, 200)}", "city": city(r)}, "object")],
        "Order a {product} to {address.street} in {address.city}.|Ship {product} to {address.street}, {address.city}.|{address.city}, {address.street}: one {product}, please.|Buy a {product}. My address is {address.street}, {address.city}.", {"order": ident, "total": decimal(5, 900)}, "Order {order} costs {total}.|It is ordered as {order}; the total is {total}."),
    Domain("add_user|create_account|sign_up|new_member", "Create an account for a person|Adds a user",
        [Param("person", "person|user|profile|member", "The person", lambda r: {"name": person(r), "age": r.randint(18, 90)}, "object"), enum("role", "role|level|rights|group", "What the user may do", "admin|editor|viewer|guest")],
        "Create an account for {person.name}, {person.age} years, as {role}.|Add {person.name} ({person.age}) as {role}.|New {role}: {person.name}, age {person.age}.|{person.name} is {person.age} and shall become {role}.", {"user_id": ident}, "{person.name} has the id {user_id}.|The account {user_id} is ready."),
    Domain("get_fact_sheet|country_info|about_country|get_country", "Facts about a country|Country data", [text("country", "country|nation|state|name", "Name of the country", mixed("Spain|Kenya|Norway|Chile|India|Vietnam|Greece|Cuba|Ghana|Iceland")), enum("field", "field|fact|attribute|what", "Which fact", "population|area|currency|anthem", )],
        "What is the {field} of {country}?|Tell me the {field} of {country}.|{country}: {field}?|I need the {field} of {country}.|Look up {country}'s {field}.", {"value": ident}, "The {field} of {country} is {value}.|It is {value}."),
]


def rng_topic(rng):
    return rng.choice([f"{rng.choice(WORDS)} {rng.choice(['prices', 'festivals', 'repair', 'history', 'tours'])}", invented(rng), f"{rng.choice(['electric', 'old', 'cheap', 'wooden'])} {rng.choice(['bikes', 'clocks', 'boats', 'guitars'])}", f"{rng.choice(['football', 'chess', 'climate', 'AI', 'jazz'])} in {rng.choice(CITIES)}"])
