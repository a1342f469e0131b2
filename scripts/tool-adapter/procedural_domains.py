"""Tools put together by dice: a verb, a noun and parameters, so that no two samples have the same ones. See training_data.py."""

import random

from varied_domains import company, digits, phone
from training_domains import CITIES, WORDS, Domain, array, code, known, city, clock, day, email, enum, flag, ident, integer, invented, line, mixed, name, number, person, several, text, whole, decimal, path

NOUNS = "ticket|playlist|sensor|document|contract|project|task|report|customer|employee|vehicle|camera|backup|coupon|subscription|device|robot|printer|server|container|branch|issue|comment|photo|album|course|lesson|student|exam|patient|prescription|machine|pump|valve|drone|ship|cargo|locker|badge|poster|survey|form|budget|loan|policy|claim|permit|license|recording|channel|webinar|ferry|bike|scooter|tent|boat|concert|exhibit|auction|puzzle|quiz|greenhouse|beehive|telescope|elevator|dashboard|pipeline|dataset|experiment".split("|")
VERBS = {
    "cancel": "cancel|revoke|call_off", "delete": "delete|remove|erase", "archive": "archive|put_away", "open": "open|show|display", "close": "close|finish", "restart": "restart|reboot|reset",
    "approve": "approve|accept|confirm", "reject": "reject|decline", "duplicate": "duplicate|copy|clone", "lock": "lock|freeze", "unlock": "unlock|release", "rename": "rename|retitle",
    "inspect": "inspect|check|examine", "pause": "pause|suspend|hold", "resume": "resume|continue", "export": "export|download", "publish": "publish|make_public", "repair": "repair|fix", "rent": "rent|hire", "share": "share|pass_on",
}
MADE = "create|add|make|open|set up|register"
PROPERTIES = "owner|price|height|weight|population|status|deadline|address|serial number|birthday|phone number|color|capacity|age|version|score|speed|depth|size|manager|location|license plate|salary|opening hours|ranking|voltage|wind speed|water level|pollen count|tide|snow depth|humidity|pressure|CO2 level|mileage|fuel level|warranty|author|schedule|menu".split("|")
DEVICES = "fan|heater|blinds|oven|humidifier|projector|display|aquarium|air conditioner|radio|vacuum cleaner|coffee machine|fountain|dryer|amplifier|motor|conveyor|laser".split("|")
SETTINGS = "brightness|speed|power|intensity|pressure|contrast|bass|height|angle|flow|gain|delay|temperature|position".split("|")
COLORS = "red|green|blue|yellow|black|white|purple|orange"


