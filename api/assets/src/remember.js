// Which ids does the next step of an example need? Those that the step before has answered with.
//
// A variable named `bookingId` that is still empty takes the id of the newest `booking` seen, and so
// on. What somebody has typed is theirs and stays.

function idOf(thing, value) {
  if (value === null || typeof value !== "object") return null;
  if (!Array.isArray(value) && value[thing]?.id) return value[thing].id;
  for (const part of Object.values(value)) {
    const found = idOf(thing, part);
    if (found) return found;
  }
  return null;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {}; // somebody is in the middle of typing
  }
}

export function createMemory() {
  const given = new Set([""]);

  // The variables' text with what `data` tells filled in; the same text when it tells nothing.
  return function fillIn(text, data) {
    const variables = parsed(text);
    let changed = false;
    for (const [name, value] of Object.entries(variables)) {
      const id = name.endsWith("Id") && given.has(value) && idOf(name.slice(0, -2), data);
      if (!id || id === value) continue;
      given.add(id);
      variables[name] = id;
      changed = true;
    }
    return changed ? JSON.stringify(variables, null, 2) : text;
  };
}
