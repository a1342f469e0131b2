"""Prefill and decode speed of transformers at the shapes of bench/gpu, with random bf16 weights; one JSON line.

    python3 scripts/gpu-peer.py [smollm2-135m llama-3.2-1b ...]
"""

import json
import sys
import time

import torch
import transformers

SHAPES = {
    "smollm2-135m": dict(hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                         num_key_value_heads=3, vocab_size=49152, tie_word_embeddings=True),
    "llama-3.2-1b": dict(hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
                         num_key_value_heads=8, vocab_size=128256, tie_word_embeddings=True),
    "llama-3.1-8b": dict(hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32,
                         num_key_value_heads=8, vocab_size=128256, tie_word_embeddings=False),
}
PREFILL, CONTEXT, STEPS = 512, 128, 32
device = "cuda" if torch.cuda.is_available() else "cpu"


def seconds(call):
    """Wall time of a call, device included."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


@torch.inference_mode()
def measure(shape):
    config = transformers.LlamaConfig(**shape, max_position_embeddings=8192, rms_norm_eps=1e-5)
    model = transformers.LlamaForCausalLM(config).to(device, torch.bfloat16).eval()
    ids = torch.randint(100, 5000, (1, PREFILL), device=device)
    model(ids)
    prefill = min(seconds(lambda: model(ids)) for _ in range(5))
    decode = []
    for batch in (1, 4, 16, 64):
        state = {"cache": model(torch.randint(100, 5000, (batch, CONTEXT), device=device), use_cache=True).past_key_values}
        token = torch.full((batch, 1), 100, device=device)

        def steps():
            for _ in range(STEPS):
                state["cache"] = model(token, past_key_values=state["cache"], use_cache=True).past_key_values

        seconds(steps)
        decode.append({"batch": batch, "tokensPerSecond": batch * STEPS / seconds(steps)})
    return {"prefillTokensPerSecond": PREFILL / prefill, "decode": decode}


names = sys.argv[1:] or ["smollm2-135m", "llama-3.2-1b"]
gpu = torch.cuda.get_device_name() if device == "cuda" else "cpu"
print(json.dumps({"bench": "gpu-peer", "transformers": transformers.__version__, "torch": torch.__version__, "device": gpu,
                  "speeds": {name: measure(SHAPES[name]) for name in names}}))
