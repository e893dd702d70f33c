"""Charts as SVG text: numbers in, markup out, nothing else.

No script, no font, no request; every text is escaped; missing is hatched, never zero; an
estimate is drawn with its interval. A page may set the colours ``--chart-blue``,
``--chart-vermillion``, ``--chart-green``, ``--chart-orange``, ``--chart-purple``,
``--chart-sky`` and ``--chart-grey``; without them the fallbacks read on light and dark.
"""

from api.charts.alignment import alignment_heatmap, lag_chart
from api.charts.blame import blame_chart
from api.charts.intensity import PriceLine, intensity_chart
from api.charts.moves import moves_chart
from api.charts.sparkline import sparkline
from api.charts.stance import stance_bar
from api.charts.suspects import suspects_chart

__all__ = [
    "PriceLine",
    "alignment_heatmap",
    "blame_chart",
    "intensity_chart",
    "lag_chart",
    "moves_chart",
    "sparkline",
    "stance_bar",
    "suspects_chart",
]
