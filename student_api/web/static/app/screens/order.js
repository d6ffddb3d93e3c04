// One order: its state, what to do next, what has happened.

import { call, get, load, post } from "../api.js";
import { batch, featureCode, provider } from "../batch.js";
import { button, dialled, el, field, toast, yuan } from "../dom.js";
import { guarded } from "../problems.js";
import { draw, go, onLeave, route } from "../router.js";
import { moment, t } from "../texts.js";
import { verdict } from "../checks.js";
import { facts } from "./identify.js";

const WAITING = ["draft", "pending_review", "refunding"];

route("/order/:id", async ({ id }) => {
  const [{ order }, history] = await Promise.all([load(`/orders/${id}`), load(`/orders/${id}/events?limit=100`)]);
  const photo = order.photo ? await load(`/orders/${id}/photos/${order.photo.id}`) : null;
  const about = order.feature_code === featureCode ? await batch() : null;
  watch(order);
  const can = (name) => order.allowed_actions.includes(name);
  return [
    el("h1.state", { "data-state": order.state }, order.state_label),
    el("p.lead", {}, t(lead(order, photo, about))),
    order.expires_at && order.state === "draft" && countdown(order.expires_at),
    order.rejection && order.state === "rejected" && rejection(order.rejection),
    photo && picture(order, photo),
    order.shipment && el("section.card", {}, el("h2", {}, t("shipment")), el("dl", {}, facts([
      ["carrier", order.shipment.carrier], ["tracking_no", order.shipment.tracking_no]]))),
    el("section.card", {}, el("dl", {}, facts([
      ["order_number", order.number], ["amount", yuan(order.amount_fen)], ["services", order.items.map((i) => `${i.name}${i.quantity > 1 ? ` ×${i.quantity}` : ""}`).join(t("comma"))],
      ["delivery", t(`delivery_${order.delivery.method}`)], ["address", address(order.delivery.address)], ["remark", order.remark]]))),
    timeline(history.items),
    el(".foot", {}, mainAction(order, photo, can, about)),
    el(".more", {}, others(order, can)),
  ];
});

// What the state means for the student now: the same state asks for a photo, or for what comes after it.
function lead(order, photo, about) {
  if (order.state === "paid" && order.kind === "reprint") return "state_paid_reprint";
  const passed = photo?.status === "passed";
  if (order.state === "paid" && passed) return "state_paid_passed";
  if (order.state === "draft" && order.kind === "capture" && about?.mode === "photo_first" && !passed) return "state_draft_photo";
  return `state_${order.state}`;
}

// The one thing to do next stands at the bottom, under the thumb.
function mainAction(order, photo, can, about) {
  const passed = photo?.status === "passed";
  const toPhoto = (label) => el("a.wide.primary", { href: `#/photo/${order.id}` }, t(label));
  if (can("submit") && passed) return [button(t("submit_review"), () => move(order, "submit")), can("upload_photo") && el("a.wide.secondary", { href: `#/photo/${order.id}` }, t("retake"))];
  if (can("upload_photo") && (order.state !== "draft" || (about?.mode === "photo_first" && !passed))) return toPhoto(order.state === "rejected" ? "take_again" : "take_photo");
  if (can("pay")) return [button(order.amount_fen ? t("pay_now", { amount: yuan(order.amount_fen) }) : t("pay_free"), () => pay(order)), can("upload_photo") && el("a.wide.secondary", { href: `#/photo/${order.id}` }, t("retake"))];
  if (can("download_photo")) return button(t("download"), () => download(order));
  if (can("confirm_receipt")) return button(t("confirm_receipt"), () => move(order, "confirm-receipt"));
  if (["closed", "refunded"].includes(order.state) && order.kind === "capture") return el("a.wide.primary", { href: `#/order-new/${order.enrolment_id}` }, t("order_again"));
  return el("a.wide.secondary", { href: "#/orders" }, t("menu_orders"));
}

function others(order, can) {
  return [
    can("download_photo") && can("email_photo") && button(t("email_photo"), () => mail(order), "plain"),
    can("reprint") && el("a.wide.plain", { href: `#/reprint/${order.id}` }, t("reprint")),
    can("confirm_receipt") && can("download_photo") && button(t("confirm_receipt"), () => move(order, "confirm-receipt"), "plain"),
    can("withdraw") && sure("withdraw", () => move(order, "withdraw")),
    can("request_refund") && sure("request_refund", () => move(order, "request-refund")),
    can("cancel") && sure("cancel", () => move(order, "cancel")),
    el("a.wide.plain", { href: `#/ask/${order.id}` }, t("ask_help")),
  ];
}

