// The form of a new batch, one section at a time; without scripts all sections stand below each other.
const form = document.querySelector("[data-steps]");
const sections = form ? [...form.querySelectorAll("[data-step]")] : [];
const buttons = [...document.querySelectorAll(".steps button")];

function show(wanted) {
  sections.forEach((section, place) => { section.hidden = place !== wanted; });
  buttons.forEach((button, place) => {
    if (place === wanted) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  });
  form.querySelector("[data-back]").hidden = wanted === 0;
  form.querySelector("[data-next]").hidden = wanted === sections.length - 1;
  form.dataset.at = wanted;
}

// The first section with something unusable, up to the wanted one; -1 if all are fine.
function firstWrong(until) {
  return sections.findIndex((section, place) => place < until
    && [...section.querySelectorAll("input, select")].some((input) => !input.checkValidity()));
}

function go(wanted) {
  const wrong = firstWrong(wanted);
  show(wrong < 0 ? wanted : wrong);
  if (wrong >= 0) form.reportValidity();
  else sections[wanted].querySelector("h2").focus();
}

if (form) {
  document.querySelector(".steps").hidden = false;
  buttons.forEach((button, place) => button.addEventListener("click", () => go(place)));
  form.querySelector("[data-back]").addEventListener("click", () => go(Number(form.dataset.at) - 1));
  form.querySelector("[data-next]").addEventListener("click", () => go(Number(form.dataset.at) + 1));
  // before the form's own listeners, which take a sent form for sent
  window.addEventListener("submit", (event) => {
    const wrong = event.target === form ? firstWrong(sections.length) : -1;
    if (wrong < 0) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    show(wrong);
    form.reportValidity();
  }, true);
  form.noValidate = true; // fields in hidden sections would stop the form without a word
  const bad = sections.findIndex((section) => section.querySelector(".problem"));
  sections.forEach((section, place) => {
    buttons[place].parentElement.classList.toggle("bad", Boolean(section.querySelector(".problem")));
  });
  show(Math.max(0, bad));
  // Return goes on to the next section instead of opening the batch before its end.
  form.addEventListener("keydown", (event) => {
    const last = Number(form.dataset.at) === sections.length - 1;
    if (event.key === "Enter" && event.target.matches("input") && !last) {
      event.preventDefault();
      go(Number(form.dataset.at) + 1);
    }
  });
}

// Graduates bring a capture code and have the register's standard, freshmen neither: as a proposal.
for (const kind of document.querySelectorAll('[data-steps] [name="kind"]')) {
  kind.addEventListener("change", () => {
    const standard = form.elements.standard;
    const usual = form.dataset[kind.value];
    if ([...standard.options].some((option) => option.value === usual)) standard.value = usual;
    form.elements.requires_capture_code.checked = kind.value === "graduate";
  });
}

// Another school: its last batch is what the form begins with.
document.querySelector("[data-reload]")?.addEventListener("change", (event) => {
  const address = new URL(location.href);
  address.searchParams.set(event.target.name, event.target.value);
  location.assign(address);
});
