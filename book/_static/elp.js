// Draws what `elp.book.figures` and `elp.book.widgets` put into a static page; plotly.js (vendor/) is fetched on pages with a plot only.
(() => {
  const base = new URL('../vendor/', document.currentScript.src);
  const COLUMNS = 8;  // of a heat map whose cells are wide enough for decimals on a phone
  const SMALLEST = 62;  // per cent of its size, of a formula on a phone

  function plots() {
    const all = [...document.querySelectorAll('.elp-plot')].filter((div) => div.querySelector('script[type="application/json"]'));
    if (!all.length) return;
    script('plotly.min.js').then(() => all.forEach((div) => {
      const spec = JSON.parse(div.querySelector('script').textContent);
      if (div.clientWidth < 500) narrow(spec);
      div.replaceChildren();
      Plotly.newPlot(div, spec);
    }));
  }

  function narrow({ data, layout }) {  // on a phone
    // a row of buttons would be cut: it becomes a list that opens
    for (const menu of layout.updatemenus ?? []) Object.assign(menu, { type: 'dropdown', direction: 'down' });
    for (const cells of data.filter(({ type, text }) => type === 'heatmap' && text?.[0]?.length > COLUMNS)) {
      cells.text = cells.text.map((row) => row.map((said) => (said ? Math.round(said) || said : said)));
      layout.xaxis = { ...layout.xaxis, tickangle: -90, tickfont: { size: 11 } };
      layout.yaxis = { ...layout.yaxis, tickfont: { size: 11 } };
    }
  }

  const loaded = {};

  function script(name) {
    loaded[name] ??= new Promise((resolve, reject) => {
      const node = document.createElement('script');
      const failed = () => {
        delete loaded[name];
        reject(new Error(`${name} could not be loaded`));
      };
      Object.assign(node, { src: new URL(name, base), onload: resolve, onerror: failed });
      document.head.append(node);
    });
    return loaded[name];
  }

  // bytes of a text whose characters carry seven bits each: [how many, text]
  function bytes([size, text]) {
    const out = new Uint8Array(size);
    let [bits, held, at] = [0, 0, 0];
    for (let i = 0; at < size; i++) {
      bits = ((bits << 7) | (text.charCodeAt(i) & 0x7f)) & 0x3fff;
      held += 7;
      if (held < 8) continue;
      held -= 8;
      out[at++] = bits >> held;
    }
    return out;
  }

  function unzipped(packed) {
    return new Response(new Blob([bytes(packed)]).stream().pipeThrough(new DecompressionStream('gzip')));
  }

  async function listener() {  // its module, and what runs in it
    await script('listener.js');
    const { program, weights } = globalThis.elpListener;
    return { ...await unzipped(program).json(), weights: bytes(weights) };
  }

  async function widgets() {
    const all = [...document.querySelectorAll('.elp-widget')].filter((div) => div.querySelector('.elp-state'));
    if (!all.length) return;
    const { module, ...shared } = await listener();
    const widget = await component(module);
    for (const div of all) {
      const state = { ...shared, ...JSON.parse(div.querySelector('.elp-state').textContent) };
      div.replaceChildren();
      widget.render({ model: kept(state), el: div });
    }
  }

  async function component(source) {
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    return (await import(url)).default;
  }

  // the part of anywidget's model that a page without a kernel can keep
  function kept(state) {
    return {
      get: (key) => state[key],
      set: (key, value) => { state[key] = value; },
      save_changes() {}, on() {}, off() {},
    };
  }

  function talks() {  // a listener to talk to is fetched when somebody asks for it
    for (const div of document.querySelectorAll('.elp-talk')) {
      const button = div.querySelector('button');
      button.disabled = false;
      button.addEventListener('click', () => wake(div, button));
    }
  }

  async function wake(div, button) {
    const asked = button.textContent;
    Object.assign(button, { disabled: true, textContent: 'The listener wakes up.' });
    try {
      const [{ engine, weights }] = await Promise.all([listener(), script('talk.js')]);
      const { elpTalk } = globalThis;
      elpTalk.widget ??= component(elpTalk.module);
      const state = { ...elpTalk.state, engine, weights, hearing: bytes(elpTalk.hearing) };
      state.eyes = async () => {  // what follows a face, fetched when the camera is asked for
        await script('tracker.js');
        const { elpTracker } = globalThis;
        elpTracker.source ??= URL.createObjectURL(new Blob([elpTracker.module], { type: 'text/javascript' }));
        const { createCamera } = await import(elpTracker.source);
        return createCamera(elpTracker);
      };
      state.portrait = async () => {  // a face for the listener, fetched when it is chosen
        await script('portrait.js');
        return unzipped(globalThis.elpPortrait.data).arrayBuffer();
      };
      const widget = await elpTalk.widget;
      div.replaceChildren();
      await widget.render({ model: kept(state), el: div });
    } catch (error) {
      Object.assign(button, { disabled: false, textContent: `${asked}: it did not come (${error.message}), press again` });
      div.replaceChildren(button);
    }
  }

  async function components() {  // small ones, which bring their module themselves
    for (const div of document.querySelectorAll('.elp-component')) {
      const widget = await component(JSON.parse(div.querySelector('.elp-module').textContent));
      const state = JSON.parse(div.querySelector('.elp-state').textContent);
      div.replaceChildren();  // the still picture
      widget.render({ model: kept(state), el: div });
    }
  }

  function calm() {  // who asked the system for less motion starts the videos
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    document.querySelectorAll('.elp-figure video').forEach((video) => { video.autoplay = false; video.pause(); });
  }

  function reachable() {  // what scrolls sideways is reached by keys, too
    document.querySelectorAll('.bd-article pre, .bd-article div.math, .elp-figure').forEach((box) => {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    });
  }

  // the share of its size at which a formula is no wider than the room beside its number
  const fitting = (...boxes) => Math.min(...boxes.map((box) => box.clientWidth / box.scrollWidth));

  function formulas() {  // one a little wider than a phone is set smaller; one still wider than that scrolls
    document.querySelectorAll('.bd-article div.math').forEach((box) => {
      const drawn = box.querySelector('mjx-container');
      if (!drawn || !box.clientWidth) return;
      drawn.style.fontSize = '';
      const share = fitting(box, drawn);
      if (share < 1) drawn.style.fontSize = `${Math.max(97 * share, SMALLEST)}%`;
    });
    reachable();
  }

  function equations() {  // the number of an equation shows it
    const box = document.createElement('div');
    Object.assign(box, { className: 'elp-equation', id: 'elp-equation', hidden: true });
    box.setAttribute('role', 'tooltip');
    box.setAttribute('aria-label', 'the equation');
    document.body.append(box);
    const hide = () => { box.hidden = true; };
    document.querySelectorAll('.bd-article a.reference[href*="#equation-eq-"][title]').forEach((link) => {
      const formula = link.title;
      link.removeAttribute('title');
      link.setAttribute('aria-describedby', box.id);
      const show = async () => {
        const drawn = await window.MathJax?.tex2svgPromise?.(formula, { display: true });
        if (!drawn || !link.matches(':hover, :focus')) return;
        box.replaceChildren(drawn);
        box.hidden = false;
        drawn.style.fontSize = `${Math.min(100, 97 * fitting(box, drawn))}%`;
        const { left, bottom } = link.getBoundingClientRect();
        box.style.left = `${Math.max(8, Math.min(left, innerWidth - box.offsetWidth - 8)) + scrollX}px`;
        box.style.top = `${bottom + 6 + scrollY}px`;
      };
      for (const begins of ['pointerenter', 'focus']) link.addEventListener(begins, show);
      for (const ends of ['pointerleave', 'blur']) link.addEventListener(ends, hide);
    });
    document.addEventListener('keydown', ({ key }) => { if (key === 'Escape') hide(); });
  }

  function listings() {  // on a phone a line of code that wraps goes on further to the right than it began
    if (!matchMedia('(max-width: 600px)').matches) return;
    document.querySelectorAll('.bd-article div.highlight pre').forEach((pre) => {
      const inside = pre.querySelector('code') ?? pre;
      inside.replaceChildren(...inside.innerHTML.trimEnd().split('\n').map((code) => {
        const line = document.createElement('span');
        line.className = 'elp-line';
        line.innerHTML = `${code}\n`;
        line.style.setProperty('--begun', line.textContent.search(/\S|$/));
        return line;
      }));
    });
  }

  function sources() {  // a listing's name leads to the whole file
    document.querySelectorAll('.elp-where code[data-elp]').forEach((code) => {
      const [module, name] = code.dataset.elp.split(':');
      const link = document.createElement('a');
      link.href = new URL(`../_modules/${module.replaceAll('.', '/')}.html#${name}`, base);
      link.className = 'reference internal';
      link.title = 'the whole file';
      code.replaceWith(link);
      link.append(code);
    });
  }

  function cards() {  // below what a cell shows: the result files that it was read from, each with its card
    const held = document.querySelector('#elp-cards');
    if (!held) return;
    const { cells, cards } = JSON.parse(held.textContent);
    for (const [number, names] of Object.entries(cells)) {
      const cell = document.querySelector(`.bd-article .elp-cell-${number}`);
      if (!cell?.querySelector(':scope > .cell_output, :scope > details .cell_output')) continue;
      for (const name of names.filter((n) => cards[n])) {
        const box = document.createElement('details');
        const line = box.appendChild(document.createElement('summary'));
        box.className = 'elp-from';
        line.textContent = `from ${name}.json`;
        const list = box.appendChild(document.createElement('dl'));
        for (const [key, value] of Object.entries(cards[name])) {
          list.appendChild(document.createElement('dt')).textContent = key;
          list.appendChild(document.createElement('dd')).textContent = value;
        }
        const more = box.appendChild(document.createElement('a'));
        more.href = `status.html#result-${name}`;
        more.textContent = 'its card among all others';
        cell.append(box);
      }
    }
  }

  // the theme's arrows beside entries that hold further pages have no name
  function arrows() {
    for (const arrow of document.querySelectorAll('nav summary')) {
      if (!arrow.textContent.trim()) arrow.setAttribute('aria-label', 'pages below this one');
    }
  }

  document.addEventListener('DOMContentLoaded', () => { calm(); arrows(); sources(); listings(); equations(); cards(); plots(); widgets(); talks(); components(); reachable(); });
  // MathJax, which comes after this script, draws once the page has loaded
  window.addEventListener('load', () => window.MathJax?.startup?.promise.then(formulas));
  window.addEventListener('resize', formulas);
})();
