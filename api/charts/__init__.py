"""Charts as SVG text: numbers in, markup out, nothing else.

No script, no font, no request; every text is escaped; missing is hatched, never zero; an
estimate is drawn with its interval. A page may set the colours ``--chart-blue``,
``--chart-vermillion``, ``--chart-green``, ``--chart-orange``, ``--chart-purple``,
``--chart-sky`` and ``--chart-grey``; without them the fallbacks read on light and dark.
"""

from api.charts.alignment import alignment_heatmap, lag_chart
from api.charts.blame import blame_chart
from api.charts.effects import effects_chart
from api.charts.intensity import PriceLine, Size, intensity_chart, price_chart
from api.charts.moves import move_bar, moves_chart
from api.charts.sparkline import sparkline
from api.charts.stance import stance_bar, stance_chart
from api.charts.suspects import suspects_chart
from api.charts.topics import topic_chart

__all__ = [
    "PriceLine",
    "Size",
    "alignment_heatmap",
    "blame_chart",
    "effects_chart",
    "intensity_chart",
    "lag_chart",
    "move_bar",
    "moves_chart",
    "price_chart",
    "sparkline",
    "stance_bar",
    "stance_chart",
    "suspects_chart",
    "topic_chart",
]
