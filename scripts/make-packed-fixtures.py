"""Makes tiny checkpoints in the weight formats of fp8, compressed-tensors, bitsandbytes, torchao and gpt-oss (MXFP4).

    python scripts/make-packed-fixtures.py [NAME…]

Needs what make-fixtures.py needs, whose folders these are. Codes, scales and names of tensors are written from the formats'
definitions; the logits are transformers' in float32 from the weights that the codes stand for. `--check` reads each checkpoint
with transformers or the quantizer's own package instead (compressed-tensors, bitsandbytes, torchao) and prints how far its
logits are from those.
"""

import importlib
import json
import pathlib
import re
import shutil
import sys
import tempfile

import numpy as np
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GptOssConfig, LlamaConfig, Mxfp4Config

fixtures = importlib.import_module("make-fixtures")
OUT = fixtures.OUT


def grid(scale, shape, block):
    """Scales [row blocks, column blocks] → one for each weight."""
    return scale.repeat_interleave(block[0], 0).repeat_interleave(block[1], 1)[: shape[0], : shape[1]]


def largest(weight, block):
    """The largest magnitude of each block [row blocks, column blocks]; blocks at the edge are smaller."""
    rows, cols = (range(0, n, size) for n, size in zip(weight.shape, block))
    return torch.stack([torch.stack([weight[r : r + block[0], c : c + block[1]].abs().max() for c in cols]) for r in rows])


def fp8(weight, block, dtype=torch.float32):
    """→ E4M3 codes, scales, what they stand for."""
    scale = (largest(weight, block) / 448).to(dtype)
    spread = grid(scale.float(), weight.shape, block)
    codes = (weight / spread).to(torch.float8_e4m3fn)
    return codes, scale, codes.float() * spread


def integers(weight, bits, group, symmetric):
    """→ signed codes, scales bf16 [out, groups], zero points [out, groups], what they stand for."""
    low, top = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    groups = weight.reshape(weight.shape[0], -1, group)
    smallest, biggest = groups.amin(-1).clamp(max=0), groups.amax(-1).clamp(min=0)
    span = 2 * torch.maximum(-smallest, biggest) if symmetric else biggest - smallest
    scale = (span / (2**bits - 1)).to(torch.bfloat16)
    s = scale.float()
    zero = torch.zeros_like(s) if symmetric else (low - smallest / s).round().clamp(low, top)
    codes = (groups / s[..., None] + zero[..., None]).round().clamp(low, top)
    meant = (codes - zero[..., None]) * s[..., None]
    return codes.reshape(weight.shape).to(torch.int8), scale, zero.to(torch.int8), meant.reshape(weight.shape)


def pack(codes, bits, dim):
    """Signed codes, 2^(bits - 1) above themselves, in words along `dim`; a word that is not full ends in zeros."""
    codes = (codes.numpy().astype(np.int64) + 2 ** (bits - 1)).swapaxes(dim, 1)
    per = 32 // bits
    codes = np.pad(codes, ((0, 0), (0, -codes.shape[1] % per)))
    return fixtures.pack(codes, bits).numpy().swapaxes(dim, 1)


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array))


def compressed(name, weight):
    """pack-quantized: the first layer in groups of four bits with zero points, the second in eight bits, a scale a row."""
    bits, group, symmetric = (4, 32, False) if ".0." in name else (8, weight.shape[1], True)
    codes, scale, zero, meant = integers(weight, bits, group, symmetric)
    parts = {"weight_packed": tensor(pack(codes, bits, 1)), "weight_scale": scale, "weight_shape": torch.tensor(weight.shape)}
    if not symmetric:
        parts["weight_zero_point"] = tensor(pack(zero, bits, 0))
    return parts, meant


def compressed_int8(name, weight):
    """int-quantized: the first layer in groups, the second with a scale a row."""
    codes, scale, _, meant = integers(weight, 8, 32 if ".0." in name else weight.shape[1], True)
    return {"weight": codes, "weight_scale": scale}, meant


