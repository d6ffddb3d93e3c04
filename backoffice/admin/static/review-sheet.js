// Twenty-four results at once: the bad ones are marked with reasons, the rest passes, each on its own.
const sheet = document.getElementById("sheet");
const load = (name) => import(new URL(sheet.dataset[name], location.href));
const [{ caller, giveBackOnLeaving, showWaiting, SignedOut }, { recentDecisions }] =
  await Promise.all(["calls", "undoing"].map(load));

const BEAT_MS = 60_000;
const GUARD_MS = 600; // the first moment of a sheet decides nothing: nobody has looked yet
const texts = JSON.parse(sheet.dataset.texts);
const call = caller(sheet);
const hint = document.getElementById("hint");
const panels = document.getElementById("panels");
const tiles = [...document.querySelectorAll(".rs-tile")];
const marked = new Map(tiles.map((tile) => [tile, new Set()]));
const bad = new Set();
const shownAt = performance.now();
let here = tiles[0];
let sending = false;
const recent = recentDecisions(document.getElementById("recent"), texts, takeBack);

const open = () => tiles.filter((tile) => !tile.dataset.done);
const panelOf = (tile) => panels.querySelector(`[data-key="${tile.dataset.panel}"]`);

function say(text, loud = true) {
  hint.textContent = text;
  hint.classList.toggle("loud", loud);
}

function draw() {
  for (const tile of tiles) {
    tile.classList.toggle("here", tile === here);
    tile.classList.toggle("bad", bad.has(tile) && !tile.dataset.done);
    tile.querySelector(".rs-face").setAttribute("aria-pressed", bad.has(tile));
    if (!tile.dataset.done) tile.querySelector(".rs-told").textContent = [...marked.get(tile)].join(" ");
  }
  const suggested = here.dataset.suggested.split(" ");
  for (const panel of panels.children) panel.hidden = panel !== panelOf(here);
  for (const chip of panelOf(here).children) {
    chip.setAttribute("aria-pressed", marked.get(here).has(chip.dataset.code));
    chip.classList.toggle("suggested", suggested.includes(chip.dataset.code));
  }
  const [all, wrong] = [open().length, open().filter((tile) => bad.has(tile)).length];
  const counts = document.getElementById("counts");
  counts.textContent = texts.counts.replace("{good}", all - wrong).replace("{bad}", wrong);
}

function mark(tile) {
  if (tile.dataset.done) return;
  here = tile;
  if (!bad.delete(tile)) bad.add(tile);
  else marked.get(tile).clear();
  draw();
}

function toggleReason(code) {
  if (here.dataset.done) return;
  const reasons = marked.get(here);
  if (!reasons.delete(code)) reasons.add(code);
  if (reasons.size) bad.add(here);
  draw();
}

const choice = (tile) => ({
  order: tile.dataset.order,
  photo: tile.dataset.photo,
  token: tile.dataset.token,
  version: Number(tile.dataset.version),
  decision: bad.has(tile) ? "reject" : "approve",
  reasons: [...marked.get(tile)],
});

async function decideAll() {
  const now = open();
  if (sending || !now.length || performance.now() - shownAt < GUARD_MS) return;
  const bare = now.find((tile) => bad.has(tile) && !marked.get(tile).size);
  if (bare) {
    here = bare;
    draw();
    return say(texts.needReason);
  }
  sending = true;
  sheet.classList.add("busy");
  try {
    const { ok, said } = await call("decide", { choices: now.map(choice) });
    if (!ok) return say(said.detail);
    now.forEach((tile, place) => tell(tile, said.results[place]));
    recent.told(said.undo);
    const left = said.results.filter((one) => one.code).length;
    const text = texts.done.replace("{done}", said.results.length - left).replace("{left}", left);
    say(text, left > 0);
    document.getElementById("next").hidden = false;
    document.getElementById("decide-all").hidden = true;
  } catch (error) {
    say(error instanceof SignedOut ? texts.signedOut : texts.offline);
  } finally {
    sending = false;
    sheet.classList.remove("busy");
    draw();
  }
}

function tell(tile, result) {
  tile.dataset.done = result.code ? "refused" : result.decision;
  tile.querySelector(".rs-told").textContent = result.code ? `${result.title}：${result.detail}` : texts[result.decision];
}

async function takeBack(order = recent.newest()) {
  if (!order) return;
  recent.forget(order);
  const { ok, said } = await call("undo", { order }).catch(() => ({ said: { detail: texts.offline } }));
  if (!ok) return say(said.detail);
  // back to the queue: the single desk decides it anew
  const holder = document.createElement("template");
  holder.innerHTML = said.cases[0];
  await call("skip", { tokens: [holder.content.firstElementChild.dataset.token] });
  const tile = tiles.find((one) => one.dataset.order === order);
  if (tile) tell(tile, { code: "undone", title: texts.undo, detail: texts.undone });
  say(texts.undone, false);
}

function move(by) {
  here = tiles[Math.min(tiles.length - 1, Math.max(0, tiles.indexOf(here) + by))];
  here.scrollIntoView({ block: "nearest" });
  draw();
}

const across = () => tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length;
const KEYS = {
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  ArrowUp: () => move(-across()),
  ArrowDown: () => move(across()),
  " ": () => mark(here),
  Enter: decideAll,
  z: () => takeBack(),
  n: () => document.getElementById("next").hidden || document.getElementById("next").click(),
};

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("input, textarea, select, summary, a")) return;
  const chip = /^[0-9]$/.test(event.key) && panelOf(here).querySelector(`[data-digit="${event.key}"]`);
  const act = chip ? () => toggleReason(chip.dataset.code) : KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
document.addEventListener("click", (event) => {
  const face = event.target.closest(".rs-face");
  const chip = event.target.closest(".rd-chip");
  if (face) mark(face.parentElement);
  else if (chip) toggleReason(chip.dataset.code);
});
document.getElementById("decide-all").addEventListener("click", decideAll);

const tokens = () => open().map((tile) => tile.dataset.token);
async function beat(first = false) {
  if (!first && (document.hidden || !open().length)) return;
  const filter = JSON.parse(sheet.dataset.filter);
  const answer = await call("heartbeat", { tokens: tokens(), filter, first }).catch(() => null);
  if (!answer?.ok) return;
  showWaiting(answer.said.waiting);
  if (first) recent.earlier(answer.said.undo);
}
setInterval(() => beat(), BEAT_MS);
giveBackOnLeaving(sheet, tokens);
draw();
beat(true);
sheet.classList.add("ready");
