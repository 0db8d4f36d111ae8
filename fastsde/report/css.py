"""The style sheet of the page, for screens and for paper."""

CSS = """
:root { --ink: #222; --muted: #666; --line: #ddd; --accent: #0072b2; }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; color: var(--ink);
       background: #fff; max-width: 1000px; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .2rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--line); }
p, ul { margin: .5rem 0; }
.sub { color: var(--muted); margin-top: 0; }
.finding { border-left: 5px solid var(--accent); background: #eef5fa; padding: .9rem 1.1rem;
           font-size: 1.12rem; margin: 1.4rem 0; }
.finding p { margin: .3rem 0; }
.finding .note { font-size: .88rem; }
.sheet td:nth-child(2) { min-width: 13rem; }
.sheet th:first-child { width: 36%; }
.title { display: block; font-weight: normal; }
.symbols { font-size: .84rem; color: var(--muted); }
.question { font-size: 1.2rem; font-weight: 600; margin: 1rem 0 .4rem; }
.note { color: var(--muted); }
h3 { font-size: 1.02em; margin: 1.4rem 0 .3rem; }
nav ol { columns: 2; font-size: .95rem; }
details { margin: .8rem 0; border: 1px solid var(--line); border-radius: 4px; padding: .5rem .8rem; }
summary { cursor: pointer; color: var(--accent); font-size: .92rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .86rem; line-height: 1.4; margin: .8rem 0; }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid var(--line); }
thead th { border-bottom: 2px solid var(--ink); vertical-align: bottom; }
tbody th { min-width: 7rem; }
.what { display: block; font-weight: normal; color: var(--muted); font-size: .92em; }
sup, sub { white-space: nowrap; }
small { color: var(--muted); font-size: .95em; }
.none { color: var(--muted); }
.yes { color: #a63d00; }
.no { color: #00664a; }
figure { margin: .8rem 0 0; }
figure img { width: 100%; height: auto; display: block; }
figcaption { font-size: .92rem; margin-top: .5rem; }
.source { color: var(--muted); font-size: .84rem; margin-top: .3rem; }
code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .92em; }
pre { background: #f6f6f6; border: 1px solid var(--line); padding: .8rem 1rem; overflow-x: auto;
      font-size: .8rem; line-height: 1.4; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .9rem; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
@media print {
  @page { size: A4; margin: 16mm 14mm; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  h2, h2 + p { break-after: avoid; }
  h2 { margin-top: 1.4rem; }
  figure img, tr, .finding { break-inside: avoid; }
  figure img { width: auto; max-width: 100%; max-height: 150mm; margin: 0 auto; }
  .sheet { break-after: page; font-size: 9pt; line-height: 1.4; }
  .sheet .finding { font-size: 10pt; margin: .6rem 0; padding: .5rem .8rem; }
  .sheet table { font-size: 7.5pt; line-height: 1.25; margin: .3rem 0; }
  .sheet th, .sheet td { padding: .2rem .4rem; }
  .sheet .note, .symbols { font-size: 8pt; }
  .sheet figcaption { font-size: 8pt; margin-top: .1rem; }
  .sheet figure img { max-height: 70mm; }
  .sheet figure + figure img { max-height: 56mm; }
  .sheet h3 { margin: .6rem 0 .1rem; break-after: avoid; }
  nav a { color: inherit; }
  details:not([open]) { display: none; }
  details { border: none; padding: 0; }
  pre { white-space: pre-wrap; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  .finding { background: none; }
  .finding, .yes, .no { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
