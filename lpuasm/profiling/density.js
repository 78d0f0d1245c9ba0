// How full rows and streams are where there is more to see than there are pixels: strips, a pixel high.

// Of a row, the strips of what it does and, beside it, of what a slice writes; null where there is nothing.
function lineDensity(view, row, low, high, from, scale, width) {
  const { p } = view, l = p.lines, f = p.families, plain = !p.hit && view.chosen === null;
  const cells = new Float32Array(2 * (width + 1)), memory = row.kind === "mem";
  for (let i = low; i < high; i++) {
    const family = l.family[i], shown = plain ? 1 : Math.min(1, view.alpha(family, 1));
    const base = memory && f.write[family] ? width + 1 : 0, stride = l.stride[i];
    add(cells, base, width, (l.start[i] - from) * scale, ((l.count[i] - 1) * stride + 1) * scale, shown / stride);
  }
  return [strip(cells, 0, width, COLORS[row.kind], 0.95, 1), strip(cells, width + 1, width, COLORS.write, 0.95, 1)];
}

// Of every stretch between two registers and either direction, the strip of the values that pass.
function streamDensity(view, low, high, from, scale, width) {
  const { p } = view, s = p.segments, plain = !p.hit && view.chosen === null, rows = 48;
  const cells = new Float32Array(2 * rows * (width + 1));
  for (let i = low; i < high; i++) {
    if (s.last[i] < 0) continue;
    const west = s.channel[i] < p.streams ? 0 : 1, span = ((s.count[i] - 1) * s.stride[i] + 1) * scale;
    const weight = (plain ? 1 : Math.min(1, view.alpha(s.family[i], 1))) / s.stride[i];
    for (let r = s.first[i]; r < s.last[i]; r++) {
      const at = west ? p.mirror - r - 1 : r;
      add(cells, ((at + 2) * 2 + west) * (width + 1), width, (s.diagonal[i] + r - from) * scale, span, weight);
    }
  }
  const strips = [];
  for (let at = -2; at < rows - 2; at++)
    for (const west of [0, 1])
      strips.push({ at, image: strip(cells, ((at + 2) * 2 + west) * (width + 1), width, COLORS[west ? "west" : "east"], 0.12, 0.7) });
  return strips;
}

// Adds `weight` to the pixels from x on for `span` pixels, as differences; by its share where that is less than one.
function add(cells, base, width, x, span, weight) {
  let low = Math.floor(x), high = Math.floor(x + span);
  if (high < 0 || low >= width) return;
  if (high <= low) { weight *= span; high = low + 1; }
  low = Math.max(0, low); high = Math.min(width, high);
  cells[base + low] += weight;
  cells[base + high] -= weight;
}

function strip(cells, base, width, [red, green, blue], each, most) {
  const image = new ImageData(width, 1), pixel = image.data;
  let sum = 0, some = false;
  for (let x = 0; x < width; x++) {
    sum += cells[base + x];
    if (sum <= 1e-4) continue;
    some = true;
    pixel[4 * x] = red; pixel[4 * x + 1] = green; pixel[4 * x + 2] = blue;
    pixel[4 * x + 3] = 255 * Math.min(most, Math.max(0.15, sum * each));
  }
  if (!some) return null;
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = 1;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
