"""Makes the tiny checkpoints of test/fixtures/models and what transformers computes from them.

    python scripts/make-fixtures.py [NAME…]

Without names it makes all. Weights are drawn one model after the other, so all are computed in any case, and those that
are named, folders of test/fixtures/models, take the place of the old ones. Needs torch, transformers, accelerate and gguf. Everything is random but seeded. Each directory holds a checkpoint as it
is on the hub, plus oracle.json (prompt ids) and logits.f32 (float32 logits [prompt, vocabulary], little-endian), computed
by transformers in float32 from the stored weights. hidden.f32 beside it are the last hidden states [prompt, hidden], and
reward models have scores.json instead: prompts and the score of each.
"""

import hashlib
import json
import pathlib
import re
import shutil
import sys
import tempfile

import gguf
import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
)
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.bloom import modeling_bloom
from transformers.models.falcon import modeling_falcon

OUT = pathlib.Path(__file__).parent.parent / "test/fixtures/models"
VOCAB = 307
PROMPT = [(17 * i * i + 5 * i + 3) % VOCAB for i in range(41)]
SHAPE = dict(
    vocab_size=VOCAB,
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=256,
    bos_token_id=1,
    eos_token_id=2,
)
# Norms stored as their difference from 1.
ZERO_CENTERED = ["nemotron", "qwen3_next"]
LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=5000.0,
    factor=4.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)


def randomize(model):
    """Weights large enough that attention is far from uniform; norms and biases far from 1 and 0."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("bias"):
                p.normal_(0, 0.3)
            elif "norm" in name or ".ln_" in name:
                centered = model.config.model_type in ZERO_CENTERED or "gemma" in model.config.model_type
                p.copy_((0 if centered and "linear_attn" not in name else 1) + 0.3 * torch.randn_like(p))
            elif p.ndim == 1:  # what recurrent states decay by, and what passes them by
                p.normal_(0, 0.5)
            else:
                p.normal_(0, 1.5 / p.shape[1] ** 0.5)
        for name, buffer in model.named_buffers():
            if name.endswith("e_score_correction_bias"):
                buffer.normal_(0, 0.3)


def write_oracle(directory, model):
    prompt = [i % model.config.vocab_size for i in PROMPT]
    with torch.no_grad():
        logits = model(torch.tensor([prompt])).logits[0].float().numpy()
    (directory / "logits.f32").write_bytes(logits.astype("<f4").tobytes())
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    oracle = {"prompt_ids": prompt, "shape": list(logits.shape), **versions}
    (directory / "oracle.json").write_text(json.dumps(oracle) + "\n")


def write_short(name, model):
    """Logits of a prompt for which LongRoPE takes the short factors."""
    with torch.no_grad():
        logits = model(torch.tensor([[i % model.config.vocab_size for i in PROMPT[:29]]])).logits[0].numpy()
    (OUT / name / "logits-short.f32").write_bytes(logits.astype("<f4").tobytes())


def older_config(directory, names={}, dropped=()):
    """Rewrites config.json the way transformers up to 4 wrote it. `names`: older names of keys; `dropped`: keys it had not."""
    path = directory / "config.json"
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    rope = rope.get("full_attention", rope)
    if "partial_rotary_factor" in rope:
        config["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
    config["rope_theta"] = rope.pop("rope_theta")
    if rope["rope_type"] == "linear":  # its key before 4.45
        rope["type"] = rope.pop("rope_type")
    config["rope_scaling"] = None if rope.get("rope_type") == "default" else rope
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.45.0"
    config = {names.get(key, key): value for key, value in config.items() if key not in dropped}
    path.write_text(json.dumps(config, indent=2) + "\n")


def checkpoint(name, config, dtype, older=False, shard=None, **older_keys):
    directory = OUT / name
    shutil.rmtree(directory, ignore_errors=True)
    model = AutoModelForCausalLM.from_config(config)
    randomize(model)
    model.to(dtype).save_pretrained(directory, **({"max_shard_size": shard} if shard else {}))
    if older:
        older_config(directory, **older_keys)
    reloaded = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    write_oracle(directory, reloaded)
    return reloaded


GGUF_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


GEMMA_NAMES = {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def gguf_name(name, names=GGUF_NAMES):
    stem, kind = name.rsplit(".", 1)
    if stem.startswith("model.layers."):
        _, _, layer, part = stem.split(".", 3)
        return f"blk.{layer}.{names[part]}.{kind}"
    return f"{names[stem]}.{kind}"


def permute(weights, heads):
    """Row order of llama.cpp's converter: the two halves of each head interleaved."""
    split = weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
    return split.swapaxes(1, 2).reshape(weights.shape)


