// A rater's screens: consent, videos to rate, pairs to choose from, thanks. One ES module: anywidget runs it in
// JupyterLab, where the kernel sends each screen's videos and writes the answers; elsewhere all videos are in the page,
// and the answers stay in the browser until the rater saves them.
const STYLE = `
.elp-rating { max-width: 680px; display: grid; gap: .9em; color: inherit; font-size: 1rem; line-height: 1.45; }
.elp-rating h3, .elp-rating p { margin: 0; }
.elp-rating h3 { font-size: 1.05em; }
.elp-rating h3:focus { outline: none; }
.elp-rating progress { width: 100%; height: .5em; accent-color: #2f7fc1; }
.elp-rating .videos { display: flex; flex-wrap: wrap; gap: .8em; }
.elp-rating figure { flex: 1 1 240px; margin: 0; max-width: 480px; }
.elp-rating video { width: 100%; display: block; border-radius: 4px; background: #000; }
.elp-rating figcaption { font-size: .9em; padding-top: .4em; }
.elp-rating figcaption button { padding: .25em .8em; min-width: 6.5em; margin-right: .4em; }
.elp-rating fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
.elp-rating legend { padding: 0 0 .35em; font-weight: 600; font-size: 1em; float: none; width: auto; margin: 0; border: 0; }
.elp-rating .options { display: grid; grid-auto-columns: minmax(0, 1fr); grid-auto-flow: column; gap: .35em; }
.elp-rating label { display: flex; flex-direction: column; align-items: center; gap: .2em; padding: .45em .15em; margin: 0;
  border: 1px solid color-mix(in srgb, currentColor 45%, transparent); border-radius: 6px; cursor: pointer;
  text-align: center; font-size: .82em; line-height: 1.2; }
.elp-rating label:has(:checked) { box-shadow: inset 0 0 0 2px currentColor; }
.elp-rating label:has(:focus-visible), .elp-rating button:focus-visible, .elp-rating a:focus-visible
  { outline: 3px solid #2f7fc1; outline-offset: 2px; }
.elp-rating input { margin: 0; accent-color: #2f7fc1; }
.elp-rating button, .elp-rating a.button { font: inherit; color: inherit; background: transparent; cursor: pointer;
  border: 1px solid currentColor; border-radius: 6px; padding: .45em 1.2em; justify-self: start; text-decoration: none; }
.elp-rating .status { min-height: 1.45em; font-size: .95em; }
.elp-rating .keys { font-size: .85em; opacity: .85; }`;

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// what this browser keeps of a rater without a kernel; private windows may refuse to
function storage(name) {
  return {
    read() { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } },
    write(value) { try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* the file at the end remains */ } },
    clear() { try { localStorage.removeItem(name); } catch { /* nothing was kept */ } },
  };
}

function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(4))].map((x) => x.toString(16).padStart(2, '0')).join('');
}

function film(title, onSeen, onBroken) {
  // no native controls: they cover a small face, and let the clip be skipped
  const video = element('video', { playsInline: true, preload: 'auto' });
  const play = element('button', { type: 'button', textContent: 'Play' });
  const toggle = () => (video.paused ? video.play().catch(onBroken) : video.pause());
  video.setAttribute('aria-label', title);
  play.setAttribute('aria-label', `Play: ${title}`);
  play.addEventListener('click', toggle);
  video.addEventListener('click', toggle);
  video.addEventListener('error', onBroken);
  video.addEventListener('ended', onSeen);
  for (const [event, word] of [['play', 'Pause'], ['pause', 'Play'], ['ended', 'Play again']]) {
    video.addEventListener(event, () => {
      play.textContent = word;
      play.setAttribute('aria-label', `${word}: ${title}`);
    });
  }
  return { node: element('figure', {}, video, element('figcaption', {}, play, ` ${title}`)), video, play };
}

function choices(name, text, options) {
  const inputs = options.map((_, i) => element('input', { type: 'radio', name, value: i + 1 }));
  const labels = options.map((option, i) => element('label', {}, inputs[i],
    element('b', { textContent: i + 1 }), element('span', { textContent: option })));
  const set = element('fieldset', {}, element('legend', { textContent: text }), element('div', { className: 'options' }, ...labels));
  return { set, inputs, answer: () => Number(inputs.find((x) => x.checked)?.value || 0) };
}