def extras(rng):
    """Parameters that a sentence can carry at its end; no two of the same kind."""
    options = [
        lambda: text("city", "city|location|place|town|area", "City|Where", city, " in {v}| near {v}"),
        lambda: text("date", "date|day|when|due", "Date|On which day", day, " for {v}| ({v})|, date: {v}"),
        lambda: text("time", "time|at|hour|start", "Time of day|At what time", clock, " at {v}|, at {v}"),
        lambda: integer("limit", "limit|max_results|count|max", "Most results|How many at most", whole(1, 50), ", at most {v}| (max. {v})|, limit {v}"),
        lambda: enum("priority", "priority|urgency|importance|level", "How urgent it is|Priority", "low|medium|high|urgent", " with {v} priority|, priority {v}| ({v} priority)"),
        lambda: enum("color", "color|colour|paint", "Color", COLORS, " in {v}|, color {v}|, {v}"),
        lambda: text("person", "person|assignee|owner|user|for_whom", "Name of the person|For whom", person, " for {v}|, for {v}| on behalf of {v}"),
        lambda: text("note", "note|reason|comment|message|text", "A note|Why|Message to add", line, ', note: "{v}"| with the comment "{v}"|, reason: "{v}"'),
        lambda: flag("notify", "notify|send_notification|inform|alert", "Whether others are told|Tell everybody", [(" and notify everybody", " but notify nobody"), (" and tell the others", " and don't tell the others"), (", with a notification", ", without a notification")]),
        lambda: flag("only_new", "only_new|new|fresh|unused", "Only new ones", [(", only new ones", ", new or old"), (", it must be new", ", it need not be new"), (" (new only)", " (old ones are fine, too)")]),
        lambda: flag("paid", "paid|is_paid|settled|done", "Whether it is paid|Paid already", [(", already paid", ", not yet paid"), (" (paid)", " (unpaid)"), (" and mark it as paid", " and mark it as not paid")]),
        lambda: enum("weekday", "weekday|day|on_day|dow", "Day of the week", "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday", " on {v}|, {v}| for {v}"),
        lambda: integer("hour", "hour|start_hour|at_hour|h", "Hour of the day, 0 to 23", whole(0, 23), " at {v}:00|, {v}:00| at {v} o'clock"),
        lambda: text("phone", "phone|phone_number|tel|call_back", "Phone number", phone, ", phone {v}| (phone: {v})|, call {v}"),
        lambda: text("firm", "firm|company|client|supplier", "Name of the company", company, " for {v}|, client {v}| by {v}"),
        lambda: flag("urgent", "urgent|express|fast|rush", "Whether it is urgent", [(", it's urgent", ", it's not urgent"), (" (urgent)", " (not urgent)")]),
        lambda: array("tags", "tags|labels|keywords|categories", "Labels|Keywords", several(WORDS), ", tags {v}| with the tags {v}|, labelled {v}"),
        lambda: number("price", "price|cost|amount|budget", "Price in dollars|Cost", decimal(1, 900), " for {v} dollars|, price {v}| costing {v} dollars"),
        lambda: text("email", "email|mail|contact|recipient", "Email address|Where to send it", email, " and send it to {v}|, email {v}"),
        lambda: enum("format", "format|file_format|kind|filetype", "File format", "pdf|csv|json|xml", " as {v}|, format {v}| in {v} format"),
        lambda: enum("size", "size|dimension|width_class", "Size", "small|medium|large", ", size {v}| in size {v}|, {v}"),
        lambda: integer("quantity", "quantity|amount|number|pieces", "How many", whole(1, 99), ", {v} pieces|, {v} times| (quantity {v})"),
        lambda: integer("days", "days|duration|num_days|period", "For how many days", whole(2, 60), " for {v} days|, {v} days"),
        lambda: array("people", "people|participants|members|guests", "Names of the people|Who takes part", several("Alice|Bob|Carlos|Diana|Emma|Farid|Grace|Hiro|Ivan|Julia".split("|")), " with {v}|, participants: {v}"),
        lambda: text("path", "path|file|filename|target", "File", path, " to {v}|, file {v}"),
    ]
    return [make() for make in rng.sample(options, rng.choices([0, 1, 2, 3], [20, 45, 28, 7])[0])]


def said(rng, params):
    """`{key}` fragments for parameters that every sentence has."""
    out = ""
    for p in params:
        if p.type == "boolean":
            yes, no = rng.choice(p.said)
            out += f"{{{p.key}:{yes}|{no}}}"
        else:
            out += rng.choice(p.said).replace("{v}", f"{{{p.key}}}")
    return out


def thing(rng):
    return rng.choice([invented, name, ident, person, city, code, known, known, known, company, digits])(rng)


def act_on(rng):
    verb, noun = rng.choice(list(VERBS)), rng.choice(NOUNS)
    key = rng.choice([f"{noun}_id", "id", f"{noun}_number", noun, "ref", f"{noun}_name", "identifier"])
    ref = text("ref", key, f"Id of the {noun}|Number of the {noun}|Which {noun}", rng.choice([ident, ident, digits, name, invented, code, known, known]))
    more = extras(rng)
    always = [p for p in more if rng.random() < 0.65]
    asks = [f"{verb.capitalize()} {noun} {{ref}}", f"Please {verb} the {noun} {{ref}}", f"Can you {verb} {noun} {{ref}} for me", f"I want to {verb} the {noun} {{ref}}", f"We have to {verb} {noun} {{ref}}", f"{noun} {{ref}}: {verb} it", f"{verb} {noun} {{ref}}", f"I'd like you to {verb} {noun} {{ref}}"]
    asks = [a + said(rng, always) + rng.choice(["", ".", "."]) for a in asks]
    names = "|".join(f"{v}_{noun}" for v in VERBS[verb].split("|"))
    ends = rng.choice([("{status}", "The {0} {ref} is {status}.|Done, it is {status}."), ("{code}", "Done. The confirmation is {code}.|I did that; the code is {code}.")])
    result = {"status": lambda r: r.choice(["done", "pending", "ok", "in progress", "scheduled", "waiting for approval"])} if "status" in ends[0] else {"code": ident}
    return Domain(names, f"{verb.capitalize()} a {noun}|{verb.capitalize()}s a {noun} by its id|Use this to {verb} a {noun}", [ref, *more], asks, result, ends[1].replace("{0}", noun))


