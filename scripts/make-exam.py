"""Writes what transformers answers about a checkpoint, for `dawnlight exam`.

    python scripts/make-exam.py DIR OUT.json [--lengths 5,37,120] [--tokens 24]

In float32: prompts of random token ids, the log-probability of each of their tokens given those before it, and the greedy
continuation with its log-probabilities. Needs torch and transformers.
"""

import argparse
import json
import pathlib

import torch
import transformers
from transformers import AutoModelForCausalLM


def logprobs(model, ids):
    """[T, V]"""
    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)


def answer(model, prompt, tokens):
    ids, chosen = list(prompt), []
    for _ in range(tokens):
        last = logprobs(model, ids)[-1]
        ids.append(int(last.argmax()))
        chosen.append(float(last[ids[-1]]))
    of_prompt = logprobs(model, prompt)
    return {
        "prompt_ids": prompt,
        "prompt_logprobs": [None] + [float(of_prompt[i - 1, prompt[i]]) for i in range(1, len(prompt))],
        "token_ids": ids[len(prompt) :],
        "token_logprobs": chosen,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--lengths", default="5,37,120", help="tokens of each prompt")
    parser.add_argument("--tokens", type=int, default=24, help="tokens of each continuation")
    arguments = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(arguments.directory, dtype=torch.float32).eval()
    generator = torch.Generator().manual_seed(1)
    vocabulary = model.config.get_text_config().vocab_size
    lengths = [int(n) for n in arguments.lengths.split(",")]
    prompts = [torch.randint(vocabulary, (n,), generator=generator).tolist() for n in lengths]
    exam = {
        "model_type": model.config.get_text_config().model_type,
        "made_by": {"transformers": transformers.__version__, "torch": torch.__version__},
        "cases": [answer(model, prompt, arguments.tokens) for prompt in prompts],
    }
    arguments.out.write_text(json.dumps(exam) + "\n")


if __name__ == "__main__":
    main()