function render({ model, el }) {
  const { study, number, columns, trials, questions, scale, prefer, consent } = model.get('shape');
  const live = Boolean(model.get('live'));
  const kept = storage(`elp-study-${study}-${number}`);
  const before = live ? null : kept.read();
  let rater = live ? model.get('rater') : before?.rater || randomId();
  let rows = live ? model.get('rows') : before?.rows || [];
  const group = `elp-rating-${Math.random().toString(36).slice(2)}`;  // two widgets on a page share no radio button
  const root = element('div', { className: 'elp-rating' });
  root.dataset.lmSuppressShortcuts = 'true';  // a digit is an answer here, and no heading of a notebook's cell
  let screen = { key() {} };
  el.append(element('style', { textContent: STYLE }), root);

  const done = () => (rows.length ? Number(rows[rows.length - 1][columns.indexOf('trial')]) : 0);

  function show(...nodes) {
    root.replaceChildren(...nodes);
  }

  function heading(text) {
    return element('h3', { textContent: text, tabIndex: -1 });
  }

  function begin() {
    const button = element('button', { type: 'button', textContent: 'I agree: begin' });
    button.addEventListener('click', () => rate(true));
    const told = consent.map((textContent) => element('p', { textContent }));
    const mine = element('p', {}, 'Your random number is ', element('code', { textContent: rater }), '.');
    screen = { key() {} };
    show(heading('Before you begin'), ...told, mine, button);
  }

  function rate(moved) {
    const at = done();
    if (at >= trials.length) { thanks(moved); return; }
    const { clips, questions: asked } = trials[at];
    const started = performance.now();
    const seen = new Set();
    const status = element('p', { className: 'status' });
    status.setAttribute('role', 'status');
    const say = (text) => { status.textContent = text; };
    const titles = clips.length > 1 ? ['First video', 'Second video'] : ['Video'];
    const films = titles.map((title, i) => film(
      title, () => { seen.add(i); say(''); }, () => say('This video cannot be played here: tell the person who runs the study.'),
    ));
    const sets = asked.map((name, i) => (clips.length > 1
      ? choices(`${group}-${i}`, prefer, ['the first', 'the second'])
      : choices(`${group}-${i}`, questions[name], scale)));
    const next = element('button', { type: 'button', textContent: 'Next' });

    function go() {
      const missing = sets.findIndex((set) => !set.answer());
      if (seen.size < clips.length) {
        say(clips.length > 1 ? 'First watch both videos to the end.' : 'First watch the video to the end.');
        films.find((_, i) => !seen.has(i)).play.focus();
      } else if (missing >= 0) {
        say('One question has no answer yet.');
        sets[missing].inputs[0].focus();
      } else {
        const seconds = Math.round((performance.now() - started) / 100) / 10;
        const other = clips[1] || '';
        rows = [...rows, ...asked.map((name, i) => [study, rater, number, at + 1, name, clips[0], other, sets[i].answer(), seconds])];
        keep();
        rate(true);
      }
    }

    function key(event) {  // digits answer the question in focus, or else the first open one
      if (event.key === 'Enter' && event.target.type === 'radio') { go(); return; }
      const set = sets.find(({ set: node }) => node.contains(event.target)) || sets.find((x) => !x.answer());
      const input = set?.inputs[Number(event.key) - 1];
      if (!input || event.ctrlKey || event.altKey || event.metaKey) return;
      input.checked = true;
      say('');
      const after = sets[sets.indexOf(set) + 1];
      (after ? after.inputs.find((x) => x.checked) || after.inputs[0] : next).focus();
      event.preventDefault();
    }

    next.addEventListener('click', go);
    screen = { films, clips, key };
    const top = heading(`Screen ${at + 1} of ${trials.length}`);
    const bar = element('progress', { max: trials.length, value: at });
    bar.setAttribute('aria-label', 'screens done');
    const keys = element('p', { className: 'keys', textContent: 'Keys: Tab and Space play, digits answer, Enter goes on.' });
    show(top, bar, element('div', { className: 'videos' }, ...films.map((x) => x.node)), ...sets.map((x) => x.set), status, next, keys);
    if (live) { model.set('wanted', at); model.save_changes(); }
    load();
    if (moved) { top.focus({ preventScroll: true }); root.scrollIntoView({ block: 'nearest' }); }
  }

  function load() {  // in JupyterLab the videos come after the screen
    const sources = model.get('clips');
    screen.films?.forEach(({ video }, i) => {
      const source = sources[screen.clips[i]];
      if (source && !video.src) video.src = source;
    });
  }

  function keep() {
    if (live) { model.set('rows', rows); model.save_changes(); } else kept.write({ rater, rows });
  }

  function thanks(moved) {
    screen = { key() {} };
    const top = heading('Thank you. That was all.');
    const told = element('p', { className: 'status' }, 'Your random number is ', element('code', { textContent: rater }),
      '. With it your answers can be found and deleted.');
    const shown = [top, told];
    if (!live) {
      const text = [columns, ...rows].map((row) => row.join(',')).join('\n') + '\n';
      const href = `data:text/csv;charset=utf-8,${encodeURIComponent(text)}`;
      const save = element('a', { className: 'button', href, download: `${rater}.csv`, textContent: 'Save the answers as a file' });
      const again = element('button', { type: 'button', textContent: 'Forget them and start again' });
      again.addEventListener('click', () => { kept.clear(); rater = randomId(); rows = []; begin(); });
      shown.push(element('p', { textContent: 'Save the file and send it to the person who runs the study. Nothing has left this computer.' }), save, again);
    }
    show(...shown);
    if (moved) top.focus({ preventScroll: true });
  }

  function trouble() {  // the kernel could not write the file
    const said = model.get('said');
    const status = root.querySelector('.status');
    if (said && status) status.textContent = said;
  }

  const press = (event) => { event.stopPropagation(); screen.key(event); };
  root.addEventListener('keydown', press);
  if (live) {
    model.on('change:clips', load);
    model.on('change:said', trouble);
  }
  if (done()) rate(false); else begin();
  return () => {
    root.removeEventListener('keydown', press);
    if (live) {
      model.off('change:clips', load);
      model.off('change:said', trouble);
    }
  };
}

export default { render };
