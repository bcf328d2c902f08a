// A device that is not where its MAC says: since when, and its new address, taken over with one tap.

import { patch } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { when } from "../lib/time.js";
import { button, say, toast } from "../lib/ui.js";

/** What is to be said of a device that was not seen, else null; one that is off and just not here is no news. */
export function unseen(device, reload) {
  if (!device.unseen) return null;
  const { unseen: since, moved, through } = device.unseen;
  if (moved) {
    return h(
      "div.unseen",
      h("p.care-text", t("device.moved", { device: device.label, mac: moved.mac })),
      button(t("device.moved_yes"), () => takeOver(device, moved.mac, reload), { tone: "plain small" }),
    );
  }
  if (!Object.values(device.features).some((one) => one.on)) return null;
  return through
    ? h("p.unseen.care-text", t("device.through", { mac: through }))
    : h("p.unseen.soft", t("device.unseen", { when: when(since) }));
}

async function takeOver(device, mac, reload) {
  const change = async (to) => {
    try {
      await patch("/devices/" + device.id, { mac: to });
      if (to === mac) {
        toast(t("device.moved_done", { device: device.label }), { label: t("undo"), call: () => change(device.mac) });
      }
    } catch (error) {
      say(error);
    }
    await reload();
  };
  await change(mac);
}
