// The page: what is looked at, and what is said about it.

const $ = (id) => document.getElementById(id);
const number = (n) => n.toLocaleString("en");
const state = { from: 0, to: 1, chosen: null, pictures: [] };

function make(tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

const longest = () => Math.max(1, ...state.pictures.map((v) => v.p.cycles));

function show(from, to) {
  const most = longest() * 1.02, span = Math.max(2, Math.min(to - from, most));
  state.from = Math.max(-span * 0.05, Math.min(from, most - span));
  state.to = state.from + span;
  draw();
}

function draw() {
  const begun = performance.now();
  for (const picture of state.pictures) picture.draw(state.from, state.to, state.chosen === null ? null : flowIn(picture.p, state.chosen));
  state.took = performance.now() - begun;
  $("range").textContent = `cycles ${number(Math.max(0, Math.round(state.from)))} … ${number(Math.round(Math.min(state.to, longest())))}`;
}

const flowIn = (p, name) => p.flows.findIndex((f) => f.name === name);

function zoom(factor, at = (state.from + state.to) / 2) {
  show(at - (at - state.from) * factor, at + (state.to - at) * factor);
}

// What lies under the pointer: a dispatch, or a value on a stream.
function under(picture, x, y) {
  const { p } = picture, l = p.lines, f = p.families;
  if (x < LEFT || y < TOP) return null;
  const cycle = picture.cycle(x), row = p.rows.find((r) => y >= r.y && y < r.y + r.height);
  if (row) {
    const write = row.kind === "mem" && y >= row.y + row.height / 2 ? 1 : 0, near = 2 / picture.scale;
    const [low, high] = visible.lines(row, l, cycle - near, cycle + near);
    let best = null;
    for (let i = low; i < high; i++) {
      const other = row.kind === "mem" && f.write[l.family[i]] !== write ? near : 0; // the other half of a slice's row
      const k = Math.max(0, Math.min(l.count[i] - 1, Math.floor((cycle - l.start[i]) / l.stride[i])));
      for (const issue of [k, Math.min(k + 1, l.count[i] - 1)]) {
        const at = l.start[i] + issue * l.stride[i], away = other + Math.max(at - cycle, cycle - at - 1, 0);
        if (away <= near + other && (!best || away < best.away)) best = { away, family: l.family[i], cycle: at, made: at, what: row.name };
      }
    }
    if (best) return best;
  }
  return valueUnder(picture, cycle, y);
}

function valueUnder(picture, cycle, y) {
  const { p } = picture, s = p.segments;
  let below = -3;
  while (below < 45 && p.edge(below + 1) <= y) below++;
  const part = (y - p.edge(below)) / Math.max(1e-6, p.edge(below + 1) - p.edge(below)), at = below + part;
  const [low, high] = visible.segments(p, cycle, cycle);
  let best = null, looked = 0;
  for (let i = low; i < high && looked < 200000; i++, looked++) {
    const r = s.channel[i] < p.streams ? at : p.mirror - at;
    if (s.last[i] < 0 || r < s.first[i] - 0.2 || r > s.last[i] + 0.2) continue;
    const d = cycle - 0.5 - r, k = Math.max(0, Math.min(s.count[i] - 1, Math.round((d - s.diagonal[i]) / s.stride[i])));
    const away = Math.abs(d - s.diagonal[i] - k * s.stride[i]);
    if (away * picture.scale <= 5 + picture.scale / 2 && (!best || away < best.away)) {
      const name = `s${s.channel[i] % p.streams}.${s.channel[i] < p.streams ? "e" : "w"}`;
      // It was driven where its segment begins; that is `func` cycles after its dispatch.
      const made = s.diagonal[i] + k * s.stride[i] + s.first[i] - p.families.func[s.family[i]];
      best = { away, family: s.family[i], cycle: Math.floor(cycle), made, what: `${name} at SR${Math.round(r)}`, stream: name };
    }
  }
  return best;
}

function tip(picture, event) {
  const box = picture.canvas.getBoundingClientRect(), found = under(picture, event.clientX - box.left, event.clientY - box.top);
  const t = $("tip");
  if (!found) { t.style.display = "none"; return; }
  const { p } = picture, f = p.families, at = place(p, found.family), flow = p.flows[f.flow[found.family]];
  t.replaceChildren(
    make("span", `cycle ${number(found.cycle)} · ${found.what}${found.stream ? `, driven by ${p.queues[f.queue[found.family]].name}` : ""}${flow ? ` · ${flow.name}` : ""}`),
    document.createElement("br"), make("code", p.texts[f.text[found.family]]), document.createElement("br"),
    make("span", at ? `${at.name}:${at.line}  ` : ""), make("code", sourceLine(p, found.family)),
    ...said(p, found).flatMap((text) => [document.createElement("br"), make("code", text)]));
  t.style.display = "block";
  t.style.left = `${Math.min(event.clientX + 14, window.innerWidth - t.offsetWidth - 8)}px`;
  t.style.top = `${Math.min(event.clientY + 14, window.innerHeight - t.offsetHeight - 8)}px`;
}

// The values that a dispatch made: its first lanes, where the page has them.
function said(p, found) {
  const text = p.made ? p.made(found.family, found.made) : "";
  return text ? [`${text} …`] : [];
}

function pairs(rows) {
  const list = make("dl");
  for (const [name, value] of rows) if (value !== "" && value !== null) list.append(make("dt", name), make("dd", value));
  return list;
}

function detail(p, found) {
  const f = p.families, at = place(p, found.family), index = f.flow[found.family], flow = p.flows[index];
  state.chosen = flow ? flow.name : null;
  const parts = [make("h2", flow ? `flow ${flow.name}` : found.what), pairs([
    ...(flow ? flowRows(flow) : []),
    ["cycle", number(found.cycle)], ["unit", p.queues[f.queue[found.family]].name], ["word", String(f.word[found.family])],
    ["dispatches", number(f.issues[found.family])], ["instruction", p.texts[f.text[found.family]]], ["source", at ? `${at.name}:${at.line}` : ""], ["values", said(p, found).join("")]])];
  if (at && at.text !== null) parts.push(excerpt(at));
  $("detail").replaceChildren(...parts);
  mark();
  draw();
}

function flowRows(flow) {
  if (flow.start === null) return [];
  return [["start", number(flow.start)], ["length", number(flow.length)],
    ["waits for", flow.waits ? flow.waits.replace(/^: /, "") : "nothing: it starts at cycle 0"]];
}

function excerpt(at) {
  const pre = make("pre"), lines = at.text.split("\n");
  for (let n = Math.max(1, at.line - 3); n <= Math.min(lines.length, at.line + 3); n++)
    pre.append(make(n === at.line ? "mark" : "span", `${String(n).padStart(4)}  ${lines[n - 1]}${n === at.line ? "" : "\n"}`));
  return pre;
}

function choose(p, index) {
  const flow = p.flows[index];
  state.chosen = state.chosen === flow.name ? null : flow.name;
  if (state.chosen !== null) {
    $("detail").replaceChildren(make("h2", `flow ${flow.name}`), pairs(flowRows(flow)));
    const margin = Math.max(8, flow.length * 0.15);
    if (flow.start !== null) show(flow.start - margin, flow.start + flow.length + margin);
  } else $("detail").replaceChildren();
  mark();
  draw();
}

function mark() {
  for (const row of document.querySelectorAll("tr[data-go]")) row.classList.toggle("on", row.dataset.go === state.chosen);
}

function summary(p) {
  const gap = p.floor === null ? null : p.cycles - p.floor, percent = p.floor ? ` (${((100 * gap) / p.floor).toFixed(1)} %)` : "";
  const head = pairs([["cycles", `${number(p.cycles)}, ${(p.cycles / p.clock).toFixed(3)} µs at ${p.clock} MHz`],
    ["floor", p.floor === null ? "" : `${number(p.floor)}, by ${p.binding}`], ["gap", gap === null ? "" : number(gap) + percent],
    ["dispatches", number(p.dispatches)], ["target", p.target]]);
  const table = make("table"), shown = p.flows.map((f, k) => [f, k]).filter(([f]) => !state.query || f.name.toLowerCase().includes(state.query));
  table.append(line("th", ["flow", "start", "length", "cost"]));
  for (const [flow, k] of (shown.length ? shown : p.flows.map((f, n) => [f, n])).slice(0, 400)) {
    const row = line("td", [flow.name, flow.start === null ? "" : number(flow.start), flow.length === null ? "" : number(flow.length), number(flow.cost)]);
    row.dataset.go = flow.name;
    row.onclick = () => choose(p, k);
    table.append(row);
  }
  return [make("h2", p.name), head, make("br"), ...(p.flows.length ? [table] : [])];
}

function line(tag, cells) {
  const row = make("tr");
  row.append(...cells.map((cell) => make(tag, cell)));
  return row;
}

function signed(n) { return n > 0 ? `+${number(n)}` : n < 0 ? `−${number(-n)}` : "0"; }

function difference(a, b) {
  const table = make("table"), other = new Map(b.flows.map((f) => [f.name, f]));
  table.append(line("th", ["flow", "start", "length", "cost"]));
  const rows = [];
  for (const f of a.flows) {
    const g = other.get(f.name);
    if (!g) rows.push([f, line("td", [f.name, "only in the first", "", ""])]);
    else if (f.start !== g.start || f.length !== g.length || f.cost !== g.cost)
      rows.push([f, line("td", [f.name, signed(g.start - f.start), signed(g.length - f.length), signed(g.cost - f.cost)])]);
  }
  const known = new Set(a.flows.map((f) => f.name));
  for (const g of b.flows) if (!known.has(g.name)) rows.push([g, line("td", [g.name, "only in the second", "", ""])]);
  for (const [f, row] of rows.slice(0, 200)) {
    row.dataset.go = f.name;
    row.onclick = () => { const p = flowIn(a, f.name) >= 0 ? a : b; choose(p, flowIn(p, f.name)); };
    table.append(row);
  }
  const head = pairs([["cycles", `${number(a.cycles)} → ${number(b.cycles)} (${signed(b.cycles - a.cycles)})`],
    ["floor", a.floor === null || b.floor === null ? "" : `${number(a.floor)} → ${number(b.floor)} (${signed(b.floor - a.floor)})`]]);
  return [make("h2", "difference: second less first"), head, make("br"), rows.length ? table : make("span", "every flow is the same", "soft")];
}

function find(query) {
  state.query = query.trim().toLowerCase();
  const counts = state.pictures.map(({ p }) => search(p, query));
  $("found").textContent = state.query ? `${number(counts.reduce((x, y) => x + y, 0))} words` : "";
  state.chosen = null;
  refresh();
  draw();
  return counts;
}

// Looks at the next word that was found, after the left edge of what is shown.
function next() {
  let best = Infinity;
  for (const { p } of state.pictures)
    for (let i = 0; p.hit && i < p.lines.n; i++)
      if (p.hit[p.lines.family[i]] && p.lines.start[i] > state.from + (state.to - state.from) * 0.11 && p.lines.start[i] < best) best = p.lines.start[i];
  if (best < Infinity) { const span = Math.min(state.to - state.from, 200); show(best - span * 0.1, best + span * 0.9); }
}

function refresh() {
  $("summary").replaceChildren(...state.pictures.flatMap(({ p }) => [...summary(p), make("br")]));
  if (state.pictures.length === 2) $("difference").replaceChildren(...difference(state.pictures[0].p, state.pictures[1].p));
}

function listen(picture) {
  const canvas = picture.canvas;
  let drag = null;
  canvas.onwheel = (event) => {
    event.preventDefault();
    const span = state.to - state.from;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const shift = ((event.deltaX || event.deltaY) / picture.width) * span;
      show(state.from + shift, state.to + shift);
    } else zoom(Math.exp(event.deltaY * 0.0015), picture.cycle(event.offsetX));
  };
  canvas.onpointerdown = (event) => { drag = { x: event.clientX, from: state.from, moved: false }; canvas.setPointerCapture(event.pointerId); };
  canvas.onpointermove = (event) => {
    if (!drag) return tip(picture, event);
    const shift = (drag.x - event.clientX) / picture.scale;
    drag.moved ||= Math.abs(event.clientX - drag.x) > 3;
    if (drag.moved) show(drag.from + shift, drag.from + shift + state.to - state.from);
  };
  canvas.onpointerup = (event) => {
    const still = drag && !drag.moved;
    drag = null;
    if (!still) return;
    const box = canvas.getBoundingClientRect(), found = under(picture, event.clientX - box.left, event.clientY - box.top);
    if (found) detail(picture.p, found);
    else { state.chosen = null; $("detail").replaceChildren(); mark(); draw(); }
  };
  canvas.onpointerleave = () => { $("tip").style.display = "none"; };
  canvas.ondblclick = (event) => zoom(0.25, picture.cycle(event.offsetX));
}

