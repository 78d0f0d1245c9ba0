// The chip drawn over time: cycles across, units from west to east down, the streams between them.

const COLORS = {
  mxm: [239, 131, 84], load: [196, 106, 122], acc: [240, 180, 100], sxm: [178, 132, 222], vxm: [111, 207, 151],
  mem: [98, 160, 234], write: [57, 208, 216], c2c: [160, 170, 185], east: [127, 219, 202], west: [244, 143, 177],
};
const css = (name, alpha = 1) => `rgba(${COLORS[name].join()},${alpha})`;
const LEFT = 122, TOP = 22, MANY = 15000, HUGE = 150000, WIDE = 4096;

// Heights: `slots` from west to east, each with its rows, or narrow where nothing works; y of each register's edge.
function layOut(p, height) {
  const used = new Map();
  for (const row of p.rows) used.set(row.slot, (used.get(row.slot) ?? 0) + 1);
  const slots = [...used.keys()], first = Math.min(...slots, p.mirror) - 1, last = Math.max(...slots, first + 1) + 1, edges = [];
  const count = Math.max(1, p.rows.length), room = height - TOP - 8, many = last - first + 1;
  const each = Math.max(3, Math.min(26, (room - many * 2.5) / count));
  const gap = Math.max(2.5, Math.min(24, (room - each * count) / many));
  let y = TOP + 4;
  const tops = new Map();
  for (let slot = first; slot <= last; slot++) {
    edges.push(y);
    tops.set(slot, y);
    y += (used.get(slot) ?? 0) * each + gap;
  }
  edges.push(y);
  const taken = new Map();
  for (const row of p.rows) {
    const k = taken.get(row.slot) ?? 0;
    taken.set(row.slot, k + 1);
    row.y = tops.get(row.slot) + gap / 2 + k * each;
    row.height = each - (each > 8 ? 1.5 : 0.6);
  }
  p.edge = (register) => edges[Math.max(0, Math.min(edges.length - 1, register - first))];
  p.bottom = y;
}

// Where register `r` of a channel stands, as the number of the eastward register beside it.
const standing = (p, channel, r) => (channel < p.streams ? r : p.mirror - r);

class Picture {
  constructor(p, canvas) {
    Object.assign(this, { p, canvas, context: canvas.getContext("2d"), known: null });
  }

  resize() {
    const box = this.canvas.parentElement, ratio = window.devicePixelRatio || 1;
    this.width = box.clientWidth; this.height = box.clientHeight;
    this.canvas.width = this.width * ratio; this.canvas.height = this.height * ratio;
    this.canvas.style.width = `${this.width}px`; this.canvas.style.height = `${this.height}px`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    layOut(this.p, this.height);
  }

  x(cycle) { return LEFT + (cycle - this.from) * this.scale; }
  cycle(x) { return this.from + (x - LEFT) / this.scale; }

  draw(from, to, chosen) {
    this.from = from; this.to = to; this.chosen = chosen;
    this.scale = (this.width - LEFT) / (to - from);
    const c = this.context;
    c.fillStyle = "#10141b";
    c.fillRect(0, 0, this.width, this.height);
    c.save();
    c.beginPath(); c.rect(LEFT, TOP, this.width - LEFT, this.height - TOP); c.clip();
    this.grid();
    this.streams();
    this.dispatches();
    this.end();
    c.restore();
    this.names();
    this.axis();
  }

  grid() {
    const c = this.context;
    for (const row of this.p.rows) {
      c.fillStyle = css(row.kind, 0.07);
      c.fillRect(LEFT, row.y, this.width - LEFT, row.height);
    }
  }

  streams() {
    const [low, high] = visible.segments(this.p, this.from, this.to);
    if (high - low > MANY) this.manyStreams(low, high);
    else for (let i = low; i < high; i++) this.stream(i);
  }

  alpha(family, usual) {
    const { hit, families } = this.p;
    if (this.chosen !== null && families.flow[family] === this.chosen) return Math.min(1, usual * 2.4);
    return (hit && !hit[family]) || this.chosen !== null ? usual * 0.25 : usual;
  }

