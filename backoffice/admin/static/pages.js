// Small comforts on every page; all of it works without them too.
document.documentElement.classList.add("js");

// A drop-down filters as soon as it is changed.
for (const form of document.querySelectorAll("form[data-autosubmit]")) {
  form.addEventListener("change", () => form.submit());
}

// A form is sent once, however often the button is pressed.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    form.classList.add("busy");
  });
}
// Coming back with the browser's own button finds the form usable again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.classList.remove("busy");
  }
});

// An invitation's secret stands behind # in its link, where only this page sees it.
for (const field of document.querySelectorAll("[data-from-address]")) {
  const secret = location.hash.slice(1);
  if (!secret) continue;
  field.querySelector("input").value = secret;
  field.hidden = true;
  history.replaceState(null, "", location.pathname);
}

// One box chooses all rows of its table; typing a tracking number chooses its row.
for (const all of document.querySelectorAll("[data-pick-all]")) {
  all.addEventListener("change", () => {
    for (const box of all.closest("table").querySelectorAll('input[name="order"]')) {
      box.checked = all.checked;
    }
  });
}
for (const input of document.querySelectorAll("[data-picks]")) {
  input.addEventListener("input", () => {
    input.closest("tr").querySelector('input[name="order"]').checked = input.value.trim() !== "";
  });
}

// A page about something under way fetches itself again until it is over.
async function refresh(part) {
  while (part?.dataset.refresh) {
    await new Promise((done) => setTimeout(done, Number(part.dataset.refresh) * 1000));
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) continue;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!fresh) return location.reload(); // signed out meanwhile, for example
    part.replaceWith(fresh);
    document.querySelector(".top-title").replaceWith(page.querySelector(".top-title"));
    part = fresh;
  }
}
refresh(document.querySelector("[data-refresh]"));