def create(rng):
    noun, verb = rng.choice(NOUNS), rng.choice(MADE.split("|"))
    title = text("title", "title|name|label|called|subject", f"Name of the {noun}|Title", rng.choice([name, name, invented, line]))
    more = extras(rng)
    always = [p for p in more if rng.random() < 0.65]
    asks = [f'{verb.capitalize()} a {noun} called "{{title}}"', f"{verb.capitalize()} a new {noun} with the name {{title}}", f"I need a {noun} named {{title}}", f'New {noun} "{{title}}"', f'There should be a {noun} "{{title}}"', f"Could you {verb} the {noun} {{title}}"]
    asks = [a + said(rng, always) + rng.choice(["", ".", "."]) for a in asks]
    names = "|".join(f"{v}_{noun}" for v in ["create", "add", "new", "make", "insert", "register"])
    return Domain(names, f"Create a {noun}|Adds a new {noun}|Makes a {noun}", [title, *more], asks, {"id": ident, "url": lambda r: f"https://{r.choice(WORDS)}.com/{ident(r)}"}, "It has the id {id}: {url}|The " + noun + " {title} is at {url}, with the id {id}.")


def look_up(rng):
    prop = rng.choice(PROPERTIES)
    of = rng.choice(["city", "item", "person", "station", "product", "place", "building", "account", "river", "team", "company", "plant", "mountain", *NOUNS])
    subject = text("subject", f"{of}|name|{of}_name|target|key|query", f"Name of the {of}|The {of}|Which {of}", thing)
    snake = prop.replace(" ", "_").lower()
    asks = f"What is the {prop} of {{subject}}?|What's the {prop} of {{subject}}?|Tell me the {prop} of {{subject}}.|{prop} of {{subject}}?|Do you know the {prop} of {{subject}}?|I need the {prop} of {{subject}}.|Look up the {prop} of the {of} {{subject}}.|Find out {{subject}}'s {prop}, please.|Give me {{subject}}'s {prop}.|Which {prop} does {{subject}} have?|Check {{subject}}: what is the {prop}?|{{subject}} {prop}?"
    value = rng.choice([ident, whole(1, 5000), decimal(0, 300), name, day])
    return Domain(f"get_{snake}|{snake}_of|lookup_{snake}|fetch_{snake}|{of}_{snake}|read_{snake}", f"{prop.capitalize()} of a {of}|Returns the {prop} of a {of}|Look up the {prop}", [subject], asks, {snake: value}, f"The {prop} of {{subject}} is {{{snake}}}.|It is {{{snake}}}.")