  // The values of a run: a band where they follow each other closely, else a line each.
  stream(i) {
    const { p, context: c } = this, s = p.segments, heard = s.last[i] >= 0;
    const first = s.first[i], last = heard ? s.last[i] : first, channel = s.channel[i];
    const way = channel < p.streams ? "east" : "west", stride = s.stride[i];
    const path = [];
    for (let r = first; r <= last; r += this.scale < 0.4 ? Math.max(1, last - first) : 1) path.push([r, p.edge(standing(p, channel, r))]);
    if (path[path.length - 1][0] !== last || path.length === 1) path.push([last + (path.length === 1 ? 0.5 : 0), p.edge(standing(p, channel, last))]);
    const from = Math.max(0, Math.ceil((this.from - 50 - s.diagonal[i]) / stride));
    const to = Math.min(s.count[i] - 1, Math.floor((this.to + 2 - s.diagonal[i]) / stride));
    if (to < from) return;
    if (stride * this.scale < 3) {
      const a = s.diagonal[i] + from * stride, b = s.diagonal[i] + to * stride + 1;
      c.fillStyle = css(way, this.alpha(s.family[i], 0.13));
      c.beginPath();
      for (const [r, y] of path) c.lineTo(this.x(a + r), y);
      for (const [r, y] of path.reverse()) c.lineTo(this.x(b + r), y);
      c.fill();
      return;
    }
    c.strokeStyle = css(way, this.alpha(s.family[i], 0.5));
    c.lineWidth = Math.min(3, 0.6 + this.scale / 20);
    if (!heard) c.setLineDash([2, 3]);
    c.beginPath();
    for (let k = from; k <= to; k++) {
      const d = s.diagonal[i] + k * stride + 0.5;
      path.forEach(([r, y], n) => (n ? c.lineTo(this.x(d + r), y) : c.moveTo(this.x(d + r), y)));
    }
    c.stroke();
    c.setLineDash([]);
  }

  // Very many runs: how full each stretch between two registers is, a pixel across.
  manyStreams(low, high) {
    const huge = high - low > HUGE, width = huge ? WIDE : Math.ceil(this.width - LEFT);
    const density = huge ? this.overview("streams") : streamDensity(this, low, high, this.from, this.scale, width);
    density.forEach(({ at, image }) => this.stretch(image, huge, this.p.edge(at), this.p.edge(at + 1) - this.p.edge(at)));
  }

  // A strip of density, which covers either what is seen or the whole program.
  stretch(image, whole, y, height) {
    if (!image) return;
    const wide = image.width / Math.max(1, this.p.cycles);
    if (!whole) this.context.drawImage(image, LEFT, y, this.width - LEFT, height);
    else this.context.drawImage(image, this.from * wide, 0, (this.to - this.from) * wide, 1, LEFT, y, this.width - LEFT, height);
  }

  // The density of the whole program, made once for each search and choice.
  overview(what) {
    const key = `${this.p.searches}|${this.chosen}`;
    if (this.known?.key !== key) this.known = { key };
    this.known[what] ??= what === "streams"
      ? streamDensity(this, 0, this.p.segments.n, 0, WIDE / this.p.cycles, WIDE)
      : this.p.rows.map((row) => lineDensity(this, row, row.first, row.end, 0, WIDE / this.p.cycles, WIDE));
    return this.known[what];
  }

  dispatches() {
    const { p } = this;
    let many = 0;
    const ranges = p.rows.map((row) => visible.lines(row, p.lines, this.from, this.to));
    for (const [low, high] of ranges) many += high - low;
    if (many <= 2 * MANY) { p.rows.forEach((row, k) => this.few(row, ...ranges[k])); return; }
    const huge = many > HUGE, whole = huge ? this.overview("lines") : null, width = Math.ceil(this.width - LEFT);
    p.rows.forEach((row, k) => {
      const [upper, lower] = whole ? whole[k] : lineDensity(this, row, ...ranges[k], this.from, this.scale, width);
      const height = row.kind === "mem" ? row.height / 2 : row.height;
      this.stretch(upper, huge, row.y, height);
      this.stretch(lower, huge, row.y + height, height);
    });
  }

