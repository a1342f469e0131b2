"""Writes test/fixtures/tool-adapter/prompts.json: conversations as transformers renders them with the adapter's template.

    python scripts/tool-adapter/prompts.py
"""

import json
import random

from base_model import load_tokenizer
from train import ADAPTER
from held_out_sets import FIRST, ROOT
from training_data import Sampler

OUT = ROOT / "test" / "fixtures" / "tool-adapter" / "prompts.json"


def main():
    tok, template = load_tokenizer(), (ADAPTER / "chat_template.jinja").read_text()
    render = lambda messages, tools: tok.apply_chat_template(messages, tools=tools, chat_template=template, tokenize=False, add_generation_prompt=True)
    rendered = []
    sampler = Sampler(random.Random(5), {"Hi!": {"text": "Hello! How can I help?", "ended": True}})
    for _ in range(3):
        system, tools, conversations = sampler.sample(6)
        given = [{"role": "system", "content": system}] if system else []
        for _, messages in conversations[-3:]:
            messages = given + [{k: v for k, v in m.items() if k != "open"} for m in messages]
            rendered.append({"messages": messages, "tools": tools, "text": render(messages, tools)})
    result = next(c for c in FIRST["cases"] if c["kind"] == "result")
    tools = [{"type": "function", "function": FIRST["tools"][name]} for name in result["tools"]]
    asked, called, returned = result["messages"][-3:]
    call = called["tool_calls"][0]["function"]
    parsed = [{"type": "function", "function": {**call, "arguments": json.loads(call["arguments"])}} for _ in range(2)]
    messages = [asked, {"role": "assistant", "content": "Let me look.", "tool_calls": parsed}, returned, returned]
    rendered.append({"messages": messages, "tools": tools, "text": render(messages, tools)})
    for case in rendered:
        case["ids"] = tok(case["text"], add_special_tokens=False)["input_ids"]
        for message in case["messages"]:
            for call in message.get("tool_calls", []):
                call["function"]["arguments"] = json.dumps(call["function"]["arguments"], ensure_ascii=False)
    lines = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in rendered)
    OUT.write_text(f"[\n{lines}\n]\n")
    print(len(rendered), "conversations,", OUT.stat().st_size, "bytes")


main()
