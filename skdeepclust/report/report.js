"use strict";
(() => {
  // -- data ---------------------------------------------------------------------------
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const NOISE = -1, REJECTED = -2;
  const KEY = "skdeepclust report " + data.report;
  const nSamples = data.labels.length;
  const shown = data.shown;
  const thumbs = data.thumbs;
  const PAGE = 24, MORE = 96, MOST_UNDO = 200, MOST_IN_TRAY = 120;
  const place = new Map(shown.map((sample, at) => [sample, at]));

  const pathOf = (sample) => {
    if (!data.paths) return null;
    const folder = data.paths.folders[data.paths.folder[sample]];
    const name = data.paths.name[sample];
    return folder === "" ? name : folder + "/" + name;
  };
  const titleOf = (sample) => pathOf(sample) ?? "sample " + sample;
  const number = (value, digits = 2) =>
    value === null || value === undefined ? "–" : value.toFixed(digits);
  const count = (n, what) => n.toLocaleString("en") + " " + what + (n === 1 ? "" : "s");

  // A link to the original. Every part is encoded, so that no name is a scheme.
  function linkOf(sample) {
    const path = pathOf(sample);
    if (path === null) return null;
    try {
      const parts = path.split("/").map((part) => part === ".." ? part : encodeURIComponent(part));
      if (/^[A-Za-z]%3A$/.test(parts[0])) return "file:///" + parts[0].replace("%3A", ":") + "/" + parts.slice(1).join("/");
      return "./" + parts.join("/");
    } catch {
      return null; // a name that is no valid text
    }
  }

  // -- elements; text is always text ---------------------------------------------------
  function make(tag, props = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (value === null || value === undefined) continue;
      if (name === "on") for (const [event, call] of Object.entries(value)) element.addEventListener(event, call);
      else if (name === "style") Object.assign(element.style, value);
      else if (name === "dataset") Object.assign(element.dataset, value);
      else if (name in element && typeof value !== "string") element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }
  const button = (text, call, props = {}) => make("button", { type: "button", on: { click: call }, ...props }, text);
  const say = (text) => { byId("status").textContent = text; };

  // -- edits ---------------------------------------------------------------------------
  let state = emptyState(), undone = [], done = [];
  const selected = new Set(), ticked = new Set();
  let canStore = true;

  function emptyState() { return { names: {}, into: {}, created: {}, samples: {} }; }

  function load() {
    try {
      const text = localStorage.getItem(KEY);
      if (!text) return;
      const stored = JSON.parse(text);
      state = { ...emptyState(), ...stored.state };
      done = stored.done ?? [];
      undone = stored.undone ?? [];
      say("Your edits of the last visit are here.");
    } catch {
      canStore = false;
    }
  }

  function store() {
    try {
      localStorage.setItem(KEY, JSON.stringify({ state, done, undone }));
      canStore = true;
    } catch {
      try {
        localStorage.setItem(KEY, JSON.stringify({ state, done: [], undone: [] }));
      } catch {
        canStore = false;
      }
    }
  }

  // An edit is a list of [table, key, before, after]; null means that there is no entry.
  function edit(text, changes) {
    const patch = changes
      .map(([table, key, after]) => [table, String(key), state[table][key] ?? null, after])
      .filter(([, , before, after]) => before !== after);
    if (!patch.length) return;
    apply(patch, 3);
    done.push({ text, patch });
    if (done.length > MOST_UNDO) done.shift();
    undone = [];
    finish(text);
  }
  function apply(patch, side) {
    const steps = side === 3 ? patch : [...patch].reverse();
    for (const step of steps) {
      if (step[side] === null) delete state[step[0]][step[1]];
      else state[step[0]][step[1]] = step[side];
    }
  }
  function undo() {
    const last = done.pop();
    if (!last) return;
    apply(last.patch, 2);
    undone.push(last);
    finish("Undone: " + last.text);
  }
  function redo() {
    const last = undone.pop();
    if (!last) return;
    apply(last.patch, 3);
    done.push(last);
    finish("Done again: " + last.text);
  }
  function finish(text) {
    store();
    say(text + (canStore ? "" : " This browser does not keep edits: export edits.json before you close the page."));
    for (const cluster of [...ticked]) if (rootOf(cluster) !== cluster) ticked.delete(cluster);
    refresh();
  }

  // -- clusters ------------------------------------------------------------------------
  function rootOf(cluster) {
    for (let steps = 0; cluster in state.into && steps < 10000; steps++) cluster = state.into[cluster];
    return cluster;
  }
  const ownCluster = (sample) => sample in state.samples ? state.samples[sample] : data.labels[sample];
  const clusterOf = (sample) => rootOf(ownCluster(sample));
  const allClusters = () => [...data.clusters.filter((c) => c >= 0), ...Object.keys(state.created).map(Number)];
  const liveClusters = () => allClusters().filter((c) => rootOf(c) === c);
  function nameOf(cluster) {
    if (cluster === NOISE) return "noise";
    if (cluster === REJECTED) return "rejected";
    return state.names[cluster] ?? "cluster " + cluster;
  }
  const partsOf = (cluster) => allClusters().filter((c) => c !== cluster && rootOf(c) === cluster);
  function secondOf(sample) {
    const second = rootOf(data.second[sample]);
    return second < 0 || second === clusterOf(sample) ? NOISE : second;
  }

  let current = new Int32Array(shown.length), sizes = new Map(), confidences = new Map(), members = new Map();
  function countMembers() {
    sizes = new Map(); members = new Map(); confidences = new Map();
    for (let sample = 0; sample < nSamples; sample++) {
      const cluster = clusterOf(sample);
      sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
      const confidence = data.confidence[sample];
      if (confidence !== null) {
        const sum = confidences.get(cluster) ?? [0, 0];
        confidences.set(cluster, [sum[0] + confidence, sum[1] + 1]);
      }
    }
    shown.forEach((sample, at) => {
      const cluster = current[at] = clusterOf(sample);
      if (!members.has(cluster)) members.set(cluster, []);
      members.get(cluster).push(sample);
    });
  }
  const meanConfidence = (cluster) => {
    const sum = confidences.get(cluster);
    return sum ? sum[0] / sum[1] : null;
  };

  function rename(cluster, text) {
    const name = text.trim().slice(0, 200);
    const isOwn = name === "" || name === "cluster " + cluster;
    const twin = liveClusters().find((c) => c !== cluster && nameOf(c) === name);
    edit(isOwn ? `Cluster ${cluster} has its number again.` : `Cluster ${cluster} is now “${name}”.` +
      (twin === undefined ? "" : ` Cluster ${twin} has the same name: tick both to merge them.`),
    [["names", cluster, isOwn ? null : name]]);
  }
  function merge(clusters) {
    const all = [...new Set(clusters.map(rootOf))].filter((c) => c >= 0);
    if (all.length < 2) return;
    // The largest stays, with its own name or the first other one.
    all.sort((a, b) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0) || a - b);
    const [target, ...others] = all;
    const changes = others.map((c) => ["into", c, target]);
    const named = all.find((c) => c in state.names);
    if (named !== undefined) changes.push(["names", target, state.names[named]]);
    const text = `Merged ${all.map(nameOf).join(", ")}.`;
    ticked.clear();
    edit(text, changes);
    focusCard(target);
  }
  const separate = (cluster) => edit(`Separated ${nameOf(cluster)}.`, [["into", cluster, null]]);
  function rejectClusters(clusters) {
    const text = `Rejected ${clusters.map(nameOf).join(", ")}.`;
    ticked.clear();
    edit(text, clusters.map((c) => ["into", c, REJECTED]));
  }
  function moveTo(samples, target) {
    const entry = (sample) => target === null || rootOf(data.labels[sample]) !== target || target < 0 ? target : null;
    const where = target === REJECTED ? "Rejected " : target === null ? "Put back " : "Moved ";
    const goal = target === null || target < 0 ? "" : ` to ${nameOf(target)}`;
    edit(where + count(samples.length, "sample") + goal + ".", samples.map((s) => ["samples", s, entry(s)]));
  }
  function moveToNew(samples) {
    const cluster = 1 + Math.max(-1, ...allClusters());
    edit(`Moved ${count(samples.length, "sample")} to the new cluster ${cluster}.`,
      [["created", cluster, true], ...samples.map((s) => ["samples", s, cluster])]);
    clearSelection();
    focusCard(cluster, true);
  }

  // -- thumbnails ----------------------------------------------------------------------
  const urls = [];
  function sheetUrl(index) {
    if (!urls[index]) {
      const text = atob(byId("sheet-" + index).textContent);
      const bytes = new Uint8Array(text.length);
      for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
      urls[index] = URL.createObjectURL(new Blob([bytes], { type: thumbs.type }));
    }
    return urls[index];
  }
  function paint(element, at, side) {
    const { width, height, cellWidth, cellHeight, perSide } = thumbs;
    const longest = Math.max(width, height);
    // Small images are magnified by whole numbers, so that all pixels have one size.
    const scale = longest < side ? Math.max(1, thumbs.pixelated ? Math.round(side / longest) : side / longest) : side / longest;
    const perSheet = perSide * perSide, sheet = Math.floor(at / perSheet), inside = at % perSheet;
    const isLast = sheet === thumbs.count - 1;
    const inLast = (shown.length + data.centres) - sheet * perSheet;
    const rows = isLast ? Math.ceil(inLast / perSide) : perSide;
    const x = (inside % perSide) * cellWidth, y = Math.floor(inside / perSide) * cellHeight;
    Object.assign(element.style, {
      width: width * scale + "px", height: height * scale + "px",
      backgroundSize: `${perSide * cellWidth * scale}px ${rows * cellHeight * scale}px`,
      backgroundPosition: `${-x * scale}px ${-y * scale}px`,
    });
    element.classList.toggle("pixelated", thumbs.pixelated);
    element.dataset.sheet = sheet;
  }
  // The sheets are at the end of the file: at first some are still to come.
  function lit(root) {
    for (const element of root.querySelectorAll("[data-sheet]")) lightUp(element);
  }
  function lightUp(element) {
    if (element.style.backgroundImage || !byId("sheet-" + element.dataset.sheet)) return;
    element.style.backgroundImage = `url("${sheetUrl(Number(element.dataset.sheet))}")`;
  }
  const nearView = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) lit(entry.target);
  }, { rootMargin: "600px" });

  const SIDE = thumbs ? Math.max(48, Math.min(72, Math.max(thumbs.width, thumbs.height))) : 0;
  function describe(sample) {
    const cluster = clusterOf(sample), second = data.second[sample];
    let text = `${nameOf(cluster)}, ${data.confidenceName} ${number(data.confidence[sample])}`;
    if (cluster !== rootOf(data.labels[sample])) text = `${nameOf(cluster)}, from ${nameOf(data.labels[sample])} by hand`;
    if (second >= 0) {
      text += `; second choice ${nameOf(rootOf(second))}`;
      if (data.secondConfidence) text += ` ${number(data.secondConfidence[sample])}`;
    }
    return text;
  }
  function sampleButton(sample, side = SIDE) {
    const props = {
      type: "button", dataset: { sample: String(sample) }, "aria-pressed": String(selected.has(sample)),
      "aria-label": `${titleOf(sample)}, ${describe(sample)}`, tabindex: "-1",
    };
    const isEdited = sample in state.samples ? " edited" : "";
    if (!thumbs) return make("button", { ...props, class: "chip" + isEdited }, shortTitle(sample));
    const element = make("button", { ...props, class: "thumb" + isEdited });
    paint(element, place.get(sample), side);
    return element;
  }
  const shortTitle = (sample) => data.paths ? data.paths.name[sample] : String(sample);

  // -- the map -------------------------------------------------------------------------
  const base = byId("points"), overlay = byId("overlay"), mapBox = byId("map");
  const X = new Float32Array(shown.length), Y = new Float32Array(shown.length);
  let [low, high] = [[Infinity, Infinity], [-Infinity, -Infinity]];
  shown.forEach((_, at) => {
    const [x, y] = [data.points[2 * at], -data.points[2 * at + 1]];
    X[at] = x; Y[at] = y;
    low = [Math.min(low[0], x), Math.min(low[1], y)];
    high = [Math.max(high[0], x), Math.max(high[1], y)];
  });
  const view = { scale: 1, x: 0, y: 0, width: 0, height: 0, ratio: 1, all: 1 };
  let tool = "lasso", highlighted = null, focused = -1, lasso = null, printing = false;
  const toScreen = (at) => [X[at] * view.scale + view.x, Y[at] * view.scale + view.y];
  const isDark = () => !printing && matchMedia("(prefers-color-scheme: dark)").matches;

  const order = new Map();
  function colorOf(cluster) {
    if (cluster < 0) return isDark() ? "#777d86" : "#a9adb3";
    const color = data.colors[indexOf(cluster) % data.colors.length];
    if (isDark() && color === "#000000") return "#f4f4f4";
    if (isDark() && color === "#0072B2") return "#3d9be0";
    if (isDark() && color === "#882255") return "#c0508a";
    return color;
  }
  function indexOf(cluster) {
    if (!order.size) data.clusters.filter((c) => c >= 0).forEach((c, i) => order.set(c, i));
    return order.get(cluster) ?? order.size + cluster - Math.max(-1, ...data.clusters) - 1;
  }
  const markerOf = (cluster) => cluster < 0 ? 6 : Math.floor(indexOf(cluster) / data.colors.length) % 6;
  // Circle, square, triangle, diamond, triangle upside down, plus; a cross for noise.
  function mark(context, marker, x, y, r) {
    const polygon = (...points) => {
      context.moveTo(x + points[0] * r, y + points[1] * r);
      for (let i = 2; i < points.length; i += 2) context.lineTo(x + points[i] * r, y + points[i + 1] * r);
      context.closePath();
    };
    const w = 0.38;
    if (marker === 0) { context.moveTo(x + r, y); context.arc(x, y, r, 0, 2 * Math.PI); }
    else if (marker === 1) context.rect(x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r);
    else if (marker === 2) polygon(0, -1.2, 1.1, 0.8, -1.1, 0.8);
    else if (marker === 3) polygon(0, -1.25, 1.1, 0, 0, 1.25, -1.1, 0);
    else if (marker === 4) polygon(0, 1.2, 1.1, -0.8, -1.1, -0.8);
    else if (marker === 5) polygon(-w, -1.1, w, -1.1, w, -w, 1.1, -w, 1.1, w, w, w, w, 1.1, -w, 1.1, -w, w, -1.1, w, -1.1, -w, -w, -w);
    else polygon(-1, -0.7, -0.7, -1, 0, -0.3, 0.7, -1, 1, -0.7, 0.3, 0, 1, 0.7, 0.7, 1, 0, 0.3, -0.7, 1, -1, 0.7, -0.3, 0);
  }
  // The third of the samples that are least certain is faintest: shares, because some
  // methods give small values to all.
  const known = shown.map((sample) => data.confidence[sample]).filter((c) => c !== null).sort((a, b) => a - b);
  const thirds = [known[Math.floor(known.length / 3)] ?? 0, known[Math.floor(2 * known.length / 3)] ?? 0];
  const binOf = (confidence) => confidence === null ? 0 : confidence < thirds[0] ? 0 : confidence < thirds[1] ? 1 : 2;
  const radius = () => {
    const room = Math.sqrt(view.width * view.height / Math.max(shown.length, 1));
    return Math.max(1.8, Math.min(7, 0.13 * room + 0.9)) * Math.min(2.2, Math.sqrt(view.scale / view.all));
  };

  function fit() {
    const pad = 26;
    const span = [Math.max(high[0] - low[0], 1), Math.max(high[1] - low[1], 1)];
    view.all = Math.min((view.width - 2 * pad) / span[0], (view.height - 2 * pad) / span[1]);
    view.scale = view.all;
    view.x = view.width / 2 - view.scale * (low[0] + high[0]) / 2;
    view.y = view.height / 2 - view.scale * (low[1] + high[1]) / 2;
  }
  // A wide cloud of points gets a low panel, so that little of it is empty.
  const flatness = Math.max(0.55, Math.min(1.15, (high[1] - low[1] + 1) / (high[0] - low[0] + 1)));
  function resize() {
    mapBox.style.aspectRatio = String(1 / flatness);
    const box = mapBox.getBoundingClientRect();
    if (!box.width || !box.height) return;
    view.ratio = Math.min(2, window.devicePixelRatio || 1);
    view.width = box.width; view.height = box.height;
    for (const canvas of [base, overlay]) {
      canvas.width = Math.round(box.width * view.ratio);
      canvas.height = Math.round(box.height * view.ratio);
    }
    fit();
    drawPoints();
  }
  function contextOf(canvas) {
    const context = canvas.getContext("2d");
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    return context;
  }
  function drawPoints() {
    const context = contextOf(base), r = radius(), groups = new Map();
    for (let at = 0; at < shown.length; at++) {
      const isOut = (selected.size && !selected.has(shown[at])) || (highlighted !== null && highlighted !== current[at]);
      const key = current[at] * 4 + (isOut ? 3 : binOf(data.confidence[shown[at]]));
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(at);
    }
    context.lineWidth = 0.6;
    const isOver = ([a], [b]) => (a & 3) === 3 ? -1 : (b & 3) === 3 ? 1 : 0; // faint ones are below
    for (const [key, points] of [...groups].sort(isOver)) {
      const cluster = Math.floor(key / 4), bin = key - 4 * cluster;
      context.globalAlpha = [0.55, 0.78, 0.95, 0.2][bin] * (cluster === REJECTED ? 0.6 : 1);
      context.fillStyle = colorOf(cluster);
      context.strokeStyle = isDark() ? "rgba(0,0,0,.55)" : "rgba(0,0,0,.38)";
      const marker = markerOf(cluster);
      context.beginPath();
      for (const at of points) {
        const [x, y] = toScreen(at);
        if (x > -9 && y > -9 && x < view.width + 9 && y < view.height + 9) mark(context, marker, x, y, r);
      }
      context.fill();
      if (r > 2.2) context.stroke();
    }
    context.globalAlpha = 1;
    placeNames(context);
    drawOverlay();
  }
  // Names where a cluster is densest, if there is room.
  const N_CELLS = 24;  // of a side of the map
  const NAME_FONT = "600 12px system-ui, sans-serif";
  let names = [];
  function placeNames(context) {
    const clusters = [...members.keys()].filter((c) => c >= 0 && (highlighted === null || highlighted === c))
      .sort((a, b) => members.get(b).length - members.get(a).length);
    context.font = NAME_FONT;
    names = [];
    for (const cluster of clusters) {
      const [cx, cy] = toScreen(middleOf(cluster));
      const name = state.names[cluster] ?? String(cluster);
      const text = name.length > 22 ? name.slice(0, 21) + "…" : name;
      const half = context.measureText(text).width / 2 + 3;
      for (const [dx, dy] of [[0, 0], [0, -14], [0, 14], [half, 0], [-half, 0], [half, -14], [-half, 14]]) {
        const x = Math.max(half, Math.min(view.width - half, cx + dx)), y = cy + dy;
        const isTaken = names.some((b) => Math.abs(b.x - x) < b.half + half && Math.abs(b.y - y) < 16);
        if (!isTaken) { names.push({ text, x, y, half }); break; }
      }
    }
  }
  // The middle of a cluster's fullest square of 3 x 3 cells: a sample of it. The mean of a
  // cluster in several pieces lies between them.
  function middleOf(cluster) {
    const own = members.get(cluster).map((sample) => place.get(sample));
    const cell = Math.max(high[0] - low[0], high[1] - low[1]) / N_CELLS || 1;
    const column = (at) => Math.floor((X[at] - low[0]) / cell);
    const row = (at) => Math.floor((Y[at] - low[1]) / cell);
    const counts = new Map();
    const key = (i, j) => 1000 * (i + 1) + j + 1;
    for (const at of own) counts.set(key(column(at), row(at)), (counts.get(key(column(at), row(at))) ?? 0) + 1);
    let [fullest, most] = [own[0], 0];
    for (const at of own) {
      let n = counts.get(key(column(at), row(at)));  // the cell itself counts twice
      for (const i of [-1, 0, 1]) for (const j of [-1, 0, 1]) n += counts.get(key(column(at) + i, row(at) + j)) ?? 0;
      if (n > most) { most = n; fullest = at; }
    }
    const near = own.filter((at) => Math.abs(column(at) - column(fullest)) < 2 && Math.abs(row(at) - row(fullest)) < 2);
    return nearestToMean(near);
  }
  function nearestToMean(own) {
    let [x, y, best, least] = [0, 0, own[0], Infinity];
    for (const at of own) { x += X[at] / own.length; y += Y[at] / own.length; }
    for (const at of own) {
      const d = (X[at] - x) ** 2 + (Y[at] - y) ** 2;
      if (d < least) { least = d; best = at; }
    }
    return best;
  }
  function writeNames(context, ink, paper) {
    context.font = NAME_FONT;
    context.textAlign = "center"; context.textBaseline = "middle"; context.lineJoin = "round";
    context.lineWidth = 4; context.strokeStyle = paper; context.fillStyle = ink;
    for (const { text, x, y } of names) { context.strokeText(text, x, y); context.fillText(text, x, y); }
  }
  let isWaiting = false;
  function drawOverlay() {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => { isWaiting = false; drawOverlayNow(); });
  }
  function drawOverlayNow() {
    const context = contextOf(overlay), r = radius();
    const style = getComputedStyle(document.documentElement), accent = style.getPropertyValue("--accent");
    const ink = printing ? "#000" : style.getPropertyValue("--ink"), paper = printing ? "#fff" : style.getPropertyValue("--card");
    context.strokeStyle = ink; context.lineWidth = 1.4;
    context.beginPath();
    // Rings of many samples would cover them; those are told by the others' faintness.
    for (const sample of selected.size > 150 ? [] : selected) {
      const at = place.get(sample);
      if (at === undefined) continue;
      const [x, y] = toScreen(at);
      context.moveTo(x + r + 1, y); context.arc(x, y, r + 1, 0, 2 * Math.PI);
    }
    context.stroke();
    writeNames(context, ink, paper);
    context.strokeStyle = accent;
    if (focused >= 0) {
      const [x, y] = toScreen(focused);
      context.lineWidth = 3; context.beginPath(); context.arc(x, y, r + 5, 0, 2 * Math.PI); context.stroke();
    }
    if (lasso && lasso.length > 1) {
      context.beginPath();
      lasso.forEach(([x, y], i) => i ? context.lineTo(x, y) : context.moveTo(x, y));
      context.globalAlpha = 0.15; context.fillStyle = accent; context.fill();
      context.globalAlpha = 1; context.lineWidth = 2; context.setLineDash([6, 4]); context.stroke(); context.setLineDash([]);
    }
  }
  function nearestTo(x, y, reach) {
    let best = -1, least = reach * reach;
    for (let at = 0; at < shown.length; at++) {
      const dx = X[at] * view.scale + view.x - x, dy = Y[at] * view.scale + view.y - y, d = dx * dx + dy * dy;
      if (d < least) { least = d; best = at; }
    }
    return best;
  }
  function inside(polygon) {
    const found = [];
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const [x, y] of polygon) { x0 = Math.min(x0, x); y0 = Math.min(y0, y); x1 = Math.max(x1, x); y1 = Math.max(y1, y); }
    for (let at = 0; at < shown.length; at++) {
      const [x, y] = toScreen(at);
      if (x < x0 || x > x1 || y < y0 || y > y1) continue;
      let isIn = false;
      for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
        const [ax, ay] = polygon[i], [bx, by] = polygon[j];
        if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) isIn = !isIn;
      }
      if (isIn) found.push(shown[at]);
    }
    return found;
  }
  function zoom(factor, x = view.width / 2, y = view.height / 2) {
    const scale = Math.max(view.all * 0.8, Math.min(view.all * 40, view.scale * factor));
    view.x = x - (x - view.x) * scale / view.scale;
    view.y = y - (y - view.y) * scale / view.scale;
    view.scale = scale;
    hideTip();
    drawPoints();
  }
  function setTool(name) {
    tool = name;
    byId("tool-lasso").setAttribute("aria-pressed", String(name === "lasso"));
    byId("tool-move").setAttribute("aria-pressed", String(name === "move"));
    overlay.classList.toggle("moving", name === "move");
  }
  const positionIn = (event) => {
    const box = overlay.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  let drag = null;
  overlay.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    overlay.setPointerCapture(event.pointerId);
    const [x, y] = positionIn(event);
    drag = { x, y, moved: false };
    if (tool === "lasso") lasso = [[x, y]];
    hideTip();
  });
  overlay.addEventListener("pointermove", (event) => {
    const [x, y] = positionIn(event);
    if (!drag) return hover(nearestTo(x, y, 14), event);
    if (Math.hypot(x - drag.x, y - drag.y) > 4) drag.moved = true;
    if (tool === "move") {
      view.x += event.movementX; view.y += event.movementY;
      drawPoints();
    } else {
      const [lastX, lastY] = lasso[lasso.length - 1];
      if (Math.hypot(x - lastX, y - lastY) > 2) lasso.push([x, y]);
      drawOverlay();
    }
  });
  overlay.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const [x, y] = positionIn(event);
    const polygon = lasso, wasMoved = drag.moved;
    drag = lasso = null;
    if (!wasMoved) {
      const at = nearestTo(x, y, 14);
      if (at >= 0) { focused = at; toggle([shown[at]], event.shiftKey || event.ctrlKey || event.metaKey); }
      else if (!event.shiftKey) clearSelection();
    } else if (polygon) {
      const found = inside(polygon);
      select(found, event.shiftKey);
      say(found.length ? count(found.length, "sample") + " in the lasso." : "The lasso has no sample in it.");
    }
    drawOverlay();
  });
  overlay.addEventListener("pointercancel", () => { drag = lasso = null; drawOverlay(); });
  overlay.addEventListener("pointerleave", hideTip);
  overlay.addEventListener("dblclick", (event) => {
    const at = nearestTo(...positionIn(event), 14);
    if (at >= 0) openSample(shown[at]);
  });
  overlay.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey && tool !== "move") return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), ...positionIn(event));
  }, { passive: false });
  overlay.addEventListener("blur", () => { focused = -1; hideTip(); drawOverlay(); });
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  overlay.addEventListener("keydown", (event) => {
    if (event.key in ARROWS) {
      event.preventDefault();
      if (focused < 0) focused = nearestTo(view.width / 2, view.height / 2, Infinity);
      else focused = next(focused, ...ARROWS[event.key]);
      showFocused();
    } else if (event.key === " " && focused >= 0) {
      event.preventDefault();
      toggle([shown[focused]], true);
    } else if (event.key === "Enter" && focused >= 0) openSample(shown[focused]);
    else if (event.key === "+" || event.key === "=") zoom(1.4);
    else if (event.key === "-") zoom(1 / 1.4);
    else if (event.key === "0") { fit(); drawPoints(); }
  });
  // The nearest sample in a direction; what lies aside counts twice.
  function next(from, dx, dy) {
    const [x, y] = toScreen(from);
    let best = from, least = Infinity;
    for (let at = 0; at < shown.length; at++) {
      if (at === from) continue;
      const [px, py] = toScreen(at);
      const along = (px - x) * dx + (py - y) * dy, aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
      if (along > 0.5 && along + 2 * aside < least) { least = along + 2 * aside; best = at; }
    }
    return best;
  }
  function showFocused() {
    if (focused < 0) return;
    let [x, y] = toScreen(focused);
    if (x < 0 || y < 0 || x > view.width || y > view.height) {
      view.x += view.width / 2 - x; view.y += view.height / 2 - y;
      [x, y] = toScreen(focused);
      drawPoints();
    }
    const box = overlay.getBoundingClientRect(), sample = shown[focused];
    showTip(sample, box.left + x, box.top + y);
    say(`${titleOf(sample)}: ${describe(sample)}`);
    drawOverlay();
  }

  // -- the box at the pointer ----------------------------------------------------------
  const tip = byId("tip");
  function hover(at, event) {
    if (at < 0) return hideTip();
    showTip(shown[at], event.clientX, event.clientY);
  }
  function showTip(sample, x, y) {
    if (tip.hidden || tip.dataset.sample !== String(sample)) {
      const texts = make("div", {}, make("p", {}, titleOf(sample)), make("p", { class: "number" }, describe(sample)));
      tip.replaceChildren(...(thumbs ? [bigThumb(sample, 112)] : []), texts);
      tip.dataset.sample = String(sample);
      tip.hidden = false;
    }
    const box = tip.getBoundingClientRect(), gap = 16;
    const left = x + gap + box.width > innerWidth ? x - gap - box.width : x + gap;
    const top = y + gap + box.height > innerHeight ? y - gap - box.height : y + gap;
    tip.style.left = Math.max(4, Math.min(left, innerWidth - box.width - 4)) + "px";
    tip.style.top = Math.max(4, top) + "px";
  }
  function hideTip() { tip.hidden = true; }
  function bigThumb(sample, side) {
    const at = place.get(sample);
    if (at === undefined) return "";
    const element = make("div", { class: "thumb", role: "img", "aria-label": titleOf(sample) });
    paint(element, at, side);
    lightUp(element);
    return element;
  }

  // -- selection -----------------------------------------------------------------------
  function select(samples, isAdded) {
    if (!isAdded) selected.clear();
    for (const sample of samples) selected.add(sample);
    showSelection();
  }
  function toggle(samples, isAdded) {
    for (const sample of samples) {
      if (selected.has(sample)) selected.delete(sample);
      else { if (!isAdded) selected.clear(); selected.add(sample); }
    }
    showSelection();
  }
  function clearSelection() {
    if (!selected.size && !ticked.size) return;
    selected.clear(); ticked.clear();
    showSelection();
  }
  function showSelection() {
    for (const element of document.querySelectorAll("#cards [data-sample]")) {
      element.setAttribute("aria-pressed", String(selected.has(Number(element.dataset.sample))));
    }
    for (const card of document.querySelectorAll(".card[data-cluster]")) {
      const isTicked = ticked.has(Number(card.dataset.cluster)), box = card.querySelector("input[type=checkbox]");
      card.classList.toggle("ticked", isTicked);
      if (box) box.checked = isTicked;
    }
    showTray();
    drawPoints();
  }
  const tray = byId("tray");
  function showTray() {
    const focus = document.activeElement && tray.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    tray.hidden = !selected.size && !ticked.size;
    tray.replaceChildren();
    if (ticked.size) tray.append(tickedRow());
    if (selected.size) tray.append(selectedRow(), strip());
    document.body.style.paddingBottom = tray.hidden ? "" : tray.offsetHeight + 24 + "px";
    if (focus) tray.querySelector(`[data-key="${focus}"]`)?.focus();
  }
  function tickedRow() {
    const clusters = [...ticked];
    return make("div", { class: "tray-row", role: "group", "aria-label": "Ticked clusters" },
      make("b", {}, count(clusters.length, "cluster") + " ticked"),
      button("Merge", () => merge(clusters), { class: "primary", disabled: clusters.length < 2, dataset: { key: "merge" } }),
      button("Reject", () => rejectClusters(clusters), { dataset: { key: "reject-clusters" } }),
      button("Select samples", () => { ticked.clear(); select(clusters.flatMap((c) => members.get(c) ?? []), false); }, { dataset: { key: "select" } }),
      button("Clear", () => { ticked.clear(); showSelection(); }, { dataset: { key: "untick" } }));
  }
  function selectedRow() {
    const samples = [...selected];
    const choice = make("select", { id: "move-to", "aria-label": "Move the selection to", dataset: { key: "move" }, on: {
      change: (event) => {
        if (event.target.value === "") return;
        const target = Number(event.target.value);
        moveTo(samples, target);
        clearSelection();
      } } },
      make("option", { value: "" }, "Move to…"),
      ...liveClusters().map((c) => make("option", { value: String(c) }, nameOf(c))));
    const canRestore = samples.some((s) => s in state.samples);
    return make("div", { class: "tray-row", role: "group", "aria-label": "Selected samples" },
      make("b", {}, count(samples.length, "sample") + " selected"),
      choice,
      button("New cluster", () => moveToNew(samples), { dataset: { key: "new" } }),
      button("Reject", () => rejectSelected(), { dataset: { key: "reject" } }),
      canRestore ? button("Put back", () => { moveTo(samples.filter((s) => s in state.samples), null); clearSelection(); }, { dataset: { key: "restore" } }) : null,
      button("Clear", clearSelection, { dataset: { key: "clear" } }));
  }
  function rejectSelected() {
    moveTo([...selected], REJECTED);
    clearSelection();
  }
  function strip() {
    const samples = [...selected].slice(0, MOST_IN_TRAY);
    const row = make("div", { class: "strip gallery", role: "group", "aria-label": "Selection" },
      ...samples.map((sample) => sampleButton(sample, Math.min(SIDE, 56))));
    if (selected.size > samples.length) row.append(make("span", { class: "number" }, `and ${(selected.size - samples.length).toLocaleString("en")} more`));
    rove(row);
    lit(row);
    return row;
  }

  // -- galleries: one stop for the tab key, arrows inside ------------------------------
  function rove(gallery) {
    const first = gallery.querySelector("[data-sample]");
    if (first) first.tabIndex = 0;
  }
  document.addEventListener("keydown", (event) => {
    const here = event.target.closest?.(".gallery [data-sample]");
    if (!here) return;
    if (event.key === "Enter") { event.preventDefault(); return openSample(Number(here.dataset.sample)); }
    if (!(event.key in ARROWS) && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    const all = [...here.closest(".gallery").querySelectorAll("[data-sample]")], i = all.indexOf(here);
    let goal = i;
    if (event.key === "Home") goal = 0;
    else if (event.key === "End") goal = all.length - 1;
    else if (ARROWS[event.key][0]) goal = i + ARROWS[event.key][0];
    else goal = rowStep(all, i, ARROWS[event.key][1]);
    const target = all[Math.max(0, Math.min(all.length - 1, goal))];
    here.tabIndex = -1; target.tabIndex = 0; target.focus();
  });
  function rowStep(all, i, direction) {
    const box = all[i].getBoundingClientRect();
    const rows = all.map((each, at) => [at, each.getBoundingClientRect()])
      .filter(([, other]) => direction * (other.top - box.top) > 2);
    if (!rows.length) return i;
    const top = rows.reduce((best, [, other]) => direction * (best - other.top) < 0 ? best : other.top, rows[0][1].top);
    return rows.filter(([, other]) => Math.abs(other.top - top) < 2)
      .sort((a, b) => Math.abs(a[1].left - box.left) - Math.abs(b[1].left - box.left))[0][0];
  }
  document.addEventListener("click", (event) => {
    const here = event.target.closest?.(".gallery [data-sample]");
    if (!here) return;
    const sample = Number(here.dataset.sample);
    const isInTray = tray.contains(here);
    toggle([sample], true);
    if (isInTray) hideTip();
  });
  document.addEventListener("dblclick", (event) => {
    const here = event.target.closest?.(".gallery [data-sample]");
    if (here) openSample(Number(here.dataset.sample));
  });
  document.addEventListener("pointerover", (event) => {
    const here = event.target.closest?.(".gallery [data-sample]");
    if (here && event.pointerType !== "touch") showTip(Number(here.dataset.sample), event.clientX, event.clientY);
    else if (!event.target.closest?.("#overlay")) hideTip();
  });
  window.addEventListener("scroll", hideTip, { passive: true });

  // -- cards ---------------------------------------------------------------------------
  const cards = new Map(), looks = new Map();
  const TABS = [["nearest", "Nearest"], ["random", "Random"], ["uncertain", "Least certain"], ["border", "Near another"]];
  const lookOf = (cluster) => {
    if (!looks.has(cluster)) looks.set(cluster, { tab: "nearest", neighbour: null, limit: PAGE });
    return looks.get(cluster);
  };
  // A shuffle that is the same at every visit.
  const shuffled = (sample) => { let h = Math.imul(sample ^ 0x9e3779b9, 0x85ebca6b); h ^= h >>> 13; return Math.imul(h, 0xc2b2ae35) >>> 0; };
  const orLast = (value) => value === null ? Infinity : value;
  function neighboursOf(cluster) {
    const found = new Map();
    for (const sample of members.get(cluster) ?? []) {
      const second = secondOf(sample);
      if (second >= 0) found.set(second, (found.get(second) ?? 0) + 1);
    }
    return [...found].sort((a, b) => b[1] - a[1]);
  }
  function sorted(cluster, look) {
    const own = [...(members.get(cluster) ?? [])];
    // Samples moved here by hand have the distance to another centre: they come first.
    const near = (s) => s in state.samples ? -1 : orLast(data.distance[s]);
    if (look.tab === "nearest") return own.sort((a, b) => near(a) - near(b));
    if (look.tab === "random") return own.sort((a, b) => shuffled(a) - shuffled(b));
    if (look.tab === "uncertain") return own.sort((a, b) => orLast(data.confidence[a]) - orLast(data.confidence[b]));
    const gap = (s) => (data.confidence[s] ?? 1) - (data.secondConfidence ? data.secondConfidence[s] : 0);
    return own.filter((s) => secondOf(s) === look.neighbour).sort((a, b) => gap(a) - gap(b));
  }
  function signatureOf(cluster) {
    const own = members.get(cluster) ?? [];
    let hash = own.length;
    for (const sample of own) hash = (Math.imul(hash, 31) + sample * 2 + (sample in state.samples ? 1 : 0)) | 0;
    const names = partsOf(cluster).map(nameOf).concat(neighboursOf(cluster).map(([c]) => nameOf(c)));
    return JSON.stringify([hash, sizes.get(cluster) ?? 0, nameOf(cluster), names, lookOf(cluster), isDark()]);
  }
  function swatch(cluster) {
    const canvas = make("canvas", { class: "swatch", "aria-hidden": "true" });
    canvas.width = canvas.height = 40;
    const context = canvas.getContext("2d");
    context.fillStyle = colorOf(cluster); context.strokeStyle = isDark() ? "#000" : "rgba(0,0,0,.45)"; context.lineWidth = 1.5;
    context.beginPath(); mark(context, markerOf(cluster), 20, 20, 13); context.fill(); context.stroke();
    return canvas;
  }
  function cardHead(cluster) {
    const size = sizes.get(cluster) ?? 0, confidence = meanConfidence(cluster);
    const head = make("div", { class: "card-head" });
    if (cluster >= 0) {
      head.append(make("input", { type: "checkbox", checked: ticked.has(cluster), "aria-label": `Tick ${nameOf(cluster)}`, dataset: { key: "tick" }, on: {
        change: (event) => { event.target.checked ? ticked.add(cluster) : ticked.delete(cluster); showSelection(); } } }));
    }
    head.append(swatch(cluster));
    if (cluster >= 0) {
      head.append(make("input", { type: "text", class: "name", value: nameOf(cluster), "aria-label": `Name of cluster ${cluster}`, maxlength: "200", spellcheck: "false", autocomplete: "off", dataset: { key: "name" }, on: {
        focus: (event) => event.target.select(),
        // Later: the focus must have arrived where it goes before the card is made again.
        change: (event) => { const text = event.target.value; setTimeout(() => rename(cluster, text)); },
        keydown: (event) => {
          if (event.key === "Enter") rename(cluster, event.target.value);
          if (event.key === "Escape") { event.target.value = nameOf(cluster); event.target.blur(); }
        } } }));
    } else head.append(make("b", { class: "name" }, nameOf(cluster)));
    head.append(make("span", { class: "number" }, (cluster >= 0 && cluster in state.names ? `no. ${cluster} · ` : "") + count(size, "sample")));
    if (confidence !== null && cluster >= 0) {
      const bar = make("i", { style: { width: 100 * Math.max(0, Math.min(1, confidence)) + "%" } });
      head.append(make("span", { class: "number", title: `mean ${data.confidenceName}, see the facts` }, `${data.confidenceName} ${number(confidence)}`, make("span", { class: "bar", "aria-hidden": "true" }, bar)));
    }
    const centre = data.clusters.indexOf(cluster);
    if (thumbs && cluster >= 0 && cluster < data.centres && centre >= 0) {
      const image = make("span", { class: "centre", role: "img", "aria-label": `Decoded centre of cluster ${cluster}`, title: "decoded centre" });
      paint(image, shown.length + cluster, 40);
      head.append(image);
    }
    return head;
  }
  function partsRow(cluster) {
    const parts = cluster === REJECTED ? allClusters().filter((c) => rootOf(c) === REJECTED) : partsOf(cluster);
    if (!parts.length) return null;
    return make("div", { class: "parts" }, cluster === REJECTED ? "Rejected clusters:" : "With:",
      ...parts.map((c) => button(`${nameOf(c)} ×`, () => separate(c), { class: "quiet", "aria-label": `Separate ${nameOf(c)}`, dataset: { key: "part" + c } })));
  }
  function tabRow(cluster, look, gallery) {
    const neighbours = neighboursOf(cluster);
    const tabs = TABS.filter(([key]) => key !== "border" || neighbours.length);
    return make("div", { class: "tabs", role: "tablist", "aria-label": `Samples of ${nameOf(cluster)}` },
      ...tabs.map(([key, title]) => button(title, () => show(cluster, { tab: key, limit: PAGE, neighbour: neighbours[0]?.[0] ?? null }), {
        role: "tab", id: `tab-${cluster}-${key}`, "aria-selected": String(look.tab === key), "aria-controls": gallery.id,
        tabindex: look.tab === key ? "0" : "-1", dataset: { key: "tab" + key } })));
  }
  function show(cluster, change) {
    Object.assign(lookOf(cluster), change);
    fillCard(cluster);
  }
  function galleryOf(cluster, look) {
    const gallery = make("div", { class: "gallery", id: `gallery-${cluster}`, role: "tabpanel", "aria-labelledby": `tab-${cluster}-${look.tab}` });
    const own = sorted(cluster, look);
    if (!own.length) gallery.append(make("p", {}, sizes.get(cluster) ? "Its samples are not among those shown." : "Empty."));
    for (const sample of own.slice(0, look.limit)) gallery.append(sampleButton(sample));
    if (own.length > look.limit) {
      gallery.append(button(`${(own.length - look.limit).toLocaleString("en")} more`, () => show(cluster, { limit: look.limit + MORE }), { class: "quiet more", dataset: { key: "more" } }));
    }
    rove(gallery);
    return gallery;
  }
  function neighbourRow(cluster, look) {
    if (look.tab !== "border") return null;
    const neighbours = neighboursOf(cluster).slice(0, 8);
    if (!neighbours.some(([c]) => c === look.neighbour)) look.neighbour = neighbours[0]?.[0] ?? null;
    return make("div", { class: "neighbours", role: "group", "aria-label": "Neighbouring cluster" },
      ...neighbours.map(([c, n]) => button(`${nameOf(c)} (${n})`, () => show(cluster, { neighbour: c, limit: PAGE }),
        { "aria-pressed": String(c === look.neighbour), dataset: { key: "near" + c } })),
      look.neighbour === null ? null : button(`Merge with ${nameOf(look.neighbour)}`, () => merge([cluster, look.neighbour]), { class: "quiet", dataset: { key: "merge-near" } }));
  }
  function profileOf(cluster) {
    if (!data.profiles) return [];
    return [cluster, ...partsOf(cluster)].filter((c) => data.profiles[c]?.length).map((c, _, all) => profileTable(c, all.length > 1));
  }
  function profileTable(cluster, hasTitle) {
    const rows = data.profiles[cluster];
    const most = Math.max(1, ...rows.map((row) => Math.abs(row.effect)));
    const body = make("tbody", {}, ...rows.map((row) => {
      const share = 50 * Math.abs(row.effect) / most;
      const bar = make("i", { class: row.effect < 0 ? "low" : "", style: { width: share + "%", left: (row.effect < 0 ? 50 - share : 50) + "%" } });
      return make("tr", {}, make("th", { scope: "row", title: row.column }, row.column),
        make("td", {}, make("div", { class: "effect", role: "img", "aria-label": `effect ${number(row.effect)}` }, bar)),
        make("td", { class: "values" }, `${row.inside} | ${row.outside}`));
    }));
    const caption = hasTitle ? `part: cluster ${cluster}` : "column";
    return make("table", { class: "profile" }, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, caption),
      make("td", {}, "lower — effect — higher"), make("td", { class: "values" }, "cluster | others"))), body);
  }

  function fillCard(cluster) {
    const card = cards.get(cluster), look = lookOf(cluster);
    const key = card.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const sample = card.contains(document.activeElement) ? document.activeElement.dataset.sample : null;
    const border = neighbourRow(cluster, look), gallery = galleryOf(cluster, look);
    const size = sizes.get(cluster) ?? 0;
    card.replaceChildren(cardHead(cluster), ...[partsRow(cluster)].filter(Boolean), ...profileOf(cluster),
      ...(size ? [tabRow(cluster, look, gallery)] : []), ...(border ? [border] : []), ...(size ? [gallery] : [make("p", { class: "caption" }, "Empty.")]));
    card.dataset.signature = signatureOf(cluster);
    if (key) card.querySelector(`[data-key="${key}"]`)?.focus();
    else if (sample) card.querySelector(`[data-sample="${sample}"]`)?.focus();
    nearView.unobserve(card); nearView.observe(card);
  }
  function showCards() {
    const clusters = liveClusters().sort(SORTS[byId("sort").value]);
    if (sizes.get(NOISE)) clusters.push(NOISE);
    if (sizes.get(REJECTED) || allClusters().some((c) => rootOf(c) === REJECTED)) clusters.push(REJECTED);
    const box = byId("cards");
    for (const [cluster, card] of cards) if (!clusters.includes(cluster)) { card.remove(); cards.delete(cluster); }
    clusters.forEach((cluster, i) => {
      if (!cards.has(cluster)) {
        const name = cluster < 0 ? nameOf(cluster) : "cluster " + cluster;
        cards.set(cluster, make("article", { class: "card" + (cluster < 0 ? " out" : ""), dataset: { cluster: String(cluster) }, "aria-label": name, on: {
          pointerenter: () => light(cluster), pointerleave: () => light(null),
          focusin: () => light(cluster), focusout: () => light(null) } }));
      }
      const card = cards.get(cluster);
      if (card.dataset.signature !== signatureOf(cluster)) fillCard(cluster);
      if (box.children[i] !== card) box.insertBefore(card, box.children[i] ?? null);
    });
    byId("clusters-title").textContent = `${liveClusters().length} clusters`;
  }
  const SORTS = {
    number: (a, b) => a - b,
    size: (a, b) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0) || a - b,
    certain: (a, b) => (meanConfidence(b) ?? -1) - (meanConfidence(a) ?? -1) || a - b,
    uncertain: (a, b) => (meanConfidence(a) ?? 2) - (meanConfidence(b) ?? 2) || a - b,
    name: (a, b) => nameOf(a).localeCompare(nameOf(b), "en", { numeric: true }),
  };
  let lightLater = 0;
  function light(cluster) {
    clearTimeout(lightLater);
    lightLater = setTimeout(() => {
      if (highlighted === cluster) return;
      highlighted = cluster;
      drawPoints();
    }, 60);
  }
  function focusCard(cluster, isName = false) {
    const card = cards.get(cluster);
    if (!card) return;
    card.scrollIntoView({ block: "nearest" });
    card.querySelector(isName ? "input.name" : "[data-key]")?.focus({ preventScroll: true });
  }
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[role=tab]");
    if (!tab || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const all = [...tab.parentElement.children], i = all.indexOf(tab);
    const goal = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : (i + (event.key === "ArrowRight" ? 1 : -1) + all.length) % all.length;
    all[goal].focus();
    all[goal].click();
  });

  // -- suggestions ---------------------------------------------------------------------
  function showSuggestions() {
    const pairs = data.suggestions.map(([a, b, share]) => [rootOf(a), rootOf(b), share]).filter(([a, b]) => a !== b && a >= 0 && b >= 0);
    const unique = pairs.filter(([a, b], i) => pairs.findIndex(([c, d]) => (a === c && b === d) || (a === d && b === c)) === i);
    const box = byId("suggestions");
    box.replaceChildren();
    if (!unique.length) return;
    box.append(make("h3", {}, "Perhaps one cluster"), make("ul", { class: "suggestions" }, ...unique.slice(0, 4).map(([a, b, share]) =>
      make("li", {}, make("span", { class: "pair" }, `${nameOf(a)} and ${nameOf(b)}`),
        make("span", { class: "share", title: "what the members give to the other cluster, as a share of what they give to their own" }, `overlap ${Math.round(100 * share)} %`),
        button("Show", () => selectBetween(a, b), { class: "quiet", "aria-label": `Show the samples between ${nameOf(a)} and ${nameOf(b)}` }),
        button("Merge", () => merge([a, b]), { class: "quiet", "aria-label": `Merge ${nameOf(a)} and ${nameOf(b)}` })))));
  }
  // Samples of either cluster whose second choice is the other one.
  function selectBetween(a, b) {
    const pick = (own, other) => (members.get(own) ?? []).filter((sample) => secondOf(sample) === other);
    const found = [...pick(a, b), ...pick(b, a)];
    select(found, false);
    say(`${count(found.length, "sample")} between ${nameOf(a)} and ${nameOf(b)}.`);
  }

  // -- details of a sample -------------------------------------------------------------
  function openSample(sample) {
    hideTip();
    const dialog = byId("sample"), link = linkOf(sample);
    dialog.replaceChildren(...[
      make("h2", { id: "sample-title" }, titleOf(sample)),
      thumbs ? bigThumb(sample, 240) : null,
      make("p", {}, describe(sample)),
      make("p", { class: "caption" }, `Sample ${sample}; distance to the centre ${number(data.distance[sample], 3)}.`),
      make("div", { class: "row" },
        link ? make("a", { href: link, target: "_blank", rel: "noopener" }, "Open the original") : null,
        button(selected.has(sample) ? "Take out of the selection" : "Select", () => { toggle([sample], true); dialog.close(); }),
        button("Close", () => dialog.close(), { class: "primary" })),
    ].filter(Boolean));
    dialog.showModal();
  }

  // -- search --------------------------------------------------------------------------
  function search() {
    const text = byId("search").value.trim().toLowerCase();
    if (!text) return;
    const found = shown.filter((sample) => data.paths ? pathOf(sample).toLowerCase().includes(text) || String(sample) === text : String(sample) === text);
    select(found, false);
    say(found.length ? count(found.length, "sample") + ` found for “${text}”.` : `No sample that is shown has “${text}” in its path.`);
  }

  // -- exports -------------------------------------------------------------------------
  const FORMULA = /^[=+\-@\t\r\n]/;
  function cell(text) { return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text; }
  const safePath = (text) => FORMULA.test(text) ? "./" + text : text;
  const safeName = (text) => FORMULA.test(text) ? "'" + text : text;
  function editedWord(sample, merged) {
    const cluster = clusterOf(sample);
    if (cluster === REJECTED) return "rejected";
    if (ownCluster(sample) !== data.labels[sample]) return "moved";
    if (merged.has(cluster)) return "merged";
    return cluster in state.names ? "renamed" : "";
  }
  function labelsCsv() {
    const merged = new Set(allClusters().filter((c) => rootOf(c) !== c).map(rootOf));
    const rows = [(data.paths ? "path" : "sample") + ",cluster,name,confidence,second_choice,edited"];
    for (let sample = 0; sample < nSamples; sample++) {
      const cluster = clusterOf(sample);
      rows.push([
        cell(data.paths ? safePath(pathOf(sample)) : String(sample)), Math.max(cluster, NOISE), cell(safeName(nameOf(cluster))),
        data.confidence[sample] ?? "", secondOf(sample), editedWord(sample, merged),
      ].join(","));
    }
    return rows.join("\n") + "\n";
  }
  function editsJson() {
    const clusters = {};
    const entry = (cluster) => clusters[cluster] ??= {};
    for (const cluster of Object.keys(state.created)) entry(cluster).created = true;
    for (const [cluster, name] of Object.entries(state.names)) entry(cluster).name = name;
    for (const [cluster, target] of Object.entries(state.into)) {
      if (target === REJECTED) entry(cluster).rejected = true;
      else entry(cluster).merged_into = target;
    }
    const samples = {};
    for (const [sample, target] of Object.entries(state.samples)) samples[sample] = target === REJECTED ? null : target;
    return JSON.stringify({ format: "skdeepclust edits", version: data.version, report: data.report, written: new Date().toISOString(), clusters, samples }, null, 1) + "\n";
  }
  function save(text, name, type) {
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name, hidden: true });
    document.body.append(link);
    link.click();
    setTimeout(() => { URL.revokeObjectURL(link.href); link.remove(); }, 10000);
    say(`${name} is in the downloads of this browser.`);
  }
  async function loadEdits(file) {
    let edits;
    try { edits = JSON.parse(await file.text()); } catch { return say("That file is no JSON. Choose an edits.json."); }
    if (edits?.format !== "skdeepclust edits" || edits.version !== data.version) return say("That file holds no edits of a report.");
    if (edits.report !== data.report) return say("Those edits belong to another report.");
    const changes = [];
    for (const table of Object.keys(state)) for (const key of Object.keys(state[table])) changes.push([table, key, null]);
    const set = (table, key, value) => {
      const at = changes.findIndex(([t, k]) => t === table && k === key);
      if (at >= 0) changes[at] = [table, key, value]; else changes.push([table, key, value]);
    };
    const known = new Set([...data.clusters, ...Object.keys(edits.clusters ?? {}).filter((c) => edits.clusters[c]?.created).map(Number)]);
    for (const [cluster, value] of Object.entries(edits.clusters ?? {})) {
      if (!known.has(Number(cluster)) || Number(cluster) < 0) continue;
      if (value.created) set("created", cluster, true);
      if (typeof value.name === "string" && value.name) set("names", cluster, value.name);
      if (value.rejected) set("into", cluster, REJECTED);
      else if (known.has(value.merged_into) && value.merged_into !== Number(cluster)) set("into", cluster, value.merged_into);
    }
    for (const [sample, target] of Object.entries(edits.samples ?? {})) {
      if (!(Number(sample) < nSamples)) continue;
      if (target === null) set("samples", sample, REJECTED);
      else if (known.has(target)) set("samples", sample, target);
    }
    edit("Loaded the edits of " + file.name + ".", changes);
  }

  // -- all together --------------------------------------------------------------------
  function refresh() {
    countMembers();
    showCards();
    showSuggestions();
    showSelection();
    byId("undo").disabled = !done.length;
    byId("redo").disabled = !undone.length;
    byId("undo").title = done.length ? "Undo: " + done[done.length - 1].text : "";
    byId("redo").title = undone.length ? "Redo: " + undone[undone.length - 1].text : "";
  }
  function shortcut(event) {
    const isCtrl = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
    const isField = event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog");
    if (isField || event.altKey) return;
    let call = null;
    if (isCtrl) call = key === "z" ? (event.shiftKey ? redo : undo) : key === "y" ? redo : null;
    else if (key === "u") call = event.shiftKey ? redo : undo;
    else if (key === "escape") call = () => { clearSelection(); hideTip(); };
    else if (key === "?") call = () => byId("help").showModal();
    else if (key === "g") call = () => { overlay.focus(); overlay.scrollIntoView({ block: "nearest" }); };
    else if (key === "j" || key === "k") call = () => step(key === "j" ? 1 : -1);
    else if (selected.size && key === "m") call = () => byId("move-to").focus();
    else if (selected.size && key === "n") call = () => moveToNew([...selected]);
    else if (selected.size && key === "r") call = rejectSelected;
    if (!call) return;
    event.preventDefault();
    call();
  }
  function step(by) {
    const all = [...document.querySelectorAll(".card")], here = document.activeElement?.closest(".card");
    const i = here ? all.indexOf(here) + by : by > 0 ? 0 : all.length - 1;
    const card = all[Math.max(0, Math.min(all.length - 1, i))];
    if (!card) return;
    card.scrollIntoView({ block: "nearest" });
    card.querySelector("input, button")?.focus({ preventScroll: true });
  }

  const clicks = {
    undo, redo, "zoom-in": () => zoom(1.4), "zoom-out": () => zoom(1 / 1.4), "zoom-all": () => { fit(); drawPoints(); },
    "tool-lasso": () => setTool("lasso"), "tool-move": () => setTool("move"), "search-go": search,
    "help-open": () => byId("help").showModal(), "load-edits": () => byId("load-file").click(),
    "export-labels": () => save(labelsCsv(), "labels.csv", "text/csv"),
    "export-edits": () => save(editsJson(), "edits.json", "application/json"),
  };
  for (const [id, call] of Object.entries(clicks)) byId(id).addEventListener("click", call);
  byId("load-file").addEventListener("change", (event) => { if (event.target.files[0]) loadEdits(event.target.files[0]); event.target.value = ""; });
  byId("search").addEventListener("keydown", (event) => { if (event.key === "Enter") search(); });
  byId("sort").addEventListener("change", showCards);
  document.addEventListener("keydown", shortcut);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
  window.addEventListener("beforeprint", () => {
    printing = true;
    hideTip(); lit(document); drawPoints(); drawOverlayNow();
    for (const each of document.querySelectorAll("details")) each.open = true;
  });
  window.addEventListener("afterprint", () => { printing = false; drawPoints(); });
  window.addEventListener("storage", (event) => { if (event.key === KEY) { load(); refresh(); } });
  for (const id of ["curves", "baselines"]) {
    const box = byId(id), content = box.querySelector(".panels") ?? box;
    if (!content.querySelector("figure, table, p")) box.hidden = true;
  }
  document.addEventListener("DOMContentLoaded", () => {
    for (const card of cards.values()) { nearView.unobserve(card); nearView.observe(card); }
    document.documentElement.dataset.ready = "true";
  });
  load();
  refresh();
  new ResizeObserver(resize).observe(mapBox);
})();
