"""The mean of the weights of two adapters of one base.

    python scripts/tool-adapter/mean.py A B OUT     folders; OUT gets adapter_model.safetensors in float16
"""

import sys
from pathlib import Path

from safetensors.torch import load_file, save_file


def main():
    a, b, out = map(Path, sys.argv[1:])
    one, other = (load_file(folder / "adapter_model.safetensors") for folder in (a, b))
    assert one.keys() == other.keys()
    out.mkdir(parents=True, exist_ok=True)
    mean = {name: ((tensor.float() + other[name].float()) / 2).half().contiguous() for name, tensor in one.items()}
    save_file(mean, out / "adapter_model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
