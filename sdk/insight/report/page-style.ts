/** Colours of light and dark, as variables that the charts use too; printing is always light. */
export const pageStyle = `
:root { color-scheme: light dark; --paper: #fbfbf9; --card: #ffffff; --ink: #1c1d21; --ink-2: #55585f; --ink-3: #858992; --line: #e2e3e6;
  --mode-0: #959aa3; --mode-1: #b3650a; --mode-2: #164a9c; --device: #d6e4f7; --memory: #d0c6a8; --on-item: #20242c; --hidden: #f1f1ee;
  --alive: #00775a; --narrowed: #8a6400; --dead: #b83a0e; --unprotected: #7a3bb0; --unmapped: #666a72; --off: #666a72; --limit: #b83a0e; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171b; --card: #1d2025; --ink: #eceef2; --ink-2: #aeb3bd; --ink-3: #7d828c; --line: #31353c;
  --mode-0: #7f8690; --mode-1: #e9a13b; --mode-2: #5a9cf2; --device: #28405f; --memory: #45402f; --on-item: #eef1f6; --hidden: #24272d;
  --alive: #2fb58d; --narrowed: #d79a1c; --dead: #f07a45; --unprotected: #b98be6; --unmapped: #9298a2; --off: #9298a2; --limit: #f07a45; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1010px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 40px 0 4px; }
h3 { font-size: 14px; margin: 18px 0 2px; color: var(--ink-2); font-weight: 600; }
p { margin: 4px 0 12px; color: var(--ink-2); max-width: 76ch; }
figure { margin: 8px 0; padding: 14px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow-x: auto; }
figure:focus-visible, summary:focus-visible { outline: 2px solid var(--mode-2); outline-offset: 2px; }
figure svg { display: block; max-width: 100%; min-width: 760px; height: auto; color: var(--ink); }
figure svg rect:hover { filter: brightness(1.12); }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 12px; margin: 20px 0 0; }
.number { background: var(--card); border: 1px solid var(--line); border-left: 5px solid var(--mode, var(--line)); border-radius: 10px; padding: 10px 14px; }
.number b { display: block; font-size: 24px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.number span { color: var(--ink-2); font-size: 13px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 8px; padding: 0; list-style: none; font-size: 13px; color: var(--ink-2); }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; background: var(--swatch); }
details { margin: 6px 0 0; font-size: 13px; }
summary { cursor: pointer; color: var(--ink-2); }
table { border-collapse: collapse; margin: 8px 0; width: 100%; }
th, td { text-align: right; padding: 3px 10px; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; vertical-align: top; }
th:first-child, .text { text-align: left; }
tbody th { font-weight: inherit; }
.wide { overflow-x: auto; }
thead th { color: var(--ink-2); font-weight: 600; }
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --ink-2: #333; --ink-3: #777; --line: #bbb;
    --mode-0: #959aa3; --mode-1: #b3650a; --mode-2: #164a9c; --device: #d6e4f7; --memory: #d0c6a8; --on-item: #000; --hidden: #f4f4f4;
    --alive: #00775a; --narrowed: #8a6400; --dead: #b83a0e; --unprotected: #7a3bb0; --unmapped: #666a72; --off: #666a72; --limit: #b83a0e; }
  body { font-size: 11pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  figure, .number { break-inside: avoid; border-radius: 0; }
  figure { overflow: visible; }
  summary { list-style: none; }
  figure svg { min-width: 0; }
  h2, h3, p { break-after: avoid; }
  details::details-content { display: block; content-visibility: visible; height: auto; }
}`;
