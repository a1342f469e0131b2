"""Makes the GGUF files of test/fixtures/models that llama.cpp's own converter writes from tiny checkpoints.

    python scripts/make-converted-fixtures.py LLAMA_CPP [NAME…]

LLAMA_CPP is a checkout of llama.cpp, or the unpacked source package of llama-cpp-python (vendor/llama.cpp of it). Needs what
make-fixtures.py needs, which makes the checkpoints and their logits; vocabularies are left out.
"""

import importlib
import json
import pathlib
import shutil
import sys
import tempfile

import torch

LLAMA_CPP = pathlib.Path(sys.argv[1])
# Its converter comes with a gguf package of its own, which has to be imported first.
sys.path[:0] = [str(LLAMA_CPP), str(LLAMA_CPP / "gguf-py")]
fixtures = importlib.import_module("make-fixtures")
OUT = fixtures.OUT
GPT = ("num_key_value_heads", "head_dim", "intermediate_size", "num_hidden_layers", "num_attention_heads")

# Name of the fixture: how `tiny` makes the checkpoint, and keys that the converter reads and transformers 5 does not write.
CHECKPOINTS = {
    "gpt_neox-gguf": (
        ("head_dim", "num_key_value_heads"),
        dict(model_type="gpt_neox", use_parallel_residual=False, rope_parameters=dict(fixtures.HALF)),
        dict(rotary_pct=0.5),
    ),
    "bloom-gguf": (GPT, dict(model_type="bloom", n_layer=2, n_head=4), {}),
    "cohere2-gguf": ((), dict(model_type="cohere2", num_hidden_layers=4, sliding_window=9, logit_scale=0.3), dict(rotary_pct=1.0)),
    # transformers does not have it: the checkpoint that make-fixtures.py makes of Granite's.
    "minicpm-gguf": None,
}


def convert(source, target):
    """convert_hf_to_gguf.py SOURCE --outtype f16 --outfile TARGET"""
    conversion = importlib.import_module("conversion")
    base = importlib.import_module("conversion.base")
    # config.json itself: transformers 5 takes some of the keys out that the converter reads.
    hparams = json.loads((source / "config.json").read_text())
    converter = conversion.get_model_class(base.get_model_architecture(hparams, base.ModelType.TEXT))
    converter.set_vocab = lambda self: None
    with torch.inference_mode():
        converter(source, base.gguf.LlamaFileType.MOSTLY_F16, target, hparams=hparams).write()


def make(name):
    target = OUT / name
    with tempfile.TemporaryDirectory() as directory:
        fixtures.OUT = pathlib.Path(directory)
        if CHECKPOINTS[name] is None:
            fixtures.dense()
            made = fixtures.OUT / name.removesuffix("-gguf")
        else:
            dropped, keys, own = CHECKPOINTS[name]
            fixtures.tiny(name, *dropped, **keys)
            made = fixtures.OUT / name
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
