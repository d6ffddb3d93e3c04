// The desk. The next photos lie here decoded; a decision shows the next one at once and is delivered
// behind it, one after the other. What the server refuses comes back with everything that was chosen.
const desk = document.getElementById("desk");
const load = (name) => import(new URL(desk.dataset[name], location.href));
const [{ caller, giveBackOnLeaving, showWaiting, SignedOut }, { pictures }, { recentDecisions }] =
  await Promise.all(["calls", "pictures", "undoing"].map(load));

const SETTLE_MS = 250; // a second press within this time was meant for the photo before
const HELD = 5;
const REFILL_AT = 3;
const BEAT_MS = 60_000;
const LOOK_AGAIN_MS = 10_000;
const stage = document.getElementById("stage");
const hint = document.getElementById("hint");
const note = document.getElementById("note");
const panels = document.getElementById("panels");
const texts = JSON.parse(desk.dataset.texts);
const filter = JSON.parse(desk.dataset.filter);
const call = caller(desk);
const usual = hint.textContent;
const choices = new Map(); // order → { reasons, note }
const skipped = [];
let cases = [...stage.children];
let ready = false;
let shownAt = 0;
let deliveries = Promise.resolve();
let claiming = false;

const current = () => cases[0];
const view = pictures(desk, current);
const recent = recentDecisions(document.getElementById("recent"), texts, takeBack);

function say(text, loud = true) {
  hint.textContent = text;
  hint.classList.toggle("loud", loud);
}

// -- what is chosen for the photo on the screen --------------------------------------------

function choiceOf(shown) {
  const order = shown.dataset.order;
  if (!choices.has(order)) choices.set(order, { reasons: new Set(), note: "" });
  return choices.get(order);
}

const panelOf = (shown) => panels.querySelector(`[data-key="${shown.dataset.panel}"]`);

function drawChoice() {
  const shown = current();
  if (!shown) return;
  const chosen = choiceOf(shown);
  const suggested = shown.dataset.suggested.split(" ");
  for (const panel of panels.children) panel.hidden = panel !== panelOf(shown);
  for (const chip of panelOf(shown).children) {
    chip.setAttribute("aria-pressed", chosen.reasons.has(chip.dataset.code));
    chip.classList.toggle("suggested", suggested.includes(chip.dataset.code));
  }
  note.value = chosen.note;
}

function toggleReason(code) {
  const { reasons } = choiceOf(current());
  if (!reasons.delete(code)) reasons.add(code);
  say(usual, false);
  drawChoice();
}

// -- the photos on the desk ----------------------------------------------------------------

function show() {
  const shown = current();
  ready = false;
  desk.classList.remove("ready");
  desk.classList.toggle("bare", !shown);
  for (const one of stage.children) one.classList.toggle("now", one === shown);
  const empty = document.getElementById("empty");
  empty.hidden = Boolean(shown);
  if (!shown) return showEmpty();
  drawChoice();
  view.prepare(shown);
  settle(shown);
}

function showEmpty() {
  const text = document.getElementById("empty-text");
  text.textContent = skipped.length ? text.dataset.end : text.dataset.none;
  document.getElementById("again").hidden = !skipped.length;
}

const decoded = (shown) =>
  Promise.allSettled([...shown.querySelectorAll(".rd-frame img")].map((image) => image.decode()));

async function settle(shown) {
  await decoded(shown);
  if (current() !== shown) return;
  shownAt = performance.now();
  performance.mark("photo-shown", { detail: shown.dataset.order });
  await new Promise((done) => setTimeout(done, SETTLE_MS));
  if (current() !== shown) return;
  ready = true;
  desk.classList.add("ready");
}

function put(said, first = false) {
  for (const [key, html] of Object.entries(said.panels)) {
    if (!panels.querySelector(`[data-key="${key}"]`)) panels.insertAdjacentHTML("beforeend", html);
  }
  for (const html of said.cases) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const one = holder.content.firstElementChild;
    const old = cases.find((other) => other.dataset.order === one.dataset.order);
    if (old) drop(old);
    stage.append(one);
    if (first) cases.unshift(one);
    else cases.push(one);
    prefetch(one);
  }
}

function drop(one) {
  cases = cases.filter((other) => other !== one);
  one.remove();
}

async function prefetch(one) {
  decoded(one);
  const answer = await fetch(one.dataset.similar).catch(() => null);
  if (answer?.ok) one.querySelector(".rd-similar").innerHTML = await answer.text();
}

async function refill() {
  if (claiming || cases.length > REFILL_AT) return;
  claiming = true;
  const known = [...panels.children].map((panel) => panel.dataset.key);
  const want = HELD - cases.length;
  try {
    const { ok, said } = await call("claim", { want, skipped, panels: known, filter });
    if (ok) {
      const bare = !current();
      put(said);
      if (bare) show();
    }
  } catch {
    // asked again with the next decision, or by the clock when nothing is left
  } finally {
    claiming = false;
  }
}

// -- deciding ------------------------------------------------------------------------------

function take() {
  const shown = cases.shift();
  const looked = Math.round(performance.now() - shownAt);
  shown.classList.remove("now");
  document.activeElement?.blur?.();
  say(usual, false);
  return [shown, looked];
}

