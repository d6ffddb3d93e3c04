// What survives a reload. The session stays in this tab unless the student asks to be remembered
// on this phone; drafts stay in this tab. ID numbers and pictures never go into web storage.

const SESSION = "gp.session";
const DRAFT = "gp.draft.";

function read(place, key) {
  try { return JSON.parse(place.getItem(key)); } catch { return null; }
}

/** Return the signed-in session {access_token, refresh_token, remember}, or null. */
export function session() {
  return read(sessionStorage, SESSION) ?? read(localStorage, SESSION);
}

/** Keep the session; in this tab only unless `remember`. */
export function keepSession(tokens, remember) {
  const value = JSON.stringify({ access_token: tokens.access_token, refresh_token: tokens.refresh_token, remember });
  dropSession();
  (remember ? localStorage : sessionStorage).setItem(SESSION, value);
}

/** Forget the session here. */
export function dropSession() {
  sessionStorage.removeItem(SESSION);
  localStorage.removeItem(SESSION);
}

/** Return or set a draft of this tab: small values without personal data. */
export function draft(name, value) {
  if (value === undefined) return read(sessionStorage, DRAFT + name);
  if (value === null) sessionStorage.removeItem(DRAFT + name);
  else sessionStorage.setItem(DRAFT + name, JSON.stringify(value));
  return value;
}

/** Forget everything of this tab. */
export function forgetAll() {
  dropSession();
  sessionStorage.clear();
}
