// Sign in with ID number or phone.

import { call } from "../api.js";
import { choice, el, field, form, submit, toast } from "../dom.js";
import { nextPlace } from "../journey.js";
import { guarded } from "../problems.js";
import { go, route } from "../router.js";
import { keepSession, session } from "../store.js";
import { t } from "../texts.js";

route("/sign-in", async () => {
  const login = field(t("login"), { autocomplete: "username", maxlength: 40, required: true }, t("login_hint"));
  const password = field(t("password"), { type: "password", autocomplete: "current-password", maxlength: 200 }, t("password_hint"));
  const remember = choice("checkbox", {}, t("remember"), el("small", {}, t("remember_text")));
  const work = async () => {
    if (!login.input.value.trim()) return complain(login);
    if (!password.input.value) return complain(password);
    await guarded(async () => {
      const answer = await call("POST", "/auth/login", {
        json: { login: login.input.value.trim(), password: password.input.value }, public: true,
      });
      signedIn(answer, remember.input.checked);
      go(answer.student.must_change_password ? "/password" : await nextPlace());
    }, { login, password });
    return undefined;
  };
  return [
    el("h1", {}, t("sign_in_title")),
    form(work, el("section.card", {}, login, password, remember), el(".foot", {}, submit(t("sign_in")))),
    el("p.center", {}, el("a", { href: "#/register" }, t("no_account"))),
  ];
});

function complain(box) {
  box.complain(t("please_fill"));
  box.input.focus();
}

/** Keep a fresh session and tell the page. */
export function signedIn(answer, remember) {
  keepSession(answer, remember);
  window.dispatchEvent(new Event("session"));
}

route("/password", async () => {
  const current = field(t("password_now"), { type: "password", autocomplete: "current-password" }, t("password_now_hint"));
  const fresh = field(t("password_new"), { type: "password", autocomplete: "new-password" }, t("password_new_hint"));
  const work = async () => {
    await guarded(async () => {
      const answer = await call("POST", "/auth/password", {
        json: { current_password: current.input.value || null, new_password: fresh.input.value },
      });
      signedIn(answer, session()?.remember);
      toast(t("password_changed"));
      go(await nextPlace());
    }, { current_password: current, new_password: fresh }, {
      wrong_password: (p) => { current.complain(p.message); current.input.focus(); },
      password_unsuitable: (p) => { fresh.complain(p.message); fresh.input.focus(); },
    });
  };
  const later = el("a", { href: "#/" }, t("later"));
  return [
    el("h1", {}, t("password_title")),
    el("p.lead", {}, t("password_lead")),
    form(work, el("section.card", {}, current, fresh), el(".foot", {}, submit(t("save")))),
    el("p.center", {}, later),
  ];
});
