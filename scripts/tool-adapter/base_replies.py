"""Writes what the base model itself answers to the questions that need no tool, so that training keeps its manner.

    python scripts/tool-adapter/base_replies.py FILE
"""

import json
import sys

import torch
from base_model import load_base, load_tokenizer
from chat_questions import QUESTIONS

LENGTH = 48
"""Tokens of an answer; what is longer is cut, and trained on without its end."""


def main(file):
    tok, model = load_tokenizer(), load_base()
    tok.padding_side = "left"
    replies = {}
    with torch.no_grad():
        for i in range(0, len(QUESTIONS), 30):
            questions = QUESTIONS[i : i + 30]
            texts = [tok.apply_chat_template([{"role": "user", "content": q}], tokenize=False, add_generation_prompt=True) for q in questions]
            batch = tok(texts, return_tensors="pt", padding=True)
            out = model.generate(**batch, max_new_tokens=LENGTH, do_sample=False, pad_token_id=2, eos_token_id=2)
            for q, ids in zip(questions, out[:, batch["input_ids"].shape[1] :].tolist()):
                ended = 2 in ids
                text = tok.decode(ids[: ids.index(2)] if ended else ids)
                replies[q] = {"text": text.rstrip("�"), "ended": ended}
            print(i, q, replies[q], flush=True)
            with open(file, "w") as f:
                json.dump(replies, f, ensure_ascii=False, indent=1)


main(sys.argv[1])