def control(rng):
    device, setting = rng.choice(DEVICES), rng.choice(SETTINGS)
    value = rng.choice([integer("value", f"{setting}|value|level|target", f"New {setting}|Wanted {setting}", whole(0, 300)), number("value", f"{setting}|value|level|target", f"New {setting}", decimal(0, 100))])
    place = text("place", "room|place|zone|where", "Where the device is|Which room", mixed("kitchen|bedroom|living room|garage|cellar|office|hall|lab|studio"))
    mode = enum("mode", "mode|program|profile", "Program", rng.choice(["eco|normal|boost", "day|night|auto", "silent|standard|turbo", "manual|automatic"]), ", {v} mode| in {v} mode|, program {v}")
    more = [mode] if rng.random() < 0.4 else []
    always = more if rng.random() < 0.5 else []
    asks = [f"Set the {setting} of the {device} in the {{place}} to {{value}}", f"{device} in the {{place}}: {setting} {{value}}", f"I want {setting} {{value}} on the {{place}} {device}", f"Change the {{place}} {device}'s {setting} to {{value}}", f"Put the {device} in the {{place}} at {setting} {{value}}", f"The {{place}} {device} should have a {setting} of {{value}}"]
    asks = [a + said(rng, always) + rng.choice(["", ".", "."]) for a in asks]
    return Domain(f"set_{device.replace(' ', '_')}|{device.replace(' ', '_')}_{setting}|control_{device.replace(' ', '_')}|adjust_{setting}", f"Set the {setting} of a {device}|Controls the {device}", [place, value, *more], asks, {"device": device_name, "state": lambda r: r.choice(["on", "adjusting", "ready"])}, "Done: the state of {device} is {state}.|It is {state} ({device}).")


def device_name(rng):
    return f"{rng.choice(WORDS)}-{rng.randint(1, 99)}"


def search(rng):
    noun = rng.choice(NOUNS)
    more = extras(rng) or [text("query", "query|text|keyword|name", "What to look for", name, " about {v}| named {v}| matching {v}")]
    always = more[:1]
    asks = [a + said(rng, always) + rng.choice(["", ".", "?"]) for a in [f"Find {noun}s", f"List all {noun}s", f"Show me {noun}s", f"Which {noun}s are there", f"Search for {noun}s", f"I'm looking for {noun}s", f"Are there {noun}s"]]
    return Domain(f"list_{noun}s|search_{noun}s|find_{noun}s|get_{noun}s|query_{noun}s", f"List {noun}s|Search {noun}s|Finds {noun}s that match", more, asks, {"found": whole(0, 90), "first": name}, "There are {found}; the first one is {first}.|I found {found}, for example {first}.")


EVENTS = "moonrise|high tide|low tide|noon prayer|first bus|last train|market|garbage collection|fireworks|dusk|rush hour|church service|night bus|mail delivery".split("|")
STATES = "noise|pollen|traffic|water|surf|mud|ice|smog|wind|radio reception|phone network|light pollution|crowd|mosquito".split("|")


def time_of(rng):
    event = rng.choice(EVENTS)
    spot = text("spot", "spot|place|city|town|where|coast", "Name of the place|Where", city)
    asks = f"When is the {event} in {{spot}}?|What time is the {event} in {{spot}}?|{event}, {{spot}}: when?|I'd like to be in {{spot}} for the {event}. When must I be there?|Tell me when the {event} is in {{spot}}.|In {{spot}}, at what time does the {event} come?|{{spot}} {event}, please|I don't want to miss the {event} in {{spot}}. What time?"
    snake = event.replace(" ", "_")
    return Domain(f"get_{snake}|{snake}_time|when_is_{snake}|{snake}_in", f"Time of the {event} in a place|When the {event} is|At what time there is {event}", [spot], asks, {"time": clock}, f"The {event} in {{spot}} is at {{time}}.|It is at {{time}}.")


def state_of(rng):
    state = rng.choice(STATES)
    town = text("town", "town|city|place|district|area|location", "Name of the town|City", city)
    asks = f"How bad is the {state} in {{town}} today?|Is there much {state} in {{town}} right now?|{state} in {{town}}?|What's the {state} like in {{town}}?|Check the {state} in {{town}}.|Is the {state} alright in {{town}}?|I'm going to {{town}}. How is the {state} there?|{{town}}: how's the {state}|Does the {state} in {{town}} bother people today?"
    snake = state.replace(" ", "_")
    return Domain(f"get_{snake}|{snake}_level|{snake}_index|check_{snake}|{snake}_report", f"State of the {state} in a city|{state.capitalize()} index of a place|How the {state} is", [town], asks, {"level": lambda r: r.choice(["low", "middle", "high"]), "index": whole(1, 300)}, f"The {state} in {{town}} is {{level}}, with an index of {{index}}.|It is {{level}} ({{index}}).")


