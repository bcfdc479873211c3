/** Set by script: the page's policy allows no style sheet of its own. */
export const style = `
:root { color-scheme: light dark; --back: #fbfaf7; --paper: #fff; --ink: #1c1b19; --dim: #6b675f; --line: #dcd8cf; --accent: #0b6e5b; }
@media (prefers-color-scheme: dark) {
  :root { --back: #161513; --paper: #1f1e1b; --ink: #ece9e2; --dim: #a39e93; --line: #38352f; --accent: #5fcbb2; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header, main { max-width: 84rem; margin: 0 auto; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 0 0 .5rem; font-size: 1rem; }
header p { margin: .25rem 0 1rem; color: var(--dim); }
main { display: grid; gap: 1rem; grid-template-columns: repeat(2, minmax(0, 1fr)); }
section { min-width: 0; padding: 1rem; background: var(--paper); border: 1px solid var(--line); border-radius: .5rem; }
pre { margin: 0; max-height: 24rem; overflow: auto; font: 13px/1.45 ui-monospace, monospace; }
#said { height: 15rem; padding: .5rem; border: 1px solid var(--line); white-space: pre-wrap; overflow-wrap: anywhere; }
#try { display: flex; flex-wrap: wrap; gap: .375rem; margin-bottom: .5rem; }
form { display: flex; gap: .5rem; align-items: center; margin-top: .5rem; }
input { flex: 1; min-width: 0; }
input, button { min-height: 2.5rem; padding: 0 .75rem; font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: .375rem; }
#try button { min-height: 2.25rem; font: 13px ui-monospace, monospace; }
button { cursor: pointer; color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
@media (max-width: 56rem) { body { padding: .5rem; } main { grid-template-columns: minmax(0, 1fr); } }
`;
