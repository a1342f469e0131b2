"""Makes test/fixtures/tokenizer/: expected token ids from transformers, tokenizers and sentencepiece.

    python scripts/make-tokenizer-fixtures.py PATH/TO/SmolLM2-135M-Instruct.Q4_1.gguf

Needs transformers, gguf, tokenizers and sentencepiece. Vocabularies of real models are not written: for the default
model only the ids are. The small tokenizers are trained here on the texts below.
"""

import io
import json
import os
import random
import sys

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

OUT = os.path.join(os.path.dirname(__file__), "..", "test", "fixtures", "tokenizer")

TEXTS = [
    "", " ", "  ", "   a", "a   ", "\n", "\n\n\n", "\t", "\r\n", " \n \n ", "a\n\nb", "\ta\tb\t", "a  b   c    d",
    "Hello, world!", "Hello world", " Hello world", "hello", "HELLO", "hElLo WoRlD", "The quick brown fox jumps over the lazy dog.",
    "I'm you're he's we've they'll I'd don't can't", "I'M YOU'RE HE'S WE'VE THEY'LL I'D", "it's 'quoted' and ''double''",
    "0", "7", "42", "123", "1234", "12345", "1234567890", "3.14159", "1,000,000", "-273.15", "1e-9", "0xDEADBEEF", " 1 2  3   4",
    "2024-11-23T21:30:00Z", "192.168.0.1:8080", "v1.2.3-rc.4+build.5", "½ ⅓ ² ³ ¼", "x² + y³ = z₄", "١٢٣٤٥", "१२३", "Ⅳ ⅷ", "一二三 〇",
    "https://example.com/path?query=value&x=1#frag", "user.name+tag@example.co.uk", "C:\\Users\\me\\file.txt", "/usr/local/bin/",
    "def f(x):\n    return x ** 2\n", "for (let i = 0; i < n; i++) {\n\tsum += a[i];\n}", "if x == 1 and y != 2:", "#include <stdio.h>\nint main(void) { return 0; }",
    "SELECT * FROM t WHERE a = 'b' AND c IS NOT NULL;", "<div class=\"a\">text &amp; more</div>", "{\"key\": [1, 2.5, null, true, \"v\"]}",
    "fn main() -> Result<(), Box<dyn Error>> {", "lambda x: x if x else -x", "camelCaseIdentifier snake_case_name SCREAMING_CASE kebab-case iPhone",
    "a+b=c a-b*c/d %^&", "!!!???...", "---===+++***", "(((nested)))", "[[[]]]{{{}}}", "\"'`~", "@user #tag $100 50% ^caret &and *star", "…—–‘’“”«»", "「日本語」、。！？",
    "café naïve résumé", "cafe\u0301 (decomposed)", "Ångström Öl Straße ﬁ ﬂ", "ÀÉÎÕÜ àéîõü", "Zażółć gęślą jaźń", "Příliš žluťoučký kůň", "İstanbul ışık",
    "Привет, мир! Как дела?", "Γειά σου Κόσμε", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "வணக்கம்", "გამარჯობა", "Բարեւ աշխարհ",
    "你好，世界！", "這是繁體中文。", "こんにちは世界", "カタカナとひらがな", "안녕하세요 세계", "混合 mixed 文字 text", "ㄅㄆㄇ", "𠀀𠀁𠀂 𪚥",
    "😀", "😀😃😄", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "🏳️‍🌈", "☃ ☂ ♥ ♪", "text 😀 with 🎉 emoji", "1️⃣", "𝕳𝖊𝖑𝖑𝖔", "∑∫√∞≠≤≥", "→⇒↔ ⟨x|y⟩", "§¶†‡•", "€£¥₹₿",
    "\u200b\u200c\u200d", "a\u200bb", "\ufeffBOM", "a\ufeffb \ufeff c", "a\u0085b \u0085 c", "\u00a0nbsp\u00a0", "\u2003em\u2003space", "\u3000全角", "a\u2028b\u2029c",
    "\u0000", "a\u0000b", "\u0001\u0002\u001f", "\u007f", "\ufffd", "\u0301\u0302", "e\u0301\u0301\u0301\u0301", "\u202ertl\u202c", "\ue000", "\U0010ffff",
    "▁", "▁▁ lower block ▁x", "Ġ Ċ ĉ", "<0x41> <0x0A>", "<unk>", "<s>", "</s> text", "<|endoftext|>", "a<|endoftext|>b", "<|im_start|>user\nHi<|im_end|>\n", "<|im_start|>",
    " <|im_end|> ", "<|im_end|><|im_end|>", "<|im_end", "im_end|>", "<|not_special|>", "<file_sep><repo_name>x", "<jupyter_code>import os", "< |im_end| >", "<|IM_END|>", "<think>\nhm\n</think>\n\nok",
    "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>",
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n",
    "a" * 300, "ab" * 200, " " * 100, "\n" * 50, " \n" * 40, "\t" * 33, "=" * 120, "-" * 77, "." * 64, "9" * 40, "中" * 60, "😀" * 20, "aA" * 50, "x" * 17 + " " * 17 + "x",
    "Supercalifragilisticexpialidocious antidisestablishmentarianism", "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "word\n\n    indented\n        more\n", "trailing spaces   \n   leading", "mixed\r\nline\rendings\n", "tab\there\t\tand\t\t\tthere", "a \n b", "a  \n  b", "a\n \nb", " \t \t ",
]  # fmt: skip

