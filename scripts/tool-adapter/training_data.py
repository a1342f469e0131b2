"""Samples to train the tool adapter on: a system message with tools, and conversations that begin behind it.

    python scripts/tool-adapter/training_data.py [SEED]     prints one sample

Names, parameters and descriptions are drawn anew for each sample, some of them without meaning, so that what is learned is to copy
from the tools and from the user. A sample's conversations share their system message (train.py computes it once).
"""

import json
import random
import re
import sys

from chat_questions import QUESTIONS
from held_out_sets import CASES, FIRST, SECOND
from procedural_domains import procedural
from training_domains import DOMAINS, invented
from varied_domains import VARIED
from ways_to_ask import wrapped

UNSEEN = {*FIRST["tools"], *SECOND["tools"]}
UNSEEN_TEXTS = {m["content"].lower() for c in CASES for m in c["messages"] if m["role"] == "user"}
SYSTEMS = ["You are a helpful assistant.", "You are a helpful assistant with access to functions.", "You are a friendly assistant. Answer shortly.", "You help the staff of a hotel.", "Today is Monday. You are a personal assistant.", "You are an AI that helps with daily tasks."]
LONGEST_REPLY = 10
"""Words of the base model's replies that are trained on: they keep its manner, how it begins tells enough."""


class Tool:
    """A domain under the names that one sample gives it."""

    def __init__(self, rng, domain):
        self.domain = domain
        self.params = list(domain.params)
        while True:
            plain = rng.random() < 0.75
            self.name = rng.choice(domain.names) if plain else odd_name(rng)
            if rng.random() < 0.2:
                self.name = camel(self.name)
            if self.name not in UNSEEN:
                break
        odd_params = rng.random() < 0.15
        self.keys, properties = {}, {}
        style = camel if rng.random() < 0.15 else str
        for p in self.params:
            key = invented(rng).lower() if odd_params else style(rng.choice(p.names))
            while key in properties:
                key = key + "_" + rng.choice("abcxyz")
            self.keys[p.key] = key
            properties[key] = schema_of(rng, p, always=odd_params)
        required = [self.keys[p.key] for p in self.params if not is_optional(p, domain)]
        about = rng.choice(domain.about)
        parameters = {"type": "object", "properties": properties, "required": required}
        if rng.random() < 0.1:
            parameters["additionalProperties"] = False
        bare = plain and rng.random() < 0.08
        self.definition = {"type": "function", "function": {"name": self.name, **({} if bare else {"description": about + rng.choice(["", "", "."])}), "parameters": parameters}}
        self.about = about

    def draw(self, rng, share=0.5):
        """One request: (sentence, call, values). `share`: of what is optional, how much the sentence says."""
        while True:
            values = {p.key: p.draw(rng) for p in self.params}
            ask, told = rng.choice(self.domain.asks), set(values)
            for p in self.params:
                if is_optional(p, self.domain) and f"{{{p.key}" not in ask:
                    if rng.random() < share:
                        ask = ask.rstrip(".?!") + fragment(rng, p)
                    else:
                        told.discard(p.key)
            ask = fill(ask, values)
            if ask.lower() in UNSEEN_TEXTS:
                continue
            arguments = {self.keys[p.key]: self.renamed(values[p.key]) for p in self.params if p.key in told}
            return ask, {"name": self.name, "arguments": arguments}, values

    def renamed(self, value):
        return value

    def missing(self, rng):
        """A request that lacks a required parameter, and what to ask back; None where the tool has none that can lack."""
        needed = [p for p in self.params if not is_optional(p, self.domain)]
        if len(needed) != 1 or needed[0].type == "object":
            return None
        about = self.about.lower().rstrip(".")
        ask = rng.choice([f"I need this: {about}", f"Can you help me with this: {about}", f"{self.about}, please", f"Use {self.name}", f"I'd like you to do something: {about}"])
        what = rng.choice(needed[0].about).split("|")[0].split(", e.g.")[0]
        return ask + rng.choice(["", ".", "?"]), rng.choice([f"Please tell me this first: {lower(what)}?", f"For that I need to know one thing: {lower(what)}.", f"Which one? I need the following: {lower(what)}."])

    def outcome(self, rng, values):
        """(result as the tool returns it, answer in words)."""
        if rng.random() < 0.1:
            error = rng.choice(["not found", "the service is unavailable", "permission denied", "timeout after 30 s", "no such entry", "rate limit reached"])
            return {"error": error}, rng.choice([f"That did not work: {error}.", f"I'm sorry, there was an error: {error}."])
        result = {k: draw(rng) for k, draw in self.domain.result.items() if draw is not None}
        answer = fill(rng.choice(self.domain.answers), {**values, **result})
        answer += self.unsaid(result, answer)
        shape = rng.random()
        if shape < 0.2:
            echo = {k: v for k, v in values.items() if k not in result}
            result = {**{self.keys[k]: v for k, v in list(echo.items())[:2]}, **result}
            answer += self.unsaid({k: v for k, v in result.items() if not isinstance(v, (dict, bool))}, answer)
        elif shape < 0.32:
            result = {rng.choice(["results", "data", "items"]): [result]}
        elif shape < 0.4:
            result = {"status": "ok", **result} if "status" not in result else result
        elif shape < 0.48 and len(result) == 1:
            return str(next(iter(result.values()))), answer
        return result, answer

    def unsaid(self, result, answer):
        """What the sentence leaves out of a result."""
        said = lambda v: fill("{v}", {"v": v}) in answer
        return "".join(f" The {k.replace('_', ' ')} is {fill('{v}', {'v': v})}." for k, v in result.items() if not said(v))


