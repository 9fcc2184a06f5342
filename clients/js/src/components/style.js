// How the components look. Colours are custom properties with a light and a dark value, which follow the page's
// color-scheme; everything else is within reach by ::part. Sides are logical, so right-to-left needs nothing.

let made;

/** One for all elements, made when the first one is. */
export function sheet() {
  if (!made) (made = new CSSStyleSheet()).replaceSync(style);
  return made;
}

const style = `
:host {
  --accent: var(--jobcast-accent, light-dark(#4450cf, #98a2ff));
  --good: var(--jobcast-good, light-dark(#12704a, #63d3a0));
  --warn: var(--jobcast-warn, light-dark(#8a5300, #f0b95a));
  --bad: var(--jobcast-bad, light-dark(#b3261e, #ff9a90));
  --text: var(--jobcast-text, light-dark(#171a24, #eceef4));
  --soft: var(--jobcast-soft, light-dark(#565e70, #a2a9ba));
  --surface: var(--jobcast-surface, light-dark(#fff, #181b24));
  --line: var(--jobcast-line, light-dark(#e2e5ec, #2a2f3c));
  --track: var(--jobcast-track, light-dark(#e8eaf0, #272c38));
  --radius: var(--jobcast-radius, 14px);
  --tone: var(--accent);
  display: block;
  color: var(--text);
  font-size: .95rem;
  line-height: 1.45;
}
:host(job-progress) { margin-block: 12px; }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; margin: 0; }
[part~=card] { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); padding: 16px 18px; display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px; overflow-wrap: anywhere; }
[data-look=done] { --tone: var(--good); }
[data-look=failed] { --tone: var(--bad); }
[data-look=retrying], [data-look=stalled], [data-look=refused] { --tone: var(--warn); }
[data-look=pending], [data-look=cancelled], [data-look=cancelling] { --tone: var(--soft); }
[part~=header], [part~=meta], [part~=actions] { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; }
[part~=title] { flex: 1 1 9em; min-inline-size: 0; font-weight: 650; line-height: 1.3; }
[part~=facts], [part~=meta], [part~=note], [part~=empty] { color: var(--soft); font-size: .88em; font-weight: 400; font-variant-numeric: tabular-nums; }
[part~=status] { display: inline-flex; align-items: center; gap: 7px; padding: 3px 11px 3px 9px; border-radius: 99px; font-size: .84em; font-weight: 600; max-inline-size: 100%; color: var(--tone); background: color-mix(in srgb, var(--tone) 12%, var(--surface)); }
[part~=status]::before { content: ""; flex: none; inline-size: 7px; block-size: 7px; border-radius: 50%; background: currentColor; }
[data-look=processing] [part~=status]::before { animation: breathe 1.1s ease-in-out infinite alternate; }
[part~=track] { container-type: inline-size; --way: 1; position: relative; block-size: var(--jobcast-height, 8px); border-radius: 99px; background: var(--track); overflow: hidden; }
[part~=bar] { position: absolute; inset-block: 0; inset-inline-start: 0; inline-size: 0; border-radius: inherit; background: var(--tone); transition: inline-size .35s ease-out; }
[part~=track]:dir(rtl) { --way: -1; }
[data-unknown] [part~=bar] { inline-size: 36%; animation: sweep 1.6s ease-in-out infinite; }
[data-away] :is([part~=bar], [part~=status]::before) { animation-play-state: paused; }
[part~=step] { flex: 1 1 12em; color: var(--text); }
[part~=percent] { font-weight: 600; color: var(--text); }
[part~=note] { padding: 9px 12px; border-radius: 10px; color: var(--tone); background: color-mix(in srgb, var(--tone) 10%, var(--surface)); }
[part~=error] { display: grid; gap: 5px; padding: 13px 15px; border-radius: 10px; border: 1px solid color-mix(in srgb, var(--bad) 30%, var(--surface)); border-inline-start: 4px solid var(--bad); background: color-mix(in srgb, var(--bad) 7%, var(--surface)); font-size: .94em; }
[part~=error][data-severity=low] { --bad: var(--warn); }
[part~=error-title] { color: var(--bad); font-weight: 650; font-size: 1.02em; }
[part~=error-action] { padding-block-start: 8px; margin-block-start: 4px; border-block-start: 1px solid color-mix(in srgb, var(--bad) 22%, var(--surface)); }
[part~=error-action]::before { content: attr(data-label); display: block; font-size: .86em; font-weight: 650; color: var(--bad); }
[part~=error-more] { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 14px; color: var(--soft); font-size: .9em; }
[part~=actions] { justify-content: flex-end; }
[part~=result] { flex: 1 1 10em; min-inline-size: 0; font-weight: 500; }
a { color: var(--accent); }
button, [part~=open] { font: inherit; font-size: .92em; font-weight: 600; min-block-size: 38px; max-inline-size: 100%; padding: 6px 15px; border-radius: 9px; border: 1px solid light-dark(#c6cbd8, #434a5c); background: var(--surface); color: var(--text); cursor: pointer; display: inline-flex; align-items: center; justify-content: center; text-decoration: none; }
button:hover, [part~=open]:hover { border-color: var(--soft); background: color-mix(in srgb, var(--soft) 8%, var(--surface)); }
button[aria-disabled] { opacity: .55; cursor: progress; }
[part~=open] { background: var(--accent); border-color: var(--accent); color: var(--surface); }
[part~=open]:hover { background: color-mix(in srgb, var(--accent) 88%, var(--text)); border-color: var(--accent); }
[part~=refused] { color: var(--bad); font-size: .9em; }
[part~=dismiss] { min-block-size: 30px; padding: 2px 11px; margin-inline-start: auto; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.unseen { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[part~=list] { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px; padding: 0; list-style: none; }
[part~=card]:not([hidden]) + [part~=list] { margin-block-start: 12px; }
[part~=more] { justify-self: center; margin: 12px auto 0; }
[part~=empty] { text-align: center; padding: 32px 16px; border: 1.5px dashed var(--line); border-radius: var(--radius); }
[part~=bell] { display: inline-flex; align-items: center; gap: 7px; list-style: none; cursor: pointer; border-radius: 99px; padding: 6px 8px; min-block-size: 38px; color: var(--soft); }
[part~=bell]::-webkit-details-marker { display: none; }
[part~=bell] svg { inline-size: 21px; block-size: 21px; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }
[part~=badge] { min-inline-size: 20px; padding: 1px 6px; border-radius: 99px; background: var(--bad); color: var(--surface); font-size: .76em; font-weight: 700; text-align: center; }
[part~=inbox] { position: relative; inline-size: fit-content; }
[part~=panel] { position: absolute; inset-inline-end: 0; z-index: 5; inline-size: min(380px, 92vw); max-block-size: 70vh; overflow: auto; display: grid; gap: 4px; padding: 10px; background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); box-shadow: 0 8px 30px rgb(0 0 0 / 18%); }
[part~=outcome] { display: grid; grid-template-columns: minmax(0, 1fr) auto; overflow-wrap: anywhere; align-items: center; gap: 2px 10px; padding: 9px 10px; border-radius: 9px; }
[part~=outcome] + [part~=outcome] { border-block-start: 1px solid var(--line); }
[part~=outcome] p { grid-column: 1; font-size: .88em; color: var(--tone); }
[part~=outcome] button { grid-row: 1 / span 2; grid-column: 2; min-block-size: 32px; padding: 3px 11px; }
@keyframes breathe { to { opacity: .35; } }
@keyframes sweep { from { transform: translateX(calc(var(--way) * -36cqi)); } to { transform: translateX(calc(var(--way) * 100cqi)); } }
@media (prefers-reduced-motion: reduce) {
  *, ::before { animation: none !important; transition: none !important; }
  [data-unknown] [part~=bar] { inline-size: 100%; background: repeating-linear-gradient(90deg, var(--tone) 0 10px, #0000 0 20px); }
}
@media (forced-colors: active) { [part~=bar] { background: Highlight; } [part~=track] { border: 1px solid; } }
`;
