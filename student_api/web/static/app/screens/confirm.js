// The school's data: confirm it, or ask the school to correct it.

import { load, post } from "../api.js";
import { button, el, field, form, submit, toast } from "../dom.js";
import { all, nextPlace } from "../journey.js";
import { guarded } from "../problems.js";
import { go, route } from "../router.js";
import { moment, t } from "../texts.js";
import { facts } from "./identify.js";

route("/confirm/:id", async ({ id }) => {
  const { enrolment } = await load(`/enrolments/${id}`);
  const yes = button(t("confirm_yes"), () => guarded(async () => {
    await post(`/enrolments/${id}/confirm`, {});
    go(await nextPlace());
  }));
  return [
    el("h1", {}, t("confirm_title")),
    el("p.lead", {}, t(enrolment.prefilled ? "confirm_lead" : "confirm_lead_own")),
    el("section.card", {}, el("dl", {}, facts([
      ["name", enrolment.name_masked], ["student_no", enrolment.student_no], ["last4", enrolment.id_last4], ["level", enrolment.level],
      ["college", enrolment.college], ["major", enrolment.major], ["class_name", enrolment.class_name]]))),
    el("p.center", {}, el("a", { href: `#/correct/${id}` }, t("confirm_wrong"))),
    el(".foot", {}, yes),
  ];
});

const FIELDS = ["name", "student_no", "college", "major", "class_name", "level", "phone"];

route("/correct/:id", async ({ id }) => {
  const { enrolment } = await load(`/enrolments/${id}`);
  const fields = Object.fromEntries(FIELDS.map((name) => [name, field(t(name), { maxlength: 100, placeholder: enrolment[name] ?? enrolment[`${name}_masked`] ?? "" })]));
  const note = field(t("remark"), { maxlength: 500 }, t("correct_note_hint"));
  const work = () => guarded(async () => {
    const changes = Object.fromEntries(Object.entries(fields).map(([name, box]) => [name, box.input.value.trim()]).filter(([, v]) => v));
    await post(`/enrolments/${id}/corrections`, { changes, note: note.input.value.trim() || null });
    toast(t("correct_sent"));
    go("/requests");
  }, { ...fields, note });
  return [
    el("h1", {}, t("correct_title")),
    el("p.lead", {}, t("correct_lead")),
    form(work, el("section.card", {}, Object.values(fields), note), el(".foot", {}, submit(t("send")))),
  ];
});

route("/requests", async () => {
  const items = await all("/enrolment-requests");
  return [
    el("h1", {}, t("requests_title")),
    items.length === 0 && el("p.empty", {}, t("requests_none")),
    items.map((item) => el("section.card", {},
      el("p.row", {}, el("strong", {}, t(`request_${item.kind}`)), el(`span.tag.${item.state}`, {}, t(`request_${item.state}`))),
      el("p.hint", {}, moment(item.created_at)),
      item.note && el("p", {}, item.note),
      item.answer && el("p", {}, t("answer"), item.answer))),
    el(".foot", {}, el("a.wide.primary", { href: "#/" }, t("back_home"))),
  ];
});
