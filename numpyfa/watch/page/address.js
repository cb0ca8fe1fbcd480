// The address holds the settings and what is looked at, so that it can be put into a handout.

const LOOK = ["layer", "digit"];

/** {settings, look} of the address. Nothing is judged here: the engine says what cannot be. */
export function read(search) {
  const settings = Object.create(null); // so that a setting named __proto__ is one like any other
  const look = {};
  for (const [name, value] of new URLSearchParams(search)) {
    if (LOOK.includes(name)) {
      look[name] = /^\d{1,9}$/.test(value) ? Number(value) : value;
    } else {
      settings[name] = value;
    }
  }
  return { settings, look };
}

/** Write them into the address, in place: the back button leads out of the page, not through its past. */
export function write(settings, look) {
  const query = new URLSearchParams({ ...settings, ...look });
  history.replaceState(null, "", `?${query}`);
}