def gguf_writer(path, arch, config, layer_norm_eps=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(str(path), arch)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    rope = config.rope_parameters.get("full_attention", config.rope_parameters)
    writer.add_rope_freq_base(rope["rope_theta"])
    if layer_norm_eps is None:
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    else:
        writer.add_layer_norm_eps(layer_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    if config.to_dict().get("head_dim") and "kv_lora_rank" not in config.to_dict():
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    return writer


def gguf_finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_copy(name, arch, model, dtype):
    """The same weights as a GGUF file, which must give the same logits; tied heads are left out."""
    config = model.config
    path = OUT / name / f"{name}.gguf"
    shutil.rmtree(path.parent, ignore_errors=True)
    writer = gguf_writer(path, arch, config)
    rope = config.rope_parameters.get("full_attention", config.rope_parameters)
    if arch == "gemma3":
        writer.add_sliding_window(config.sliding_window)
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "llama3":
        scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
        plain = rope["rope_theta"] ** (-np.arange(0, config.head_dim, 2) / config.head_dim)
        writer.add_tensor("rope_freqs.weight", (plain / scaled.numpy()).astype(np.float32))
    for key, value in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        array = value.float().numpy()
        if arch == "llama" and ".q_proj." in key:
            array = permute(array, config.num_attention_heads)
        if arch == "llama" and ".k_proj." in key:
            array = permute(array, config.num_key_value_heads)
        if arch == "gemma3" and "norm" in key:
            array = array + 1
        names = {**GGUF_NAMES, **(GEMMA_NAMES if arch == "gemma3" else {})}
        writer.add_tensor(gguf_name(key, names), array.astype(dtype if array.ndim == 2 else np.float32))
    gguf_finish(writer)
    write_oracle(path.parent, model)


def random_k_blocks(kind, shape, rng):
    """The gguf package cannot quantize to K formats: random blocks, scaled to weights of about ±0.1."""
    blocks = shape[0] * shape[1] // 256
    size = gguf.GGML_QUANT_SIZES[kind][1]
    data = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    half = lambda values: values.astype("<f2").view(np.uint8).reshape(blocks, 2)
    d = half(rng.uniform(0.5e-4, 1e-4, blocks))
    if kind == gguf.GGMLQuantizationType.Q6_K:
        data[:, 208:210] = half(rng.uniform(1e-5, 4e-5, blocks))
    else:
        bits = 15 if kind == gguf.GGMLQuantizationType.Q4_K else 31
        data[:, 0:2] = d
        data[:, 2:4] = half(rng.uniform(0.5e-4, 1e-4, blocks) * bits / 2)
    return data.reshape(shape[0], -1)


def encode(array, kind, rng):
    if kind.name in ("Q4_K", "Q5_K", "Q6_K"):
        return random_k_blocks(kind, array.shape, rng)
    if kind.name in SCALES and kind.name not in ("TQ1_0", "TQ2_0", "MXFP4"):
        size = lambda blocks: np.sqrt(np.mean(gguf.quants.dequantize(blocks, kind) ** 2))
        return random_blocks(kind, array.shape[0], rng, 0.01 * np.sqrt(np.mean(array**2)) / size(random_blocks(kind, 64, rng)))
    return gguf.quants.quantize(array, kind)


TYPES = "F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q4_K Q5_K Q6_K".split()

# Types of which blocks are made at random, and where in a block its f16 scales lie.
SCALES = dict(Q2_K=[80, 82], Q3_K=[108], TQ1_0=[52], TQ2_0=[64], MXFP4=[], IQ1_M=[])
SCALES |= dict.fromkeys("IQ1_S IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S IQ4_NL IQ4_XS".split(), [0])


def random_blocks(kind, rows, rng, largest=0.01):
    """Rows of 256 elements, scales up to `largest`. Those of the first row are powers of two, so that f16 holds whatever is computed from them."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    data = rng.integers(0, 256, (rows, 256 // block, size), dtype=np.uint8)

    def scales():
        values = rng.uniform(largest / 2, largest, data.shape[:2])
        values[0] = 2.0 ** np.floor(np.log2(largest))
        return values.astype("<f2")

    for at in SCALES[kind.name]:
        data[:, :, at : at + 2] = scales()[..., None].view(np.uint8)
    if kind.name == "MXFP4":
        data[:, :, 0] = rng.integers(108, 132, data.shape[:2])
    if kind.name == "IQ1_M":  # four bits of the scale in each of four words
        nibbles = scales().view(np.uint16)[..., None] >> np.array([0, 4, 8, 12], dtype=np.uint16) & 15
        data[:, :, 49::2] = data[:, :, 49::2] & 15 | (nibbles << 4).astype(np.uint8)
    return data.reshape(rows, -1)


def grid_hashes():
    """SHA-256 of each grid's values as bytes: random blocks meet some of the entries only."""
    hashes = {}
    for name in "IQ1_S IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S".split():
        grid = getattr(gguf.quants, name)
        grid.init_grid()
        hashes[name] = hashlib.sha256(grid.grid.astype(np.int8).tobytes()).hexdigest()
    return hashes


def quant_tensors():
    """A tensor of three rows a type, and what the gguf package decodes it to."""
    rng = np.random.default_rng(11)
    directory = OUT / "gguf-quants"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    writer = gguf.GGUFWriter(str(directory / "quants.gguf"), "llama")
    writer.add_array("test.strings", ["a", "bc", ""])
    writer.add_array("test.ints", [1, -2, 3])
    writer.add_float64("test.float64", 0.1)
    expected = []
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        data = encode(rng.normal(0, 0.1, (3, 512)).astype(np.float32), kind, rng)
        raw = data if data.dtype == np.uint8 else data.view(np.uint8).reshape(3, -1)
        writer.add_tensor(name, raw, raw_dtype=kind)
        expected.append(gguf.quants.dequantize(raw, kind).astype("<f4").ravel())
    for name in SCALES:
        kind = gguf.GGMLQuantizationType[name]
        raw = random_blocks(kind, 3, rng)
        writer.add_tensor(name, raw, raw_dtype=kind)
        expected.append(gguf.quants.dequantize(raw, kind).astype("<f4").ravel())
    gguf_finish(writer)
    (directory / "expected.f32").write_bytes(np.concatenate(expected).tobytes())
    (directory / "grids.json").write_text(json.dumps(grid_hashes(), indent=1) + "\n")


def mixed_gguf(folder, rng, tables, kinds):
    """A llama file in which many formats occur, joined in one matrix with others; logits by transformers' own loader."""
    config = LlamaConfig(
        **{**SHAPE, "hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 2},
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    directory = OUT / folder
    shutil.rmtree(directory, ignore_errors=True)
    writer = gguf_writer(directory / f"{folder}.gguf", "llama", config)
    model = AutoModelForCausalLM.from_config(config)
    randomize(model)
    for key, value in model.state_dict().items():
        name, array = gguf_name(key), value.float().numpy()
        if array.ndim == 1:
            writer.add_tensor(name, array)
            continue
        part = name.split(".")
        kind = kinds[int(part[1])][part[2]] if part[0] == "blk" else tables[part[0]]
        kind = gguf.GGMLQuantizationType[kind]
        data = encode(array, kind, rng)
        raw = data if data.dtype == np.uint8 else data.view(np.uint8).reshape(array.shape[0], -1)
        writer.add_tensor(name, raw, raw_dtype=kind)
    gguf_finish(writer)
    loaded = AutoModelForCausalLM.from_pretrained(
        str(directory), gguf_file=f"{folder}.gguf", dtype=torch.float32
    ).eval()
    write_oracle(directory, loaded)


MIXED = [
    dict(attn_q="Q4_K", attn_k="Q4_K", attn_v="Q6_K", attn_output="Q5_K", ffn_gate="Q5_0", ffn_up="Q4_0", ffn_down="Q6_K"),
    dict(attn_q="Q4_1", attn_k="Q8_0", attn_v="F16", attn_output="Q5_1", ffn_gate="Q4_1", ffn_up="Q4_1", ffn_down="BF16"),
]
LOW_BITS = [
    dict(attn_q="IQ2_XS", attn_k="Q2_K", attn_v="IQ4_NL", attn_output="IQ3_S", ffn_gate="TQ1_0", ffn_up="IQ1_S", ffn_down="MXFP4"),
    dict(attn_q="IQ2_XXS", attn_k="IQ3_XXS", attn_v="Q3_K", attn_output="IQ1_M", ffn_gate="IQ2_S", ffn_up="IQ4_XS", ffn_down="TQ2_0"),
]


def low_bits_gguf():
    torch.manual_seed(14)
    tables = {"token_embd": "MXFP4", "output": "IQ4_XS"}
    mixed_gguf("llama-gguf-low-bits", np.random.default_rng(14), tables, LOW_BITS)


AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def pack(codes, bits, order=None):
    """Words of 32 bits along the last axis, from the low bits up; `order`: which of a word's elements comes where."""
    per = 32 // bits
    split = codes.reshape(*codes.shape[:-1], -1, per)[..., order or range(per)].astype(np.uint64)
    words = sum(split[..., i] << np.uint64(i * bits) for i in range(per)).astype(np.uint32)
    return torch.from_numpy(words.view(np.int32).copy())


def packed_layer(weight, group_of, bits, symmetric):
    """float [out, in] and the group of each column → codes [in, out], zeros [groups, out], scales f16 [groups, out], and what they stand for [out, in]."""
    w, top = weight.float().numpy().T, 2**bits - 1
    groups = group_of.max() + 1
    low, high = (np.stack([f(w[group_of == g], axis=0) for g in range(groups)]) for f in (np.min, np.max))
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    if symmetric:
        high = np.maximum(high, -low)
        low = -high
    scales = ((high - low) / top).astype(np.float16)
    s = scales.astype(np.float32)
    zeros = np.full_like(s, (top + 1) // 2) if symmetric else np.clip(np.round(-low / s), 0, top)
    codes = np.clip(np.round(w / s[group_of] + zeros[group_of]), 0, top)
    meant = (codes - zeros[group_of]) * s[group_of]
    return codes.astype(np.int64), zeros.astype(np.int64), torch.from_numpy(scales), torch.from_numpy(meant.T.copy())


def packed_checkpoint(name, quantization, act_order=False, biases=False):
    """
    A tiny llama as AutoAWQ or AutoGPTQ would have written it, from the definition of their formats; logits by transformers
    from the weights that the codes stand for. `act_order`: columns of a group lie anywhere, in the second layer only.
    `biases`: zeros that belong to no layer.
    """
    rng = np.random.default_rng(sum(map(ord, name)))
    torch.manual_seed(15)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**{**TINY, "hidden_size": 64, "head_dim": 16, "intermediate_size": 96}, rope_parameters=dict(DEFAULT)))
    randomize(model)
    model.to(torch.float16).float()
    bits, size, method = quantization["bits"], quantization["group_size"], quantization["quant_method"]
    state, meant = {}, {}
    for key, value in model.state_dict().items():
        stem = key.removesuffix(".weight")
        # The first layer's q is one of modules_to_not_convert.
        if not stem.endswith("_proj") or stem.endswith("0.self_attn.q_proj"):
            state[key] = value.half()
            continue
        group_of = np.arange(value.shape[1]) // (value.shape[1] if size == -1 else size)
        if act_order and ".1." in stem:
            group_of = rng.permutation(group_of)
        codes, zeros, scales, meant[key] = packed_layer(value, group_of, bits, quantization.get("sym", False))
        if method == "awq":
            packed = {"qweight": pack(codes, bits, AWQ_ORDER), "qzeros": pack(zeros, bits, AWQ_ORDER)}
        else:
            # The first version of the format holds words less a one in each field.
            ones = 0 if quantization.get("checkpoint_format") == "gptq_v2" else 0x11111111 if bits == 4 else 0x01010101
            qweight = pack(codes.T, bits).T.contiguous()
            packed = {"qweight": qweight, "qzeros": pack(zeros, bits) - ones, "g_idx": torch.from_numpy(group_of.astype(np.int32))}
        if biases:
            packed["bias"] = torch.zeros(value.shape[0], dtype=torch.float16)
        state |= {f"{stem}.{part}": tensor for part, tensor in {**packed, "scales": scales}.items()}
    directory = OUT / name
    shutil.rmtree(directory, ignore_errors=True)
    model.half().save_pretrained(directory)
    reloaded = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    save_file(state, directory / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "quantization_config": quantization}, indent=2) + "\n")
    reloaded.load_state_dict(meant, strict=False)
    write_oracle(directory, reloaded)


def packed():
    awq = dict(quant_method="awq", bits=4, group_size=32, version="gemm", zero_point=True, modules_to_not_convert=["model.layers.0.self_attn.q_proj"])
    packed_checkpoint("llama-awq", awq)
    gptq = dict(quant_method="gptq", bits=4, group_size=32, sym=True, desc_act=False)
    packed_checkpoint("llama-gptq", gptq, biases=True)
    packed_checkpoint("llama-gptq-act-order", {**gptq, "sym": False, "desc_act": True, "checkpoint_format": "gptq_v2"}, act_order=True)
    packed_checkpoint("llama-gptq-int8", {**gptq, "bits": 8, "group_size": -1, "checkpoint_format": "gptq"})


def hidden_states(name):
    """What the embedding of a text is pooled from."""
    model = AutoModel.from_pretrained(OUT / name, dtype=torch.float32).eval()
    with torch.no_grad():
        hidden = model(torch.tensor([PROMPT])).last_hidden_state[0].numpy()
    (OUT / name / "hidden.f32").write_bytes(hidden.astype("<f4").tobytes())


SCORED = [PROMPT, PROMPT[:1], PROMPT[5:30], PROMPT[::-1]]


def write_scores(directory, score):
    with torch.no_grad():
        scores = [score(torch.tensor([ids])).item() for ids in SCORED]
    (directory / "scores.json").write_text(json.dumps({"prompts": SCORED, "scores": scores}) + "\n")


def reward_model(name, config):
    """One label: score.weight [1, hidden] on the last token's hidden state."""
    directory = OUT / name
    shutil.rmtree(directory, ignore_errors=True)
    model = AutoModelForSequenceClassification.from_config(config)
    randomize(model)
    model.save_pretrained(directory)
    loaded = AutoModelForSequenceClassification.from_pretrained(directory, dtype=torch.float32).eval()
    # One text a call, so that its last token is the last one whatever the padding token is.
    write_scores(directory, lambda ids: loaded(ids).logits)


def two_layer_reward_model(name, config):
    """Qwen2ForRewardModel of Qwen2.5's reward checkpoints, whose code is not in transformers: two layers with ReLU."""
    directory = OUT / name
    shutil.rmtree(directory, ignore_errors=True)
    base = AutoModel.from_config(config).eval()
    head = torch.nn.Sequential(
        torch.nn.Linear(config.hidden_size, config.hidden_size), torch.nn.ReLU(), torch.nn.Linear(config.hidden_size, 1)
    )
    randomize(base)
    randomize(head)
    base.save_pretrained(directory)
    path = directory / "model.safetensors"
    tensors = {f"model.{key}": value for key, value in load_file(path).items()}
    tensors |= {f"score.{key}": value for key, value in head.state_dict().items()}
    save_file(tensors, path, metadata={"format": "pt"})
    config_path = directory / "config.json"
    written = json.loads(config_path.read_text()) | {"architectures": ["Qwen2ForRewardModel"]}
    config_path.write_text(json.dumps(written, indent=2) + "\n")
    write_scores(directory, lambda ids: head(base(ids).last_hidden_state[:, -1]))


def main():
    torch.manual_seed(7)
    default = {"rope_type": "default", "rope_theta": 10000.0}
    checkpoint("llama-tied", LlamaConfig(**SHAPE, tie_word_embeddings=True, rope_parameters=dict(default)), torch.float32)
    biased = checkpoint(
        "llama-biases-llama3",
        LlamaConfig(**SHAPE, head_dim=24, attention_bias=True, mlp_bias=True, rope_parameters=dict(LLAMA3)),
        torch.bfloat16,
        older=True,
        shard="90KB",
    )
    qwen = checkpoint("qwen2", Qwen2Config(**SHAPE, tie_word_embeddings=True, rope_parameters={**default, "rope_theta": 1e6}), torch.float16)
    checkpoint("mistral-window", MistralConfig(**SHAPE, head_dim=32, sliding_window=9, rope_parameters=dict(default)), torch.float32, older=True)
    gguf_copy("llama-gguf-biases-llama3", "llama", biased, np.float32)
    gguf_copy("qwen2-gguf", "qwen2", qwen, np.float16)
    mixed_gguf("llama-gguf-mixed", np.random.default_rng(12), {"token_embd": "Q8_0", "output": "Q6_K"}, MIXED)
    quant_tensors()
    for name in ("llama-tied", "qwen2", "llama-biases-llama3"):
        hidden_states(name)
    reward_models()
    linear_rope()
    qwen3()
    gpt2()
    phi3()
    gemma3()
    dynamic_rope()
    experts()
    dense()
    latent()
    low_bits_gguf()
    packed()


TINY = dict(
    vocab_size=101,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=8,
    max_position_embeddings=256,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
DEFAULT = {"rope_type": "default", "rope_theta": 10000.0}
LINEAR = {"rope_type": "linear", "rope_theta": 5000.0, "factor": 2.5}
HALF = {**DEFAULT, "partial_rotary_factor": 0.5}
WINDOWS = dict(sliding_window=9, layer_types=["sliding_attention", "full_attention"])


def tiny(name, *dropped, model_type=None, dtype=torch.float16, older=False, older_keys={}, **config):
    """One size for all, so that kernels are compiled once. `dropped`: keys of TINY that this architecture has not."""
    torch.manual_seed(len(name) * 100 + sum(map(ord, name)))
    shape = {key: value for key, value in TINY.items() if key not in dropped}
    config = AutoConfig.for_model(model_type or name, **{**shape, "rope_parameters": dict(DEFAULT), **config})
    return checkpoint(name, config, dtype, older=older, **older_keys)


def tiny_gguf(name, arch, model, metadata, extra={}):
    """The same weights under the gguf package's names. `metadata`: what differs, by the writer's method; `extra`: more tensors."""
    config = model.config
    path = OUT / name / f"{name}.gguf"
    if not hasattr(config, "rms_norm_eps"):
        config.rms_norm_eps = getattr(config, "norm_eps", None)
    writer = gguf_writer(path, gguf.MODEL_ARCH_NAMES[arch], config, metadata.pop("eps", None))
    for method, value in metadata.items():
        getattr(writer, f"add_{method}")(value)
    for key, value in extra.items():
        writer.add_tensor(key, value)
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    for key, value in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        array = value.float().numpy()
        if array.ndim == 3:  # the taps of a convolution, [channels, 1, taps]
            array = array.squeeze(1)
        own = names.get_name(key, try_suffixes=(".weight", ".bias"))
        writer.add_tensor(own, array.astype(np.float16 if array.ndim == 2 and "norm" not in own else np.float32))
    gguf_finish(writer)
    write_oracle(path.parent, model)


def expert_gguf(name, source, arch, model, metadata, split=False):
    """A checkpoint with a tensor for each expert as a GGUF file. `split`: with a tensor for each there too, as until 2024-04."""
    config = model.config
    directory = OUT / name
    shutil.rmtree(directory, ignore_errors=True)
    writer = gguf_writer(directory / f"{name}.gguf", gguf.MODEL_ARCH_NAMES[arch], config)
    for method, value in metadata.items():
        getattr(writer, f"add_{method}")(value)
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    stacked = {}
    own_parts = {"w1": "ffn_gate", "w2": "ffn_down", "w3": "ffn_up"}
    for key, value in load_file(OUT / source / "model.safetensors").items():
        array = value.float().numpy()
        expert = re.match(r"(model\.layers\.(\d+)\..*\.experts)\.(\d+)\.(\w+)\.weight", key)
        if expert and split:
            writer.add_tensor(f"blk.{expert[2]}.{own_parts[expert[4]]}.{expert[3]}.weight", array.astype(np.float16))
        elif expert:
            stacked.setdefault(f"{expert[1]}.{expert[4]}.weight", {})[int(expert[3])] = array
        else:
            if arch == gguf.MODEL_ARCH.LLAMA and re.search(r"\.[qk]_proj\.", key):
                array = permute(array, config.num_attention_heads if ".q_proj." in key else config.num_key_value_heads)
            own = names.get_name(key.replace("correction_bias", "correction.bias"), try_suffixes=(".weight", ".bias"))
            writer.add_tensor(own, array.astype(np.float16 if array.ndim == 2 and "gate_inp" not in own else np.float32))
    for key, experts in stacked.items():
        own = names.get_name(key, try_suffixes=(".weight",))
        writer.add_tensor(own, np.stack([experts[e] for e in range(len(experts))]).astype(np.float16))
    gguf_finish(writer)
    write_oracle(directory, model)


def experts():
    # As many as leave no choice on the prompt so close that an int8 KV cache turns it around.
    mixtral = tiny("mixtral", num_local_experts=6, sliding_window=9)
    chosen = dict(expert_count=6, expert_used_count=2, sliding_window=9)
    expert_gguf("mixtral-gguf-split", "mixtral", gguf.MODEL_ARCH.LLAMA, mixtral, chosen, split=True)
    tiny("qwen2_moe", "head_dim", num_experts=6, num_experts_per_tok=3, moe_intermediate_size=32, shared_expert_intermediate_size=64, mlp_only_layers=[0])
    tiny("qwen3_moe", dtype=torch.bfloat16, older=True, older_keys=dict(names={"num_local_experts": "num_experts"}), num_experts=8, num_experts_per_tok=2, moe_intermediate_size=32, norm_topk_prob=True)
    multipliers = dict(embedding_multiplier=3.0, attention_multiplier=0.2, residual_multiplier=0.4, logits_scaling=1.7)
    tiny("granitemoe", "head_dim", num_local_experts=6, num_experts_per_tok=3, attention_bias=True, **multipliers)
    groups = dict(n_group=4, topk_group=2, n_shared_experts=2, first_k_dense_replace=1, routed_scaling_factor=1.7)
    glm4_moe = tiny("glm4_moe", n_routed_experts=8, num_experts_per_tok=3, moe_intermediate_size=32, use_qk_norm=True, rope_parameters=dict(HALF), **groups)
    chosen = dict(expert_count=8, expert_used_count=3, expert_group_count=4, expert_group_used_count=2, expert_shared_count=2)
    more = dict(expert_feed_forward_length=32, expert_weights_scale=1.7, expert_weights_norm=True, leading_dense_block_count=1, rope_dimension_count=4)
    expert_gguf("glm4_moe-gguf", "glm4_moe", gguf.MODEL_ARCH.GLM4_MOE, glm4_moe, {**chosen, **more})
    yarn = dict(rope_type="yarn", rope_theta=5000.0, factor=4.0, original_max_position_embeddings=64, truncate=False)
    tiny("gpt_oss", dtype=torch.bfloat16, num_local_experts=5, sliding_window=9, rope_parameters=yarn)


def dense():
    tiny("gemma", rope_parameters=dict(LINEAR))
    tiny("gemma2", older=True, older_keys=dict(dropped=["layer_types"]), query_pre_attn_scalar=20, sliding_window=9, attn_logit_softcapping=1.5, final_logit_softcapping=2.5)
    tiny("phi", "head_dim", older=True, rope_parameters=dict(HALF))
    tiny("stablelm", "head_dim", use_qkv_bias=True, rope_parameters={**DEFAULT, "partial_rotary_factor": 0.25})
    tiny("stablelm-parallel", "head_dim", model_type="stablelm", dtype=torch.bfloat16, use_parallel_residual=True, tie_word_embeddings=True, rope_parameters=dict(HALF))
    tiny("stablelm-norms", "head_dim", model_type="stablelm", use_parallel_residual=True, qk_layernorm=True, rope_parameters=dict(HALF))
    tiny("starcoder2", "head_dim", sliding_window=9)
    pythia = dict(older=True, older_keys=dict(names={"partial_rotary_factor": "rotary_pct", "rope_theta": "rotary_emb_base"}))
    tiny("gpt_neox", "head_dim", "num_key_value_heads", **pythia, rope_parameters={**HALF, "rope_theta": 5000.0})
    tiny("gpt_neox-sequential", "head_dim", "num_key_value_heads", model_type="gpt_neox", use_parallel_residual=False, attention_bias=False, tie_word_embeddings=True, rope_parameters=dict(HALF))
    tiny("olmo2", "head_dim", attention_bias=True)
    yarn = dict(rope_type="yarn", rope_theta=5000.0, factor=4.0, original_max_position_embeddings=64, attention_factor=1.2)
    ropes = {"full_attention": yarn, "sliding_attention": {"rope_type": "default", "rope_theta": 5000.0}}
    tiny("olmo3", "head_dim", **WINDOWS, rope_parameters=ropes)
    # transformers 5 reads rope_theta of older files for the layers that see everything only; the others have the default.
    ropes = {kind: {**rope, "rope_theta": 500000.0} for kind, rope in ropes.items()}
    tiny("olmo3-older", "head_dim", model_type="olmo3", older=True, **WINDOWS, rope_parameters=ropes)
    tiny("smollm3", use_sliding_window=True, sliding_window=9, no_rope_layers=[1, 0])
    tiny("granite", "head_dim", attention_bias=True, mlp_bias=True, embedding_multiplier=3.0, attention_multiplier=0.2, residual_multiplier=0.4, logits_scaling=1.7)
    cohere = tiny("cohere", "head_dim", older=True, logit_scale=0.3, use_qk_norm=True)
    tiny("cohere2", "head_dim", **WINDOWS, logit_scale=0.3)
    tiny("glm", rope_parameters=dict(HALF))
    glm4 = tiny("glm4", rope_parameters=dict(HALF))
    tiny("nemotron", older=True, rope_parameters=dict(HALF))
    tiny("helium", attention_bias=True)
    exaone4 = tiny("exaone4", **WINDOWS)
    windows = dict(sliding_window=9, sliding_window_pattern=[True, False])
    tiny_gguf("exaone4-gguf", gguf.MODEL_ARCH.EXAONE4, exaone4, windows)
    tiny_gguf("glm4-gguf", gguf.MODEL_ARCH.GLM4, glm4, dict(rope_dimension_count=4))
    tiny_gguf("cohere-gguf", gguf.MODEL_ARCH.COMMAND_R, cohere, dict(eps=1e-5, logit_scale=0.3))
    tiny("ernie4_5", use_bias=True, dtype=torch.bfloat16)
    tiny("seed_oss", attention_bias=True, attention_out_bias=True)
    tiny("hunyuan_v1_dense", older=True, attention_bias=True, rope_parameters=dict(rope_type="dynamic", rope_theta=5000.0, factor=1.0, alpha=50.0))


    gpt = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "max_position_embeddings")
    gpt_shape = dict(n_positions=64, n_embd=32, n_layer=2, n_head=4, n_inner=64)
    tiny("gptj", *gpt, **gpt_shape, rotary_dim=4)
    tiny("gpt_bigcode", *gpt, **gpt_shape)
    tiny("gpt_bigcode-many", *gpt, model_type="gpt_bigcode", **gpt_shape, multi_query=False)
    falcon = ("num_key_value_heads", "head_dim", "intermediate_size")
    tiny("falcon", *falcon, model_type="falcon", ffn_hidden_size=64, older=True)
    tiny("falcon-new", *falcon, model_type="falcon", ffn_hidden_size=64, new_decoder_architecture=True, num_kv_heads=2, bias=True)
    tiny("falcon-sequential", *falcon, model_type="falcon", ffn_hidden_size=64, multi_query=False, parallel_attn=False, tie_word_embeddings=False)
    # ALiBi as Press et al. have it, which is Bloom's: Falcon's is rounded to bfloat16, which shows where slopes are no powers of two.
    modeling_falcon.build_alibi_tensor = modeling_bloom.build_alibi_tensor
    tiny("falcon-alibi", *falcon, model_type="falcon", ffn_hidden_size=64, multi_query=False, parallel_attn=False, bias=True, alibi=True, hidden_size=64, num_attention_heads=16)
    tiny("opt-350m", "num_key_value_heads", "head_dim", "intermediate_size", model_type="opt", ffn_dim=64, max_position_embeddings=64, word_embed_proj_dim=64, do_layer_norm_before=False)
    tiny("opt", "num_key_value_heads", "head_dim", "intermediate_size", ffn_dim=64, max_position_embeddings=64, word_embed_proj_dim=32)
    tiny("bloom", "num_key_value_heads", "head_dim", "intermediate_size", "num_hidden_layers", "num_attention_heads", n_layer=2, n_head=4)
    remote_code()
    hybrid()


def hybrid():
    """Models with recurrent states."""
    lfm2 = tiny("lfm2", "head_dim", num_hidden_layers=3, layer_types=["conv", "full_attention", "conv"], block_multiple_of=32, conv_bias=False)
    tiny("lfm2-biases", "head_dim", "intermediate_size", model_type="lfm2", full_attn_idxs=[1], conv_bias=True, conv_L_cache=4, tie_word_embeddings=False, block_ff_dim=64, block_auto_adjust_ff_dim=False)
    tiny_gguf("lfm2-gguf", gguf.MODEL_ARCH.LFM2, lfm2, dict(head_count_kv=[0, 2, 0], shortconv_l_cache=3))
    attention = ("intermediate_size", "num_attention_heads", "num_key_value_heads", "max_position_embeddings", "head_dim")
    shape = dict(model_type="mamba2", num_heads=6, head_dim=16, expand=3, n_groups=2, state_size=8, rope_parameters=None)
    mamba2 = tiny("mamba2", *attention, **shape)
    tiny("mamba2-limits", *attention, **{**shape, "n_groups": 1, "num_heads": 4, "expand": 2}, use_bias=True, use_conv_bias=False, time_step_limit=[0.3, 0.9], conv_kernel=3, tie_word_embeddings=True)
    delta = dict(model_type="qwen3_next", linear_key_head_dim=8, linear_value_head_dim=16, linear_num_key_heads=2, linear_num_value_heads=4)
    mixture = dict(num_experts=8, num_experts_per_tok=3, moe_intermediate_size=32, shared_expert_intermediate_size=64)
    tiny("qwen3_next", **delta, **mixture, num_hidden_layers=4, mlp_only_layers=[1], dtype=torch.bfloat16, rope_parameters=dict(HALF), older=True, older_keys=dict(dropped=["layer_types"]))
    types = dict(layer_types=["full_attention", "linear_attention"], decoder_sparse_step=2, norm_topk_prob=False)
    tiny("qwen3_next-biases", **{**delta, "linear_num_value_heads": 2}, **mixture, **types, attention_bias=True, linear_conv_kernel_dim=3, tie_word_embeddings=True, rope_parameters={**HALF, "partial_rotary_factor": 0.25})
    # A layer that guesses tokens ahead.
    stored = load_file(OUT / "qwen3_next-biases" / "model.safetensors")
    rewrite("qwen3_next-biases", {**stored, "mtp.fc.weight": torch.ones(32, 64, dtype=torch.float16)}, {})


LATENT = dict(num_key_value_heads=4, q_lora_rank=32, kv_lora_rank=64, qk_nope_head_dim=32, qk_rope_head_dim=8)


def latent():
    """Multi-head latent attention."""
    factors = lambda step: [1 + step * i for i in range(4)]
    longrope = dict(rope_type="longrope", rope_theta=5000.0, short_factor=factors(0.1), long_factor=factors(0.7), original_max_position_embeddings=32)
    minicpm = dict(scale_emb=3, scale_depth=1.1, dim_model_base=20)
    model = tiny("minicpm3", "head_dim", **LATENT, **minicpm, attention_bias=True, rope_parameters=longrope, older=True, older_keys=dict(dropped=["v_head_dim", "head_dim", "qk_head_dim", "mlp_bias"]))
    dense = {**LATENT, "q_lora_rank": None, "v_head_dim": 24}
    write_short("minicpm3", model)
    # What llama.cpp takes for granted: the multipliers of MiniCPM3-4B.
    given = dict(scale_emb=12, scale_depth=1.4, dim_model_base=256)
    model = tiny("minicpm3-gguf", "head_dim", model_type="minicpm3", **LATENT, **given, rope_parameters={**longrope, "original_max_position_embeddings": 256})
    shutil.rmtree(OUT / "minicpm3-gguf")
    lengths = dict(key_length=40, rope_dimension_count=8, q_lora_rank=32, kv_lora_rank=64)
    extra = {f"rope_factors_{kind}.weight": np.array(longrope[f"{kind}_factor"], np.float32) for kind in ("long", "short")}
    tiny_gguf("minicpm3-gguf", gguf.MODEL_ARCH.MINICPM3, model, lengths, extra)
    tiny("minicpm3-dense-queries", "head_dim", model_type="minicpm3", dtype=torch.bfloat16, **dense, **minicpm, tie_word_embeddings=False, mlp_bias=True)
    deepseek()


MIXTURE = dict(n_routed_experts=8, num_experts_per_tok=3, moe_intermediate_size=32, n_shared_experts=2, routed_scaling_factor=1.7)
GROUPS = dict(n_group=4, topk_group=2)


def deepseek_yarn(mscale, mscale_all_dim):
    return dict(rope_type="yarn", rope_theta=5000.0, factor=4.0, original_max_position_embeddings=64, mscale=mscale, mscale_all_dim=mscale_all_dim)


def deepseek():
    """Latent attention beside experts."""
    lite = {**LATENT, "q_lora_rank": None, "v_head_dim": 24}
    tiny("deepseek_v2", "head_dim", dtype=torch.bfloat16, **lite, **MIXTURE, first_k_dense_replace=1, rope_parameters=deepseek_yarn(0.707, 0.707), older=True)
    limited = dict(**GROUPS, topk_method="group_limited_greedy", attention_bias=True)
    tiny("deepseek_v2-groups", "head_dim", model_type="deepseek_v2", **LATENT, **MIXTURE, **limited, v_head_dim=8, rope_parameters=deepseek_yarn(0.8, 1.2))
    tiny("deepseek_v3", "head_dim", **LATENT, **MIXTURE, **GROUPS, v_head_dim=8, first_k_dense_replace=1, num_mtp_layers=1, rope_parameters=deepseek_yarn(1.0, 1.0), older=True)
    # A layer that guesses tokens ahead.
    stored = load_file(OUT / "deepseek_v3" / "model.safetensors")
    rewrite("deepseek_v3", {**stored, "model.layers.2.eh_proj.weight": torch.ones(32, 64, dtype=torch.float16)}, {"scoring_func": "sigmoid", "topk_method": "noaux_tc"})
    plain = dict(n_group=1, topk_group=1, norm_topk_prob=False, rope_interleave=False, attention_bias=True, first_k_dense_replace=0)
    tiny("deepseek_v3-halves", "head_dim", model_type="deepseek_v3", dtype=torch.bfloat16, **lite, **{**MIXTURE, "num_experts_per_tok": 2}, **plain, num_mtp_layers=0)
    # Without groups, as its checkpoints: DeepSeek-V3's code under a name of its own.
    tiny("kimi_k2", "head_dim", model_type="deepseek_v3", **LATENT, **MIXTURE, n_group=1, topk_group=1, v_head_dim=8, first_k_dense_replace=1, num_mtp_layers=0, rope_parameters=deepseek_yarn(1.0, 1.0), older=True)
    rewrite("kimi_k2", load_file(OUT / "kimi_k2" / "model.safetensors"), {"model_type": "kimi_k2", "scoring_func": "sigmoid", "topk_method": "noaux_tc", "num_nextn_predict_layers": 0})
    tiny("glm4_moe_lite", "head_dim", **LATENT, **{**MIXTURE, "n_shared_experts": 1}, v_head_dim=8, mlp_layer_types=["sparse", "dense"])


def internlm2(folder, bias):
    """Llama under InternLM 2's names."""
    llama = tiny(folder, model_type="llama", attention_bias=bias)
    names = {
        "lm_head": "output",
        "embed_tokens": "tok_embeddings",
        "self_attn.o_proj": "attention.wo",
        "mlp.gate_proj": "feed_forward.w1",
        "mlp.up_proj": "feed_forward.w3",
        "mlp.down_proj": "feed_forward.w2",
        "input_layernorm": "attention_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    tensors = {}
    state = llama.half().state_dict()
    for key, value in state.items():
        if ".q_proj." in key:
            parts = [state[key.replace("q_proj", f"{part}_proj")] for part in "qkv"]
            heads = [part.reshape(2, -1, 8, *part.shape[1:]) for part in parts]
            fused = torch.cat(heads, dim=1)
            tensors[key.replace("self_attn.q_proj", "attention.wqkv")] = fused.reshape(-1, *value.shape[1:]).contiguous()
        elif ".k_proj." not in key and ".v_proj." not in key:
            for name, own in names.items():
                key = key.replace(name, own)
            tensors[key] = value.contiguous()
    rewrite(folder, tensors, {"model_type": "internlm2", "architectures": ["InternLM2ForCausalLM"], "bias": bias})


def remote_code():
    """Architectures whose code is not in transformers: what computes the same, under their names."""
    internlm2("internlm2", bias=True)
    multipliers = dict(embedding_multiplier=3.0, residual_multiplier=1.4 / 2**0.5, logits_scaling=32 / 20, attention_multiplier=8**-0.5)
    tiny("minicpm", "head_dim", model_type="granite", tie_word_embeddings=True, **multipliers)
    own = {"model_type": "minicpm", "architectures": ["MiniCPMForCausalLM"], "scale_emb": 3.0, "scale_depth": 1.4, "dim_model_base": 20}
    rewrite("minicpm", None, own, dropped=list(multipliers))


def rewrite(name, tensors, keys, dropped=()):
    """Other tensors and other keys of config.json in a directory that `checkpoint` made."""
    if tensors is not None:
        save_file(tensors, OUT / name / "model.safetensors", metadata={"format": "pt"})
    path = OUT / name / "config.json"
    config = {key: value for key, value in json.loads(path.read_text()).items() if key not in dropped}
    path.write_text(json.dumps(config | keys, indent=2) + "\n")


def dynamic_rope():
    """Prompts and answers beyond max_position_embeddings; each from a model that has seen nothing before."""
    torch.manual_seed(15)
    small = {**SHAPE, "hidden_size": 32, "head_dim": 16, "max_position_embeddings": 24}
    rope = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}
    name = "llama-dynamic"
    checkpoint(name, LlamaConfig(**small, tie_word_embeddings=True, rope_parameters=rope), torch.float32)
    answers = []
    for prompt in (PROMPT, PROMPT[:30], PROMPT[:10]):
        model = AutoModelForCausalLM.from_pretrained(OUT / name, dtype=torch.float32).eval()
        greedy = dict(do_sample=False, max_new_tokens=40, min_new_tokens=40, use_cache=True)
        output = model.generate(torch.tensor([prompt]), **greedy)[0, len(prompt) :].tolist()
        answers.append({"prompt": prompt, "output": output})
    (OUT / name / "answers.json").write_text(json.dumps(answers) + "\n")


def linear_rope():
    torch.manual_seed(9)
    small = {**SHAPE, "hidden_size": 32, "head_dim": 16}
    rope = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.5}
    checkpoint("llama-linear", LlamaConfig(**small, tie_word_embeddings=True, rope_parameters=rope), torch.bfloat16, older=True)


