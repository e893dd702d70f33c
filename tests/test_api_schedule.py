"""The schedule that ``init`` writes is one that the machine understands."""

import configparser
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from api.config import parse_settings
from api.errors import ConfigError
from api.schedule import TORCH, schedule_files

ROOT = Path(__file__).parent.parent
ODD = "a folder, 50% of it"


@pytest.fixture(params=["desk", ODD])
def folder(tmp_path, request):
    """Give a folder of which one has a name that needs quotes."""
    path = tmp_path / request.param
    path.mkdir()
    return path


def settings(folder, text=""):
    return parse_settings(text, origin="t.toml", base_dir=folder)


def commands(text):
    return [line for line in text.splitlines() if line and not line.startswith("# ")]


def test_cron_lines_are_five_columns_and_one_command(folder):
    text = schedule_files(folder)["tapestory.cron"]
    night, report = commands(text)
    assert night.startswith("15 23 * * * ")
    assert report.startswith("30 7 * * 6 ")
    words = shlex.split(night.split(maxsplit=5)[5].replace(r"\%", "%"))
    assert words[1:3] == ["nightly", str(folder / "tapestory.db")]
    assert words[-3:] == [">>", str(folder / "nightly.log"), "2>&1"]
    assert "%" not in re.sub(r"\\%", "", text)  # an unescaped one ends the command


def test_what_waited_is_sent_at_the_end_of_the_quiet_hours_where_there_are_any(folder):
    without = schedule_files(folder)["tapestory.cron"]
    assert not [line for line in commands(without) if " --send" in line]
    text = '[alerts]\nquiet_hours = "22:30-06:45"\ntimezone = "Europe/Berlin"\n'
    files = schedule_files(folder, settings(folder, text))
    (line,) = [line for line in commands(files["tapestory.cron"]) if " --send" in line]
    assert line.startswith("45 6 * * * ")
    assert "OnCalendar=*-*-* 06:45:00 Europe/Berlin\n" in files["tapestory-alerts.timer"]


def test_units_parse_and_keep_to_what_an_operator_needs(folder):
    files = schedule_files(folder)
    services = [text for name, text in files.items() if name.endswith(".service")]
    assert len(services) == 3
    for text in services:
        unit = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=True)
        unit.read_string(text)
        assert unit["Service"]["SuccessExitStatus"] == "3 75"
        assert unit["Service"]["ProtectSystem"] == "strict"
        assert "nonewprivileges" in unit["Service"]
        assert "# OnFailure=" in text
    for name, text in files.items():
        if name.endswith(".timer"):
            assert "Persistent=true" in text
            assert "RandomizedDelaySec=" in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_units(folder):
    paths = []
    for name, text in schedule_files(folder).items():
        if name.endswith((".service", ".timer")):
            # The program of the units need not be installed where the tests run.
            words = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={shutil.which('true')}", text)
            (folder / name).write_text(words, encoding="utf-8")
            paths.append(str(folder / name))
    done = subprocess.run(
        ["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if str(folder) in line]
    assert not complaints
    assert done.returncode == 0, done.stderr


def test_the_container_runs_without_privileges_and_pins_what_the_makefile_pins():
    text = schedule_files(Path("/data"))["Containerfile"]
    lines = text.replace("\\\n", " ").splitlines()
    words = {line.split()[0] for line in lines if line and not line.startswith("#")}
    assert words <= {"FROM", "RUN", "COPY", "USER", "WORKDIR", "VOLUME", "ENV", "ENTRYPOINT"}
    order = [line.split()[0] for line in lines if line.startswith(("USER", "ENTRYPOINT"))]
    assert order == ["USER", "ENTRYPOINT"]
    assert f"TORCH := {TORCH}\n" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert TORCH in text
    copied = {word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]}
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= copied
    assert {project["project"]["readme"], *project["project"]["license-files"]} <= copied
    assert not re.search(r"https?://|docker\.io|ghcr", text)


@pytest.mark.parametrize(("key", "value"), [("time", "late"), ("time", "7:5"), ("report", "Sat")])
def test_a_time_that_is_none_is_said(tmp_path, key, value):
    with pytest.raises(ConfigError, match=rf"\[schedule\] of t.toml has {key} = '{value}'"):
        settings(tmp_path, f'[schedule]\n{key} = "{value}"\n')


def test_the_weekly_job_writes_all_formats_and_delivers(folder):
    _, report = commands(schedule_files(folder)["tapestory.cron"])
    words = shlex.split(report.split(maxsplit=5)[5].replace(r"\%", "%"))
    assert words[1:3] == ["report", str(folder / "tapestory.db")]
    assert "--deliver" in words
    assert words[words.index("--format") + 1] == "html,md,pdf,json"
    assert words[words.index("--config") + 1] == str(folder / "tapestory.toml")
