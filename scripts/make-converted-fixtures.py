"""Makes the GGUF files of test/fixtures/models that llama.cpp's own converter writes from tiny checkpoints.

    python scripts/make-converted-fixtures.py LLAMA_CPP [NAME…]

LLAMA_CPP is a checkout of llama.cpp, or the unpacked source package of llama-cpp-python (vendor/llama.cpp of it). Needs what
make-fixtures.py needs, which makes the checkpoints and their logits; vocabularies are left out.
"""

import importlib
import json
import math
import pathlib
import shutil
import sys
import tempfile

import torch

LLAMA_CPP = pathlib.Path(sys.argv[1])
# Its converter comes with a gguf package of its own, which has to be imported first.
sys.path[:0] = [str(LLAMA_CPP), str(LLAMA_CPP / "gguf-py")]
fixtures = importlib.import_module("make-fixtures")
packed = importlib.import_module("make-packed-fixtures")
OUT = fixtures.OUT
PLAIN = {"rope_type": "default", "rope_theta": 5000.0}
YARN = dict(rope_type="yarn", rope_theta=5000.0, factor=4.0, original_max_position_embeddings=64, attention_factor=0.1 * math.log(4) + 1)
MIXTURE = dict(num_experts=8, num_experts_per_tok=3, moe_intermediate_size=32, shared_expert_intermediate_size=64)
DELTA = dict(linear_key_head_dim=8, linear_value_head_dim=16, linear_num_key_heads=2, linear_num_value_heads=4, layer_types=["linear_attention", "full_attention"])
GPT = ("num_key_value_heads", "head_dim", "intermediate_size", "num_hidden_layers", "num_attention_heads")
LATENT = {key: value for key, value in fixtures.LATENT.items() if key != "q_lora_rank"}
ROUTED = {**fixtures.MIXTURE, **fixtures.GROUPS, "first_k_dense_replace": 1}

# Name of the fixture: how `tiny` makes the checkpoint, and keys that the converter reads and transformers 5 does not write.
CHECKPOINTS = {
    "gpt_neox-gguf": (
        ("head_dim", "num_key_value_heads"),
        dict(model_type="gpt_neox", use_parallel_residual=False, rope_parameters=dict(fixtures.HALF)),
        dict(rotary_pct=0.5),
    ),
    "bloom-gguf": (GPT, dict(model_type="bloom", n_layer=2, n_head=4), {}),
    "cohere2-gguf": ((), dict(model_type="cohere2", num_hidden_layers=4, sliding_window=9, logit_scale=0.3), dict(rotary_pct=1.0)),
    "hunyuan_v1_dense-gguf": (
        (),
        dict(model_type="hunyuan_v1_dense", max_position_embeddings=32768, rope_parameters=dict(rope_type="dynamic", rope_theta=10000.0, factor=1.0, alpha=50.0)),
        {},
    ),
    "falcon-gguf": (
        ("num_key_value_heads", "head_dim", "intermediate_size"),
        dict(model_type="falcon", ffn_hidden_size=128, new_decoder_architecture=True, num_kv_heads=2),
        {},
    ),
    "gpt_bigcode-gguf": (
        (*GPT, "hidden_size", "max_position_embeddings"),
        dict(model_type="gpt_bigcode", n_positions=64, n_embd=32, n_layer=2, n_head=4, n_inner=128),
        {},
    ),
    "olmo3-gguf": (("head_dim",), dict(model_type="olmo3", **fixtures.WINDOWS, rope_parameters=dict(full_attention=YARN, sliding_attention=PLAIN)), {}),
    "glm-gguf": ((), dict(model_type="glm", rms_norm_eps=1e-5, rope_parameters=dict(fixtures.HALF)), dict(seq_length=256)),
    # Norms are stored as their difference from 1, which the converter adds in the checkpoint's dtype, or in float32 to bfloat16.
    "qwen3_next-gguf": (
        (),
        dict(model_type="qwen3_next", **DELTA, **MIXTURE, dtype=torch.bfloat16, rope_parameters=dict(fixtures.HALF)),
        {},
    ),
    "deepseek_v2-gguf": (
        ("head_dim",),
        dict(model_type="deepseek_v2", **LATENT, q_lora_rank=None, v_head_dim=24, **ROUTED, topk_method="group_limited_greedy", rope_parameters=fixtures.deepseek_yarn(0.7, 0.7)),
        dict(scoring_func="softmax", head_dim=None),
    ),
    "glm4_moe_lite-gguf": (
        ("head_dim",),
        dict(model_type="glm4_moe_lite", **LATENT, q_lora_rank=32, v_head_dim=8, **{**ROUTED, "num_experts_per_tok": 4, "n_group": 2, "topk_group": 1}, mlp_layer_types=["dense", "sparse"]),
        dict(first_k_dense_replace=1, head_dim=None),
    ),
    "llama-gguf-fused": ((), dict(model_type="llama", attention_bias=True), {}),
    # transformers does not have these: what make-fixtures.py makes of Llama and of Granite.
    "internlm2-gguf": lambda: fixtures.internlm2("internlm2-gguf", bias=False),
    "minicpm-gguf": lambda: fixtures.dense(),
    # Experts in MXFP4, which the converter hands on.
    "gpt_oss-gguf": lambda: packed.write("gpt_oss-mxfp4", *packed.FORMATS["gpt_oss-mxfp4"]),
    "phi3-gguf": lambda: fixtures.phi3(),
    "deepseek_v3-gguf": lambda: fixtures.deepseek(),
}
# Tensors that the converter writes as one if it is told to: q, k and v, or gate and up of all experts.
FUSED = {"llama-gguf-fused": ["fuse_qkv"], "qwen3_next-gguf": ["fuse_qkv", "fuse_gate_up_exps"]}
# Where the checkpoint of one of these functions lies, if not under the fixture's own name.
SOURCES = {"minicpm-gguf": "minicpm", "gpt_oss-gguf": "gpt_oss-mxfp4", "phi3-gguf": "phi3", "deepseek_v3-gguf": "deepseek_v3"}


def convert(source, target):
    """convert_hf_to_gguf.py SOURCE --outtype f16 --outfile TARGET"""
    conversion = importlib.import_module("conversion")
    base = importlib.import_module("conversion.base")
    # config.json itself: transformers 5 takes some of the keys out that the converter reads.
    hparams = json.loads((source / "config.json").read_text())
    converter = conversion.get_model_class(base.get_model_architecture(hparams, base.ModelType.TEXT))
    converter.set_vocab = lambda self: None
    converter.no_mtp = True  # there are no layers that guess tokens ahead
    with torch.inference_mode():
        fused = dict.fromkeys(FUSED.get(target.stem, []), True)
        converter(source, base.gguf.LlamaFileType.MOSTLY_F16, target, hparams=hparams, **fused).write()


def make(name):
    target = OUT / name
    with tempfile.TemporaryDirectory() as directory:
        fixtures.OUT = packed.OUT = pathlib.Path(directory)
        made = fixtures.OUT / SOURCES.get(name, name)
        if callable(CHECKPOINTS[name]):
            CHECKPOINTS[name]()
        else:
            dropped, keys, own = CHECKPOINTS[name]
            fixtures.tiny(name, *dropped, **keys)
            config = json.loads((made / "config.json").read_text())
            (made / "config.json").write_text(json.dumps(config | own))
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        convert(made, target / f"{name}.gguf")
        for file in ("oracle.json", "logits.f32"):
            shutil.copy(made / file, target / file)
    print(f"made {target}")


if __name__ == "__main__":
    for name in sys.argv[2:] or CHECKPOINTS:
        make(name)
