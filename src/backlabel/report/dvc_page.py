"""The page into which `dvc plots show` and `dvc plots diff` draw, with its scripts inside.

DVC's own page loads Vega from elsewhere: without a network its plots stay empty. `.dvc/config`
names this one (`plots.html_template`), and DVC puts its plots in place of the words in braces.
"""

from __future__ import annotations

from backlabel.report import vega

NAME = "plots.html"
"""Below `.dvc`."""
_EMBED = """\
"use strict";
function vegaEmbed(selector, spec) {  // what DVC calls for each plot
  const isLite = (spec.$schema || "").includes("vega-lite");
  const parsed = vega.parse(isLite ? vegaLite.compile(spec).spec : spec);
  const container = document.querySelector(selector);
  return new vega.View(parsed, { renderer: "svg", container, hover: true }).runAsync();
}
"""
_HEAD = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>Plots</title>
<style>body { font: 15px/1.5 system-ui, sans-serif; margin: 1.5rem; }</style>
"""
_TAIL = """\
</head>
<body>
{plot_divs}
</body>
</html>
"""


def page() -> str:
    """The text of the page."""
    scripts = "".join(f"<script>{text}</script>\n" for text in (*vega.scripts(), _EMBED))
    return f"{_HEAD}{scripts}{_TAIL}"
