"""The state for the next read, from the messages of one: python last_states.py < messages.jsonl > state.json."""

import json
import sys

messages = map(json.loads, sys.stdin)
states = (message["state"] for message in messages if message["type"] == "STATE")
json.dump(list({state["stream"]["stream_descriptor"]["name"]: state for state in states}.values()), sys.stdout)
