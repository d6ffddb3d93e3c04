// The account: own data, password, address book, requests, sign out, erasure.

import { call, load } from "../api.js";
import { button, dialled, el, field, form, submit, toast } from "../dom.js";
import { guarded } from "../problems.js";
import { draw, route } from "../router.js";
import { forgetAll } from "../store.js";
import { t } from "../texts.js";
import { forget } from "../waiting.js";
import { facts } from "./identify.js";

route("/me", async () => {
  const { student } = await load("/me");
  const fields = {
    phone: field(t("phone"), { type: "tel", value: dialled(student.phone), autocomplete: "tel" }),
    email: field(t("email"), { type: "email", value: student.email ?? "", autocomplete: "email" }),
  };
  const work = () => guarded(async () => {
    await call("PATCH", "/me", { json: { phone: fields.phone.input.value.trim(), email: fields.email.input.value.trim() || null } });
    toast(t("saved"));
  }, fields);
  return [
    el("h1", {}, t("menu_me")),
    student.must_change_password && el("p.notice", {}, t("password_first"), " ", el("a", { href: "#/password" }, t("password_title"))),
    el("section.card", {}, el("dl", {}, facts([["name", student.name], ["id_number", student.id_number]]))),
    form(work, el("section.card", {}, Object.values(fields), submit(t("save")))),
    el("nav.card.links", { "aria-label": t("menu_me") },
      [["#/addresses", "addresses"], ["#/password", "password_title"], ["#/requests", "requests_title"], ["#/orders", "menu_orders"]]
        .map(([href, text]) => el("a", { href }, t(text)))),
    button(t("sign_out"), signOut, "secondary"),
    erasure(student),
  ];
});

async function signOut() {
  try { await call("POST", "/auth/logout", { json: {} }); } catch { /* signed out here in any case */ }
  forgetAll();
  await forget();
  location.hash = "#/";
  location.reload();
}

function erasure(student) {
  if (student.erasure_requested_at) return el("p.hint.center", {}, t("erasure_asked"));
  const box = el(".more");
  const ask = () => box.replaceChildren(el("p", {}, t("erasure_sure")), el(".pair", {},
    el("button.secondary", { type: "button", onclick: rest }, t("no")),
    button(t("erasure"), () => guarded(async () => { await call("DELETE", "/me"); draw(); }), "danger")));
  function rest() { box.replaceChildren(el("button.plain", { type: "button", onclick: ask }, t("erasure"))); }
  rest();
  return box;
}
