"""The hours in which nothing is sent."""

from datetime import datetime

from api.alerts.rules import QuietHours


def is_quiet(now: datetime, quiet: QuietHours | None) -> bool:
    """Return whether an aware instant lies in the quiet hours.

    By the clock on the wall of the time zone: on the night of a change the hours are longer or
    shorter, their ends stay where they are. The start is quiet, the end no more.
    """
    if quiet is None:
        return False
    wall = now.astimezone(quiet.zone).time()
    if quiet.start < quiet.end:
        return quiet.start <= wall < quiet.end
    return wall >= quiet.start or wall < quiet.end
