"""Writes test/fixtures/exams/architectures.json: what transformers answers about the tiny checkpoints of test/fixtures/models.

    python scripts/make-architecture-exams.py

As make-exam.py does: prompts of 5, 37 and 120 tokens, where there are so many positions, and 24 greedy tokens behind each, in
float32. The models are those that make-fixtures.py makes the checkpoints from (some checkpoints transformers cannot load); each
has to give the logits that are stored. Needs what make-fixtures.py needs.
"""

import importlib
import json
import pathlib
import tempfile

import numpy as np
import torch
import transformers

exam = importlib.import_module("make-exam")
fixtures = importlib.import_module("make-fixtures")
STORED = fixtures.OUT
LENGTHS = (5, 37, 120)
TOKENS = 24


def positions(config):
    return getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or 256


def rounded(case):
    """A millionth is enough, and half the bytes."""
    digits = lambda values: [None if value is None else round(value, 6) for value in values]
    return {key: digits(value) if key.endswith("logprobs") else value for key, value in case.items()}


def answers(name, model):
    prompt = [i % model.config.vocab_size for i in fixtures.PROMPT]
    stored = np.fromfile(STORED / name / "logits.f32", dtype="<f4")
    with torch.no_grad():
        logits = model(torch.tensor([prompt])).logits[0].float().numpy().ravel()
    off = np.abs(logits - stored).max() / np.abs(stored).max()
    if off > 1e-5:
        raise SystemExit(f"{name}: logits are {off:.1e} off those stored: make the fixture anew")
    generator = torch.Generator().manual_seed(1)
    lengths = [n for n in LENGTHS if n + TOKENS <= positions(model.config)]
    prompts = [torch.randint(model.config.vocab_size, (n,), generator=generator).tolist() for n in lengths]
    return [rounded(exam.answer(model, prompt, TOKENS)) for prompt in prompts]


def is_plain(name):
    """A checkpoint of floats that generates and whose answers depend on nothing before them."""
    config = STORED / name / "config.json"
    if name == "llama-dynamic" or not config.exists() or not (STORED / name / "logits.f32").exists():
        return False
    keys = json.loads(config.read_text())
    return "quantization_config" not in keys and "num_labels" not in keys and not name.endswith(("score", "reward"))


def main():
    found = {}

    def write_oracle(directory, model):
        if is_plain(directory.name):
            found[directory.name] = answers(directory.name, model.eval())

    fixtures.write_oracle = write_oracle
    with tempfile.TemporaryDirectory() as directory:
        fixtures.OUT = pathlib.Path(directory)
        fixtures.main()
    made_by = {"transformers": transformers.__version__, "torch": torch.__version__}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(found[name], separators=(',', ':'))}" for name in sorted(found))
    (STORED.parent / "exams" / "architectures.json").write_text(f'{{"made_by": {json.dumps(made_by)},\n"exams": {{\n{lines}\n}}}}\n')
    print(f"{len(found)} checkpoints")


main()
