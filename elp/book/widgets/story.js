// One frame on its way through the spaces of codes: `scenes[emotion][step]` say what stands still and where each head's square is.
const SVG = 'http://www.w3.org/2000/svg';

function element(tag, attributes = {}, text = '') {
  const made = document.createElement(tag);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.textContent = text;
  return made;
}

function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

let count = 0;  // of stories on a page: each needs radio buttons of its own

function render({ model, el }) {
  const { box, side, head, emotions, colors, start, scenes } = model.get('state');
  const group = `elp-story-${count++}`;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  let [step, emotion] = [0, start];

  const root = element('div', { class: 'elp-stepper', role: 'group', 'aria-label': 'One frame, step by step: arrow keys move', tabindex: '0' });
  root.style.cssText = 'max-width:560px;padding:4px';
  const svg = drawn('svg', { viewBox: `0 0 ${box[0]} ${box[1]}`, 'aria-hidden': 'true' });
  svg.style.cssText = 'width:100%;display:block;color:inherit';
  const scenery = drawn('g', {});
  const squares = scenes[0][0].at.map((_, h) => drawn('rect', { width: side, height: side, ...(h === head && { stroke: 'currentColor' }) }));
  squares.forEach((square, h) => {
    square.style.transition = calm ? 'none' : `transform .8s ease ${h * 4}ms, fill .4s`;
  });
  squares.push(squares.splice(head, 1)[0]);  // the followed one lies on top
  const order = [...scenes[0][0].at.keys()].filter((h) => h !== head).concat(head);
  svg.append(scenery, ...squares);

  const says = element('div', { 'aria-live': 'polite' });
  says.style.minHeight = '7.5em';
  const title = element('strong');
  const text = element('p');
  text.style.margin = '.2em 0 .6em';
  says.append(title, text);

  const bar = element('div');
  bar.style.cssText = 'display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center';
  const back = element('button', { type: 'button' }, '← Back');
  const next = element('button', { type: 'button' }, 'Next →');
  [back, next].forEach((button) => { button.style.cssText = 'min-width:5.5rem;min-height:2.4rem;font:inherit'; });
  const choice = element('fieldset');
  choice.style.cssText = 'border:0;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.2rem .9rem';
  const legend = element('legend', {}, 'Emotion');
  legend.style.cssText = 'float:left;margin:0 .4rem 0 0;padding:0;width:auto;font-size:1em';
  choice.append(legend, ...emotions.map((name, n) => {
    const label = element('label');
    const radio = element('input', { type: 'radio', name: group, value: n });
    radio.checked = n === start;
    radio.addEventListener('change', () => { emotion = n; show(); });
    label.append(radio, ` ${name}`);
    return label;
  }));
  bar.append(back, next, choice);

  function show() {
    const scene = scenes[emotion][step];
    title.textContent = `${step + 1} of ${scenes[emotion].length}: ${scene.title}`;
    text.textContent = scene.text;
    scenery.innerHTML = scene.scenery;
    order.forEach((h, k) => {
      squares[k].style.transform = `translate(${scene.at[h][0]}px, ${scene.at[h][1]}px)`;
      squares[k].style.fill = colors[emotion];
    });
    // not `disabled`, which would take the keyboard's focus away
    back.setAttribute('aria-disabled', step === 0);
    next.setAttribute('aria-disabled', step === scenes[emotion].length - 1);
    [back, next].forEach((button) => { button.style.opacity = button.getAttribute('aria-disabled') === 'true' ? 0.5 : 1; });
  }

  function go(by) {
    step = Math.min(Math.max(step + by, 0), scenes[emotion].length - 1);
    show();
  }
  back.addEventListener('click', () => go(-1));
  next.addEventListener('click', () => go(1));
  root.addEventListener('keydown', (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || event.target.type === 'radio') return;
    event.preventDefault();
    event.stopPropagation();  // neither the theme's pages nor a notebook's cells turn
    go(by);
  });
  root.append(svg, says, bar);
  el.append(root);
  show();
}

export default { render };
