// Choose who you are; read the guides; then sign in.

import { load } from "../api.js";
import { batch } from "../batch.js";
import { button, choice, el, form, submit, toast } from "../dom.js";
import { nextPlace } from "../journey.js";
import { prose } from "../prose.js";
import { go, route } from "../router.js";
import { draft, session } from "../store.js";
import { t } from "../texts.js";

route("/who", async () => {
  const { kind } = await batch();
  const pick = (who) => () => {
    if (who !== kind) return toast(t(kind === "graduate" ? "batch_for_graduates" : "batch_for_freshmen"), "bad");
    return go("/guides");
  };
  return [
    el("h1", {}, t("who_title")),
    el("p.lead", {}, t("who_lead")),
    el(".tiles", {},
      el("button.tile", { type: "button", onclick: pick("graduate") }, el("strong", {}, t("who_graduate")), el("span", {}, t("who_graduate_text"))),
      el("button.tile", { type: "button", onclick: pick("freshman") }, el("strong", {}, t("who_freshman")), el("span", {}, t("who_freshman_text"))),
    ),
    otherCode(),
  ];
});

function otherCode() {
  const input = el("input", { id: "other-code", maxlength: 12, autocapitalize: "characters", autocomplete: "off" });
  const work = async () => {
    const code = input.value.trim();
    if (code) location.assign(`/s/${encodeURIComponent(code)}`);
    else input.focus();
  };
  return el("details.card", {}, el("summary", {}, t("other_batch")),
    form(work, el(".field", {}, el("label", { for: "other-code" }, t("feature_code")), input), submit(t("open_batch"))));
}

route("/guides", async () => {
  const { requires_capture_code: needed, standard_title: standard } = await batch();
  const kinds = needed ? ["capture-code", "standard", "shooting"] : ["standard", "shooting"];
  const texts = await Promise.all(kinds.map((kind) => load(`/guides/${kind}`, { public: true })));
  const read = choice("checkbox", { checked: Boolean(draft("guides-read")) }, t("guides_read"));
  const on = button(t("next"), async () => {
    if (!read.input.checked) {
      toast(t("guides_please"), "bad");
      return read.input.focus();
    }
    draft("guides-read", true);
    go(session() ? await nextPlace() : "/account");
  });
  return [
    el("h1", {}, t("guides_title")),
    texts.map((guide, index) => el("details.card", { open: index === 0 }, el("summary", {}, guide.title),
      el(".text", {}, guide.kind === "standard" && el("p", {}, t("batch_standard"), el("strong", {}, standard)), prose(guide.body)))),
    el(".foot", {}, read, on),
  ];
});

route("/account", async () => [
  el("h1", {}, t("account_title")),
  el("p.lead", {}, t("account_lead")),
  el(".tiles", {},
    el("a.tile", { href: "#/register" }, el("strong", {}, t("first_time")), el("span", {}, t("first_time_text"))),
    el("a.tile", { href: "#/sign-in" }, el("strong", {}, t("have_account")), el("span", {}, t("have_account_text"))),
    el("a.tile", { href: "#/register/passport" }, el("strong", {}, t("foreign")), el("span", {}, t("foreign_text"))),
  ),
]);
