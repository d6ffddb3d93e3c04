// A picture on its way, kept in the browser's database until the server has it.

const NAME = "gp-uploads";
const STORE = "pictures";
const memory = new Map(); // where the database is closed (private windows)

function open() {
  return new Promise((done, fail) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
}

async function run(mode, work) {
  const base = await open();
  try {
    return await new Promise((done, fail) => {
      const asked = work(base.transaction(STORE, mode).objectStore(STORE));
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => fail(asked.error);
    });
  } finally {
    base.close();
  }
}

/** Keep {blob, source} for an order. */
export async function keep(orderId, value) {
  memory.set(orderId, value);
  try { await run("readwrite", (store) => store.put(value, orderId)); } catch { /* memory has it */ }
}

/** Return what is kept for an order, or null. */
export async function kept(orderId) {
  if (memory.has(orderId)) return memory.get(orderId);
  try { return (await run("readonly", (store) => store.get(orderId))) ?? null; } catch { return null; }
}

/** Forget what was kept for an order, or everything. */
export async function forget(orderId) {
  if (orderId) memory.delete(orderId);
  else memory.clear();
  try { await run("readwrite", (store) => (orderId ? store.delete(orderId) : store.clear())); } catch { /* nothing kept */ }
}
