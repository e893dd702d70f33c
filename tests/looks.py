"""What a test of a page in a browser looks at, and what holds for every page."""

from collections.abc import Mapping
from typing import Any

from axe_playwright_python.sync_playwright import Axe

from tests.browser import PHONE, Site, Visit

KINDS = (
    "home", "narrative", "asset", "day", "document", "source", "topics", "topic", "search", "query",
    "table", "view", "row", "tables", "missing",
)  # fmt: skip
SERIOUS = ("serious", "critical")
# Of each chart that is shown: texts beyond its edge, texts smaller than 11 pixels on the
# screen, and pairs of texts that lie on each other.
CHARTS = """() => {
  const bad = [];
  for (const svg of document.querySelectorAll('svg.chart')) {
    const box = svg.getBoundingClientRect();
    if (!box.width) continue;
    const scale = box.width / svg.viewBox.baseVal.width, name = svg.getAttribute('aria-label');
    const texts = [...svg.querySelectorAll('text')].map(t => [t, t.getBoundingClientRect()]);
    for (const [t, r] of texts) {
      const beside = r.left < box.left - 1.5 || r.right > box.right + 1.5;
      if (beside || r.top < box.top - 1.5 || r.bottom > box.bottom + 3)
        bad.push(`${name}: outside: ${t.textContent}`);
      const size = parseFloat(t.getAttribute('font-size') || svg.getAttribute('font-size')) * scale;
      if (size < 10.9) bad.push(`${name}: ${size.toFixed(1)} px: ${t.textContent}`);
    }
    for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
      if (texts[i][0].hasAttribute('transform') || texts[j][0].hasAttribute('transform')) continue;
      const a = texts[i][1], b = texts[j][1];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      const both = `${texts[i][0].textContent} / ${texts[j][0].textContent}`;
      if (wide > 1 && high > 4) bad.push(`${name}: on each other: ${both}`);
    }
  }
  return bad;
}"""
WIDTHS = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
FONTS = """() => [...document.querySelectorAll('main p, main td, main li, main th')].filter(
  one => one.offsetParent && parseFloat(getComputedStyle(one).fontSize) < 11).length"""


def look_over(width: int) -> Any:
    """Return a look at a page in light and dark: its width, its charts, its accessibility."""

    def look(page: Any) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found[scheme] = {
                "widths": page.evaluate(WIDTHS),
                "paper": page.evaluate("() => getComputedStyle(document.body).backgroundColor"),
                # Each scheme once: the light one as a phone has it, the dark one at a desk.
                "axe": serious(page, scheme) if (width == PHONE) == (scheme == "light") else [],
            }
        return {**found, "charts": page.evaluate(CHARTS), "small": page.evaluate(FONTS)}

    return look


def serious(page: Any, scheme: str) -> list[str]:
    """Return the serious and critical findings of axe on a page; in the dark, on its colours."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if scheme == "dark":
        rules = ["color-contrast", "link-in-text-block"]
        options["runOnly"] = {"type": "rule", "values": rules}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def assert_fine(visit: Visit, site: Site, kind: str, width: int) -> None:
    """Assert what holds for every page in every width and colour scheme."""
    assert visit.status == (404 if kind == "missing" else 200)
    assert visit.messages == []
    assert visit.errors == []
    assert visit.dialogs == []
    assert visit.strangers(site.origin) == []
    assert "default-src 'none'" in visit.headers["content-security-policy"]
    for scheme in ("light", "dark"):
        scrolled, shown = visit.found[scheme]["widths"]
        assert shown == width
        assert scrolled <= width, f"{kind} scrolls sideways in {scheme}"
        assert visit.found[scheme]["axe"] == []
    assert visit.found["light"]["paper"] != visit.found["dark"]["paper"]
    assert visit.found["charts"] == []
    assert visit.found["small"] == 0
