// The page opens without the router too, where the browser trusts its certificate: see sw.js.

const ADDRESS = "/sw.js";

export function keepShell() {
  const workers = navigator.serviceWorker;
  // Over a certificate that was only clicked away, browsers run no worker.
  if (!workers) return;
  workers.register(address()).catch(() => {});
}

/** The one address that is ever made a script's here. */
function address() {
  const types = /** @type {any} */ (window).trustedTypes;
  return types ? types.createPolicy("shell", { createScriptURL: () => ADDRESS }).createScriptURL("") : ADDRESS;
}
