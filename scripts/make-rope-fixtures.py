"""Makes test/fixtures/models/rope-architectures.json: the rotation of each architecture under each kind of scaling.

    python scripts/make-rope-fixtures.py

Of each case it holds what a config.json has beside `base`, of the older generation (`rope_theta` and `rope_scaling`) or the newer
(`rope_parameters`), and what the rotary embedding of that architecture in transformers computes from it: inverse frequencies and the factor on cos
and sin, for sequences of several lengths where they depend on it, for each type of layers where there are types. Needs
transformers and torch.
"""

import importlib
import json
import pathlib

import torch
from transformers import AutoConfig

OUT = pathlib.Path(__file__).parent.parent / "test/fixtures/models/rope-architectures.json"
SHAPE = dict(vocab_size=101, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=128)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)
LLAMA3 = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
KINDS = {
    "default": dict(rope_type="default"),
    "linear": dict(rope_type="linear", factor=2.5),
    "dynamic": dict(rope_type="dynamic", factor=3.0),
    "yarn": YARN,
    "yarn, untruncated": {**YARN, "truncate": False, "beta_fast": 16.0, "beta_slow": 2.0, "attention_factor": 1.25},
    "yarn, mscale": {**YARN, "mscale": 0.8, "mscale_all_dim": 0.5},
    "llama3": LLAMA3,
    "longrope": dict(rope_type="longrope", original_max_position_embeddings=64),
}
# Sequences up to the trained length, and beyond it.
LENGTHS = {"dynamic": [64, 128, 200], "longrope": [40, 100]}
ALL = "llama qwen2 qwen3 mistral gemma gemma2 starcoder2 olmo2 smollm3 granite cohere cohere2 helium exaone4 ernie4_5 seed_oss falcon lfm2 mixtral qwen2_moe qwen3_moe granitemoe gpt_oss hunyuan_v1_dense".split()
# The share of each head that rotates.
PARTIAL = dict(phi=0.5, phi3=0.75, stablelm=0.25, gpt_neox=0.25, nemotron=0.5, glm=0.5, glm4=0.5, glm4_moe=0.5, qwen3_next=0.25)
BY_TYPE = ["gemma3_text", "olmo3"]
LATENT = ["minicpm3", "deepseek_v2", "deepseek_v3", "glm4_moe_lite"]
OWN = {
    **dict.fromkeys(LATENT, dict(num_key_value_heads=4, q_lora_rank=32, kv_lora_rank=32, qk_nope_head_dim=8, qk_rope_head_dim=16, v_head_dim=16)),
    "phi3": dict(pad_token_id=0),
    **dict.fromkeys(BY_TYPE, dict(layer_types=["sliding_attention", "full_attention"])),
    "lfm2": dict(layer_types=["full_attention", "conv"]),
}


def rotary_class(config):
    module = importlib.import_module(type(config).__module__.replace("configuration_", "modeling_"))
    return next(value for name, value in vars(module).items() if name.endswith("RotaryEmbedding"))


def computed(config, lengths, types):
    """[type of layers][length] → inverse frequencies and factor, each by a rotary embedding that has seen nothing before."""
    found = []
    for kind in types:
        for length in lengths:
            rotary = rotary_class(config)(config)
            args = (torch.zeros(1), torch.arange(length)[None])
            rotary(*args, *([kind] if kind else []))
            prefix = f"{kind}_" if kind else ""
            values = getattr(rotary, f"{prefix}inv_freq").double().tolist()
            found.append({"length": length, "inv_freq": [float(f"{v:.9g}") for v in values], "scale": getattr(rotary, f"{prefix}attention_scaling")})
    return found


def with_factors(rope, dim):
    if rope["rope_type"] != "longrope":
        return rope
    return {**rope, "short_factor": [1 + 0.1 * i for i in range(dim // 2)], "long_factor": [1 + 0.7 * i for i in range(dim // 2)]}


def newer(rope, partial):
    return {"rope_parameters": {"rope_theta": 5000.0, **rope, **({"partial_rotary_factor": partial} if partial else {})}}


def older(rope, partial):
    """Before 4.45 the kind was called `type`."""
    rope = {**rope}
    if rope["rope_type"] in ("linear", "dynamic", "yarn"):
        rope["type"] = rope.pop("rope_type")
    scaling = None if rope.get("rope_type") == "default" else rope
    return {"rope_theta": 5000.0, "rope_scaling": scaling, **({"partial_rotary_factor": partial} if partial else {})}


def of_types(rope, generation):
    """Layers that see everything are scaled, those with a window are not."""
    if generation == "newer":
        return {"rope_parameters": {"full_attention": {"rope_theta": 5000.0, **rope}, "sliding_attention": {"rope_type": "default", "rope_theta": 700.0}}}
    # transformers 5 takes rope_theta of older files of OLMo 3 for the layers that see everything only; the others have the default.
    return {"rope_theta": 500000.0, "rope_scaling": None if rope["rope_type"] == "default" else rope, "rope_local_base_freq": 700.0}


def main():
    cases, frequencies = [], []
    for name in [*ALL, *PARTIAL, *BY_TYPE, *LATENT]:
        partial = PARTIAL.get(name)
        for kind, rope in KINDS.items():
            if name == "phi3" and kind not in ("default", "longrope"):
                continue  # its config refuses the others
            if name in BY_TYPE and kind == "yarn, untruncated":
                continue  # transformers 5.24 looks for `truncate` beside the types of layers
            rope = with_factors(rope, int(16 * (partial or 1)))
            for generation, keys in (("newer", newer), ("older", older)):
                own = of_types(rope, generation) if name in BY_TYPE else keys(rope, partial)
                if name == "gpt_neox" and generation == "older":
                    own |= {"rotary_emb_base": own.pop("rope_theta"), "rotary_pct": own.pop("partial_rotary_factor")}
                if name == "phi3" and kind == "longrope":
                    (own.get("rope_parameters") or own["rope_scaling"]).pop("original_max_position_embeddings")
                    own["original_max_position_embeddings"] = 64
                given = {**SHAPE, **OWN.get(name, {}), **own}
                if name == "falcon":
                    del given["head_dim"]  # computed there
                try:
                    config = AutoConfig.for_model(name, **json.loads(json.dumps(given)))
                    types = ["full_attention", "sliding_attention"] if name in BY_TYPE else [None]
                    tables = computed(config, LENGTHS.get(kind, [100]), types)
                except Exception as error:
                    print(f"{name}, {kind}, {generation}: transformers says {type(error).__name__} {error}"[:200])
                    continue
                for table in tables:
                    if table["inv_freq"] not in frequencies:
                        frequencies.append(table["inv_freq"])
                    table["inv_freq"] = frequencies.index(table["inv_freq"])
                cases.append({"name": f"{name}, {kind}, {generation}", "config": {"model_type": name, **OWN.get(name, {}), **own}, "tables": tables})
    lines = lambda values: "[\n" + ",\n".join(json.dumps(value) for value in values) + "\n]"
    OUT.write_text(f'{{"base": {json.dumps(SHAPE)},\n"frequencies": {lines(frequencies)},\n"cases": {lines(cases)}}}\n')
    print(f"made {OUT}: {len(cases)} cases")


if __name__ == "__main__":
    main()
