// Choose services, delivery and layout, then order.

import { load, post } from "../api.js";
import { batch } from "../batch.js";
import { choice, dialled, el, field, form, submit, yuan } from "../dom.js";
import { all, nextPlace } from "../journey.js";
import { layoutPicker } from "../layouts.js";
import { guarded } from "../problems.js";
import { go, route } from "../router.js";
import { draft } from "../store.js";
import { t } from "../texts.js";

route("/order-new/:id", async ({ id }) => {
  const [about, addresses, layouts] = await Promise.all([batch(), all("/addresses"), load("/layouts", { public: true })]);
  const kept = draft(`order.${id}`) ?? {};
  const services = about.services.map((service) => serviceChoice(service, kept));
  const methods = about.delivery_methods.map((method) => choice("radio",
    { name: "delivery", value: method, checked: (kept.method ?? about.delivery_methods[0]) === method },
    t(`delivery_${method}`), el("small", {}, t(`delivery_${method}_text`))));
  const address = addressPicker(addresses, kept.address_id, id);
  const offered = layouts.items.filter((layout) => about.layouts.includes(layout.code));
  const layout = layoutPicker(offered, kept.layout);
  const remark = field(t("remark"), { maxlength: 200, value: kept.remark ?? "" }, t("remark_hint"));
  const total = el("strong.total", { "aria-live": "polite" });
  const chosen = () => ({
    services: services.filter((box) => box.input.checked).map((box) => box.code),
    method: methods.find((box) => box.input.checked)?.input.value,
    address_id: address.value(),
    layout: layout.value(),
    remark: remark.input.value.trim(),
  });
  // Prints and the way they travel belong together: choosing one settles the other, so that
  // nobody pays for a parcel with nothing in it.
  const prints = services.find((box) => box.code === "prints")?.input;
  const settle = ({ target }) => {
    if (!prints || prints.disabled) return;
    if (target.name === "delivery") prints.checked = target.value !== "digital";
    const wanted = methods.find((box) => (box.input.value !== "digital") === prints.checked);
    const fits = methods.some((box) => box.input.checked && (box.input.value !== "digital") === prints.checked);
    if (target === prints && wanted && !fits) wanted.input.checked = true;
  };
  const refresh = () => {
    const now = chosen();
    draft(`order.${id}`, now);
    address.hidden = now.method !== "courier";
    layout.hidden = now.method === "digital" || offered.length === 0;
    total.textContent = yuan(services.filter((box) => box.input.checked).reduce((sum, box) => sum + box.price, 0));
  };
  const work = () => guarded(async () => {
    const now = chosen();
    const delivery = { method: now.method, ...(now.method === "courier" ? { address_id: now.address_id } : {}) };
    const body = { enrolment_id: id, services: now.services, delivery, remark: now.remark || null };
    if (now.method !== "digital" && now.layout) body.layout = now.layout;
    const { order } = await post("/orders", body, { intent: `order.${id}` });
    draft(`order.${id}`, null);
    go(`/order/${order.id}`);
  }, { remark }, { order_exists: async () => go(await nextPlace()), address_required: (p) => address.complain(p.message) });
  const whole = form(work,
    el("section.card", {}, el("h2", {}, t("services")), services),
    el("section.card", { role: "radiogroup" }, el("h2", {}, t("delivery")), methods, address),
    layout,
    el("section.card", {}, remark),
    el(".foot", {}, el("p.sum", {}, t("total"), total), submit(t("place_order"))),
  );
  whole.addEventListener("change", settle);
  whole.addEventListener("change", refresh);
  whole.addEventListener("input", refresh);
  refresh();
  const first = t(about.mode === "pay_first" ? "order_lead_pay" : "order_lead_photo", { minutes: about.unpaid_minutes });
  return [el("h1", {}, t("order_new_title")), el("p.lead", {}, first), whole];
});

function serviceChoice({ code, name, price_fen: price, required }, kept) {
  const box = choice("checkbox", { checked: required || Boolean(kept.services?.includes(code)), disabled: required },
    name, el("small", {}, price ? yuan(price) : t("free"), required ? ` · ${t("included")}` : ""));
  return Object.assign(box, { code, price });
}

function addressPicker(addresses, keptId, enrolmentId) {
  const preferred = addresses.find((a) => a.id === keptId) ?? addresses.find((a) => a.is_default) ?? addresses[0];
  const boxes = addresses.map((a) => choice("radio", { name: "address", value: a.id, checked: a === preferred },
    `${a.recipient} ${dialled(a.phone)}`, el("small", {}, `${a.province}${a.city}${a.district}${a.detail}`)));
  const error = el("p.error", { hidden: true, role: "alert" });
  const box = el(".indent", { hidden: true }, boxes, error, el("a.wide.secondary", { href: `#/address-for/${enrolmentId}` }, t("address_add")));
  box.value = () => boxes.find((b) => b.input.checked)?.input.value ?? null;
  box.complain = (text) => { error.textContent = text; error.hidden = false; };
  return box;
}