def compressed_fp8(name, weight):
    """float-quantized: the first layer with a scale a row, the second with one."""
    rows = ".0." in name
    codes, scale, meant = fp8(weight, (1 if rows else weight.shape[0], weight.shape[1]), torch.bfloat16)
    return {"weight": codes, "weight_scale": scale if rows else scale.reshape(1), "input_scale": torch.ones(1)}, meant


def fp8_blocks(name, weight):
    codes, scale, meant = fp8(weight, (32, 32))
    return {"weight": codes, "weight_scale_inv": scale}, meant


# bitsandbytes, functional.py (get_4bit_type): quantiles of the normal distribution, scaled to ±1.
NF4 = [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0]
NF4 += [0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0]


def nearest(values, table):
    return (values[..., None] - table).abs().argmin(-1)


def nf4(name, weight):
    """Blocks of 64; the scales of the first layer are quantized once more, in blocks of 256."""
    table = torch.tensor(NF4)
    flat = weight.reshape(-1, 64)
    absmax = flat.abs().amax(1)
    state = {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": list(weight.shape)}
    parts = {"weight.quant_map": table}
    if ".0." in name:
        # Any table of 256 values does: bitsandbytes has one of its own ("dynamic"), which it stores.
        dynamic = torch.linspace(-1, 1, 256) ** 3
        offset = absmax.mean()
        blocks = torch.split(absmax - offset, 256)
        outer = torch.stack([block.abs().max() for block in blocks])
        spread = outer.repeat_interleave(256)[: len(absmax)]
        codes = nearest((absmax - offset) / spread, dynamic)
        absmax = dynamic[codes] * spread + offset
        state |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": offset.item()}
        parts |= {"weight.absmax": codes.to(torch.uint8), "weight.nested_absmax": outer, "weight.nested_quant_map": dynamic}
    else:
        parts["weight.absmax"] = absmax
    codes = nearest(flat / absmax[:, None], table)
    pairs = codes.reshape(-1, 2)
    parts["weight"] = (pairs[:, :1] * 16 + pairs[:, 1:]).to(torch.uint8)
    parts["weight.quant_state.bitsandbytes__nf4"] = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
    return parts, (table[codes] * absmax[:, None]).reshape(weight.shape)


def llm_int8(name, weight):
    scb = weight.abs().amax(1)
    codes = (weight * 127 / scb[:, None]).round().to(torch.int8)
    return {"weight": codes, "SCB": scb, "weight_format": torch.tensor(0, dtype=torch.uint8)}, codes.float() * (scb / 127)[:, None]


def torchao(name, weight):
    """The first layer has four bits (a byte each) in groups of 32 with zero points, the second a scale a row, one of its tensors E4M3."""
    first, float8 = ".0." in name, name.endswith("1.mlp.up_proj")
    block = [1, 32] if first else [1, weight.shape[1]]
    if float8:
        codes, scale, meant = fp8(weight, block)
    else:
        codes, scale, zero, meant = integers(weight, 4 if first else 8, block[1], not first)
    parts = {"_weight_qdata": codes, "_weight_scale": scale, **({"_weight_zero_point": zero} if first else {})}
    return parts, meant


def torchao_metadata(stem):
    """What flatten_tensor_state_dict of torchao/prototype/safetensors writes of a layer's weight."""
    dtype = {"_type": "torch.dtype", "_data": "bfloat16"}
    if ".0." in stem:
        own = {"target_dtype": {"_type": "torch.dtype", "_data": "int4"}, "block_size": [1, 32], "dtype": dtype, "activation_quantization": None}
        return {"_type": "IntxUnpackedToInt8Tensor", "_data": own, "_tensor_data_names": ["qdata", "scale", "zero_point"]}
    cols = 128 if "down_proj" in stem else 64
    if stem.endswith("1.mlp.up_proj"):
        own = {"block_size": [1, cols], "mm_config": None, "act_quant_kwargs": None, "kernel_preference": {"_type": "KernelPreference", "_data": "AUTO"}, "dtype": dtype}
        return {"_type": "Float8Tensor", "_data": own, "_tensor_data_names": ["qdata", "scale"]}
    own = {"act_quant_kwargs": None, "reduce_range": False, "block_size": [1, cols], "dtype": dtype}
    return {"_type": "Int8Tensor", "_data": own, "_tensor_data_names": ["qdata", "scale"]}


# OCP Microscaling Formats, version 1.0: E2M1, the sign in the highest of four bits; scales are powers of two.
E2M1 = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
E2M1 += [-value for value in E2M1]


def mxfp4(name, experts):
    """Experts [E, in, out] as rows [E, out, in]: of 32 columns a byte e for 2^(e - 127), and two codes a byte, the even column low."""
    blocks = experts.transpose(1, 2).unflatten(-1, (-1, 32))
    exponent = blocks.abs().amax(-1).log2().floor() - 2
    spread = torch.exp2(exponent)[..., None]
    codes = nearest(blocks / spread, torch.tensor(E2M1))
    meant = (torch.tensor(E2M1)[codes] * spread).flatten(-2).transpose(1, 2)
    pairs = codes.unflatten(-1, (16, 2))
    packed = (pairs[..., 0] + 16 * pairs[..., 1]).to(torch.uint8)
    return {"blocks": packed, "scales": (exponent + 127).to(torch.uint8)}, meant.contiguous()


def model_of(layer):
    if layer is mxfp4:
        keys = dict(num_local_experts=5, num_experts_per_tok=2, sliding_window=9)
        yarn = dict(rope_type="yarn", rope_theta=5000.0, factor=4.0, original_max_position_embeddings=64, truncate=False)
        return AutoModelForCausalLM.from_config(GptOssConfig(**fixtures.TINY, **keys, rope_parameters=yarn))
    shape = {**fixtures.TINY, "hidden_size": 64, "head_dim": 16, "intermediate_size": 128}
    return AutoModelForCausalLM.from_config(LlamaConfig(**shape, rope_parameters=dict(fixtures.DEFAULT)))


def write(name, layer, quantization):
    """
    A tiny llama whose linear layers are those of `layer`, but for one that its config names as not converted; or a tiny gpt-oss
    whose experts are.
    """
    torch.manual_seed(15)
    model = model_of(layer)
    experts = layer is mxfp4
    fixtures.randomize(model)
    model.to(torch.bfloat16).float()
    state, meant = {}, {}
    for key, value in model.state_dict().items():
        stem = key.removesuffix(".weight")
        if not stem.endswith("_proj") or stem.endswith("1.self_attn.q_proj") or experts and ".experts." not in stem:
            state[key] = value.bfloat16()
            continue
        parts, meant[key] = layer(stem, value)
        state |= {f"{stem}{'_' if experts else '.'}{part}": tensor.contiguous() for part, tensor in parts.items()}
    metadata = {}
    if layer is torchao:
        metadata = {key: json.dumps(torchao_metadata(key.removesuffix(".weight")) if key in meant else {"_type": "Tensor"}) for key in model.state_dict()}
        metadata["tensor_names"] = json.dumps(list(model.state_dict()))
    directory = OUT / name
    shutil.rmtree(directory, ignore_errors=True)
    model.bfloat16().save_pretrained(directory)
    reloaded = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    save_file(state, directory / "model.safetensors", metadata={"format": "pt", **metadata})
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "quantization_config": quantization}, indent=2) + "\n")
    reloaded.load_state_dict(meant, strict=False)
    fixtures.write_oracle(directory, reloaded)


