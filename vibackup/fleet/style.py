"""The page's style sheet: light and dark, wide and narrow, and on paper."""
from __future__ import absolute_import, division, print_function, unicode_literals

CSS = """
:root { color-scheme: light dark;
  --paper: #f7f7f5; --sheet: #ffffff; --ink: #1c2024; --soft: #5a626c; --line: #e2e3e0; --faint: #f0f0ed;
  --ok: #2e7d5b; --ok-bar: #7fb79d; --poor: #8f5a00; --poor-bar: #e0b366; --poor-back: #fbf1de;
  --bad: #b3261e; --bad-bar: #dd8a83; --bad-back: #fbe9e7; --quiet: #4b5a70; --quiet-bar: #a9b3c1;
  --quiet-back: #eceff3; --mark: #1c2024; --steps: #c9d6e3; --steps-edge: #5f7a96; --hatch: #7a828c; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #131619; --sheet: #1a1e22; --ink: #e6e8ea; --soft: #a2aab4; --line: #2d3339; --faint: #22272c;
  --ok: #6fc49d; --ok-bar: #3f7f64; --poor: #e6ac53; --poor-bar: #a87b32; --poor-back: #33291a;
  --bad: #f4948c; --bad-bar: #b5554d; --bad-back: #3a2321; --quiet: #b3bdca; --quiet-bar: #5c6776;
  --quiet-back: #272d34; --mark: #ffffff; --steps: #2b3d4f; --steps-edge: #7fa0c0; --hatch: #8f98a3; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
main, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header { margin: 40px 0 28px; padding-left: 20px; border-left: 4px solid var(--ok); }
header.critical { border-color: var(--bad); } header.warning { border-color: var(--poor-bar); }
header.unknown { border-color: var(--quiet-bar); }
.eyebrow { margin: 0; color: var(--soft); font-size: 14px; }
h1 { margin: 2px 0 0; font-size: 30px; line-height: 1.2; font-weight: 650; letter-spacing: -0.015em;
  text-wrap: balance; }
.critical h1 { color: var(--bad); } .rest { margin: 6px 0 0; font-size: 17px; color: var(--soft); }
.soft, .none { color: var(--soft); }
h2 { display: flex; flex-wrap: wrap; align-items: baseline; gap: 8px; margin: 0 0 10px; font-size: 18px;
  font-weight: 620; letter-spacing: -0.005em; }
h2 + p { margin: -6px 0 12px; }
section { margin: 0 0 20px; padding: 20px 24px 18px; background: var(--sheet); border: 1px solid var(--line);
  border-radius: 10px; overflow-wrap: anywhere; }
.count { color: var(--soft); font-weight: 400; font-variant-numeric: tabular-nums; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(148px, 1fr)); gap: 1px; margin: 0 0 20px;
  padding: 0; list-style: none; background: var(--line); border: 1px solid var(--line); border-radius: 10px;
  overflow: hidden; }
.cards.of8 { grid-template-columns: repeat(4, 1fr); } .cards.of9 { grid-template-columns: repeat(3, 1fr); }
.cards li { display: flex; flex-direction: column; padding: 14px 14px 12px; background: var(--sheet); min-width: 0; }
.cards strong { font-size: 22px; line-height: 1.25; font-weight: 620; letter-spacing: -0.03em;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.cards small { color: var(--soft); font-size: 12.5px; }
.cards .bad strong { color: var(--bad); } .cards .poor strong { color: var(--poor); }
.badge { display: inline-block; padding: 0 8px 1px; border-radius: 9px; font-size: 13px; font-weight: 500;
  white-space: nowrap; background: var(--quiet-back); color: var(--quiet); letter-spacing: 0; }
.badge.ok { background: none; color: var(--ok); padding-left: 0; }
.badge.warning { background: var(--poor-back); color: var(--poor); }
.badge.failed, .badge.cut-short, .badge.stopped { background: var(--bad-back); color: var(--bad); }
.never { color: var(--bad); font-weight: 600; }
table { width: 100%; border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 20px 7px 0; text-align: left; vertical-align: baseline; border-top: 1px solid var(--line); }
thead th { border: 0; padding-top: 0; color: var(--soft); font-weight: 500; font-size: 13px; white-space: nowrap; }
tbody th { font-weight: 600; min-width: 7em; }
td:last-child, th:last-child { padding-right: 0; }
@media (min-width: 701px) {
  .servers td:nth-child(3), .servers td:nth-child(4) { white-space: nowrap; }
  .servers th:first-child { width: 18%; } .servers:not(.all) td:nth-child(2) { width: 12%; }
  .servers:not(.all) td:nth-child(3) { width: 17%; } .servers:not(.all) td:nth-child(4) { width: 12%; }
  .servers.short td:nth-child(2) { width: 29%; } .servers.short td:nth-child(3) { width: auto; }
  .reasons th:first-child { width: 41%; } .reasons td:nth-child(2) { width: 10%; } }
.reasons tbody th { font-weight: 500; }
.facts { display: flex; flex-wrap: wrap; gap: 6px 28px; margin: 0 0 14px; }
.facts dt { color: var(--soft); font-size: 13px; } .facts dd { margin: 0; font-weight: 600;
  font-variant-numeric: tabular-nums; }
.extras { margin: 0 0 14px; padding-left: 1.2em; } code { font-size: 0.92em; }
.chart { overflow-x: auto; margin: 0 -24px; padding: 4px 24px 8px; }
.chart:focus-visible, summary:focus-visible { outline: 2px solid var(--steps-edge); outline-offset: -2px; }
summary { cursor: pointer; font-size: 18px; font-weight: 620; } details[open] summary { margin-bottom: 12px; }
footer { padding-bottom: 48px; color: var(--soft); font-size: 13px; max-width: 1120px; overflow-wrap: anywhere; }
footer p { max-width: 78ch; margin: 0; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 4px 0 0; color: var(--soft); font-size: 13px; }
.legend i { display: inline-block; width: 18px; height: 10px; margin-right: 7px; border-radius: 2px; }
.legend .ok { background: var(--ok-bar); }
.legend .warning { background: radial-gradient(circle, var(--mark) 1px, var(--poor-bar) 1.3px) 0 0 / 5px 5px; }
.legend .failed { background: repeating-linear-gradient(45deg, var(--mark) 0 1px, transparent 1px 4px),
  repeating-linear-gradient(-45deg, var(--mark) 0 1px, var(--bad-bar) 1px 4px); opacity: 0.8; }
.legend .stopped { background: repeating-linear-gradient(0deg, var(--mark) 0 1px, var(--quiet-bar) 1px 4px); }
.legend .reboot { background: repeating-linear-gradient(-45deg, var(--hatch) 0 1.5px, transparent 1.5px 4px);
  outline: 1px solid var(--hatch); outline-offset: -1px; }
.timeline { display: block; width: 100%; min-width: 860px; height: auto; overflow: visible;
  font-family: inherit; font-variant-numeric: tabular-nums; }
.timeline text { fill: var(--ink); font-size: 12px; }
.timeline .heading { font-weight: 620; paint-order: stroke; stroke: var(--sheet); stroke-width: 4px; }
.timeline .soft { fill: var(--soft); font-weight: 400; }
.timeline .tick, .timeline .edge, .timeline .figure { fill: var(--soft); font-size: 11px; }
.timeline .tick { text-anchor: middle; } .timeline .figure { text-anchor: end; }
.timeline .figure.over { fill: var(--bad); font-weight: 700; }
.timeline .letter { font-size: 9px; font-weight: 700; text-anchor: middle; paint-order: stroke; stroke: var(--sheet);
  stroke-width: 2.5px; stroke-linejoin: round; }
.timeline .letter.failed { fill: var(--bad); }
.timeline .outside { fill: var(--faint); } .timeline .grid, .timeline .rule { stroke: var(--line); }
.timeline .window { stroke: var(--soft); stroke-dasharray: 2 3; }
.timeline .bar { rx: 1.5px; fill: var(--ok-bar); } .timeline .warning .bar { fill: var(--poor-bar); }
.timeline .failed .bar { fill: var(--bad-bar); } .timeline .stopped .bar { fill: var(--quiet-bar); }
.timeline .reboot { fill: none; stroke: var(--hatch); } .timeline .reboot.failed { stroke: var(--bad); }
.timeline .hatch { stroke: var(--hatch); stroke-width: 2; }
.timeline .mark { stroke: var(--mark); stroke-width: 0.8; stroke-opacity: 0.6; }
.timeline circle.mark { fill: var(--mark); stroke: none; }
.timeline .steps { fill: var(--steps); stroke: var(--steps-edge); } .timeline .steps.over { stroke: var(--bad); }
.timeline .limit { stroke: var(--soft); stroke-dasharray: 5 4; }
@media (max-width: 700px) {
  main, footer { padding: 0 14px; } header { margin: 24px 0 20px; padding-left: 14px; } h1 { font-size: 23px; }
  .rest { font-size: 15px; } section { padding: 16px 14px; } .chart { margin: 0 -14px; padding: 4px 14px 8px; }
  .cards, .cards.of8, .cards.of9 { grid-template-columns: 1fr 1fr; }
  .cards li:last-child:nth-child(odd) { grid-column: 1 / -1; }
  thead { display: none; } table, tbody { display: block; }
  tr { display: block; padding: 9px 0; border-top: 1px solid var(--line); }
  tr:first-child { border: 0; padding-top: 0; }
  tbody th { display: block; padding: 0 0 2px; border: 0; }
  td { display: block; position: relative; padding: 1px 0 1px 8.6em; border: 0; min-height: 1.5em; }
  td:has(> .none), td:empty { display: none; }
  td::before { content: attr(data-head); position: absolute; left: 0; color: var(--soft); font-size: 13px; }
}
@media print { body { background: none; } section, .cards { break-inside: avoid; border-color: #ccc; } }
"""
