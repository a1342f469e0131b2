"""Makes test/fixtures/chat-templates/: what Python's jinja2 renders, set up as transformers does it.

    python scripts/make-template-fixtures.py                     # renders what lies there anew
    python scripts/make-template-fixtures.py --add FILE.jinja…   # copies templates there first
    python scripts/make-template-fixtures.py --random 20000 7 FILE.json  # more random cases than those kept there

Needs jinja2. conversations.json and cases.txt are written by hand.
"""

import copy
import datetime
import gzip
import json
import os
import random
import re
import shutil
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

OUT = os.path.join(os.path.dirname(__file__), "..", "test", "fixtures", "chat-templates")
NOW = datetime.datetime(2026, 5, 3, 14, 5, 9)
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


class Generation(jinja2.ext.Extension):
    """transformers' {% generation %} block without its bookkeeping."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_show"), [], [], body).set_lineno(line)

    def _show(self, caller):
        return caller()


def environment():
    """As in transformers.utils.chat_template_utils._compile_jinja_template (5.24)."""

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return env


ENV = environment()


def render(source, variables):
    """The text, {"raised": …} for raise_exception, {"fails": …} for other errors."""
    try:
        return ENV.from_string(source).render(**copy.deepcopy(variables))
    except jinja2.exceptions.TemplateError as error:
        if type(error) is jinja2.exceptions.TemplateError:
            return {"raised": str(error)}
        return {"fails": f"{type(error).__name__}: {error}"}
    except Exception as error:
        return {"fails": f"{type(error).__name__}: {error}"}


def read(name):
    with open(os.path.join(OUT, name), encoding="utf-8", newline="") as file:
        return file.read()


def write(name, lines):
    with open(os.path.join(OUT, name), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n]\n")


def make_prompts():
    conversations = json.loads(read("conversations.json"))
    lines = []
    for name in sorted(name for name in os.listdir(OUT) if name.endswith(".jinja")):
        source = read(name)
        for conversation, variables in conversations.items():
            lines.append([name, conversation, render(source, {**TOKENS, **variables})])
    with gzip.GzipFile(os.path.join(OUT, "prompts.json.gz"), "w", mtime=0) as file:
        file.write(json.dumps(lines, ensure_ascii=False).encode())
    print(len(lines), "prompts,", sum(isinstance(line[2], str) for line in lines), "of them texts")


# Variables of all cases: each type in several sizes.
VALUES = {
    "s": "Ab c", "t": "  x\n", "e": "", "u": "ß👩漢", "q": "it's \"q\"\t\\", "l": [3, 1, 2], "ls": ["b", "A", "c"], "le": [],
    "d": {"b": 1, "a": [1.5, None], "C": {"x": True}}, "de": {}, "n": None, "i": 7, "z": 0, "m": -3, "f": 2.5, "g": 1e20, "w": 3.0,
    "yes": True, "no": False, "rows": [{"k": "x", "v": 2}, {"k": "Y", "v": 1}, {"k": "x", "v": None}], "pairs": [["a", 1], ["b", 2]],
}  # fmt: skip


def make_cases():
    """cases.txt: one template a line (\\n stands for a line end), # begins a comment."""
    lines = [line for line in read("cases.txt").splitlines() if line and not line.startswith("#")]
    cases = [[line, render(line.replace("⏎", "\n").replace("␍", "\r"), VALUES)] for line in lines]
    write("cases.json", cases)
    print(len(cases), "cases")


# What a random template is made of; every part is tried with every other one.
ATOMS = list(VALUES) + ["missing", "1", "2.0", "'a'", "'x y'", "[1, 'a', none]", "{'a': 1}", "(1, 'b')", "true", "none", "range(3)", "d.a", "rows[0].k", "-1"]
FILTERS = """abs capitalize count default('x') default('x',true) dictsort first float int items|list join join(',') last length list lower
    max min reverse|list round round(1) select|list sort sort(reverse=true) string sum title trim trim('x') upper unique|list
    tojson tojson(indent=2) tojson(sort_keys=true) tojson(separators=(',',':')) map('upper')|list map(attribute='k')|list
    map('string')|join('-') selectattr('k','equalto','x')|list rejectattr('v')|list selectattr('v','defined')|list select('odd')|list
    reject('none')|list select('in',[1,2])|list groupby('k') batch(2)|list slice(2)|list indent indent(2,true) replace('a','b')
    replace('','-',2) truncate(5) wordcount center(9) e int(9) format('a',1) sort(attribute='k') sum(attribute='v') attr('k')""".split()
METHODS = """strip() strip('x') lstrip() rstrip('\\n') split() split('b') split(' ',1) rsplit(none,1) splitlines() upper() title() capitalize()
    swapcase() find('b') rfind('c') index('A') count('b') startswith('A') endswith(('c','\\n')) replace('b','--') partition(' ')
    rpartition(' ') join(['x','y']) join(ls) zfill(6) center(7,'*') ljust(6) rjust(6,'.') isdigit() isalpha() isspace() islower() isupper()
    format(1) removeprefix('A') removesuffix('c') keys() values() items() get('a') get('zz') get('zz',3) items()|list keys()|list copy() append(1)
    pop() a.b a C x[0] b""".split()
