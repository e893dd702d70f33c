"""The cron line and the systemd units that ``init`` writes for a person to copy."""

import sys
from pathlib import Path

from api.config import default_text, parse_settings


def schedule_files(folder: Path) -> dict[str, str]:
    """Return file names and texts of a schedule for a database in ``folder``."""
    hour, minute = parse_settings(
        default_text(), origin="shipped defaults", base_dir=folder
    ).schedule.split(":")
    command = Path(sys.executable).with_name("tapestory")
    run = f"{command} nightly {folder / 'tapestory.db'} --config {folder / 'tapestory.toml'}"
    return {
        "tapestory.cron": (
            "# crontab -e, then paste this line. Exit 75 means that another run is still at work.\n"
            f"{minute} {hour} * * * {run} >> {folder / 'nightly.log'} 2>&1\n"
        ),
        "tapestory.service": (
            "[Unit]\nDescription=Tapestory nightly run\nWants=network-online.target\n"
            "After=network-online.target\n\n[Service]\nType=oneshot\n"
            f"ExecStart={run}\n"
            "# 3: done, with items that failed (tapestory status); 75: another run holds the lock\n"
            "SuccessExitStatus=3 75\n"
        ),
        "tapestory.timer": (
            "[Unit]\nDescription=Tapestory every night\n\n[Timer]\n"
            f"OnCalendar=*-*-* {hour}:{minute}:00\nPersistent=true\n\n"
            "[Install]\nWantedBy=timers.target\n"
        ),
    }
