"""The `openai` package at the other end of a pipe: a request as one line of JSON on stdin, its answer as one on stdout."""

import json
import sys
from typing import Literal

import openai
from pydantic import BaseModel, ConfigDict, Field


class City(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=20)
    population: int = Field(ge=0, le=99_999_999)
    continent: Literal["Africa", "America", "Asia", "Europe", "Oceania"]


def to_answer(completion, pieces):
    [choice] = completion.choices
    calls = choice.message.tool_calls or []
    return {
        "text": choice.message.content or "",
        "finishReason": choice.finish_reason,
        "usage": {
            "promptTokens": completion.usage.prompt_tokens,
            "completionTokens": completion.usage.completion_tokens,
        },
        "calls": [{"id": c.id, "name": c.function.name, "arguments": c.function.arguments} for c in calls],
        "pieces": pieces,
    }


def ask(completions, body):
    if body.get("stream"):
        return add_up(completions.create(**body))
    return to_answer(completions.create(**body), 1)


def add_up(stream):
    """`completions.stream` takes strict tools only and throws at the token limit, so agents add up deltas themselves."""
    text, calls, finish_reason, usage, pieces = "", {}, None, None, 0
    for chunk in stream:
        if chunk.usage is not None:
            usage = {"promptTokens": chunk.usage.prompt_tokens, "completionTokens": chunk.usage.completion_tokens}
        for choice in chunk.choices:
            finish_reason = choice.finish_reason or finish_reason
            text += choice.delta.content or ""
            pieces += bool(choice.delta.content or choice.delta.tool_calls)
            for delta in choice.delta.tool_calls or []:
                call = calls.setdefault(delta.index, {"id": "", "name": "", "arguments": ""})
                call["id"] += delta.id or ""
                call["name"] += delta.function.name or ""
                call["arguments"] += delta.function.arguments or ""
    return {"text": text, "finishReason": finish_reason, "usage": usage, "calls": list(calls.values()), "pieces": pieces}


def give_up(client, body):
    completions = client.with_options(timeout=60 if body.get("stream") else 0.5).chat.completions
    try:
        answer = completions.create(**body)
    except openai.APITimeoutError:
        return True
    for chunk in answer:
        if chunk.choices[0].delta.content:
            answer.close()
            return True
    return False


def structured(completions, body):
    parsed = completions.parse(response_format=City, **body)
    with completions.stream(response_format=City, **body) as stream:
        streamed = stream.get_final_completion()
    return [answer.choices[0].message.parsed.model_dump() for answer in (parsed, streamed)]


def run(request):
    client = openai.OpenAI(
        base_url=request["baseURL"], api_key=request["apiKey"], max_retries=request["retries"]
    )
    body = request["body"]
    if request["method"] == "ask":
        return ask(client.chat.completions, body)
    if request["method"] == "give_up":
        return give_up(client, body)
    return structured(client.chat.completions, body)


for line in sys.stdin:
    try:
        answer = {"value": run(json.loads(line))}
    except openai.APIError as error:
        status = getattr(error, "status_code", None)
        answer = {"error": {"name": type(error).__name__, "status": status, "message": str(error)}}
    print(json.dumps(answer), flush=True)
