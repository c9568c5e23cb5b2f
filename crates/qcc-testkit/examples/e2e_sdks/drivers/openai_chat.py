"""OpenAI's chat completions by the official SDK for Python."""

import json

import openai

from common import INSTRUCTION, KEY, PROMPT, SCHEMA, TIMEOUT, main

FUNCTION = {"name": "get_weather", "description": "The weather of a city", "parameters": SCHEMA, "strict": True}


class Conversation:
    def __init__(self, base_url, case):
        self.client = openai.OpenAI(base_url=f"{base_url}/v1", api_key=KEY, max_retries=0, timeout=TIMEOUT)
        self.stream = case["stream"]
        content = PROMPT
        if case["image"]:
            url = {"url": f"data:image/png;base64,{case['image']}"}
            content = [{"type": "text", "text": PROMPT}, {"type": "image_url", "image_url": url}]
        self.asked = {
            "model": case["model"],
            "tools": [{"type": "function", "function": FUNCTION}],
            "messages": [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": content}],
        }
        if case["think"]:
            self.asked["reasoning_effort"] = "high"

    def turn(self):
        thought = ""
        if self.stream:
            with self.client.chat.completions.stream(**self.asked, stream_options={"include_usage": True}) as stream:
                for event in stream:
                    if event.type == "chunk" and event.chunk.choices:
                        thought += getattr(event.chunk.choices[0].delta, "reasoning_content", None) or ""
                completion = stream.get_final_completion()
        else:
            completion = self.client.chat.completions.create(**self.asked)
            thought = getattr(completion.choices[0].message, "reasoning_content", None) or ""
        message = completion.choices[0].message
        calls = message.tool_calls or []
        said = {"role": "assistant", "content": message.content}
        if calls:
            said["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
                for call in calls
            ]
        self.asked["messages"].append(said)
        usage = completion.usage
        return {
            "text": message.content or "",
            "thought": thought,
            "calls": [
                {"id": call.id, "name": call.function.name, "input": json.loads(call.function.arguments)}
                for call in calls
            ],
            "usage": [usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens],
        }

    def give(self, results):
        for call, text in results:
            self.asked["messages"].append({"role": "tool", "tool_call_id": call["id"], "content": text})


main(Conversation)
