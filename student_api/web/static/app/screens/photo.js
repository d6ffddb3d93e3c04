// Shoot or choose, look, upload, see what the machine says, take again or submit.

import { load, post } from "../api.js";
import { batch } from "../batch.js";
import { openCamera, streamable } from "../camera.js";
import { verdict } from "../checks.js";
import { button, el, toast } from "../dom.js";
import { guarded } from "../problems.js";
import { draw, go, onLeave, route } from "../router.js";
import { t } from "../texts.js";
import { giveUp, resume, upload, waiting } from "../upload.js";

route("/photo/:id", async ({ id }) => {
  const [{ order }, about] = await Promise.all([load(`/orders/${id}`), batch()]);
  if (!order.allowed_actions.includes("upload_photo")) { go(`/order/${id}`); return []; }
  const place = el("div");
  const left = about.max_attempts ? about.max_attempts - (order.photo?.attempt ?? 0) : null;
  const shots = chooser(id, about, place);
  if (await waiting(id)) place.append(unfinished(id, place));
  return [
    el("h1", {}, t("photo_title")),
    el(".intro", {},
      el("p.lead", {}, t("photo_lead")),
      left !== null && el("p.hint", {}, t("attempts_left", { count: Math.max(0, left) })),
      tips()),
    place,
    shots,
    el("p.center", {}, el("a", { href: `#/order/${id}` }, t("back_to_order"))),
  ];
});

function tips() {
  return el("ul.tips", {}, ["tip_wall", "tip_other", "tip_light", "tip_face"].map((key) => el("li", {}, t(key))));
}

function chooser(id, about, place) {
  const live = streamable() && button(t("open_camera"), () => stage(id, place));
  const system = fileButton("system-camera", t("system_camera"), { capture: "environment" }, (file) => review(id, file, "camera", place), live ? "secondary" : "primary");
  const album = about.allow_album && fileButton("album", t("from_album"), {}, (file) => review(id, file, "album", place), "secondary");
  return el(".foot.shots", {}, live, el(".pair", {}, system, album));
}

// Camera, picture and result take the place of the introduction.
function clearTheWay() {
  document.querySelector(".shots")?.remove();
  document.querySelector(".intro")?.remove();
}

function fileButton(id, label, attributes, work, kind) {
  const input = el("input.hidden-file", { id, type: "file", accept: "image/jpeg,image/png,image/webp,image/heic,image/heif,image/*", ...attributes });
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = "";
    if (file) work(file);
  });
  return el("div", {}, input, el(`label.wide.${kind}`, { for: id }, label));
}

async function stage(id, place) {
  let camera;
  try {
    camera = await openCamera();
  } catch {
    toast(t("camera_refused"), "bad");
    return;
  }
  onLeave(camera.stop);
  const shoot = button(t("shoot"), async () => {
    const blob = await camera.shoot();
    camera.stop();
    review(id, blob, "camera", place);
  }, "shutter");
  const turn = button(t("turn_camera"), () => camera.turn(), "plain");
  const close = button(t("close"), async () => { camera.stop(); draw(); }, "plain");
  clearTheWay();
  place.replaceChildren(el("section.stage", {}, camera.view, el(".controls", {}, close, shoot, turn)));
  place.scrollIntoView({ block: "start" });
  shoot.focus({ preventScroll: true });
}

function review(id, blob, source, place) {
  const address = URL.createObjectURL(blob);
  onLeave(() => URL.revokeObjectURL(address));
  const image = el("img", { src: address, alt: t("your_picture") });
  image.addEventListener("error", () => image.replaceWith(el("p.hint", {}, t("no_preview"))));
  const use = button(t("use_this"), () => sendIt(id, place, (progress) => upload(id, blob, source, progress)));
  place.replaceChildren(el("section.card.picture", {}, image, el("p", {}, t("look_first")), use, button(t("another"), async () => draw(), "secondary")));
  clearTheWay();
  use.focus();
}

function unfinished(id, place) {
  return el("section.card", {}, el("h2", {}, t("unfinished")), el("p", {}, t("unfinished_text")),
    button(t("go_on_upload"), () => sendIt(id, place, (progress) => resume(id, progress))),
    button(t("throw_away"), async () => { await giveUp(id); draw(); }, "plain"));
}

async function sendIt(id, place, work) {
  const bar = el("progress", { max: 1, "aria-label": t("uploading") });
  const said = el("p", { role: "status" }, t("uploading"));
  clearTheWay();
  place.replaceChildren(el("section.card.sending", {}, said, bar));
  const fine = await guarded(async () => {
    const { id: photoId } = await work((share) => { bar.value = share; });
    bar.removeAttribute("value");
    said.textContent = t("photo_working");
    show(id, await judged(id, photoId), place);
  });
  if (!fine) {
    const again = (await waiting(id)) ? unfinished(id, place) : button(t("another"), async () => draw());
    place.replaceChildren(again);
  }
}

async function judged(id, photoId) {
  for (;;) {
    const photo = await load(`/orders/${id}/photos/${photoId}?wait=15`, { timeout: 40000 });
    if (photo.status === "passed" || photo.status === "failed") return photo;
    await new Promise((done) => setTimeout(done, 700));
  }
}

async function show(id, photo, place) {
  const { order } = await load(`/orders/${id}`);
  const can = (name) => order.allowed_actions.includes(name);
  const passed = photo.status === "passed";
  const send = passed && can("submit") && button(t("submit_review"), () => guarded(async () => {
    await post(`/orders/${id}/submit`, { version: order.version });
    go(`/order/${id}`);
  }));
  const pay = passed && !can("submit") && el("a.wide.primary", { href: `#/order/${id}` }, t("go_on"));
  place.replaceChildren(el("section.card.picture.result", {},
    photo.preview_url && el("img", { src: photo.preview_url, alt: t("result_alt"), width: 480, height: 640 }),
    verdict(photo)),
    el(".foot", {}, send, pay,
      can("upload_photo") ? button(t(passed ? "retake" : "take_again"), async () => draw(), passed ? "secondary" : "primary")
        : el("p.hint", {}, t("no_attempts"))));
  place.scrollIntoView({ block: "start" });
}
