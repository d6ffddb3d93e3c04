// Extra prints of an approved picture.

import { load, post } from "../api.js";
import { choice, dialled, el, field, form, submit } from "../dom.js";
import { all } from "../journey.js";
import { layoutPicker } from "../layouts.js";
import { guarded } from "../problems.js";
import { go, route } from "../router.js";
import { t } from "../texts.js";

route("/reprint/:id", async ({ id }) => {
  const [{ order }, layouts, addresses] = await Promise.all([load(`/orders/${id}`), load("/layouts", { public: true }), all("/addresses")]);
  const about = await load(`/batches/${order.feature_code}`, { public: true });
  const offered = layouts.items.filter((layout) => about.layouts.length === 0 || about.layouts.includes(layout.code));
  const layout = layoutPicker(offered);
  const copies = field(t("copies"), { type: "number", inputmode: "numeric", min: 1, max: 20, value: 1 });
  const where = [
    about.delivery_methods.includes("school") && choice("radio", { name: "to", value: "", checked: true }, t("delivery_school")),
    ...addresses.map((a, i) => choice("radio", { name: "to", value: a.id, checked: i === 0 && !about.delivery_methods.includes("school") },
      `${a.recipient} ${dialled(a.phone)}`, el("small", {}, `${a.province}${a.city}${a.district}${a.detail}`))),
  ].filter(Boolean);
  const work = () => guarded(async () => {
    const to = where.find((box) => box.input.checked)?.input.value;
    const { order: made } = await post("/reprints", { order_id: id, layout: layout.value(), copies: Number(copies.input.value) || 1, ...(to ? { address_id: to } : {}) });
    go(`/order/${made.id}`);
  }, { copies });
  return [
    el("h1", {}, t("reprint")),
    el("p.lead", {}, t("reprint_lead")),
    form(work, layout, el("section.card", {}, copies),
      el("section.card", { role: "radiogroup" }, el("h2", {}, t("delivery")), where, el("a.wide.secondary", { href: `#/address-reprint/${id}` }, t("address_add"))),
      el(".foot", {}, submit(t("place_order")))),
  ];
});