function decide(decision) {
  const shown = current();
  if (!ready || !shown || shown.dataset.gone) return;
  const { reasons, note: words } = choiceOf(shown);
  if (decision === "reject" && !reasons.size) return say(texts.needReason);
  if (decision === "approve" && reasons.size) return say(texts.hasReason);
  const [one, looked] = take();
  recent.decided(one.dataset.order);
  deliver(one, "decide", {
    decision,
    photo: one.dataset.photo,
    version: Number(one.dataset.version),
    reasons: [...reasons],
    note: words,
    looked_ms: looked,
  });
  show();
}

function deliver(one, name, data) {
  deliveries = deliveries.then(async () => {
    const { order, token } = one.dataset;
    try {
      const { ok, said } = await call(name, { order, token, ...data });
      if (!ok) return comeBack(one, said);
      one.remove();
      if (said.undo) recent.told(said.undo);
    } catch (error) {
      comeBack(one, { detail: error instanceof SignedOut ? texts.signedOut : texts.offline });
    }
    refill();
  });
}

// Refused: the photo is on the screen again with what was chosen for it; nothing was decided.
function comeBack(one, said) {
  recent.forget(one.dataset.order);
  cases.unshift(one);
  let text = said.title ? `${said.title}：${said.detail}` : said.detail;
  if (said.token) {
    one.dataset.token = said.token;
    text = texts.heldAgain;
  } else if (said.code && !["transition_data_missing", "unknown_rejection_reason", "order_busy"].includes(said.code)) {
    one.dataset.gone = said.code;
    const veil = one.querySelector(".rd-gone");
    veil.textContent = said.title;
    veil.hidden = false;
    text += ` ${texts.goOn}`;
  }
  show();
  say(text);
}

function skip() {
  const shown = current();
  if (!shown || (!ready && !shown.dataset.gone)) return;
  const [one] = take();
  one.remove();
  if (!one.dataset.gone) {
    skipped.push(one.dataset.order);
    deliveries = deliveries.then(() => call("skip", { tokens: [one.dataset.token] })).catch(() => {});
  }
  show();
  deliveries.then(refill);
}

function escalate() {
  const shown = current();
  if (!ready || !shown || shown.dataset.gone || !document.querySelector('[data-act="escalate"]')) return;
  const words = choiceOf(shown).note;
  const [one] = take();
  recent.decided(one.dataset.order);
  deliver(one, "escalate", { note: words });
  show();
}

function takeBack(order = recent.newest()) {
  if (!order) return say(texts.nothing);
  ready = false; // keys wait until the photo is back
  desk.classList.remove("ready");
  deliveries = deliveries.then(async () => {
    recent.forget(order);
    const { ok, said } = await call("undo", { order }).catch(() => ({ said: { detail: texts.offline } }));
    if (ok) put(said, true);
    show();
    say(ok ? texts.undone : `${said.title ?? ""} ${said.detail}`.trim(), !ok);
  });
}

// -- keys, buttons, clock ------------------------------------------------------------------

const ACTS = {
  approve: () => decide("approve"),
  reject: () => decide("reject"),
  skip,
  escalate,
  undo: () => takeBack(),
  compare: () => view.toggle("compare"),
  zoom: () => view.toggle("zoom"),
  lines: () => view.toggle("lines"),
  help: () => document.getElementById("keys").showModal(),
  note: () => note.focus(),
};
const KEYS = { a: "approve", r: "reject", n: "skip", g: "escalate", z: "undo", c: "compare", f: "zoom", l: "lines", t: "note", "?": "help" };

function clear() {
  if (!current()) return;
  choices.delete(current().dataset.order);
  say(usual, false);
  drawChoice();
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  const field = event.target.closest?.("input:not([type=range]), textarea, select");
  if (field) {
    if (event.key === "Enter" || event.key === "Escape") field.blur();
    return;
  }
  if (event.key === "Escape") return clear();
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    return view.nudge(event.key === "ArrowLeft" ? -4 : 4);
  }
  const chip = /^[0-9]$/.test(event.key) && current() && panelOf(current()).querySelector(`[data-digit="${event.key}"]`);
  const act = chip ? () => toggleReason(chip.dataset.code) : ACTS[KEYS[event.key.toLowerCase()]];
  if (!act) return;
  event.preventDefault();
  act();
});

document.addEventListener("click", (event) => {
  const chip = event.target.closest(".rd-chip");
  const button = event.target.closest("[data-act]");
  if (chip) toggleReason(chip.dataset.code);
  else if (button) ACTS[button.dataset.act]();
});
note.addEventListener("input", () => current() && (choiceOf(current()).note = note.value));
document.getElementById("again").addEventListener("click", () => {
  skipped.length = 0;
  refill();
});

const tokens = () => cases.map((one) => one.dataset.token);

// A sign of life each minute keeps the photos here; what went back meanwhile leaves the pile.
async function beat(first = false) {
  if (document.hidden && !first) return;
  const asked = tokens();
  const answer = await call("heartbeat", { tokens: asked, filter, first }).catch(() => null);
  if (!answer?.ok) return;
  showWaiting(answer.said.waiting);
  if (first) recent.earlier(answer.said.undo);
  const lost = asked.filter((token) => !answer.said.held.includes(token));
  for (const one of cases.slice(1)) if (lost.includes(one.dataset.token)) drop(one);
  if (!first) refill();
}
setInterval(() => beat(), BEAT_MS);
setInterval(() => !current() && !document.hidden && refill(), LOOK_AGAIN_MS);
document.addEventListener("visibilitychange", () => beat());
giveBackOnLeaving(desk, tokens);

cases.forEach(prefetch);
show();
beat(true);