def qwen3():
    torch.manual_seed(10)
    rope = {"rope_type": "default", "rope_theta": 1e6}
    config = Qwen3Config(**SHAPE, head_dim=32, tie_word_embeddings=True, rope_parameters=rope)
    model = checkpoint("qwen3", config, torch.float16)
    gguf_copy("qwen3-gguf", "qwen3", model, np.float16)


GPT2_NAMES = {
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.ln_f": "output_norm",
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}


def gpt2():
    torch.manual_seed(11)
    config = GPT2Config(vocab_size=VOCAB, n_positions=64, n_embd=64, n_layer=2, n_head=4, n_inner=96, bos_token_id=1, eos_token_id=2)
    model = checkpoint("gpt2", config, torch.float16)
    path = OUT / "gpt2-gguf/gpt2-gguf.gguf"
    path.parent.mkdir(exist_ok=True)
    writer = gguf.GGUFWriter(str(path), "gpt2")
    writer.add_block_count(config.n_layer)
    writer.add_context_length(config.n_positions)
    writer.add_embedding_length(config.n_embd)
    writer.add_feed_forward_length(config.n_inner)
    writer.add_head_count(config.n_head)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)
    writer.add_eos_token_id(2)
    for key, value in model.state_dict().items():
        if key == "lm_head.weight":
            continue
        array = value.float().numpy()
        if key.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):
            array = np.ascontiguousarray(array.T)
        name = gguf_name(key.replace("transformer.h.", "model.layers."), GPT2_NAMES)
        writer.add_tensor(name, array.astype(np.float16 if array.ndim == 2 else np.float32))
    gguf_finish(writer)
    write_oracle(path.parent, model)