const KEYS = {
  "0": () => show(0, longest()), "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2),
  ArrowLeft: () => show(state.from - (state.to - state.from) / 5, state.to - (state.to - state.from) / 5),
  ArrowRight: () => show(state.from + (state.to - state.from) / 5, state.to + (state.to - state.from) / 5),
  "/": () => $("search").focus(), n: () => next(),
};

async function begin() {
  const programs = await Promise.all(JSON.parse($("data").textContent).map(load));
  for (const p of programs) {
    const box = make("div", "", "chip"), canvas = make("canvas");
    box.append(canvas);
    $("view").append(box);
    state.pictures.push(new Picture(p, canvas));
  }
  const names = { mxm: "MXM", load: "weights", acc: "ACC", sxm: "SXM", vxm: "VXM", mem: "read", write: "write", east: "eastward", west: "westward" };
  for (const [kind, name] of Object.entries(names)) {
    const key = make("span", "", "key"), box = make("i");
    box.style.background = css(kind);
    key.append(box, name, " ");
    $("keys").append(key, " ");
  }
  const resize = () => { state.pictures.forEach((v) => v.resize()); draw(); };
  state.pictures.forEach((v) => { v.resize(); listen(v); });
  window.onresize = resize;
  $("fit").onclick = KEYS["0"]; $("in").onclick = KEYS["+"]; $("out").onclick = KEYS["-"];
  $("search").oninput = (event) => find(event.target.value);
  $("search").onkeydown = (event) => { if (event.key === "Enter") next(); if (event.key === "Escape") { event.target.value = ""; find(""); event.target.blur(); } event.stopPropagation(); };
  window.onkeydown = (event) => { if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); } };
  refresh();
  show(0, longest());
  window.lpuasm = { state, show, zoom, find, next, under, detail };
}

begin();