  few(row, low, high) {
    const { p, context: c } = this, l = p.lines, f = p.families, memory = row.kind === "mem";
    for (let i = low; i < high; i++) {
      const family = l.family[i], write = f.write[family] === 1;
      const kind = write ? "write" : row.kind, stride = l.stride[i];
      const y = memory && write ? row.y + row.height / 2 : row.y, height = memory ? row.height / 2 : row.height;
      const from = Math.max(0, Math.ceil((this.from - 1 - l.start[i]) / stride));
      const to = Math.min(l.count[i] - 1, Math.floor((this.to - l.start[i]) / stride));
      if (to < from) continue;
      const wide = Math.max(1, this.scale - (this.scale > 4 ? 1 : 0));
      if (stride * this.scale < 3) {
        c.fillStyle = css(kind, this.alpha(family, Math.max(0.35, 0.95 / stride)));
        c.fillRect(this.x(l.start[i] + from * stride), y, Math.max(1, ((to - from) * stride + 1) * this.scale), height);
      } else {
        c.fillStyle = css(kind, this.alpha(family, 0.95));
        for (let k = from; k <= to; k++) c.fillRect(this.x(l.start[i] + k * stride), y, wide, height);
      }
      if (height < 8) continue;
      const text = p.texts[f.text[family]], close = stride * this.scale < 3;
      if (close) this.label(text, l.start[i], (l.count[i] - 1) * stride + 1, y, height);
      else for (let k = from; k <= to && wide > 60; k++) this.label(text, l.start[i] + k * stride, 1, y, height);
    }
  }

  // An instruction, where there is room for it in the `span` cycles from `start` on.
  label(text, start, span, y, height) {
    const c = this.context, x = Math.max(LEFT, this.x(start)), end = this.x(start + span) - 4;
    if (end - x < 60) return;
    c.save();
    c.beginPath(); c.rect(x, y, end - x, height); c.clip();
    c.fillStyle = "#0b0e13"; c.font = `${Math.min(11, height - 1)}px ui-monospace, "DejaVu Sans Mono", monospace`;
    c.textBaseline = "middle";
    c.fillText(text, x + 4, y + height / 2 + 0.5);
    c.restore();
  }

  end() {
    const c = this.context, x = this.x(this.p.cycles);
    c.fillStyle = "#0007"; c.fillRect(x, TOP, this.width, this.height);
    c.strokeStyle = "#ffd16699"; c.lineWidth = 1;
    c.beginPath(); c.moveTo(x, TOP); c.lineTo(x, this.height); c.stroke();
  }

  names() {
    const c = this.context;
    c.font = '11px system-ui, "DejaVu Sans", sans-serif'; c.textBaseline = "middle"; c.textAlign = "right";
    let below = -9;
    for (const row of this.p.rows) {
      const y = row.y + row.height / 2;
      if (y - below < 11) continue;
      below = y;
      c.fillStyle = css(row.kind, 0.95);
      c.fillText(row.name, LEFT - 8, y);
    }
    c.textAlign = "left";
  }

  axis() {
    const c = this.context, room = 90 / this.scale, power = 10 ** Math.floor(Math.log10(Math.max(1, room)));
    const step = Math.max(1, [1, 2, 5, 10].find((m) => m * power >= room) * power);
    c.font = '11px system-ui, "DejaVu Sans", sans-serif'; c.textBaseline = "middle"; c.lineWidth = 1;
    for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) {
      const x = Math.round(this.x(t)) + 0.5;
      c.strokeStyle = "#ffffff14";
      c.beginPath(); c.moveTo(x, TOP - 4); c.lineTo(x, this.height); c.stroke();
      c.fillStyle = "#8593a8";
      if (x < this.width - 40) c.fillText(t.toLocaleString("en"), x + 3, 11);
    }
    c.fillStyle = "#8593a8";
    c.fillText("cycle", 8, 11);
  }
}
