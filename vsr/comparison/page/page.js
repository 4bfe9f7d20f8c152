
// The page around the stage: what the figures say, as text, and the controls.
function make(name, properties, parent) {
  const node = Object.assign(document.createElement(name), properties);
  if (parent) parent.append(node);
  return node;
}

function nearest(times, time) {
  return times.reduce((best, value, index) => Math.abs(value - time) < Math.abs(times[best] - time) ? index : best, 0);
}

const $ = (id) => document.getElementById(id);
const figures = JSON.parse($("figures").textContent);
const moments = Array.from($("pictures").children, (moment) => Array.from(moment.children));
const roles = figures.inputs.map((input) => input.role);
const label = (role) => role === "reference" ? "reference" : role;
const viewer = new Viewer($("stage"));
const curves = [];
const chosen = { frame: 0, pair: [0, 1] };

function badge(role, parent) {
  return make("span", { className: `role ${role}`, textContent: label(role) }, parent);
}

function title() {
  document.title = figures.inputs.map((input) => input.name).join(", ") + " – vsr compare";
  for (const input of figures.inputs) {
    const name = make("span", {}, $("title"));
    badge(input.role, name);
    name.append(input.name);
  }
  $("made-by").textContent = `Made by vsr compare ${figures.version}. This page is whole in itself and loads nothing.`;
}

function segments(parent, name, options, pick) {
  options.forEach(([value, words], index) => {
    const choice = make("label", {}, parent);
    const input = make("input", { type: "radio", name, value, checked: index === 0 }, choice);
    input.addEventListener("change", () => pick(value));
    choice.append(make("span", { textContent: words }));
  });
}

function choose(parent, value) {
  const input = parent.querySelector(`input[value="${value}"]`);
  if (input && !input.checked) input.click();
}

const MODES = [["split", "Split"], ["first", ""], ["second", ""], ["difference", "Difference"], ["flicker", "Flicker"]];
const ZOOMS = [["fit", "Fit"], ["1", "1:1"], ["2", "2×"], ["4", "4×"]];

function controls() {
  segments($("modes"), "mode", MODES, (mode) => {
    $("gain-choice").hidden = mode !== "difference";
    viewer.set({ mode });
  });
  segments($("zooms"), "zoom", ZOOMS, (zoom) => viewer.set({ zoom: zoom === "fit" ? zoom : Number(zoom) }));
  for (const gain of [1, 2, 4, 8, 16, 32]) make("option", { value: gain, textContent: `${gain}×` }, $("gain"));
  $("gain").value = viewer.state.gain;
  $("gain").addEventListener("change", () => viewer.set({ gain: Number($("gain").value) }));
  const pairs = roles.length === 3 ? [[0, 1], [0, 2], [1, 2]] : [[0, 1]];
  $("pair-choice").hidden = pairs.length === 1;
  pairs.forEach(([a, b], index) => {
    make("option", { value: index, textContent: `${label(roles[a])} and ${label(roles[b])}` }, $("pair"));
  });
  $("pair").addEventListener("change", () => show({ pair: pairs[$("pair").value] }));
}

function show(change) {
  Object.assign(chosen, change);
  const pictures = chosen.pair.map((index) => moments[chosen.frame][index]);
  const labels = chosen.pair.map((index) => label(roles[index]));
  for (const [index, mode] of ["first", "second"].entries()) {
    $("modes").querySelector(`input[value="${mode}"] + span`).textContent = labels[index];
  }
  const frame = figures.frames[chosen.frame];
  const time = figures.still ? "" : `${figures.times[frame.moment].toFixed(3)} s, `;
  $("caption").textContent = `${time}${frame.width}×${frame.height}, ${frame.how}`;
  Array.from($("strip").children).forEach((button, index) => {
    button.setAttribute("aria-current", index === chosen.frame);
  });
  for (const curve of curves) curve.mark(figures.frames.map((item) => item.moment), frame.moment);
  // Sizes are known only of pictures that are decoded; another choice may have come meanwhile.
  Promise.all(pictures.map((picture) => picture.decode())).then(() => {
    if (pictures.every((picture, index) => picture === moments[chosen.frame][chosen.pair[index]])) {
      viewer.set({ pictures, labels });
    }
  });
}

