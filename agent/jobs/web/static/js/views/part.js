// What a person's page, or that of a device of its own, opens: times, content, and the week, which is also the family's.

import { get, inTurn } from "../lib/api.js";
import { content } from "../people/content.js";
import { familyWeek } from "../people/familyweek.js";
import { minutes } from "../people/minutes.js";
import { times } from "../people/times.js";

const PARTS = { times, content, minutes, week: familyWeek };

export function part({ redraw, query, go }) {
  const state = { people: [], devices: [] };
  const back = query.get("device") ? "/devices" : query.get("person") ? "/?person=" + query.get("person") : "/";
  const inside = PARTS[query.get("part")]({ redraw, about: owner, back });

  const load = inTurn(async () => {
    const [people, devices] = await Promise.all([get("/people"), get("/devices")]);
    Object.assign(state, { people: people.items, devices: devices.items });
    if (owner() || (query.get("part") === "week" && back === "/")) await inside.load();
    else go(back);
  });

  /** {person} or {device}, null where there is none any more. */
  function owner() {
    const device = state.devices.find((one) => String(one.id) === query.get("device"));
    const person = state.people.find((one) => String(one.id) === query.get("person"));
    return device ? { device } : person ? { person } : null;
  }

  return { load, draw: inside.draw, wants: ["device", "feature", "request", "hold", "limits", ...inside.wants] };
}
