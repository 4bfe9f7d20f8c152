// The page of a live run: what the parts hear, what the buttons say.

import {Camera} from "./camera.js";
import {Chart} from "./charts.js";
import {Divider} from "./divider.js";
import {Player} from "./player.js";
import {Wire} from "./wire.js";

const $ = id => document.getElementById(id);
const WORDS = {
  starting: "starting", live: "live", lost: "source lost, reconnecting", paused: "paused", ended: "ended",
};
const STALLED_MS = 3000;

let camera_run = false, shown_at = 0, aspect = null, comparing = true, splittable = false, state = "gone", last = null;

// The token of the address is in a cookie by now: it need not be seen, kept in the history or copied along.
if (location.search) history.replaceState(null, "", location.pathname);

const charts = {
  fps: new Chart($("fps-chart"), 1), latency: new Chart($("latency-chart"), 0), stage: new Chart($("stage-chart"), 1),
};
const player = new Player($("video"), (type, fields) => wire.send(type, fields), () => { shown_at = performance.now(); veil(); });
const divider = new Divider($("divider"), $("stage"), $("video"), position => wire.send("split", {position}));
const camera = new Camera((type, fields) => wire.send(type, fields), showCamera);
const wire = new Wire(hear, connection);

function hear(message) {
  switch (message.type) {
    case "hello": return begin(message);
    case "answer": return (message.to === "camera" ? camera : player).answered(message.sdp);
    case "status": return showStatus(message);
    case "camera-taken": return camera.stop("Another page sends its camera now.", true);
    case "refused": $("at-work").textContent = message.text;
  }
}

function connection(now, words) {
  state = now;
  for (const part of [$("network"), $("scales"), $("pause")]) part.disabled = now !== "open";
  if (now !== "open") {
    last = null;
    player.close();
    showState(now === "ended" ? "ended" : "gone", now === "ended" ? "ended" : "no connection");
  }
  $("veil-text").textContent = words ?? "Connecting…";
  veil();
}

function begin({networks, scales, camera: takes, microphone}) {
  $("network").replaceChildren(...networks.map(name => new Option(name, name)));
  $("scale").replaceChildren(...scales.map(scaleChoice));
  $("camera-card").hidden = !takes;
  $("microphone").parentElement.hidden = !microphone;
  camera_run = takes;
  player.connect();
  tellSplit();
  if (camera.on) camera.connect();
}

function scaleChoice(factor) {
  const label = document.createElement("label"), input = document.createElement("input");
  Object.assign(input, {type: "radio", name: "scale", value: factor});
  input.onchange = () => wire.send("scale", {factor});
  label.append(input, `${factor}×`);
  return label;
}

function showStatus(now) {
  last = now;
  showState(now.status, camera_run && now.status === "lost" ? "waiting for a camera" : WORDS[now.status]);
  const size = ([width, height]) => `${width} × ${height}`;
  $("sizes").textContent = now.output_size[0] ? `${size(now.source_size)}  →  ${size(now.output_size)}` : "";
  if (now.heard === wire.sent) showChoice(now);   // else it is older than what was asked for here
  $("at-work").textContent = !now.network || now.network === now.choice.network
    ? "" : `${now.network} is at work: it keeps up.`;
  $("sound").hidden = !now.audible;
  if (now.aspect !== null && now.aspect !== aspect) {
    $("stage").style.setProperty("--aspect", aspect = now.aspect);
    divider.draw();
  }
  if (now.splittable !== splittable) { splittable = now.splittable; showSplit(); }
  for (const [id, value] of [["dropped", now.dropped], ["changes", now.tier_changes], ["reconnects", now.reconnects], ["viewers", now.viewers]]) {
    $(id).textContent = value;
  }
  const latency = now.latency.web ?? Object.values(now.latency)[0];
  charts.fps.add({in: now.fps_in, out: now.fps_out});
  charts.latency.add({median: latency?.p50_ms ?? null, "95 %": latency?.p95_ms ?? null, "99 %": latency?.p99_ms ?? null});
  charts.stage.add(now.stage_ms);
  showDelay({server: latency?.p50_ms, encode: now.encode_ms, network: player.networkMs, browser: player.displayMs});
  veil();
}

function showChoice({choice, paused}) {
  if (document.activeElement !== $("network")) $("network").value = choice.network;   // its list may be open
  for (const input of $("scale").querySelectorAll("input")) input.checked = Number(input.value) === choice.scale;
  $("pause").setAttribute("aria-pressed", paused);
  $("pause").textContent = paused ? "Go on" : "Pause";
}

function showState(name, words) {
  if ($("status").dataset.state === name && $("status").textContent === words) return;
  $("status").dataset.state = name;
  $("status").textContent = words;
}

function showDelay(parts) {
  const known = Object.values(parts).filter(value => value != null);
  const sum = known.reduce((all, value) => all + value, 0);
  $("delay-sum").textContent = parts.server != null && parts.browser != null ? `about ${Math.round(sum)} ms` : "";
  for (const row of $("delay").children) {
    const value = parts[row.dataset.part];
    row.querySelector("dd").textContent = value == null ? "–" : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
    row.style.setProperty("--share", value == null || !sum ? 0 : value / sum);
  }
}

// What lies over the picture while there is none, or an old one.
function veil() {
  const moving = performance.now() - shown_at < STALLED_MS && shown_at > 0;
  let words = "";
  if (state !== "open") words = $("veil-text").textContent;
  else if (last?.status === "lost" && !camera_run) words = "Source lost, reconnecting";
  else if (last?.status === "paused") words = "Paused";
  else if (camera_run && !camera.on && last?.status !== "live") words = "Press “Use this camera” to begin";
  else if (!shown_at && !player.reachable) words = "Browsers play streams only with a network: switch one on, any will do, and reload";
  else if (!shown_at) words = last?.status === "starting" ? "Waiting for the first frame" : "Connecting…";
  else if (!moving && last?.status === "live") words = "Waiting for frames";
  if (words) $("veil-text").textContent = words;
  $("veil").classList.toggle("clear", !words);
  $("veil").classList.toggle("over", shown_at > 0);   // there is a picture to look at
}

function tellSplit() { wire.send("split", {position: comparing ? divider.position : null}); }

function showSplit() {
  const shown = comparing && splittable;
  for (const id of ["divider", "before-tag", "after-tag"]) $(id).hidden = !shown;
  $("compare").setAttribute("aria-pressed", comparing);
  divider.draw();
}

function showCamera(on, words, bad) {
  $("camera").setAttribute("aria-pressed", on);
  $("camera").textContent = on ? "Stop this camera" : "Use this camera";
  $("facing").disabled = $("microphone").disabled = on;
  $("camera-words").textContent = words;
  $("camera-words").classList.toggle("bad", bad);
}

$("network").onchange = () => wire.send("network", {name: $("network").value});
$("pause").onclick = () => wire.send("pause", {on: !last?.paused});
$("compare").onclick = () => { comparing = !comparing; showSplit(); tellSplit(); };
$("camera").onclick = () => camera.on ? camera.stop() : camera.start($("facing").value, $("microphone").checked);
$("full").onclick = () => document.fullscreenElement ? document.exitFullscreen() : $("stage").requestFullscreen();
$("full").hidden = !document.fullscreenEnabled;
$("sound").onclick = () => {
  const on = !player.sound;
  player.listen(on);
  $("sound").setAttribute("aria-pressed", on);
  $("sound").textContent = on ? "Sound off" : "Sound on";
};
showSplit();
