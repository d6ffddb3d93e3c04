// The address book.

import { call, load, post } from "../api.js";
import { button, choice, dialled, el, field, form, submit, toast } from "../dom.js";
import { all } from "../journey.js";
import { guarded } from "../problems.js";
import { draw, go, route } from "../router.js";
import { t } from "../texts.js";

const NAMES = ["recipient", "phone", "province", "city", "district", "detail", "postcode"];
const COMPLETE = { recipient: "name", phone: "tel", province: "address-level1", city: "address-level2", district: "address-level3", detail: "street-address", postcode: "postal-code" };

route("/addresses", async () => {
  const items = await all("/addresses");
  return [
    el("h1", {}, t("addresses")),
    items.length === 0 && el("p.empty", {}, t("addresses_none")),
    items.map((a) => el("section.card", {},
      el("p.row", {}, el("strong", {}, `${a.recipient} ${dialled(a.phone)}`), a.is_default && el("span.tag", {}, t("default"))),
      el("p", {}, `${a.province}${a.city}${a.district}${a.detail}`),
      el(".pair", {}, el("a.wide.secondary", { href: `#/address/${a.id}` }, t("edit")), remove(a)))),
    el(".foot", {}, el("a.wide.primary", { href: "#/address/new" }, t("address_add"))),
  ];
});

function remove(address) {
  return button(t("delete"), () => guarded(async () => {
    await call("DELETE", `/addresses/${address.id}`);
    toast(t("deleted"));
    draw();
  }), "plain");
}

route("/address/:id", async ({ id }) => page(id === "new" ? null : (await load(`/addresses/${id}`)).address, "/addresses"));
route("/address-for/:id", ({ id }) => page(null, `/order-new/${id}`));
route("/address-reprint/:id", ({ id }) => page(null, `/reprint/${id}`));

function page(known, back) {
  const fields = Object.fromEntries(NAMES.map((name) => [name, field(t(name), {
    value: name === "phone" ? dialled(known?.phone) : known?.[name] ?? "", maxlength: name === "detail" ? 200 : 40, autocomplete: COMPLETE[name],
    ...(name === "phone" ? { type: "tel", inputmode: "tel" } : {}), ...(name === "postcode" ? { inputmode: "numeric" } : {}) })]));
  const preferred = choice("checkbox", { checked: known?.is_default ?? true }, t("make_default"));
  const work = async () => {
    const empty = NAMES.filter((name) => name !== "postcode" && !fields[name].input.value.trim());
    empty.forEach((name) => fields[name].complain(t("please_fill")));
    if (empty.length) return fields[empty[0]].input.focus();
    const json = Object.fromEntries(NAMES.map((name) => [name, fields[name].input.value.trim() || null]));
    json.is_default = preferred.input.checked;
    await guarded(async () => {
      if (known) await call("PATCH", `/addresses/${known.id}`, { json });
      else await post("/addresses", json);
      go(back);
    }, fields);
    return undefined;
  };
  return [
    el("h1", {}, t(known ? "address_edit" : "address_add")),
    form(work, el("section.card", {}, Object.values(fields), preferred), el(".foot", {}, submit(t("save")))),
    el("p.center", {}, el("a", { href: `#${back}` }, t("back"))),
  ];
}
