"""Makes the adapters of test/fixtures/adapters and what transformers and peft compute with each of them alone.

    python scripts/make-lora-fixtures.py [--llama-cpp DIR]

Each folder is named after the tiny checkpoint of test/fixtures/models that its adapters are for. It holds peft directories in
float16, and oracle.json: for the model alone ("") and for each adapter a prompt, the log-probability of each of its tokens
but the first, and of a greedy continuation the tokens with the five largest log-probabilities of each; all in float32. With
the sources of llama.cpp, one adapter of llama is also written as GGUF by its convert_lora_to_gguf.py. Needs torch,
transformers and peft; everything is random but seeded.
"""

import json
import pathlib
import shutil
import subprocess
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

FIXTURES = pathlib.Path(__file__).parent.parent / "test/fixtures"
BASES = ["llama-tied", "qwen2", "gemma"]
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ADAPTERS = {
    "all-8": dict(r=8, lora_alpha=16, target_modules=ALL),
    "qv-64": dict(r=64, lora_alpha=32, target_modules=["q_proj", "v_proj"], use_rslora=True),
    "patterns": dict(
        r=16,
        lora_alpha=16,
        target_modules=ALL,
        rank_pattern={"q_proj": 9, r"layers\.1\.mlp\.down_proj": 32},
        alpha_pattern={"k_proj": 5},
    ),
    "mlp-4": dict(r=8, lora_alpha=8, target_modules=["gate_proj", "up_proj", "down_proj"]),
    "ko-32": dict(r=32, lora_alpha=64, target_modules=["k_proj", "o_proj"]),
    "last-12": dict(r=12, lora_alpha=24, target_modules=["down_proj"], layers_to_transform=[1]),
    "q-8": dict(r=8, lora_alpha=32, target_modules=["q_proj"]),
    "all-24": dict(r=24, lora_alpha=24, target_modules=ALL),
}
OUTPUT = 6


def make_adapter(base, name, config):
    directory = FIXTURES / "adapters" / base / name
    model = AutoModelForCausalLM.from_pretrained(FIXTURES / "models" / base, dtype=torch.float32)
    tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **config))
    with torch.no_grad():
        for key, p in tuned.named_parameters():
            if "lora_A" in key:
                p.normal_(0, 1 / p.shape[1] ** 0.5)
            if "lora_B" in key:
                p.normal_(0, 0.7 / p.shape[1] ** 0.5)
    tuned.save_pretrained(directory)
    weights = directory / "adapter_model.safetensors"
    save_file({key: value.half() for key, value in load_file(weights).items()}, weights)
    (directory / "README.md").unlink(missing_ok=True)
    config_file = directory / "adapter_config.json"
    saved = json.loads(config_file.read_text())
    saved["target_modules"] = sorted(saved["target_modules"])
    saved["base_model_name_or_path"] = base
    config_file.write_text(json.dumps(saved, indent=2, sort_keys=True) + "\n")


def answer(model, seed, vocab):
    prompt = [(13 * i * i + (7 + seed) * i + 3 + seed) % vocab for i in range(5 + 3 * seed)]
    ids, output, top = list(prompt), [], []
    with torch.no_grad():
        for _ in range(OUTPUT):
            logprobs = model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
            values, best = logprobs[-1].topk(5)
            top.append([[int(i), float(v)] for i, v in zip(best, values)])
            ids.append(int(best[0]))
        logprobs = model(torch.tensor([prompt])).logits[0].float().log_softmax(-1)
    scored = [float(logprobs[i, t]) for i, t in enumerate(prompt[1:])]
    return dict(prompt_ids=prompt, prompt_logprobs=scored, output_ids=ids[len(prompt) :], top=top)


def make_base(base):
    oracle = {}
    for seed, (name, config) in enumerate(ADAPTERS.items()):
        torch.manual_seed(seed)
        make_adapter(base, name, config)
    for seed, name in enumerate(["", *ADAPTERS]):
        model = AutoModelForCausalLM.from_pretrained(FIXTURES / "models" / base, dtype=torch.float32)
        vocab = model.config.vocab_size
        if name:
            model = PeftModel.from_pretrained(model, FIXTURES / "adapters" / base / name)
        oracle[name] = answer(model.eval(), seed, vocab)
    (FIXTURES / "adapters" / base / "oracle.json").write_text(json.dumps(oracle) + "\n")


def convert(llama_cpp, base, name):
    directory = FIXTURES / "adapters" / base
    script = pathlib.Path(llama_cpp) / "convert_lora_to_gguf.py"
    outfile = directory / f"{name}.gguf"
    arguments = ["--base", FIXTURES / "models" / base, "--outtype", "f16", "--outfile", outfile, directory / name]
    subprocess.run([sys.executable, script, *arguments], check=True)


shutil.rmtree(FIXTURES / "adapters", ignore_errors=True)
for base in BASES:
    make_base(base)
if sys.argv[1:2] == ["--llama-cpp"]:
    convert(sys.argv[2], "llama-tied", "all-8")
