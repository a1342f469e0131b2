"""Writes a GGUF file with random weights in the shape of a larger model, to time engines with (bench -- engine --model).

    python3 scripts/random-gguf.py 0.5b BASE.gguf OUT.gguf

Tokenizer and kinds of quantization are those of BASE, a Llama (`dawnlight pull` has one): matrices Q4_1, the embedding, which is the
head too, Q8_0. Shapes are those of Qwen2.5 0.5B and 1.5B, without their biases and with BASE's vocabulary. Its text means
nothing. Needs numpy and gguf.
"""

import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

SHAPES = {
    "0.5b": dict(hidden=896, layers=24, heads=14, kv_heads=2, head_dim=64, intermediate=4864),
    "1.5b": dict(hidden=1536, layers=28, heads=12, kv_heads=2, head_dim=128, intermediate=8960),
}
random = np.random.default_rng(1)


def blocks(rows, cols, kind):
    """Random codes; scales and minima such that rows multiply a vector of ones' size into one of that size."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    out = random.integers(0, 256, (rows, cols // block, size), dtype=np.uint8)
    # Codes 0 … 15 have a deviation of 4.6, codes -128 … 127 of 74.
    scale = np.float16(cols**-0.5 / (4.6 if kind == Type.Q4_1 else 74))
    head = [scale, np.float16(-7.5 * scale)] if kind == Type.Q4_1 else [scale]
    out[:, :, : 2 * len(head)] = np.array(head, np.float16).view(np.uint8)
    return out.reshape(rows, -1)


def main(name, base, out):
    shape = SHAPES[name]
    hidden, heads, head_dim = shape["hidden"], shape["heads"], shape["head_dim"]
    reader = gguf.GGUFReader(base)
    writer = gguf.GGUFWriter(out, "llama")
    for field in reader.fields.values():
        if field.name.startswith("tokenizer."):
            value = field.contents()
            kind = field.types[0]
            writer.add_key_value(field.name, value, kind, sub_type=field.types[-1] if len(field.types) > 1 else None)
    vocabulary = len(reader.fields["tokenizer.ggml.tokens"].data)
    writer.add_name(f"random-{name}")
    writer.add_context_length(32768)
    writer.add_embedding_length(hidden)
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["intermediate"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(shape["kv_heads"])
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(head_dim)
    writer.add_rope_freq_base(1e6)
    writer.add_vocab_size(vocabulary)

    def matrix(name, rows, cols, kind=Type.Q4_1):
        writer.add_tensor(f"{name}.weight", blocks(rows, cols, kind), raw_dtype=kind)

    def ones(name):
        writer.add_tensor(f"{name}.weight", np.ones(hidden, np.float32))

    matrix("token_embd", vocabulary, hidden, Type.Q8_0)
    for i in range(shape["layers"]):
        ones(f"blk.{i}.attn_norm")
        ones(f"blk.{i}.ffn_norm")
        matrix(f"blk.{i}.attn_q", heads * head_dim, hidden)
        for part in "kv":
            matrix(f"blk.{i}.attn_{part}", shape["kv_heads"] * head_dim, hidden)
        matrix(f"blk.{i}.attn_output", hidden, heads * head_dim)
        matrix(f"blk.{i}.ffn_gate", shape["intermediate"], hidden)
        matrix(f"blk.{i}.ffn_up", shape["intermediate"], hidden)
        matrix(f"blk.{i}.ffn_down", hidden, shape["intermediate"])
    ones("output_norm")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in SHAPES:
        sys.exit(__doc__)
    main(*sys.argv[1:])