def phi3():
    """The prompt is longer than the original context, so that the long factors count; a shorter one has the short ones."""
    torch.manual_seed(12)
    factors = lambda step: [1 + step * i for i in range(6)]
    rope = dict(
        rope_type="longrope",
        rope_theta=10000.0,
        partial_rotary_factor=0.75,
        short_factor=factors(0.1),
        long_factor=factors(0.7),
    )
    config = Phi3Config(
        **SHAPE, original_max_position_embeddings=32, sliding_window=13, pad_token_id=0, rope_parameters=rope
    )
    model = checkpoint("phi3", config, torch.float16)
    write_short("phi3", model)


def gemma3():
    torch.manual_seed(13)
    shape = {**SHAPE, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 6, "num_attention_heads": 2, "num_key_value_heads": 1}
    rope = {
        "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
    }
    config = Gemma3TextConfig(**shape, head_dim=16, query_pre_attn_scalar=16, sliding_window=9, rope_parameters=rope)
    model = checkpoint("gemma3", config, torch.float16)
    gguf_copy("gemma3-gguf", "gemma3", model, np.float16)


def reward_models():
    small = {**SHAPE, "hidden_size": 32, "intermediate_size": 48, "num_labels": 1, "pad_token_id": 0}
    default = {"rope_type": "default", "rope_theta": 10000.0}
    torch.manual_seed(8)
    reward_model("llama-score", LlamaConfig(**small, rope_parameters=dict(default)))
    reward_model("qwen2-score", Qwen2Config(**small, tie_word_embeddings=True, rope_parameters=dict(default)))
    two_layer_reward_model("qwen2-reward", Qwen2Config(**small, rope_parameters=dict(default)))


def make(names):
    global OUT
    fixtures = OUT
    with tempfile.TemporaryDirectory() as directory:
        OUT = pathlib.Path(directory)
        main()
        made = sorted(path.name for path in OUT.iterdir())
        unknown = [name for name in names if name not in made]
        if unknown:
            sys.exit(f"there is no fixture {', '.join(unknown)}; there are {', '.join(made)}")
        for name in names or made:
            old = fixtures / name
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
            shutil.move(OUT / name, old)
            print(f"made {old}")


if __name__ == "__main__":
    make(sys.argv[1:])
