// Whose history can be looked at.

import { byName } from "../lib/i18n.js";

/** Each device, and each person who has several, with the query that asks for their visits. */
export function whom(unsorted) {
  const devices = [...unsorted].sort((one, other) => byName(one.label, other.label));
  const people = new Map();
  for (const one of devices) if (one.person) people.set(one.person.id, [...(people.get(one.person.id) || []), one]);
  const several = [...people.values()]
    .filter((own) => own.length > 1)
    .map((own) => ({
      key: "person-" + own[0].person.id,
      label: own[0].person.name,
      query: { person_id: own[0].person.id },
      visits: own.some((one) => one.kept?.visits),
      devices: own,
    }));
  return [
    ...several,
    ...devices.map((one) => ({
      key: "device-" + one.id,
      label: one.label,
      query: { device_id: one.id },
      visits: one.kept?.visits,
      devices: [one],
    })),
  ];
}
