"""OpenAI's responses by the official SDK for Python. Nothing is kept by the provider: the items go back and forth."""

import json

import openai

from common import INSTRUCTION, KEY, PROMPT, SCHEMA, TIMEOUT, main

TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": SCHEMA,
    "strict": True,
}


class Conversation:
    def __init__(self, base_url, case):
        self.client = openai.OpenAI(base_url=f"{base_url}/v1", api_key=KEY, max_retries=0, timeout=TIMEOUT)
        self.stream = case["stream"]
        content = [{"type": "input_text", "text": PROMPT}]
        if case["image"]:
            content.append({"type": "input_image", "image_url": f"data:image/png;base64,{case['image']}"})
        self.asked = {
            "model": case["model"],
            "instructions": INSTRUCTION,
            "tools": [TOOL],
            "input": [{"role": "user", "content": content}],
            "store": False,
        }
        if case["think"]:
            self.asked["reasoning"] = {"effort": "high", "summary": "auto"}
            self.asked["include"] = ["reasoning.encrypted_content"]

    def turn(self):
        if self.stream:
            with self.client.responses.stream(**self.asked) as stream:
                response = stream.get_final_response()
        else:
            response = self.client.responses.create(**self.asked)
        self.asked["input"] += [replayable(item) for item in response.output]
        usage = response.usage
        summaries = [part for item in response.output if item.type == "reasoning" for part in item.summary]
        return {
            "text": response.output_text,
            "thought": "".join(part.text for part in summaries),
            "calls": [
                {"id": item.call_id, "name": item.name, "input": json.loads(item.arguments)}
                for item in response.output
                if item.type == "function_call"
            ],
            "usage": [usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens],
        }

    def give(self, results):
        for call, text in results:
            self.asked["input"].append({"type": "function_call_output", "call_id": call["id"], "output": text})


def replayable(item):
    """An item as it goes back; the SDK's helper adds what it has parsed, which is no member of the API."""
    item = item.model_dump(exclude_unset=True)
    item.pop("parsed_arguments", None)
    for part in item.get("content") or []:
        part.pop("parsed", None)
    return item


main(Conversation)
