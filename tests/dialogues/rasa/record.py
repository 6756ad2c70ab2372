"""Plays the conversations of the projects beside this file with a real Rasa 3.6, and notes what it did.

    RASA_VENV/bin/python tests/dialogues/rasa/record.py [--into FOLDER] [PROJECT …]

It runs in Rasa's own environment (Python 3.10) and imports nothing of ours. For each project it writes
`recorded.json`: after every message the messages of the REST channel, the slots and the active loop.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("RASA_CACHE_DIRECTORY", tempfile.mkdtemp(prefix="rasa-cache-"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--into", type=Path, help="write here instead of beside the projects")
    parser.add_argument("projects", nargs="*")
    options = parser.parse_args()
    names = options.projects or sorted(path.parent.name for path in HERE.glob("*/conversations.yml"))
    failed = False
    for name in names:
        folder = (options.into or HERE) / name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            recorded = record(HERE / name)
        except Exception as error:
            print(f"{name}: NOT RECORDED: {type(error).__name__}: {error}", flush=True)
            failed = True
            continue
        text = json.dumps(recorded, ensure_ascii=False, indent=1, default=str)
        (folder / "recorded.json").write_text(text + "\n", encoding="utf-8")
        print(f"{name}: {len(recorded)} conversations, {sum(len(c['turns']) for c in recorded)} turns", flush=True)
    return int(failed)


def record(project: Path) -> list:
    from ruamel.yaml import YAML

    conversations = YAML(typ="safe").load((project / "conversations.yml").read_text(encoding="utf-8"))["conversations"]
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "project"
        shutil.copytree(
            project, copy, ignore=shutil.ignore_patterns("conversations.yml", "recorded.json", "__pycache__")
        )
        model = train(copy)
        port, server = start_actions(copy)
        try:
            return asyncio.run(play(model, port, conversations))
        finally:
            if server is not None:
                server.terminate()
                server.wait()


def train(project: Path) -> str:
    import rasa

    domain = project / "domain" if (project / "domain").is_dir() else project / "domain.yml"
    result = rasa.train(
        domain=str(domain),
        config=str(project / "config.yml"),
        training_files=[str(project / "data")],
        output=str(project / "models"),
    )
    if result.model is None:
        raise SystemExit(f"{project}: Rasa could not train it")
    return result.model


def start_actions(project: Path):
    if not (project / "actions.py").exists() and not (project / "actions").is_dir():
        return 0, None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "-p", str(port)],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return port, server
        time.sleep(0.2)
    raise SystemExit("the action server did not start")


async def play(model: str, port: int, conversations: list) -> list:
    from rasa.core.agent import load_agent
    from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
    from rasa.core.utils import AvailableEndpoints
    from rasa.utils.endpoints import EndpointConfig

    endpoint = EndpointConfig(f"http://127.0.0.1:{port}/webhook")
    agent = await load_agent(model_path=model, endpoints=AvailableEndpoints(action=endpoint))
    agent.action_endpoint = endpoint
    agent.processor.action_endpoint = endpoint
    recorded = []
    for conversation in conversations:
        sender = conversation["name"]
        turns = []
        for said in conversation["says"]:
            message = said if isinstance(said, dict) else {"text": said}
            await asyncio.sleep(message.get("after_s", 0))
            channel = CollectingOutputChannel()
            try:
                await agent.handle_message(
                    UserMessage(
                        message["text"], channel, sender, input_channel="rest", metadata=message.get("metadata")
                    )
                )
            except Exception as error:  # the REST channel logs it, and sends what there is
                print(f"  {sender}: {message['text']!r}: {type(error).__name__}: {error}", file=sys.stderr)
            tracker = await agent.processor.fetch_full_tracker_with_initial_session(sender)
            state = tracker.current_state()
            messages = [{k: v for k, v in m.items() if k != "recipient_id"} for m in channel.messages]
            turns.append(
                {
                    "text": message["text"],
                    **{key: message[key] for key in ("metadata", "after_s") if message.get(key)},
                    "messages": messages,
                    "slots": {k: v for k, v in state["slots"].items() if v is not None},
                    "active_loop": state["active_loop"].get("name"),
                }
            )
        recorded.append({"name": sender, "turns": turns})
    return recorded


if __name__ == "__main__":
    sys.exit(main())