ALPHABET = list("  \n\tabcdeABC019.,'!?-_/<|>é😀中ßж٣²\u00a0\u0301▁") + ["the", " and", "<|im_end|>", "'s", "\n\n", "    "]


def all_texts():
    rng = random.Random(7)
    random_texts = ["".join(rng.choice(ALPHABET) for _ in range(rng.randint(1, 40))) for _ in range(110)]
    return TEXTS + random_texts


def write(name, value):
    with open(os.path.join(OUT, name), "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=True, separators=(",", ":"))


def default_model(gguf):
    tokenizer = AutoTokenizer.from_pretrained(os.path.dirname(gguf), gguf_file=os.path.basename(gguf))
    # transformers reads merges and vocabulary from the file but does not know `pre: smollm`: it leaves out the digit
    # split that SmolLM2's own tokenizer.json (and llama.cpp) has.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(pre_types()["smollm"])
    cases = [{"text": text, "ids": tokenizer.encode(text)} for text in all_texts()]
    chat = [{"role": "user", "content": "What is 2+2?"}, {"role": "assistant", "content": "4"}, {"role": "user", "content": "Sure?"}]
    rendered = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    write("default-model.json", {"cases": cases, "chat": {"messages": chat, "rendered": rendered}})


def corpus():
    rng = random.Random(11)
    words = " ".join(TEXTS).split()
    return [" ".join(rng.choice(words) for _ in range(12)) for _ in range(400)] + TEXTS


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=["<|endoftext|>", "<|im_end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.add_tokens([AddedToken("<think>", normalized=False), AddedToken("<tool call>", normalized=False)])
    tokenizer.add_special_tokens([AddedToken("<|left|>", lstrip=True, special=True), AddedToken("<|right|>", rstrip=True, special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)])
    return tokenizer


CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"


def cased(suffix="", but=""):
    """Words cut where a capital starts a new one (o200k, Tekken, Kimi)."""
    start, upper, lower = r"[^\r\n\p{L}\p{N}]?", r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}" + but, r"\p{Ll}\p{Lm}\p{Lo}\p{M}" + but
    return f"{start}[{upper}]*[{lower}]+{suffix}|{start}[{upper}]+[{lower}]*{suffix}"


def isolated(*patterns):
    return [pre_tokenizers.Split(Regex(pattern), behavior="isolated") for pattern in patterns]


def pre_types():
    """Each family's pre-tokenizer as its tokenizer.json has it."""
    gpt2 = [pre_tokenizers.ByteLevel(add_prefix_space=False)]
    spell = [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    cjk = "[一-龥ࠀ-一가-\ud7ff]+"
    return {
        "gpt-2": gpt2,
        "smollm": [pre_tokenizers.Digits(individual_digits=True), *gpt2],
        "llama-bpe": isolated(rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{SPACES}") + spell,
        "qwen2": isolated(rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{SPACES}") + spell,
        "tekken": isolated(cased() + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES) + spell,
        "gpt-4o": isolated(cased(CONTRACTIONS + "?") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES) + spell,
        "kimi-k2": isolated(r"\p{Han}+|" + cased(CONTRACTIONS + "?", r"&&[^\p{Han}]") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES) + spell,
        "deepseek-v3": isolated(
            r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
            r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + SPACES,
        ) + spell,
        "deepseek-coder": [*isolated(r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", cjk), pre_tokenizers.Digits(individual_digits=True), *spell],
        "falcon": [pre_tokenizers.Punctuation("contiguous"), *gpt2, *isolated("[0-9][0-9][0-9]")],
    }  # fmt: skip


def byte_level_cases(tokenizer, texts):
    expected = {}
    plain = tokenizer.pre_tokenizer
    for name, steps in pre_types().items():
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
        expected[name] = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    tokenizer.pre_tokenizer = plain
    return expected


def sentencepiece_model():
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([text for text in corpus() if text.strip()]), model_writer=model, model_type="bpe", vocab_size=620,
        byte_fallback=True, character_coverage=0.98, normalization_rule_name="identity", remove_extra_whitespaces=False,
        add_dummy_prefix=True, split_digits=True, allow_whitespace_only_pieces=True, minloglevel=2,
    )  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def sentencepiece_metadata(sp):
    ids = range(sp.get_piece_size())
    kind = lambda i: 2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 6 if sp.is_byte(i) else 1  # noqa: E731
    return {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [sp.id_to_piece(i) for i in ids],
        "tokenizer.ggml.scores": [sp.get_score(i) for i in ids],
        "tokenizer.ggml.token_type": [kind(i) for i in ids],
        "tokenizer.ggml.bos_token_id": sp.bos_id(),
        "tokenizer.ggml.eos_token_id": sp.eos_id(),
        "tokenizer.ggml.unknown_token_id": sp.unk_id(),
    }


def metaspace_tokenizer():
    """The Llama 2 shape of today's converters: Metaspace, byte fallback, a decoder that strips one space."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    special = ["<unk>", "<s>", "</s>", *[f"<0x{byte:02X}>" for byte in range(256)]]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=special, limit_alphabet=60, max_token_length=12, show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    # Byte tokens must not be matched in text: only the three named ones stay added tokens.
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if not token["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def cases(tokenizer, texts):
    return [{"text": text, "ids": ids, "decoded": tokenizer.decode(ids)} for text in texts for ids in [tokenizer.encode(text).ids]]


def main(gguf):
    os.makedirs(OUT, exist_ok=True)
    default_model(gguf)
    texts = TEXTS + ["a <|left|> b <|right|> c", "x<tool call>y <think> z", "<|right|>\n\n  a"]
    tokenizer = byte_level()
    state = json.loads(tokenizer.to_str())
    write("byte-level.json", {"tokenizer": state, "cases": cases(tokenizer, texts), "pre": byte_level_cases(tokenizer, texts), "texts": texts})
    tokenizer = metaspace_tokenizer()
    write("metaspace.json", {"tokenizer": json.loads(tokenizer.to_str()), "cases": cases(tokenizer, texts)})
    sp = sentencepiece_model()
    # sentencepiece itself matches no control tokens in text, so texts with them are left to the other fixtures.
    plain = [text for text in TEXTS if text and "\0" not in text and not any(token in text for token in ("<s>", "</s>", "<unk>"))]
    write("sentencepiece.json", {"metadata": sentencepiece_metadata(sp), "cases": [{"text": t, "ids": [sp.bos_id(), *sp.encode(t)]} for t in plain]})


main(sys.argv[1])
