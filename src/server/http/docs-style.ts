/** The style sheet of /docs: system fonts, light and dark, and one column on narrow screens. */
export const docsStyle = `
:root { --text: #1c1d22; --soft: #5d606b; --line: #dfe1e6; --back: #fff; --panel: #f6f7f9; --accent: #2456c5; --get: #18794e; --post: #2456c5 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e7ec; --soft: #9a9eab; --line: #33363f; --back: #15161a; --panel: #1d1f25; --accent: #8fb1ff; --get: #6cc79b; --post: #8fb1ff }
}
* { box-sizing: border-box }
html { scroll-behavior: smooth; scroll-padding-top: 1rem }
body { margin: 0; display: grid; grid-template-columns: 17rem minmax(0, 1fr); font: 15px/1.55 system-ui, sans-serif; color: var(--text); background: var(--back) }
a { color: var(--accent) }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .88em }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.2rem 1rem; background: var(--panel); border-right: 1px solid var(--line) }
nav a { display: block; padding: .12rem .3rem; color: inherit; text-decoration: none; font-size: .82rem; overflow-wrap: anywhere; border-radius: 4px }
nav a:hover, nav a:focus-visible { background: var(--line) }
nav .home { font-size: 1.1rem; font-weight: 700 }
nav h2 { margin: 1rem 0 .2rem .3rem; font-size: .72rem; letter-spacing: .08em; text-transform: uppercase; color: var(--soft) }
main { padding: 1.5rem 2.5rem 4rem; max-width: 68rem }
h1 { margin: 0 0 .5rem; font-size: 1.7rem }
main h2 { margin: 2.5rem 0 0; padding-bottom: .3rem; font-size: 1.25rem; border-bottom: 2px solid var(--line) }
section { padding: 1.1rem 0 .9rem; border-bottom: 1px solid var(--line) }
section:target { border-left: 3px solid var(--accent); padding-left: 1rem }
h3 { margin: 0; font-size: 1.02rem; overflow-wrap: anywhere }
section p { margin: .3rem 0 .6rem }
pre { margin: .4rem 0 .7rem; padding: .7rem .9rem; overflow-x: auto; background: var(--panel); border: 1px solid var(--line); border-radius: 6px }
summary { cursor: pointer; padding: .15rem 0; color: var(--accent) }
table { border-collapse: collapse; width: 100%; margin: .4rem 0; font-size: .88rem }
td, th { padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line) }
th { color: var(--soft); font-weight: 600 }
td:first-child { overflow-wrap: anywhere; min-width: 10rem }
tr.ignored, tr.neutral, .note, small { color: var(--soft) }
.badge { padding: .05rem .45rem; font-size: .74rem; font-weight: 500; white-space: nowrap; border: 1px solid var(--line); border-radius: 1rem; color: var(--soft) }
.badge.supported { color: var(--get); border-color: currentColor }
.method { display: inline-block; min-width: 2.6rem; font-size: .72rem; font-weight: 700; letter-spacing: .03em }
.method.get { color: var(--get) } .method.post { color: var(--post) }
@media (max-width: 50rem) {
  body { display: block }
  nav { position: static; height: auto; max-height: 14rem; border-right: 0; border-bottom: 1px solid var(--line) }
  main { padding: 1rem }
  table { display: block; overflow-x: auto }
}
`;