def write_latent(name, source):
    """What make-fixtures.py made, all projections in blocks of E4M3, those of the layer that guesses ahead too."""
    config = json.loads((OUT / source / "config.json").read_text())
    state, meant = {}, {}
    for key, value in load_file(OUT / source / "model.safetensors").items():
        if "_proj" not in key:
            state[key] = meant[key] = value
            continue
        stem = key.removesuffix(".weight")
        parts, meant[key] = fp8_blocks(stem, value.float())
        state |= {f"{stem}.{part}": tensor.contiguous() for part, tensor in parts.items()}
    directory = OUT / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    save_file(meant, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(config))
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    save_file(state, directory / "model.safetensors", metadata={"format": "pt"})
    quantization = dict(quant_method="fp8", fmt="e4m3", activation_scheme="dynamic", weight_block_size=[32, 32])
    (directory / "config.json").write_text(json.dumps({**config, "quantization_config": quantization}, indent=2) + "\n")
    fixtures.write_oracle(directory, model)


def scheme(targets, **weights):
    keys = dict(num_bits=8, type="int", symmetric=True, strategy="channel", group_size=None, dynamic=False)
    return {"targets": targets, "weights": keys | weights, "input_activations": None, "output_activations": None}


def compressed_config(form, **groups):
    common = dict(quant_method="compressed-tensors", quantization_status="compressed", kv_cache_scheme=None, global_compression_ratio=None)
    return {**common, "format": form, "config_groups": groups, "ignore": ["model.layers.1.self_attn.q_proj", "lm_head"]}