def odd_name(rng):
    a, b = invented(rng).lower(), invented(rng).lower()
    return rng.choice([f"{a}_{b}", f"fn_{a}", f"{a}{rng.randint(1, 99)}", f"tool_{rng.randint(1, 999)}", a])


def camel(text):
    head, *rest = text.split("_")
    return head + "".join(r[:1].upper() + r[1:] for r in rest)


def has_optional(domain):
    return any(is_optional(p, domain) for p in domain.params)


def is_optional(p, domain):
    """Where the sentences do not carry it themselves."""
    return p.said is not None and not any(f"{{{p.key}" in ask for ask in domain.asks)


def schema_of(rng, p, always):
    kind = {"type": p.type}
    if p.values:
        kind["enum"] = p.values
    if p.type == "array":
        kind["items"] = {"type": "string"}
    if p.type == "object":
        inner = p.draw(rng)
        of = lambda v: "integer" if isinstance(v, int) else "string"
        kind["properties"] = {k: {"type": of(v)} for k, v in inner.items()}
        kind["required"] = list(inner)
    if always or rng.random() < 0.85:
        kind["description"] = rng.choice(p.about)
    return kind


def fragment(rng, p):
    if p.type == "boolean":
        yes, no = rng.choice(p.said)
        return f"{{{p.key}:{yes}|{no}}}"
    return rng.choice(p.said).replace("{v}", f"{{{p.key}}}")


def fill(template, values):
    def one(match):
        key, _, choice = match[1].partition(":")
        if "." in key:
            key, inner = key.split(".")
            return str(values[key][inner])
        value = values[key]
        if choice:
            return choice.split("|")[0 if value else 1]
        if isinstance(value, list):
            return value[0] if len(value) == 1 else ", ".join(value[:-1]) + " and " + value[-1]
        return str(value)

    return re.sub(r"\{([^{}]+)\}", one, template)


def lower(text):
    return text if re.match(r"I\b|[A-Z]{2}", text) else text[:1].lower() + text[1:]


def user(content):
    return {"role": "user", "content": content}


def says(content):
    return {"role": "assistant", "content": content}


