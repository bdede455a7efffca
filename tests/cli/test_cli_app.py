"""The command line as a whole: help, usage errors, and what is loaded for them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from offload_sdk import __version__
from offload_sdk.cli.app import app
from offload_sdk.cli.text import bytes_text, milliseconds, printable, value_text

pytestmark = pytest.mark.light
COMMANDS = ("classify", "calibrate", "status", "models", "serve", "report", "doctor")


@pytest.mark.parametrize("arguments", [[name, "--help"] for name in COMMANDS] + [["--help"], ["-h"]])
def test_help(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert "usage:" in done.output.lower()


def test_every_command_is_listed() -> None:
    output = CliRunner().invoke(app, ["--help"]).output
    assert all(f"  {name} " in output for name in COMMANDS)


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"offload-sdk {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["classify"],
        ["classify", "a.jpg", "--frobnicate"],
        ["classify", "a.jpg", "--top-k", "0"],
        ["serve", "--port", "70000"],
        ["report", "--since", "whenever", "x"],
        ["report", "no-such-log"],
        ["models", "pull", "no-such-model"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from offload_sdk.cli.app import app\n"
        "sys.argv[1:] = ['classify', '--help']\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'PIL', 'requests', 'offload_sdk._config', 'rich', 'matplotlib', 'fastapi', "
        "'ai_edge_litert', 'tflite_runtime', 'psutil', 'sqlite3'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_a_server_without_its_packages_says_what_to_install() -> None:
    script = (
        "import sys\n"
        "sys.modules['uvicorn'] = None\n"
        "from offload_sdk.cli.app import app\n"
        "app(['serve', '--port', '0'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'offload-sdk[server]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_values_are_shown_in_their_units() -> None:
    assert milliseconds(0.00123) == "1.23 ms"
    assert milliseconds(12.0) == "12,000 ms"
    assert bytes_text(999) == "999 B"
    assert bytes_text(2_500_000) == "2.5 MB"
    assert value_text("battery_frac", 0.5) == "50 %"
    assert value_text("temperature_c", 51.04) == "51.0 °C"
    assert value_text("uplink_bytes_per_s", 125_000.0) == "125.0 kB/s"
    assert value_text("rtt_s", 0.02) == "20.0 ms"
    assert value_text("signal_dbm", None) == "unknown"
    assert value_text("throttled", False) == "no"
    assert printable("a\x1b[31m\nb") == "a\\x1b[31m\\x0ab"