FIRST, SECOND = ["re:.*layers[.]0[.].*_proj$"], ["re:.*layers[.]1[.].*_proj$"]
SKIPPED = ["model.layers.1.self_attn.q_proj", "lm_head"]
INT4 = dict(num_bits=4, symmetric=False, strategy="group", group_size=32)
FORMATS = {
    "llama-fp8": (fp8_blocks, dict(quant_method="fp8", fmt="e4m3", activation_scheme="dynamic", weight_block_size=[32, 32], modules_to_not_convert=SKIPPED)),
    "llama-compressed-int4": (compressed, compressed_config("pack-quantized", group_0=scheme(FIRST, **INT4), group_1=scheme(SECOND))),
    "llama-compressed-int8": (compressed_int8, compressed_config("int-quantized", group_0=scheme(FIRST, strategy="group", group_size=32), group_1=scheme(SECOND))),
    "llama-compressed-fp8": (compressed_fp8, compressed_config("float-quantized", group_0=scheme(FIRST, type="float"), group_1=scheme(SECOND, type="float", strategy="tensor"))),
    "llama-nf4": (nf4, dict(quant_method="bitsandbytes", load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype="float32", llm_int8_skip_modules=SKIPPED)),
    "llama-llm-int8": (llm_int8, dict(quant_method="bitsandbytes", load_in_8bit=True, llm_int8_threshold=0.0, llm_int8_skip_modules=SKIPPED)),
    "llama-torchao": (torchao, dict(quant_method="torchao", quant_type={"default": {"_type": "Int8WeightOnlyConfig", "_version": 2, "_data": {}}}, modules_to_not_convert=SKIPPED)),
    "gpt_oss-mxfp4": (mxfp4, dict(quant_method="mxfp4", modules_to_not_convert=["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"])),
}

# Of which checkpoint.
LATENT = {"deepseek_v3-fp8": "deepseek_v3"}


def bitsandbytes_weights(tensors):
    """What bitsandbytes' own functions make of them. (Its linear layers quantize activations, or want other shapes on CPUs.)"""
    from bitsandbytes import functional

    for key in [key for key in tensors if key.endswith("_proj.weight")]:
        parts = {part: value for part, value in tensors.items() if part.startswith(key + ".")}
        if f"{key.removesuffix('.weight')}.SCB" in tensors:
            tensors[key] = functional.int8_vectorwise_dequant(tensors[key], tensors[f"{key.removesuffix('.weight')}.SCB"])
        elif parts:
            state = functional.QuantState.from_dict(parts, "cpu")
            state.dtype = torch.float32
            tensors[key] = functional.dequantize_4bit(tensors[key], state)
    return tensors


