"""What the drivers in Python share: they play each case of the command line and print what the SDK saw, a line each.

Usage: python DRIVER BASE_URL CASES, where CASES is a list in JSON of objects with `name`, `model`, `stream`, `think` and
`image` (base64 or null). A driver gives `main` a class with `turn()`, which asks once and says what came, and
`give(results)`, which adds what the tools returned to the conversation.
"""

import json
import sys

# More turns than any scenario has.
TURNS = 4

PROMPT = "What is the weather?"
INSTRUCTION = "You answer questions about the weather."
KEY = "proxy-managed"

# Seconds after which a case has failed.
TIMEOUT = 20.0

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Name of a city"}},
    "required": ["city"],
    "additionalProperties": False,
}


def get_weather(input):
    """The tool."""
    return f"{input['city']}: 17 degrees"


def play(conversation):
    """Asks until no tool is called any more."""
    saw = {"calls": [], "thought": ""}
    for _ in range(TURNS):
        turn = conversation.turn()
        saw["thought"] += turn["thought"]
        saw["text"] = turn["text"]
        saw["usage"] = turn["usage"]
        if not turn["calls"]:
            break
        saw["calls"] += [{"name": call["name"], "input": call["input"]} for call in turn["calls"]]
        conversation.give([(call, get_weather(call["input"])) for call in turn["calls"]])
    return saw


def main(conversation):
    """Plays every case."""
    base_url, cases = sys.argv[1], json.loads(sys.argv[2])
    for case in cases:
        try:
            saw = play(conversation(base_url, case))
        except Exception as error:
            saw = {"raised": f"{type(error).__name__} {getattr(error, 'status_code', '')}: {error}"}
        print(json.dumps({"name": case["name"], **saw}), flush=True)
