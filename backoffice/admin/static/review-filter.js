// The filter's drop-downs come when it is opened for the first time; a failure is tried again then.
const filter = document.querySelector(".rd-filter");
const place = filter.querySelector("[data-place]");
const apply = filter.querySelector("button[type=submit]");
let asked = false;

async function fill() {
  asked = true;
  const answer = await fetch(filter.dataset.fill).catch(() => null);
  asked = Boolean(answer?.ok && !answer.redirected);
  if (!asked) {
    place.querySelector("p").textContent = filter.dataset.failed;
    return;
  }
  place.innerHTML = await answer.text();
  apply.disabled = false;
  const here = document.activeElement === filter.querySelector("summary");
  if (filter.open && here) place.querySelector("select").focus();
}

filter.addEventListener("toggle", () => filter.open && !asked && fill());
