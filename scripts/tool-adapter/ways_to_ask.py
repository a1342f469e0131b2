"""Wraps a request as people do. See training_data.py."""

import re

VERBS = set("book find send set show tell get give make call check list open look put read write run translate convert create add move start play turn switch order calculate compute cancel delete archive close restart approve reject duplicate lock unlock rename inspect pause resume export publish repair rent share search log change reserve cut draw bring replace swap dial post announce note record register enroll sign plan generate execute order pay transfer buy ship wake pin dim pull print ask".split())
ORDERS = ["Can you {}", "Could you {}", "Would you {}", "I need you to {}", "I want you to {}", "Please {}", "Do me a favor and {}", "Kindly {}", "Go ahead and {}", "You should {}", "My boss wants you to {}", "I'd be glad if you could {}", "Be so kind as to {}", "Now {}", "Let's {}", "It's time to {}", "Don't forget to {}", "I was told to {}", "Help me to {}", "Would it be possible to {}"]
QUESTIONS = ["Can you tell me: {}", "I'd like to know: {}", "Tell me, {}", "Do you know this: {}", "A question: {}", "I wonder: {}", "My friend asks: {}", "Say, {}", "Quick question: {}"]


def wrapped(rng, ask):
    """An order or a question in other clothes; what is neither stays."""
    first = re.match(r"[A-Za-z']+", ask)
    lowered = ask[:1].lower() + ask[1:]
    if first and first[0].lower() in VERBS:
        out = rng.choice(ORDERS).format(lowered.rstrip("."))
        return out + ("?" if re.match("Can|Could|Would", out) and rng.random() < 0.7 else rng.choice(["", "."]))
    if first and first[0] in ("What", "How", "When", "Which", "Who", "Where", "Is", "Are"):
        return rng.choice(QUESTIONS).format(lowered)
    return ask
