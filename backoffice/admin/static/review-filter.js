// The filter's drop-downs come when it is opened for the first time; a failure is tried again then.
const filter = document.querySelector(".rd-filter");
const place = filter.querySelector("[data-place]");
const apply = filter.querySelector("button[type=submit]");

filter.addEventListener("toggle", async () => {
  if (!filter.open || !apply.disabled) return;
  const answer = await fetch(filter.dataset.fill).catch(() => null);
  if (answer?.ok && !answer.redirected) {
    place.innerHTML = await answer.text();
    apply.disabled = false;
    place.querySelector("select").focus();
  } else {
    place.textContent = filter.dataset.failed;
  }
});
