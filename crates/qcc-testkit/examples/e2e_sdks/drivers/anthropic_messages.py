"""Anthropic's messages by the official SDK for Python."""

import anthropic

from common import INSTRUCTION, KEY, PROMPT, SCHEMA, TIMEOUT, main

TOOL = {"name": "get_weather", "description": "The weather of a city", "input_schema": SCHEMA}


class Conversation:
    def __init__(self, base_url, case):
        self.client = anthropic.Anthropic(base_url=base_url, api_key=KEY, max_retries=0, timeout=TIMEOUT)
        self.stream = case["stream"]
        content = [{"type": "text", "text": PROMPT}]
        if case["image"]:
            source = {"type": "base64", "media_type": "image/png", "data": case["image"]}
            content.append({"type": "image", "source": source})
        self.asked = {
            "model": case["model"],
            "max_tokens": 4096,
            "system": INSTRUCTION,
            "tools": [TOOL],
            "messages": [{"role": "user", "content": content}],
        }
        if case["think"]:
            self.asked["thinking"] = {"type": "adaptive"}

    def turn(self):
        if self.stream:
            with self.client.messages.stream(**self.asked) as stream:
                message = stream.get_final_message()
        else:
            message = self.client.messages.create(**self.asked)
        self.asked["messages"].append({"role": "assistant", "content": message.content})
        usage = message.usage
        cached = usage.cache_read_input_tokens or 0
        blocks = message.content
        return {
            "text": "".join(block.text for block in blocks if block.type == "text"),
            "thought": "".join(block.thinking for block in blocks if block.type == "thinking"),
            "calls": [{"id": b.id, "name": b.name, "input": b.input} for b in blocks if b.type == "tool_use"],
            "usage": [usage.input_tokens + cached, cached, usage.output_tokens],
        }

    def give(self, results):
        blocks = [{"type": "tool_result", "tool_use_id": call["id"], "content": text} for call, text in results]
        self.asked["messages"].append({"role": "user", "content": blocks})


main(Conversation)