SUBSCRIPTS = ["[0]", "[-1]", "[5]", "['a']", ".0"]
SLICES = ["[1:]", "[:-1]", "[::-1]", "[::2]", "[-2:]", "[none:2]", "[i:m]", "[:z]"]
BINARY = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">", "<=", ">=", "in", "not in", "and", "or"]
TESTS = """defined undefined none string number integer float mapping sequence iterable boolean true false odd even lower upper callable
    divisibleby(2) eq(1) equalto('a') sameas(none) in([1,7,'a']) ne(n) gt(1) lessthan(3)""".split()


def random_expression(rng, depth):
    if depth == 0:
        return rng.choice(ATOMS)
    inner = lambda: random_expression(rng, depth - 1)
    kind = rng.randrange(9)
    if kind == 0:
        return f"({inner()} {rng.choice(BINARY)} {inner()})"
    if kind == 1:
        return f"{inner()} {rng.choice(BINARY)} {inner()}" if depth > 1 else f"({inner()}) is {rng.choice(TESTS)}"
    if kind == 2:
        return f"({inner()} is {rng.choice(['', 'not '])}{rng.choice(TESTS)})"
    if kind == 3:
        return f"({inner()}).{rng.choice(METHODS)}"
    if kind == 4:
        if rng.random() < 0.5:  # jinja2 computes constants first and then takes their slices as items
            return rng.choice(["s", "t", "u", "q", "l", "ls", "rows", "d", "d.a", "i", "n"]) + rng.choice(SLICES)
        return f"({inner()}){rng.choice(SUBSCRIPTS)}"
    if kind == 5:
        return f"({inner()} if {inner()} else {inner()})"
    if kind == 6:
        return f"[{inner()}, {inner()}]"
    return f"({inner()} | {rng.choice(FILTERS)})"


def random_statement(rng, depth):
    expression = lambda: random_expression(rng, rng.randrange(1, 3))
    body = lambda: random_statement(rng, depth - 1) if depth > 0 else "{{ " + expression() + " }}"
    space = rng.choice(["", "\n", " ", "\n  ", "  \n", " a\n ", "\t"])
    minus = lambda: rng.choice(["", "", "-", "+"])
    open_, close = "{%" + minus(), rng.choice(["", "", "-"]) + "%}"
    tag = lambda code: f"{space}{open_} {code} {close}{space}"
    loop = rng.choice(["loop.index", "loop.last", "loop.previtem", "loop.cycle('a','b')", "loop.revindex0", "loop.changed(x)", "loop.nextitem is defined"])
    kind = rng.randrange(10)
    if kind == 0:
        return tag(f"if {expression()}") + body() + tag("else") + body() + tag("endif")
    if kind == 1:
        return tag(f"for x in {expression()}") + "{{ x }}{{ " + loop + " }}" + body() + tag("else") + "none" + tag("endfor")
    if kind == 2:
        return tag(f"for x in {expression()} if {expression()}") + body() + tag(f"if {expression()}") + tag(rng.choice(["break", "continue"])) + tag("endif") + "{{ x }}" + tag("endfor")
    if kind == 3:
        return tag(f"set var = {expression()}") + body() + "{{ var }}"
    if kind == 4:
        return tag("set block") + body() + tag("endset") + "{{ block | upper }}"
    if kind == 5:
        return tag(f"macro mac(a, b={expression()}, c='z')") + "{{ a }}" + body() + "{{ b ~ c }}" + tag("endmacro") + "{{ mac(1, c=2) }}{{ mac() }}"
    if kind == 6:
        return tag("set ns = namespace(v=0)") + tag("for x in l") + tag("set ns.v = ns.v + x") + tag("set var = x") + tag("endfor") + "{{ ns.v }}{{ var }}" + body()
    if kind == 7:
        return tag(f"with a = {expression()}, s = 1") + "{{ a }}{{ s }}" + body() + tag("endwith") + "{{ s }}"
    if kind == 8:
        return tag("filter upper") + body() + tag("endfilter") + "{# c #}" + space + "{#- d -#}" + space
    return space + "{{" + rng.choice(["", "-"]) + " " + expression() + " " + rng.choice(["", "-"]) + "}}" + space


def make_random(count, seed, name):
    rng = random.Random(seed)
    cases = []
    while len(cases) < count:
        source = "{{ " + random_expression(rng, rng.randrange(1, 4)) + " }}" if rng.random() < 0.6 else random_statement(rng, 2)
        outcome = render(source, VALUES)
        text = outcome if isinstance(outcome, str) else next(iter(outcome.values()))
        # Addresses differ from run to run; what does not parse there may parse here.
        if not re.search(r" at 0x|TemplateSyntaxError|object is not subscriptable|built-in|jinja2", text, re.I):
            cases.append([source, outcome])
    write(name, cases)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--random"]:
        make_random(int(sys.argv[2]), int(sys.argv[3]), os.path.abspath(sys.argv[4]))
    else:
        if sys.argv[1:2] == ["--add"]:
            for path in sys.argv[2:]:
                shutil.copy(path, OUT)
        make_prompts()
        make_cases()
        make_random(400, 1, "random.json")
        write("values.json", [VALUES])
