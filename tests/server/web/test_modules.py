"""The page's modules that need no browser, under Node's own test runner."""

import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
WEB = ROOT / "server" / "auricle" / "server" / "web"


@pytest.fixture(scope="module")
def node() -> str:
    path = shutil.which("node")
    if path is None:
        pytest.skip("Node.js is not installed")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < 20:
        pytest.skip(f"Node.js {version.strip()} has no test runner that finds the tests")
    return path


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_modules(node: str, name: str) -> None:
    finished = subprocess.run([node, "--test", str(HERE / name)], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stdout


def test_a_json_download_is_what_the_command_line_writes(node: str) -> None:
    script = f"""
      import {{ json }} from {json.dumps((WEB / "formats.mjs").as_uri())};
      const words = [{{ text: 'Hi\\u0007', start: 0.5, end: 1, confidence: 0.75 }}];
      const details = {{ avg_logprob: -0.2 }};
      const final = {{ segment: 0, text: 'Hi', start: 0.5, end: 1, confidence: 0.8, audio: [0, 9], words, details }};
      const engine = {{ name: 'scripted' }};
      const counts = {{ accounting: {{ received: 9 }}, durationS: 1.23456, complete: true }};
      process.stdout.write(json({{ file: 'a', finals: [final], engine, ...counts }}));
    """
    command = [node, "--input-type=module", "-e", script]
    written = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    schema = json.loads((ROOT / "docs" / "transcript.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(written), schema)
