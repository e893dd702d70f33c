"""How many stories agree, disagree, or take no side."""

from markupsafe import Markup

from api.charts.svg import BLUE, GREY, VERMILLION, drawing, rect, text
from api.wording import counted

STANCE_COLOURS = (("favor", BLUE), ("against", VERMILLION), ("none", GREY))


def stance_bar(favor: int, against: int, none: int) -> Markup:
    """Draw one stacked bar with its counts in words below.

    Parameters
    ----------
    favor, against, none : int
        Stories by stance.
    """
    counts = dict(zip(("favor", "against", "none"), (favor, against, none), strict=True))
    total = favor + against + none
    words = " · ".join(f"{count} {name}" for name, count in counts.items())
    body, x, width = [], 0.0, 170.0
    for name, fill in STANCE_COLOURS:
        part = width * counts[name] / total if total else 0.0
        if part:
            # A gap of one unit tells neighbours apart without their colours.
            body.append(rect(x, 2, max(1.0, part - 1), 10, fill, tip=f"{counts[name]} {name}"))
        x += part
    body.append(text(0, 26, words if total else "no stories", size=11.5, opacity=0.85))
    title = f"Stance of {counted(total, 'story', 'stories')}: {words}"
    return drawing(width, 30, body, title=title, fixed=True)
