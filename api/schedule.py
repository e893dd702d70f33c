"""What ``init`` writes for a machine to run: cron lines, systemd units, a container file.

No lock around the command: ours answers a second run with exit code 75.
"""

import getpass
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from api.config import Settings, default_text, parse_settings

# As in the Makefile: any other request may bring a build of several gigabytes with it.
TORCH = "torch==2.13.0"
_PACKAGES = ("crawler", "nlp", "store", "align", "api")
_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One thing to run and when; ``day`` is empty for every day, ``zone`` for the machine's."""

    name: str
    says: str
    words: tuple[str, ...]
    time: str
    day: str = ""
    zone: str = ""

    @property
    def calendar(self) -> str:
        """The time in the words of systemd."""
        words = (self.day, "*-*-*", f"{self.time}:00", self.zone)
        return " ".join(word for word in words if word)

    @property
    def cron(self) -> str:
        """The time in the five columns of cron."""
        hour, minute = self.time.split(":")
        return f"{int(minute)} {int(hour)} * * {_WEEKDAYS.index(self.day) if self.day else '*'}"


def schedule_files(folder: Path, settings: Settings | None = None) -> dict[str, str]:
    """Return file names and texts of a schedule for a database in ``folder``.

    Parameters
    ----------
    settings : Settings, optional
        Whose times are used; without them those of the shipped settings, as ``init`` writes.
    """
    if settings is None:
        settings = parse_settings(default_text(), origin="shipped defaults", base_dir=folder)
    night, report, morning = _jobs(folder, settings)
    files = {"tapestory.cron": _cron(folder, settings, (night, report), morning)}
    for job in (night, report, morning):
        files[f"{job.name}.service"] = _service(job, folder)
        files[f"{job.name}.timer"] = _timer(job)
    files["Containerfile"] = _container()
    return files


def _jobs(folder: Path, settings: Settings) -> tuple[_Job, _Job, _Job]:
    command = str(Path(sys.executable).with_name("tapestory"))
    database = str(folder / "tapestory.db")
    config = ("--config", str(folder / "tapestory.toml"))
    day, time = settings.report_schedule.split()
    quiet = settings.alerts.quiet
    return (
        _Job(
            name="tapestory",
            says="Tapestory nightly run",
            words=(command, "nightly", database, *config),
            time=settings.schedule,
        ),
        _Job(
            name="tapestory-report",
            says="Tapestory weekly report",
            words=(
                command,
                *("report", database, "--out", str(folder / "reports")),
                *("--format", "html,md,pdf,json", "--deliver", *config),
            ),
            time=time,
            day=day,
        ),
        _Job(
            name="tapestory-alerts",
            says="Tapestory alerts that waited for the end of the quiet hours",
            words=(command, "alerts", database, "--send", *config),
            time=f"{quiet.end:%H:%M}" if quiet else "07:00",
            zone=quiet.zone.key if quiet else "",
        ),
    )


def _cron(folder: Path, settings: Settings, jobs: tuple[_Job, ...], morning: _Job) -> str:
    lines = [
        "# crontab -e, then paste these lines. Exit codes: 0 done; 3 done, with items that failed",
        "# ('tapestory status' says which); 75 another run is still at work.",
        *(_cron_line(job, folder) for job in jobs),
        "# Sends what waited, at the end of quiet_hours (below [alerts] in tapestory.toml), in",
        "# the time zone of this machine:",
        ("" if settings.alerts.quiet else "# ") + _cron_line(morning, folder),
    ]
    return "\n".join(lines) + "\n"


def _cron_line(job: _Job, folder: Path) -> str:
    log = shlex.quote(str(folder / f"{job.name.replace('tapestory', 'nightly', 1)}.log"))
    # An unescaped % ends a cron command.
    return f"{job.cron} {shlex.join(job.words)} >> {log} 2>&1".replace("%", r"\%")


def _service(job: _Job, folder: Path) -> str:
    words = " ".join(_unit_word(word) for word in job.words)
    path = _unit_word(str(folder))
    return f"""# Copy to /etc/systemd/system/, then: systemctl enable --now {job.name}.timer
# What it said: journalctl -u {job.name}
[Unit]
Description={job.says}
Wants=network-online.target
After=network-online.target
# To hear of a run that failed (exit 1), name a unit of yours that tells you:
# OnFailure=notify@%n.service

[Service]
Type=oneshot
User={getpass.getuser()}
WorkingDirectory={_unit_path(str(folder))}
# NAME=value lines with the secrets that tapestory.toml names; mode 600.
EnvironmentFile=-{_unit_path(str(folder / "tapestory.env"))}
ExecStart={words}
# 3: done, with items that failed (tapestory status); 75: another run holds the lock
SuccessExitStatus=3 75
TimeoutStartSec=6h
Nice=10
SyslogIdentifier={job.name}
UMask=0027
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={path}
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectControlGroups=true
RestrictSUIDSGID=true
RestrictRealtime=true
LockPersonality=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
CapabilityBoundingSet=
"""


def _timer(job: _Job) -> str:
    return f"""[Unit]
Description={job.says}, on time

[Timer]
OnCalendar={job.calendar}
# A night that the machine slept through is made up for.
Persistent=true
RandomizedDelaySec=5min

[Install]
WantedBy=timers.target
"""


def _unit_word(word: str) -> str:
    """Return a word of a unit file: % and $ are signs there, quotes keep spaces together."""
    word = _unit_path(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{word}"' if any(char.isspace() or char in "'\"\\;" for char in word) else word


def _unit_path(path: str) -> str:
    return path.replace("%", "%%")


def _container() -> str:
    # By name: a checkout also holds an environment and databases.
    copies = "\n".join(f"COPY {name} {name}" for name in _PACKAGES)
    return f"""# From a checkout of Tapestory, with FOLDER the one that holds this file:
#   podman build -t tapestory -f FOLDER/Containerfile .
#   podman run --rm -v FOLDER:/data --userns=keep-id:uid=10001 tapestory
# Another verb: podman run --rm -v FOLDER:/data --entrypoint tapestory tapestory status \\
#   /data/tapestory.db
# Exit codes as on the command line: 3 done with items that failed, 75 another run at work.
FROM python:3.11-slim
RUN useradd --uid 10001 --create-home tapestory \\
 && install -d -o tapestory -g tapestory /data
WORKDIR /opt/tapestory
COPY pyproject.toml constraints.txt README.md LICENSE ./
{copies}
RUN python -m pip install --no-cache-dir --constraint constraints.txt {TORCH} \\
 && python -m pip install --no-cache-dir --constraint constraints.txt .
USER tapestory
# tapestory.toml is read from here; the database and its snapshot are written here.
WORKDIR /data
VOLUME /data
ENV PYTHONUNBUFFERED=1
ENTRYPOINT ["tapestory", "nightly", "/data/tapestory.db"]
"""
