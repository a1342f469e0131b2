"""Writes a checkpoint that computes what a GGUF file's does, with weights that lie on no quantizer's grid.

    python scripts/equivalent-checkpoint.py FILE.gguf DIR --by rotation|scales

What `--quant` costs cannot be measured on weights that were quantized before: those of a Q4_1 file have 16 values a group
already. Llama's function has symmetries, and both of these move each weight of the layers off its grid:

- rotation: the residual stream is multiplied by one random orthogonal matrix, and so is each head's value; norms are folded
  into the matrices behind them (Ashkboos et al. 2024, arXiv:2404.00456). Weights become sums of many, with fewer outliers
  than a trained checkpoint has. The head is no longer that of the embedding.
- scales: each column of a matrix is multiplied by a random factor from 1/√2 to √2, and what is in front of it divided by
  that (norms, rows of v and up). Outliers stay, and the range of each group widens.

Architecture `llama`. The matrices are written in float16, norms in float32. Needs torch, transformers and safetensors;
`npm run bench -- quality --model DIR --original FILE.gguf` compares the two.
"""

import argparse
import json
import math
import pathlib

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM


def orthogonal(size, generator):
    """Uniform over all rotations and reflections (Haar)."""
    q, r = torch.linalg.qr(torch.randn(size, size, dtype=torch.float64, generator=generator))
    return q * torch.sign(torch.diagonal(r))


def factors(size, generator):
    return torch.exp((torch.rand(size, dtype=torch.float64, generator=generator) - 0.5) * math.log(2))


def into_norm(weights, norm, matrices):
    """Of the norm's gains, [H], none is left."""
    for name in matrices:
        weights[name] = weights[name] * weights[norm]
    weights[norm] = torch.ones_like(weights[norm])


def rotate(weights, config, generator):
    turn = orthogonal(config.hidden_size, generator)
    if config.tie_word_embeddings:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
        config.tie_word_embeddings = False
    into_norm(weights, "model.norm.weight", ["lm_head.weight"])
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name] @ turn
    for attn, mlp, norms, inputs in layers(config):
        for norm, matrices in zip(norms, inputs):
            into_norm(weights, norm, matrices)
            for name in matrices:
                weights[name] = weights[name] @ turn
        for name in (f"{attn}.o_proj.weight", f"{mlp}.down_proj.weight"):
            weights[name] = turn.T @ weights[name]
        turn_values(weights, attn, config, generator)


def turn_values(weights, attn, config, generator):
    """Each key head's values by a matrix of its own, and back in the columns of o that read them."""
    kv, size = config.num_key_value_heads, config.head_dim
    turns = torch.stack([orthogonal(size, generator) for _ in range(kv)])
    values = weights[f"{attn}.v_proj.weight"]
    weights[f"{attn}.v_proj.weight"] = (turns @ values.view(kv, size, -1)).view_as(values)
    o = weights[f"{attn}.o_proj.weight"]
    weights[f"{attn}.o_proj.weight"] = torch.einsum("rgjd,ged->rgje", o.view(o.shape[0], kv, -1, size), turns).reshape(o.shape)


def scale(weights, config, generator):
    kv, size = config.num_key_value_heads, config.head_dim
    for attn, mlp, norms, inputs in layers(config):
        for norm, matrices in zip(norms, inputs):
            by = factors(config.hidden_size, generator)
            weights[norm] = weights[norm] / by
            for name in matrices:
                weights[name] = weights[name] * by
        by = factors(kv * size, generator)
        weights[f"{attn}.v_proj.weight"] = weights[f"{attn}.v_proj.weight"] / by[:, None]
        shared = config.num_attention_heads // kv
        weights[f"{attn}.o_proj.weight"] = weights[f"{attn}.o_proj.weight"] * by.view(kv, 1, size).expand(-1, shared, -1).reshape(-1)
        by = factors(config.intermediate_size, generator)
        weights[f"{mlp}.up_proj.weight"] = weights[f"{mlp}.up_proj.weight"] / by[:, None]
        weights[f"{mlp}.down_proj.weight"] = weights[f"{mlp}.down_proj.weight"] * by


def layers(config):
    """Of each layer: prefixes of attention and MLP, its norms, and the matrices behind each."""
    for i in range(config.num_hidden_layers):
        prefix = f"model.layers.{i}"
        attn, mlp = f"{prefix}.self_attn", f"{prefix}.mlp"
        norms = [f"{prefix}.input_layernorm.weight", f"{prefix}.post_attention_layernorm.weight"]
        inputs = [[f"{attn}.{part}_proj.weight" for part in "qkv"], [f"{mlp}.{part}_proj.weight" for part in ("gate", "up")]]
        yield attn, mlp, norms, inputs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--by", choices=["rotation", "scales"], required=True)
    arguments = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(arguments.file.parent, gguf_file=arguments.file.name, dtype=torch.float32)
    config = model.config
    if config.model_type != "llama" or config.attention_bias or config.mlp_bias:
        raise SystemExit("only llama without biases is moved")
    weights = {name: value.double() for name, value in model.named_parameters()}
    (rotate if arguments.by == "rotation" else scale)(weights, config, torch.Generator().manual_seed(1))
    arguments.directory.mkdir(parents=True, exist_ok=True)
    stored = {name: value.to(torch.float16 if value.ndim == 2 else torch.float32).contiguous() for name, value in weights.items()}
    save_file(stored, arguments.directory / "model.safetensors")
    written = {key: value for key, value in config.to_dict().items() if key != "quantization_config"}
    (arguments.directory / "config.json").write_text(json.dumps(written, indent=1) + "\n")


main()