function goTo(frame) {
  if (frame < 0 || frame >= moments.length) return;
  show({ frame });
  $("strip").children[frame].scrollIntoView({ block: "nearest", inline: "nearest" });
}

async function strip() {
  const canvases = figures.frames.map((frame, index) => {
    const button = make("button", { type: "button" }, $("strip"));
    const canvas = make("canvas", { height: 124, width: Math.max(1, Math.round(124 * frame.width / frame.height)) }, button);
    make("span", { textContent: `${figures.times[frame.moment].toFixed(2)} s` }, button);
    button.addEventListener("click", () => show({ frame: index }));
    return canvas;
  });
  for (const [index, canvas] of canvases.entries()) { // one after the other: decoded pictures are large
    const picture = moments[index][1];
    await picture.decode();
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  }
}

function drawCurves() {
  const name = (index) => figures.pairs.length === 1 ? "B against A" : figures.pairs[index][0];
  const pick = (time) => goTo(nearest(figures.frames.map((frame) => figures.times[frame.moment]), time));
  for (const curve of figures.curves) {
    curves.push(new Curve($("curves"), curve, figures.times, figures.pairs.map((pair) => pair[0]), name, pick));
  }
}

function row(table, kind, cells) {
  const line = make("tr", {}, table);
  return cells.map((text, index) => make(index === 0 ? "th" : kind, { textContent: text }, line));
}

function scores() {
  const decibels = (value) => value === null ? "equal" : `${value.toFixed(2)} dB`;
  const columns = [
    ["PSNR-Y", (mean) => decibels(mean.psnr_y), (mean) => mean.psnr_y ?? Infinity],
    ["SSIM-Y", (mean) => mean.ssim_y.toFixed(4), (mean) => mean.ssim_y],
    ["mean difference of Y", (mean) => mean.difference.toFixed(2), (mean) => -mean.difference],
  ];
  if (!figures.still) {
    const least = (mean) => decibels(mean.least_psnr_y) + (mean.least_at_s === null ? "" : ` at ${mean.least_at_s.toFixed(3)} s`);
    columns.splice(1, 0, ["least PSNR-Y", least, (mean) => mean.least_psnr_y ?? Infinity]);
    columns.push(["equal frames", (mean) => `${mean.equal_frames} of ${figures.times.length}`, () => 0]);
  }
  row($("scores"), "th", ["", ...columns.map(([name]) => name)]);
  figures.means.forEach((mean, index) => {
    const [result, truth] = figures.pairs[index];
    const cells = row($("scores"), "td", ["", ...columns.map(([, words]) => words(mean))]);
    badge(result, cells[0]);
    cells[0].append(`against ${truth === "reference" ? "the reference" : truth}`);
    columns.forEach(([, , rank], column) => {
      const best = figures.means.every((other) => other === mean || rank(other) < rank(mean));
      cells[column + 1].classList.toggle("better", best && figures.means.length > 1);
    });
  });
}

function facts() {
  const heads = row($("facts"), "th", ["", ...figures.inputs.map((input) => input.name)]);
  figures.inputs.forEach((input, index) => heads[index + 1].prepend(badge(input.role)));
  for (const fact of figures.facts) row($("facts"), "td", [fact.name, ...fact.values]);
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
  const zoom = ZOOMS.findIndex(([value]) => value === String(viewer.state.zoom));
  const step = { ",": -1, ".": 1 }[event.key];
  const larger = { "+": 1, "=": 1, "-": -1 }[event.key];
  if (step) goTo(chosen.frame + step);
  else if (larger && ZOOMS[zoom + larger]) choose($("zooms"), ZOOMS[zoom + larger][0]);
  else if (MODES[Number(event.key) - 1]) choose($("modes"), MODES[Number(event.key) - 1][0]);
  else return;
  event.preventDefault();
}

title();
controls();
scores();
facts();
for (const note of figures.notes) make("li", { textContent: note }, $("notes"));
for (const id of ["strip", "curves", "frame-keys"]) $(id).hidden = figures.still;
if (!figures.still) {
  strip();
  drawCurves();
}
show({});
document.addEventListener("keydown", keys);