def calls(*made):
    return {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": c} for c in made]}


def dressed(rng, ask):
    """A sentence as people write it."""
    if rng.random() < 0.25:
        ask = wrapped(rng, ask)
    ask = ask[:1].upper() + ask[1:] if rng.random() < 0.8 else ask
    if ask[-1:] not in ".?!" and rng.random() < 0.5:
        ask += rng.choice([".", "?"]) if rng.random() < 0.5 else ""
    turn = rng.random()
    if turn < 0.06:
        return rng.choice(["Hey, ", "Hi! ", "Hello, ", "Quick one: ", "Ok, now: ", "Next: "]) + ask
    if turn < 0.12:
        return ask + rng.choice([" Thanks!", " thank you", " It's for my boss.", " I'm in a hurry."])
    return ask


def refusal(rng, tools):
    can = lower(rng.choice(tools).about.rstrip("."))
    return rng.choice(["I'm sorry, I can't do that: none of my functions is for it.", "I can't do that with the functions that I have.", "None of my functions can do that, sorry.", f"I have no function for that. What I can do is this: {can}.", "I'm afraid that I have no function for this."])


class Sampler:
    def __init__(self, rng, replies):
        self.rng, self.replies = rng, replies

    def domain(self):
        kind = self.rng.random()
        return self.rng.choice(DOMAINS) if kind < 0.22 else self.rng.choice(VARIED) if kind < 0.55 else procedural(self.rng)

    def tools(self):
        rng = self.rng
        count = rng.choices([1, 2, 3, 4], [22, 30, 28, 20])[0]
        tools = []
        while len(tools) < count:
            domain = self.domain()
            if not has_optional(domain) and rng.random() < 0.35:
                continue
            # Two tools for the same would leave open which one is right.
            if any(set(domain.names) & set(t.domain.names) or domain.about[0] == t.domain.about[0] for t in tools):
                continue
            if sum(d in ("get_current_weather", "get_forecast") for t in [*tools] for d in t.domain.names[:1]) and domain.names[0] in ("get_current_weather", "get_forecast"):
                continue
            tool = Tool(rng, domain)
            if tool.name not in [t.name for t in tools]:
                tools.append(tool)
        return tools

    def single(self, tools):
        ask, call, _ = self.rng.choice(tools).draw(self.rng)
        return [user(dressed(self.rng, ask)), calls(call)]

    def contrast(self, tools):
        """The same request with everything optional and without; none where nothing is."""
        rng = self.rng
        fitting = [t for t in tools if has_optional(t.domain)]
        if not fitting:
            return []
        tool, begin, both = rng.choice(fitting), rng.getstate(), []
        for share in (1.0, 0.0):
            rng.setstate(begin)
            ask, call, _ = tool.draw(rng, share)
            both.append([user(ask), calls(call)])
        rng.shuffle(both)
        return both

    def two(self, tools):
        rng = self.rng
        first = rng.choice(tools)
        second = first if rng.random() < 0.5 else rng.choice(tools)
        (a, one, va), (b, other, vb) = first.draw(rng), second.draw(rng)
        if one == other:
            return self.single(tools)
        text = [p for p in first.params if p.type == "string" and not p.values]
        if second is first and len(one["arguments"]) == 1 and len(text) == 1 and rng.random() < 0.7:
            key = first.params[0].key
            joined = rng.choice(["{} and {}", "{} and in {}" if f"in {{{key}}}" in first.domain.asks[0] else "{} and of {}" if f"of {{{key}}}" in first.domain.asks[0] else "{} and {}", "{} and also {}", "both {} and {}"])
            ask = fill(rng.choice(first.domain.asks), {key: joined.format(va[key], vb[key])})
            return [user(dressed(rng, ask)), calls(one, other)]
        end = a.rstrip(".?! ")
        ask = rng.choice([f"{end} and {lower(b)}", f"{a} {b}", f"1. {a} 2. {b}", f"{end}. After that: {lower(b)}", f"Two things: {lower(end)}; {lower(b)}", f"First {lower(end)}, second {lower(b)}", f"{end}. Besides, {lower(b)}", f"{end}, and {lower(b)}", f"{a}\n{b}", f"{a} Another thing: {lower(b)}", f"{end}. On top of that, {lower(b)}", f"{a} Oh, and {lower(b)}", f"{end}; {lower(b)}", f"{a} Next, {lower(b)}", f"{a} As well: {lower(b)}", f"{end} plus {lower(b)}", f"- {a}\n- {b}", f"{a} {lower(b)}"])
        return [user(ask), calls(one, other)]

    def result(self, tools):
        rng = self.rng
        tool = rng.choice(tools)
        ask, call, values = tool.draw(rng)
        result, answer = tool.outcome(rng, values)
        content = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        return [user(dressed(rng, ask)), calls(call), {"role": "tool", "content": content}, says(answer)]

    def chat(self, tools):
        question = self.rng.choice(list(self.replies))
        reply = self.replies[question]
        words = reply["text"].split(" ")
        begin = " ".join(words[:LONGEST_REPLY])
        return [user(question), {**says(begin), "open": not reply["ended"] or len(words) > LONGEST_REPLY}]

    def no_fit(self, tools):
        rng = self.rng
        while True:
            domain = self.domain()
            if not any(set(domain.names) & set(t.domain.names) or domain.about[0] == t.domain.about[0] for t in tools):
                break
        return [user(dressed(rng, Tool(rng, domain).draw(rng)[0])), says(refusal(rng, tools))]

    def clarify(self, tools):
        asked = self.rng.choice(tools).missing(self.rng)
        return self.single(tools) if asked is None else [user(asked[0]), says(asked[1])]

    def longer(self, tools):
        """Two of them, one behind the other."""
        rng = self.rng
        begin = rng.choice([self.result, self.result, self.chat, self.no_fit, self.clarify])(tools)
        if begin[-1].get("open") or "tool_calls" in begin[-1]:
            return begin
        return begin + rng.choice([self.single, self.single, self.chat, self.two, self.no_fit])(tools)

    def sample(self, branches):
        """(system message or None, tools, conversations)."""
        rng = self.rng
        tools = self.tools()
        kinds = [self.single, self.two, self.result, self.chat, self.no_fit, self.clarify, self.longer]
        chosen = [self.single, self.chat if rng.random() < 0.5 else self.no_fit, *rng.choices(kinds, [44, 44, 8, 4, 5, 3, 8], k=branches - 2)]
        system = rng.choice(SYSTEMS) if rng.random() < 0.35 else None
        contrasts = [("contrast", conversation) for conversation in self.contrast(tools)]
        return system, [t.definition for t in tools], contrasts + [(kind.__name__, kind(tools)) for kind in chosen]


if __name__ == "__main__":
    replies = {q: {"text": "…", "ended": True} for q in QUESTIONS}
    system, tools, conversations = Sampler(random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 0), replies).sample(12)
    print(system)
    for tool in tools:
        print(json.dumps(tool))
    for kind, messages in conversations:
        print(f"-- {kind}")
        for m in messages:
            print(f"  {m['role']}: {m['content']}", *[json.dumps(c["function"]) for c in m.get("tool_calls", [])])
