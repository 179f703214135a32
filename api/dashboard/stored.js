// Small values in local storage. The storage may be full, switched off, or hold anything: another version of this page
// wrote it, or a person.

// The value under `key` if it satisfies valid(value), else null.
export function readStored(key, valid) {
  try {
    const value = JSON.parse(localStorage.getItem(key));
    return value !== null && valid(value) ? value : null;
  } catch {
    return null;
  }
}

// Returns whether the value was kept.
export function writeStored(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

export function removeStored(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // as good as removed
  }
}
