"""Stand-in for the training program: the same command line, the same checkpoint, no torch."""

import argparse
import hashlib
import json
import os
import sys
import time
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write under a temporary name and rename."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    temporary.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--spec", required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    spec = json.loads(options.spec)
    checkpoint = options.output.with_name("checkpoint.json")
    step, state = 0, options.spec
    if checkpoint.exists():
        saved = json.loads(checkpoint.read_text())
        if saved["spec"] == options.spec:
            step, state = saved["step"], saved["state"]
            sys.stdout.write(f"resumed at step {step}\n")
    first_attempt = options.output.with_name("first_attempt")
    while step < spec["steps"]:
        state = hashlib.sha256(f"{step}{state}".encode()).hexdigest()
        step += 1
        time.sleep(spec["seconds_per_step"])
        write(checkpoint, json.dumps({"spec": options.spec, "step": step, "state": state}))
        if step == spec.get("fail_once_at") and not first_attempt.exists():
            first_attempt.touch()
            sys.exit("a failure of the node's own making")
    write(options.output, json.dumps({"spec": spec, "state": state}, sort_keys=True))
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
