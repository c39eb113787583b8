// The look of the widget; colours follow the page's theme, in JupyterLab the notebook's.
export const CSS = `
.elp-live { --line: rgba(128, 128, 128, .32); --card: rgba(128, 128, 128, .09); display: grid; gap: .8rem; max-width: 760px; color: inherit; font-family: inherit; line-height: 1.4; }
.elp-live * { box-sizing: border-box; }
.elp-live .elp-stage { display: grid; grid-template-columns: 1fr 1fr; gap: clamp(.4rem, 2vw, 1rem); }
.elp-live div.elp-head { --loud: 0; position: relative; margin: 0; border-radius: 16px; overflow: hidden; background: radial-gradient(circle at 50% 34%, #f3ece2, #cfd6d8 68%, #aab6bb); box-shadow: 0 1px 2px rgba(0, 0, 0, .18); }
/* the voice's level: a layer of its own, which moves and is never painted again */
.elp-live div.elp-speaker::after { content: ''; position: absolute; inset: auto 0 0; height: 6px; background: #2f7fc1; transform: scaleX(var(--loud)); transform-origin: left; will-change: transform; }
.elp-live div.elp-head canvas { display: block; width: 100%; aspect-ratio: 1; cursor: grab; touch-action: pan-y; }
.elp-live .elp-who { font-family: system-ui, sans-serif; position: absolute; left: .6rem; bottom: .5rem; margin: 0; padding: .1rem .55rem; border-radius: 999px; font-size: .78rem; background: rgba(20, 26, 32, .72); color: #fff; }
.elp-live .elp-transport { display: flex; gap: .5rem; align-items: center; }
.elp-live button, .elp-live select, .elp-live input[type=number] { font: inherit; font-size: .88rem; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .28rem .7rem; min-height: 2.1rem; }
.elp-live select option { color: #111; }
.elp-live button { cursor: pointer; white-space: nowrap; }
.elp-live button:hover { border-color: currentColor; }
.elp-live button.elp-sound { background: #1f6aa8; border-color: #1f6aa8; color: #fff; }
.elp-live button.elp-sound[aria-pressed=true] { background: var(--card); border-color: var(--line); color: inherit; }
.elp-live input[type=range] { flex: 1; width: 100%; min-width: 0; accent-color: #2f7fc1; }
.elp-live :is(button, input, select, .elp-triangle-handle):focus-visible { outline: 2px solid #2f7fc1; outline-offset: 2px; }
.elp-live output { font-variant-numeric: tabular-nums; font-size: .85rem; min-width: 3.2em; text-align: right; }
.elp-live .elp-controls { display: grid; grid-template-columns: minmax(170px, 230px) 1fr; gap: 1rem 1.6rem; align-items: center; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: 16px; }
.elp-live .elp-triangle { width: 100%; height: auto; touch-action: none; cursor: crosshair; overflow: visible; }
.elp-live .elp-triangle-area { fill: var(--card); stroke: var(--line); stroke-width: 1; stroke-linejoin: round; }
.elp-live .elp-triangle-label { font-size: 9.5px; fill: currentColor; cursor: pointer; }
.elp-live .elp-triangle-middle { fill: currentColor; opacity: .5; }
.elp-live .elp-triangle-handle { fill: #fff; stroke: #17324a; stroke-width: 2.4; cursor: grab; outline-offset: 3px; }
.elp-live .elp-rows { display: grid; gap: .5rem; min-width: 0; }
.elp-live .elp-mood { margin: 0; font-weight: 600; min-height: 1.4em; }
.elp-live .elp-row { display: grid; grid-template-columns: 6.2em 1fr 5em; gap: .6rem; align-items: center; margin: 0; font-size: .9rem; }
.elp-live .elp-seed { grid-template-columns: 6.2em minmax(4em, 1fr) auto; }
.elp-live .elp-pick { grid-template-columns: 6.2em 1fr; }
.elp-live .elp-pick select, .elp-live .elp-seed input { width: 100%; min-width: 0; }
.elp-live .elp-plots { display: grid; gap: .6rem; }
.elp-live .elp-track { position: relative; border: 1px solid var(--line); border-radius: 12px; overflow: hidden; cursor: pointer; }
.elp-live .elp-track canvas { display: block; width: 100%; height: 100%; }
.elp-live .elp-curves { height: 236px; }
.elp-live .elp-codes { height: 170px; }
.elp-live .elp-codes canvas { image-rendering: pixelated; }
.elp-live .elp-cursor { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: currentColor; opacity: .75; pointer-events: none; }
.elp-live .elp-listener-status { font-size: .88rem; min-height: 1.4em; font-variant-numeric: tabular-nums; opacity: .9; }
.elp-talking .elp-transport { flex-wrap: wrap; }
.elp-live .elp-stop { margin-left: auto; }
.elp-live button:disabled { opacity: .55; cursor: default; }
.elp-live .elp-private { margin: 0; font-size: .88rem; }
.elp-live .elp-counted { font-size: .88rem; min-height: 2.8em; font-variant-numeric: tabular-nums; }
.elp-talking .elp-listener-status { font-weight: 600; }
@media (max-width: 560px) {
  .elp-live .elp-controls { grid-template-columns: 1fr; padding: .7rem; }
  .elp-live .elp-triangle { width: min(100%, 240px); justify-self: center; }
  .elp-live .elp-row { grid-template-columns: 5.6em 1fr 4.6em; }
  .elp-live .elp-seed { grid-template-columns: 5.6em minmax(3em, 1fr) auto; }
  .elp-live .elp-pick { grid-template-columns: 5.6em 1fr; }
  .elp-live .elp-told { display: none; }
}
`;
