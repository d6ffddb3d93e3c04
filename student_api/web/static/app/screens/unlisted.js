// Manual entry, where the batch takes students who are not on the roster; identity for WeChat accounts.

import { post, load, call } from "../api.js";
import { batch, featureCode } from "../batch.js";
import { el, field, form, submit } from "../dom.js";
import { guarded } from "../problems.js";
import { go, route } from "../router.js";
import { t } from "../texts.js";

route("/unlisted", async () => {
  const { requires_capture_code: needed } = await batch();
  const fields = Object.fromEntries(["student_no", "college", "major", "class_name", "level"].map((name) => [name, field(t(name), { maxlength: 100, required: name === "student_no" })]));
  if (needed) fields.capture_code = field(t("code_text"), { maxlength: 4000 }, t("code_text_hint"));
  const work = async () => {
    if (!fields.student_no.input.value.trim()) { fields.student_no.complain(t("please_fill")); return fields.student_no.input.focus(); }
    const values = Object.fromEntries(Object.entries(fields).map(([name, box]) => [name, box.input.value.trim()]).filter(([, v]) => v));
    await guarded(async () => {
      const { enrolment } = await post("/enrolments", { feature_code: featureCode, ...values });
      go(`/confirm/${enrolment.id}`);
    }, fields);
    return undefined;
  };
  return [
    el("h1", {}, t("unlisted_title")),
    el("p.lead", {}, t("unlisted_lead")),
    form(work, el("section.card", {}, Object.values(fields)), el(".foot", {}, submit(t("next")))),
  ];
});

const ID_TYPES = ["resident_id", "hk_macau_permit", "taiwan_permit", "passport", "foreign_pr", "hk_id"];

route("/identity", async () => {
  await load("/me");
  const fields = {
    id_type: field(t("id_type"), { options: ID_TYPES.map((code) => [code, t(code)]) }),
    id_number: field(t("id_number"), { maxlength: 40, autocapitalize: "characters" }),
    name: field(t("name"), { maxlength: 100 }, t("name_hint")),
  };
  const work = () => guarded(async () => {
    const json = Object.fromEntries(Object.entries(fields).map(([name, box]) => [name, box.input.value.trim()]));
    await call("POST", "/me/identity", { json });
    go("/identify");
  }, fields);
  return [el("h1", {}, t("identity_add")), form(work, el("section.card", {}, Object.values(fields)), el(".foot", {}, submit(t("save"))))];
});
