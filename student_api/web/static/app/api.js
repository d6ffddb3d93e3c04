// Calls of the student API: tokens, problems as errors, and repeats that are safe.

import { dropSession, keepSession, session, draft } from "./store.js";
import { locale, t } from "./texts.js";

const BASE = "/api/v1";
const TIMEOUT = 30000;

/** What the API (or the network) answered instead of a result. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || t("network_down"));
    this.status = status;
    this.code = body.code || "network";
    this.fields = body.errors || [];
    this.retryAfter = body.retryAfter;
  }

  /** True when the same call may succeed when it is sent again. */
  get passing() {
    return this.status === 0 || this.status >= 500 || this.code === "request_in_progress";
  }
}

/** Return the answer of one call. Options: json, form, raw, headers, query, public, key. Throws Problem. */
export async function call(method, path, options = {}) {
  const answer = await send(method, path, options);
  if (answer.status === 401 && !options.public && session()) {
    if (await refreshed(answer.usedToken)) return unpack(await send(method, path, options), options);
    dropSession();
    location.hash = "#/sign-in";
  }
  return unpack(answer, options);
}

export const get = (path, options) => call("GET", path, options);

/**
 * Send something that creates or moves, safely: the same `intent` with the same body carries the
 * same Idempotency-Key until it was answered, also after a reload.
 */
export async function post(path, json, { intent = path, ...options } = {}) {
  const digest = await fingerprint(path + JSON.stringify(json ?? {}));
  const kept = draft(`key.${intent}`);
  const key = kept?.digest === digest ? kept.key : newKey();
  draft(`key.${intent}`, { digest, key });
  for (let tries = 0; ; tries++) {
    try {
      const result = await call("POST", path, { json: json ?? {}, key, ...options });
      draft(`key.${intent}`, null);
      return result;
    } catch (problem) {
      if (!problem.passing) draft(`key.${intent}`, null);
      if (!problem.passing || tries >= 2) throw problem;
      await pause(800 * 2 ** tries);
    }
  }
}

/** Read, with two repeats when the network drops. */
export async function load(path, options = {}) {
  for (let tries = 0; ; tries++) {
    try {
      return await call("GET", path, options);
    } catch (problem) {
      if (!problem.passing || tries >= 2) throw problem;
      await pause(600 * 2 ** tries);
    }
  }
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function send(method, path, { json, form, raw, headers = {}, key, timeout = TIMEOUT, public: open } = {}) {
  const token = open ? null : session()?.access_token;
  const said = { "Accept-Language": locale(), ...headers };
  if (token) said.Authorization = `Bearer ${token}`;
  if (json !== undefined) said["Content-Type"] = "application/json";
  if (key) said["Idempotency-Key"] = key;
  const body = json !== undefined ? JSON.stringify(json) : (form ?? raw);
  const stop = new AbortController();
  const clock = setTimeout(() => stop.abort(), timeout);
  try {
    const answer = await fetch(BASE + path, { method, headers: said, body, signal: stop.signal, cache: "no-store" });
    answer.usedToken = token;
    return answer;
  } catch {
    throw new Problem(0, { code: "network", detail: t("network_down") });
  } finally {
    clearTimeout(clock);
  }
}

async function unpack(answer, { blob } = {}) {
  if (answer.ok) return blob ? answer.blob() : answer.json();
  let body = {};
  try { body = await answer.json(); } catch { body = { detail: t("server_trouble") }; }
  body.retryAfter = Number(answer.headers.get("Retry-After")) || undefined;
  throw new Problem(answer.status, body);
}

// One refresh at a time, over all tabs: a spent refresh token would end the whole session.
function refreshed(used) {
  const work = async () => {
    const now = session();
    if (!now) return false;
    if (now.access_token !== used) return true;
    try {
      const answer = await send("POST", "/auth/refresh", { json: { refresh_token: now.refresh_token }, public: true });
      if (!answer.ok) return false;
      keepSession(await answer.json(), now.remember);
      return true;
    } catch {
      return false;
    }
  };
  return navigator.locks ? navigator.locks.request("gp.refresh", work) : work();
}

const hex = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");

function newKey() {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

// Not for secrecy: only to see whether the same thing is sent again. Plain http has no subtle crypto.
async function fingerprint(text) {
  if (crypto.subtle) return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
  let hash = 0x811c9dc5;
  for (const unit of text) hash = Math.imul(hash ^ unit.codePointAt(0), 0x01000193) >>> 0;
  return `${text.length}-${hash}`;
}
