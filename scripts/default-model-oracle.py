"""Greedy continuations of the default model by transformers in float32, from the same GGUF file.

    python scripts/default-model-oracle.py PATH/TO/SmolLM2-135M-Instruct.Q4_1.gguf

Needs torch, transformers, accelerate and gguf. Writes test/fixtures/default-model/greedy.json: for each of ten prompts
its text and ids, the ids of 64 greedy tokens, and the two highest logits of every step with their gap, so that a test
can tell a tie from a mistake. Prompts have no digits: transformers' GGUF tokenizer groups them, the model's does not.
"""

import hashlib
import json
import pathlib
import sys

import torch
import transformers

STEPS = 64
OUT = pathlib.Path(__file__).parent.parent / "test/fixtures/default-model/greedy.json"

CHATS = [
    [{"role": "user", "content": "What is the capital of France?"}],
    [{"role": "user", "content": "Write a short poem about the sea."}],
    [
        {"role": "system", "content": "You answer in one sentence."},
        {"role": "user", "content": "Why is the sky blue?"},
    ],
    [
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": "Hello Ada! How can I help you today?"},
        {"role": "user", "content": "What is my name?"},
    ],
    [{"role": "user", "content": "Write a Python function that reverses a string."}],
]
RAW = [
    "Once upon a time",
    "The three primary colours are",
    "def fibonacci(n):\n    ",
    "In a hole in the ground there lived",
    "Die Hauptstadt von Deutschland ist",
]


def continuation(model, ids):
    """Greedy: [(id, [[id, logit], [id, logit]])] for STEPS steps, end-of-turn tokens not stopped at."""
    cache = None
    new = torch.tensor([ids])
    out, top, gaps = [], [], []
    for _ in range(STEPS):
        result = model(new, past_key_values=cache, use_cache=True)
        cache = result.past_key_values
        values, indices = result.logits[0, -1].float().topk(2)
        out.append(indices[0].item())
        top.append([[i.item(), round(v.item(), 5)] for i, v in zip(indices, values)])
        gaps.append(round((values[0] - values[1]).item(), 5))
        new = indices[:1][None]
    return {"continuation_ids": out, "top2": top, "gaps": gaps}


def main():
    path = pathlib.Path(sys.argv[1])
    directory, name = str(path.parent), path.name
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory, gguf_file=name)
    model = transformers.AutoModelForCausalLM.from_pretrained(directory, gguf_file=name, dtype=torch.float32)
    model.eval()
    cases = []
    with torch.no_grad():
        for chat in CHATS:
            text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            cases.append({"kind": "chat", "messages": chat, "text": text, "prompt_ids": ids})
        for text in RAW:
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            cases.append({"kind": "raw", "text": text, "prompt_ids": ids})
        for case in cases:
            case.update(continuation(model, case["prompt_ids"]))
            case["continuation_text"] = tokenizer.decode(case["continuation_ids"])
    result = {
        "model": name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "steps": STEPS,
        "cases": cases,
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    # One line a case: readable diffs without a line a number.
    head = {k: v for k, v in result.items() if k != "cases"}
    lines = ",\n".join(json.dumps(case) for case in cases)
    OUT.write_text(json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}\n")


main()