def compressed_weights(tensors, config):
    """What compressed-tensors' own compressors make of them. (transformers applies one scheme to all layers.)"""
    from compressed_tensors.compressors.base import BaseCompressor
    from compressed_tensors.quantization import QuantizationScheme

    compressor = BaseCompressor.get_value_from_registry(config["format"])
    for stem in {key.rsplit(".", 1)[0] for key in tensors if key.endswith(".weight_scale")}:
        group = next(group for group in config["config_groups"].values() if re.match(group["targets"][0][3:], stem))
        parts = {key.removeprefix(stem + "."): tensors[key] for key in list(tensors) if key.startswith(stem + ".")}
        tensors[f"{stem}.weight"] = compressor.decompress(parts, QuantizationScheme(**group))["weight"]
    return tensors


def torchao_weights(tensors, path):
    """What torchao's own reader makes of them."""
    from torchao.prototype.safetensors.safetensors_support import unflatten_tensor_state_dict

    with safe_open(path, "pt") as file:
        metadata = {key: value.replace("bfloat16", "float32") for key, value in file.metadata().items()}
    whole, rest = unflatten_tensor_state_dict(tensors, metadata)
    assert not rest
    return {key: value.dequantize() if hasattr(value, "qdata") else value for key, value in whole.items()}


def check(name):
    """The quantizer's own reading of the checkpoint, its floats widened so that weights are not rounded to bfloat16."""
    expected = np.frombuffer((OUT / name / "logits.f32").read_bytes(), "<f4")
    tensors = {key: value.float() if value.dtype == torch.bfloat16 else value for key, value in load_file(OUT / name / "model.safetensors").items()}
    config = json.loads((OUT / name / "config.json").read_text()) | {"dtype": "float32"}
    method, options = config["quantization_config"]["quant_method"], {}
    if method == "fp8":
        options["quantization_config"] = transformers.FineGrainedFP8Config(dequantize=True)
    if method == "mxfp4":
        options["quantization_config"] = Mxfp4Config(dequantize=True)
    if method == "compressed-tensors":
        tensors = compressed_weights(tensors, config["quantization_config"])
    if method == "bitsandbytes":
        tensors = bitsandbytes_weights(tensors)
    if method == "torchao":
        tensors = torchao_weights(tensors, OUT / name / "model.safetensors")
    if method not in ("fp8", "mxfp4"):
        del config["quantization_config"]
        tensors = {key: value for key, value in tensors.items() if key.endswith(("norm.weight", "proj.weight", "tokens.weight", "head.weight"))}
    with tempfile.TemporaryDirectory() as directory:
        save_file({key: value.contiguous() for key, value in tensors.items()}, f"{directory}/model.safetensors", metadata={"format": "pt"})
        pathlib.Path(directory, "config.json").write_text(json.dumps(config))
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, **options).eval()
    with torch.no_grad():
        logits = model(torch.tensor([[i % model.config.vocab_size for i in fixtures.PROMPT]])).logits[0].float().numpy().ravel()
    print(f"{name}: {np.abs(logits - expected).max() / np.abs(expected).max():.1e} of the largest logit")


def main(arguments):
    # transformers takes the blocks of a matrix to be of one size, whose last ones are smaller here as in DeepSeek-V3.
    whole = list(FORMATS) if "--check" in arguments else [*FORMATS, *LATENT]
    names = [name for name in arguments if name != "--check"] or whole
    for name in names:
        if "--check" in arguments:
            check(name)
        else:
            write(name, *FORMATS[name]) if name in FORMATS else write_latent(name, LATENT[name])
            print(f"made {OUT / name}")


if __name__ == "__main__":
    main(sys.argv[1:])
