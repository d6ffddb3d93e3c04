// The reviewer's keyboard. A key only counts once both pictures are on the screen, is never taken
// from a held-down key, and a decision is sent once: a fast double press cannot reach the next photo.
const SETTLE_MS = 250;
const form = document.getElementById("decision");
const undo = document.getElementById("undo");
let ready = false;

const boxes = () => [...form.querySelectorAll('input[name="reasons"]')];
const chosen = () => boxes().some((box) => box.checked);

function say(name) {
  const hint = document.getElementById("hint");
  hint.textContent = hint.dataset[name];
  hint.classList.add("loud");
}

function decide(decision) {
  if (!ready || form.dataset.sent) return;
  if (decision === "reject" && !chosen()) return say("needReason");
  if (decision === "approve" && chosen()) return say("hasReason");
  form.requestSubmit(document.getElementById(decision));
}

function clear() {
  for (const box of boxes()) box.checked = false;
  document.activeElement.blur();
}

const KEYS = {
  a: () => decide("approve"),
  r: () => decide("reject"),
  n: () => ready && !form.dataset.sent && document.getElementById("skip").click(),
  t: () => document.getElementById("note").focus(),
};

// The last decision can be taken back while its message is held; also when the queue is empty.
function takeBack() {
  if (undo?.isConnected && !undo.dataset.sent && !form?.dataset.sent) undo.requestSubmit();
}

function actionOf(key) {
  if (key === "z") return takeBack;
  if (!form) return undefined;
  const box = /^[0-9]$/.test(key) && form.querySelector(`[data-key="${key}"]`);
  return box ? () => box.click() : KEYS[key];
}

function onKey(event) {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape") return form && clear();
  const field = event.target.closest?.("input:not([type=checkbox]), textarea, select");
  if (field) {
    if (event.key === "Enter" && field.id === "note") event.preventDefault();
    return;
  }
  const action = actionOf(event.key.toLowerCase());
  if (!action) return;
  event.preventDefault();
  action();
}

// The mouse is held to the same rules as the keys.
function onSubmit(event) {
  const decision = event.submitter?.value;
  const missing = decision === "reject" ? !chosen() : chosen();
  if (!ready || missing) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (missing) say(decision === "reject" ? "needReason" : "hasReason");
  }
}

async function settle() {
  const pictures = ["original", "result"].map((id) => document.getElementById(id));
  await Promise.allSettled(pictures.map((picture) => picture.decode()));
  await new Promise((done) => setTimeout(done, SETTLE_MS));
  ready = true;
  form.classList.add("ready");
  const next = form.querySelector("[data-prefetch]")?.dataset.prefetch.split(" ") ?? [];
  for (const address of next) new Image().src = address;
}

// A sign of life each minute keeps the photo on this desk; without one it goes back after three.
async function heartbeat() {
  if (document.hidden || form.dataset.sent) return;
  const body = new URLSearchParams(
    ["order_id", "csrf_token"].map((name) => [name, form.elements[name].value]),
  );
  const answer = await fetch(form.dataset.heartbeat, { method: "POST", body }).catch(() => null);
  if (answer?.status === 409) document.getElementById("hint").textContent = await answer.text();
}

if (form) {
  setInterval(heartbeat, 60_000);
  form.addEventListener("submit", onSubmit, { capture: true });
  settle();
}
if (form || undo) document.addEventListener("keydown", onKey);
if (undo) setTimeout(() => undo.remove(), Number(undo.dataset.seconds) * 1000);
