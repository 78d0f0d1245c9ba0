// Columns of integers, unpacked, and what is asked of them.

async function unpack(packed) {
  const octets = Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));
  const stream = new Blob([octets]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const n = packed.count, columns = {};
  packed.columns.forEach((name, k) => {
    const column = new Int32Array(n), at = 4 * n * k;
    for (let i = 0, sum = 0; i < n; i++) {
      sum = (sum + (bytes[at + i] | bytes[at + n + i] << 8 | bytes[at + 2 * n + i] << 16 | bytes[at + 3 * n + i] << 24)) | 0;
      column[i] = sum;
    }
    columns[name] = column;
  });
  return { n, ...columns };
}

async function load(program) {
  const [families, lines, segments] = await Promise.all(
    [program.families, program.lines, program.segments].map(unpack));
  const p = { ...program, families, lines, segments };
  p.made = program.values ? valuesOf(await unpack(program.values.made), program.values.texts, families.n) : null;
  p.rows = rowsOf(p);
  p.taller = reachOf(segments);
  p.hit = null; // of a search: a byte for each family
  return p;
}

// What dispatches drove or stored, by family and cycle.
function valuesOf(made, texts, families) {
  const known = new Map();
  for (let i = 0; i < made.n; i++) known.set(made.cycle[i] * families + made.family[i], texts[i]);
  return (family, cycle) => known.get(cycle * families + family) ?? "";
}

// The queues that work, from west to east; each with its lines, which are neighbours in the table.
function rowsOf(p) {
  const { families: f, lines: l } = p, rows = [], byQueue = new Map();
  for (let i = 0; i < l.n;) {
    const queue = f.queue[l.family[i]], first = i;
    while (i < l.n && f.queue[l.family[i]] === queue) i++;
    byQueue.set(queue, { queue, first, end: i });
  }
  const partner = new Map(p.queues.map((q, k) => [q.name, k]));
  for (const row of [...byQueue.values()]) {
    let pairs = false;
    for (let i = row.first; i < row.end && !pairs; i++) pairs = f.pair[l.family[i]] === 1;
    const other = pairs ? partner.get(p.queues[row.queue].name.replace(/0(?=\.|$)/, "1")) : undefined;
    if (other !== undefined && !byQueue.has(other)) byQueue.set(other, { ...row, queue: other });
  }
  for (const row of byQueue.values()) {
    const q = p.queues[row.queue], reach = new Int32Array(row.end - row.first);
    for (let i = row.first, most = -1; i < row.end; i++) {
      most = Math.max(most, l.start[i] + (l.count[i] - 1) * l.stride[i] + 1);
      reach[i - row.first] = most;
    }
    rows.push({ ...row, name: q.name, kind: q.kind, slot: q.slot, reach });
  }
  const order = (r) => (/\.w/.test(r.name) ? -1 : 1) * r.queue;
  return rows.sort((a, b) => a.slot - b.slot || order(a) - order(b));
}

function reachOf(s) {
  const reach = new Int32Array(s.n);
  for (let i = 0, most = -1e9; i < s.n; i++) {
    most = Math.max(most, s.diagonal[i] + (s.count[i] - 1) * s.stride[i]);
    reach[i] = most;
  }
  return reach;
}

// The first index in [low, high) at which an ascending array (shifted by `base`) is at least `value`.
function lowerBound(array, value, low, high, base = 0) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (array[middle - base] < value) low = middle + 1; else high = middle;
  }
  return low;
}

const visible = {
  lines: (row, l, from, to) => [
    lowerBound(row.reach, from, row.first, row.end, row.first), lowerBound(l.start, to, row.first, row.end)],
  segments: (p, from, to) => [
    lowerBound(p.taller, from - 50, 0, p.segments.n), lowerBound(p.segments.diagonal, to + 2, 0, p.segments.n)],
};

function place(p, family) {
  const f = p.families, file = p.files[f.file[family]];
  return file ? { name: file.name, line: f.line[family], text: file.text } : null;
}

function sourceLine(p, family) {
  const at = place(p, family);
  return at && at.text !== null ? (at.text.split("\n")[at.line - 1] ?? "").trim() : "";
}

// Marks the families whose instruction, unit, flow or source line holds the words of `query`; returns how many do.
function search(p, query) {
  p.searches = (p.searches ?? 0) + 1;
  const words = query.toLowerCase().split(/\s+/).filter(Boolean), f = p.families;
  if (!words.length) { p.hit = null; return 0; }
  const texts = p.texts.map((t) => t.toLowerCase());
  const flows = p.flows.map((w) => w.name.toLowerCase());
  const sources = p.files.map((file) => (file.text ?? "").toLowerCase().split("\n"));
  p.hit = new Uint8Array(f.n);
  let count = 0;
  for (let i = 0; i < f.n; i++) {
    const all = [texts[f.text[i]], flows[f.flow[i]] ?? "", p.queues[f.queue[i]].name, sources[f.file[i]]?.[f.line[i] - 1] ?? ""];
    if (words.every((word) => all.some((text) => text.includes(word)))) { p.hit[i] = 1; count++; }
  }
  return count;
}
