"""What axe finds on a page against WCAG 2.2 AA."""

from pathlib import Path

from playwright.sync_api import Page, ViewportSize

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1366, "height": 768}

# Each failing element with the rule it breaks. What a browser lays over a video is beyond axe.
VIOLATIONS = """async () => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const { violations } = await axe.run({ runOnly: tags });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) =>
    `${id}: ${node.target} ${node.any.map((check) => check.message).join(' ')}`));
}"""


def violations(page: Page) -> list[str]:
    """Return what axe finds on the page, after its animations."""
    page.evaluate(
        "() => Promise.allSettled(document.getAnimations().filter("
        "(item) => item.effect?.getComputedTiming().iterations !== Infinity)"
        ".map((item) => item.finished))"
    )
    page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate(VIOLATIONS)
    return found