// What cannot be taken back asks in place: the second press does it.
function sure(name, work) {
  const box = el(".sure");
  const ask = () => box.replaceChildren(el("p", {}, t(`${name}_sure`)),
    el(".pair", {}, el("button.secondary", { type: "button", onclick: rest }, t("no")), button(t("yes"), work, "danger")));
  function rest() { box.replaceChildren(el("button.plain", { type: "button", onclick: ask }, t(name))); }
  rest();
  return box;
}

function move(order, name) {
  return guarded(async () => {
    await post(`/orders/${order.id}/${name}`, { version: order.version });
    draw();
  }, {}, {
    version_conflict: (p) => { toast(p.message, "bad"); draw(); },
    transition_not_allowed: (p) => { toast(p.message, "bad"); draw(); },
  });
}

function pay(order) {
  return guarded(async () => {
    const { payment } = await post(`/orders/${order.id}/payments`, { provider }, { intent: `pay.${order.id}.${order.version}` });
    if (payment.status === "succeeded") return draw();
    if (payment.pay_url) return location.assign(payment.pay_url);
    return inApp(payment);
  });
}

// In WeChat the provider's own dialogue takes the money; its callback moves the order.
function inApp(payment) {
  if (!window.WeixinJSBridge || !payment.client_params) return toast(t("pay_elsewhere"), "bad");
  return new Promise((done) => {
    window.WeixinJSBridge.invoke("getBrandWCPayRequest", payment.client_params, () => { done(); draw(); });
  });
}

function download(order) {
  return guarded(async () => {
    const blob = await call("GET", `/orders/${order.id}/photo`, { blob: true });
    const link = el("a", { href: URL.createObjectURL(blob), download: `${order.number}.jpg` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    toast(t("downloaded"));
  });
}

function mail(order) {
  const open = document.querySelector(".mail input");
  if (open) return open.focus();
  const to = field(t("email"), { type: "email", autocomplete: "email" }, t("email_photo_hint"));
  const place = document.querySelector(".more");
  const send = button(t("send"), () => guarded(async () => {
    await post(`/orders/${order.id}/email`, to.input.value.trim() ? { email: to.input.value.trim() } : {});
    toast(t("email_sent"));
    box.remove();
  }, { email: to }));
  const box = el("section.card.mail", {}, to, send);
  place.before(box);
  return to.input.focus();
}

function rejection({ reasons, note }) {
  return el("section.card.rejected", {}, el("h2", {}, t("rejected_because")),
    el("ul.reasons", {}, reasons.map((r) => el("li", {}, el("strong", {}, r.message), r.advice && el("p", {}, r.advice)))),
    note && el("p.note", {}, t("reviewer_note"), note));
}

function picture(order, photo) {
  return el("section.card.picture", {},
    photo.preview_url
      ? el("img", { src: photo.preview_url, alt: t("result_alt"), width: 240, height: 320 })
      : el("p.hint", {}, t(photo.status === "failed" ? "photo_failed" : "photo_working")),
    photo.status !== "queued" && ["paid", "draft"].includes(order.state) && verdict(photo));
}

function address(a) {
  return a && [a.recipient, dialled(a.phone), a.province, a.city, a.district, a.detail].filter(Boolean).join(" ");
}

function timeline(events) {
  if (events.length === 0) return null;
  return el("details.card", {}, el("summary", {}, t("history")), el("ol.timeline", {}, events.map((e) => el("li", {},
    el("strong", {}, t(`event_${e.transition}`)), el("time", { datetime: e.at }, moment(e.at))))));
}

function countdown(until) {
  const clock = el("strong", { role: "timer" });
  const tick = () => {
    const left = Math.max(0, Math.round((new Date(until) - Date.now()) / 1000));
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left === 0) { clearInterval(timer); setTimeout(draw, 3000); }
  };
  const timer = setInterval(tick, 1000);
  onLeave(() => clearInterval(timer));
  tick();
  return el("p.countdown", {}, t("pay_within"), clock);
}

// While something may happen elsewhere (payment, review, refund), wait for news.
function watch(order) {
  if (!WAITING.includes(order.state)) return;
  let on = true;
  onLeave(() => { on = false; });
  (async () => {
    while (on) {
      try {
        if (!document.hidden) {
          const news = await get(`/orders/${order.id}/events?after=${order.version}&wait=20&limit=1`, { timeout: 40000 });
          if (on && news.items.length) return draw();
        }
      } catch { /* the network is away: look again later */ }
      await new Promise((done) => setTimeout(done, 3000));
    }
    return undefined;
  })();
}


