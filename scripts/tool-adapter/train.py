"""Trains the tool adapter of the default model: LoRA on all projections of its upper layers, on one core.

    python scripts/tool-adapter/train.py --replies FILE --out FOLDER [--minutes 55] [--seed 1]

A step computes one sample: its system message with tools once, and behind it its conversations side by side, each of which sees
the system message and itself alone (the attention mask says so, and positions go on from the system message in each). The loss is
that of the assistant's turns. Samples are made on the way and none comes twice, so that the share of turns whose every token is the
likeliest one, which is printed by kind, is measured on what the adapter has not seen.
"""

import argparse
import json
import math
import random
import time
from collections import defaultdict
from pathlib import Path

import torch
from base_model import load_base, load_tokenizer
from held_out_sets import ROOT
from lora_llama import LoraLlama, Shape, Weighted
from safetensors.torch import load_file, save_file
from training_data import Sampler

ADAPTER = ROOT / "adapters" / "smollm2-135m-instruct-tools"
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
TURN, END = "<|im_start|>assistant\n", "<|im_end|>"


class Packer:
    """Samples → one sequence with its mask, positions and labels."""

    def __init__(self, tok, shared):
        """`shared`: query heads of one key head (Shape)."""
        self.tok, self.shared = tok, shared
        self.template = (ADAPTER / "chat_template.jinja").read_text()

    def render(self, messages, tools):
        return self.tok.apply_chat_template(messages, tools=tools, chat_template=self.template, tokenize=False)

    def conversation(self, text, is_open):
        """(ids, whether each is to be learned); `is_open`: the last turn was cut and has no end."""
        enc = self.tok(text, return_offsets_mapping=True, add_special_tokens=False)
        learned, at = [False] * len(enc["input_ids"]), 0
        while (begin := text.find(TURN, at)) >= 0:
            begin += len(TURN)
            at = text.index(END, begin)
            last = is_open and text.find(TURN, at) < 0
            stop = at if last else at + len(END)
            for i, (a, b) in enumerate(enc["offset_mapping"]):
                learned[i] = learned[i] or (begin <= a and b <= stop)
        return enc["input_ids"], learned

    def pack(self, system, tools, conversations, most):
        given = [{"role": "system", "content": system}] if system else []
        # The template needs a message; this one is cut off again.
        prefix = self.render([*given, {"role": "user", "content": "x"}], tools).split("<|im_start|>user")[0]
        ids = self.tok(prefix, add_special_tokens=False)["input_ids"]
        size = len(ids)
        group, positions, learned, kinds = [0] * size, list(range(size)), [False] * size, []
        for kind, messages in conversations:
            text = self.render([*given, *messages], tools)
            assert text.startswith(prefix), text
            more, flags = self.conversation(text[len(prefix) :], messages[-1].get("open", False))
            if len(ids) + len(more) > most:
                continue
            kinds.append(kind)
            ids += more
            group += [len(kinds)] * len(more)
            positions += range(size, size + len(more))
            learned += flags
        # The token before a learned one predicts it; both are of one conversation.
        at = [i for i in range(1, len(ids)) if learned[i]]
        ids, sizes = torch.tensor(ids), [group.count(i + 1) for i in range(len(kinds))]
        at = torch.tensor(at)
        return {"ids": ids, "positions": torch.tensor(positions), "shape": Shape(size, sizes, self.shared), "at": at, "wanted": ids[at], "group": torch.tensor(group), "kinds": kinds}


