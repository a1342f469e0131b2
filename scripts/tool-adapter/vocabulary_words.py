"""Words of the default model's vocabulary, to be copied in the training data. See training_domains.py."""

import json
import re

from base_model import load_tokenizer
from held_out_sets import CASES

UNSEEN = {w.lower() for c in CASES for call in c.get("calls", []) for w in re.findall(r"\w+", json.dumps(call["arguments"], ensure_ascii=False))}
FORMS = {"Name": r"Ġ[A-Z][a-z]{2,}", "word": r"Ġ[a-z]{3,}", "CODE": r"Ġ[A-Z]{2,5}"}
VOCABULARY = sorted(load_tokenizer().get_vocab())
WORDS_OF_VOCABULARY = {kind: [t[1:] for t in VOCABULARY if re.fullmatch(form, t) and t[1:].lower() not in UNSEEN] for kind, form in FORMS.items()}
"""Those that are one token behind a space, without the values of the requests of both held-out sets."""
