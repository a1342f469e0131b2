"""The default model as it is served: its Q4_1 weights, dequantized, in transformers."""

import os
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

MODEL = Path(os.environ.get("DAWNLIGHT_TEST_MODEL", Path.home() / ".cache/dawnlight/models/SmolLM2-135M-Instruct.Q4_1.gguf"))


def load_tokenizer():
    return AutoTokenizer.from_pretrained(MODEL.parent, gguf_file=MODEL.name)


def load_base():
    """In float32, without gradients."""
    model = AutoModelForCausalLM.from_pretrained(MODEL.parent, gguf_file=MODEL.name, dtype=torch.float32)
    return model.requires_grad_(False).eval()