def save(model, folder):
    """As peft does, in float16."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {k: v.detach().to(torch.float16).contiguous() for k, v in model.named()}
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct", "r": RANK, "lora_alpha": ALPHA, "lora_dropout": 0.0, "init_lora_weights": True, "bias": "none", "target_modules": PROJECTIONS, "layers_to_transform": LAYERS, "inference_mode": True}
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


def resume(model, folder):
    """From an adapter."""
    known = load_file(folder / "adapter_model.safetensors")
    with torch.no_grad():
        for name, tensor in model.named():
            tensor.copy_(known.pop(name))
    assert not known, list(known)[:3]


def weights_of(batch):
    """Conversations weigh between alike and by their length: short calls would drown in prose."""
    groups = batch["group"][batch["at"]]
    return torch.bincount(groups, minlength=len(batch["kinds"]) + 1).float()[groups].rsqrt()


def check(model, base, batch):
    """The loss and the gradients, against transformers and peft."""
    from peft import LoraConfig, get_peft_model

    peft = get_peft_model(base, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=PROJECTIONS, layers_to_transform=LAYERS, task_type="CAUSAL_LM"))
    theirs = dict(peft.named_parameters())
    with torch.no_grad():
        for name, tensor in model.named():
            theirs[name.replace(".weight", ".default.weight")].copy_(tensor)
    order, g = torch.arange(len(batch["ids"])), batch["group"]
    sees = (order[:, None] >= order[None]) & ((g[None] == 0) | (g[:, None] == g[None]))
    mask = torch.zeros(1, 1, len(g), len(g)).masked_fill_(~sees, torch.finfo(torch.float32).min)
    hidden = peft.base_model.model.model(input_ids=batch["ids"][None], attention_mask=mask, position_ids=batch["positions"][None], use_cache=False).last_hidden_state
    weights = weights_of(batch)
    other = (torch.nn.functional.cross_entropy(peft.base_model.model.lm_head(hidden[0, batch["at"] - 1]), batch["wanted"], reduction="none") * weights).sum() / weights.sum()
    other.backward()
    loss = Weighted.apply(model.logits(batch["ids"], batch["positions"], batch["shape"], batch["at"] - 1), batch["wanted"], weights)
    loss.backward()
    worst = 0
    for name, grad in model.named(lambda parameter: parameter.grad):
        wanted = theirs[name.replace(".weight", ".default.weight")].grad
        worst = max(worst, ((grad - wanted).norm() / wanted.norm().clamp_min(1e-12)).item())
    print(f"loss {loss.item():.6f}, of transformers and peft {other.item():.6f}; worst relative difference of a gradient {worst:.1e}")


RANK, ALPHA = 12, 24
LAYERS = list(range(10, 30))
"""Below them nothing is trained, so that no gradient is computed there; what 5 MB hold goes to the upper layers."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--replies", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=55)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--branches", type=int, default=10)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--most", type=int, default=900, help="tokens of a step")
    parser.add_argument("--start", type=Path, help="adapter to go on from")
    parser.add_argument("--check", action="store_true", help="hold the loss and gradients of one step to those of peft")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    sampler = Sampler(random.Random(args.seed), json.loads(Path(args.replies).read_text()))
    base = load_base()
    model = LoraLlama(base, RANK, ALPHA, LAYERS)
    packer = Packer(load_tokenizer(), model.shared)
    if args.start:
        resume(model, args.start)
    if args.check:
        return check(model, base, packer.pack(*sampler.sample(args.branches), args.most))
    a, b = model.parameters()
    # B learns faster than A (LoRA+, Hayou et al. 2024).
    groups = [{"params": a, "scale": 1.0}, {"params": b, "scale": 3.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.99), weight_decay=0.0)
    begin = saved = time.time()
    step = tokens = conversations = 0
    seen, right, losses = defaultdict(int), defaultdict(int), []
    while (elapsed := (time.time() - begin) / 60) < args.minutes:
        # Cosine over the time that is given, behind a short rise.
        done = elapsed / args.minutes
        for g in optimizer.param_groups:
            g["lr"] = g["scale"] * args.lr * min(1, (step + 1) / 10) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * done)))
        batch = packer.pack(*sampler.sample(args.branches), args.most)
        logits = model.logits(batch["ids"], batch["positions"], batch["shape"], batch["at"] - 1)
        hit, groups = logits.detach().argmax(-1) == batch["wanted"], batch["group"][batch["at"]]
        loss = Weighted.apply(logits, batch["wanted"], weights_of(batch))
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*a, *b], 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        for i, kind in enumerate(batch["kinds"]):
            seen[kind] += 1
            right[kind] += bool(hit[groups == i + 1].all())
        step, tokens, conversations = step + 1, tokens + len(batch["ids"]), conversations + len(batch["kinds"])
        losses.append(loss.item())
        if step % 5 == 0:
            print(f"{elapsed:5.1f} min, step {step}, {conversations} conversations, {tokens} tokens, loss {sum(losses) / len(losses):.3f}", {k: f"{right[k]}/{seen[k]}" for k in seen}, flush=True)
            seen.clear(), right.clear(), losses.clear()
        if time.time() - saved > 180:
            save(model, args.out)
            saved = time.time()
    save(model, args.out)
    print(f"{step} steps, {conversations} conversations, {tokens} tokens in {(time.time() - begin) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