PAIRS = [("seller", "buyer"), ("sender", "receiver"), ("teacher", "pupil"), ("host", "guest"), ("old_name", "new_name"), ("source", "destination"), ("home", "away"), ("first", "second"), ("author", "reader"), ("top", "bottom"), ("giver", "taker"), ("from_id", "to_id"), ("parent", "child"), ("input", "output"), ("before", "after")]


def pair(rng):
    """Two values of one kind: which is which is told by words, in either order."""
    a, b = rng.choice(PAIRS)
    noun, draw = rng.choice(NOUNS), rng.choice([name, person, city, ident, code, known])
    one, two = text("one", f"{a}|{a}_{noun}", f"The {a.replace('_', ' ')}", draw), text("two", f"{b}|{b}_{noun}", f"The {b.replace('_', ' ')}", draw)
    said_a, said_b = a.replace("_", " "), b.replace("_", " ")
    verb = rng.choice(["Link", "Compare", "Connect", "Match", "Note", "Exchange", "Set up"])
    asks = f"{verb} the {noun}: {said_a} {{one}}, {said_b} {{two}}|{verb} the {noun} with {{two}} as {said_b} and {{one}} as {said_a}|The {said_a} is {{one}}, the {said_b} is {{two}}: {verb.lower()} the {noun}|{{two}} is the {said_b} and {{one}} the {said_a} of the {noun}, {verb.lower()} it|{verb} the {noun} from {{one}} to {{two}}|{verb} a {noun} to {{two}} from {{one}}|{{one}} ({said_a}) and {{two}} ({said_b}): {verb.lower()} the {noun}|Take {{two}} as the {said_b} and {{one}} as the {said_a}, then {verb.lower()} the {noun}"
    snake = verb.lower().replace(" ", "_")
    return Domain(f"{snake}_{noun}|{noun}_{snake}|{noun}_pair|{snake}_{noun}s", f"{verb} a {noun} between two|{verb}s a {noun}, with {said_a} and {said_b}", [one, two], asks, {"state": lambda r: r.choice(["done", "waiting", "ok", "refused"]), "number": ident}, "It is {state}, with the number {number}.|State {state}, number {number}.")


def planned(rng):
    """A day of the week and an hour as a number, or a time as it is written."""
    noun = rng.choice(NOUNS)
    title = text("title", f"title|name|subject|{noun}|topic", f"Name of the {noun}|What it is about", rng.choice([name, line, lambda r: line(r).capitalize()]))
    weekday = enum("weekday", "weekday|day|on|dow", "Day of the week|Which day", "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday")
    if rng.random() < 0.65:
        at, forms = integer("at", "hour|start_hour|hour_of_day|h|begin_hour", "Hour, 0 to 23|Full hour at which it begins", whole(0, 23)), ["{at}:00", "{at}:00", "{at} o'clock"]
    else:
        at, forms = text("at", "time|start|begins_at|start_time", "Time, HH:MM|When it begins", clock), ["{at}"]
    f = lambda: rng.choice(forms)
    params = rng.sample([title, weekday, at], 3)
    asks = [f'Plan the {noun} "{{title}}" for {{weekday}}, {f()}.', f"{{weekday}} {f()}: {noun} {{title}}", f'On {{weekday}} at {f()} there is the {noun} "{{title}}". Please note it.', f'"{{title}}" is on {{weekday}} at {f()}. Put the {noun} down.', f"Add the {noun} {{title}}, {{weekday}}, {f()}", f'I have a {noun} on {{weekday}}, {f()}, called "{{title}}".', f'Make a {noun} "{{title}}" for {f()} on {{weekday}}.', f"{noun} {{title}} on {{weekday}} at {f()}"]
    return Domain(f"plan_{noun}|schedule_{noun}|{noun}_at|add_{noun}_time|set_{noun}", f"Plan a {noun}|Puts a {noun} into the timetable", params, asks, {"number": ident}, "It has the number {number}.|Planned as {number}.")


def procedural(rng: random.Random):
    return rng.choices([act_on, create, look_up, control, search, time_of, state_of, pair, planned], [16, 14, 20, 9, 8, 5, 5, 9, 8])[0](rng)


assert CITIES
