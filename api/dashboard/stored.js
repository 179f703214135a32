// Keeps small values in local storage, which may be full or disabled, and may hold values of another version of this
// page or of a person.

// Returns the value under `key` if valid(value) is true, else null.
export function readStored(key, valid) {
  try {
    const value = JSON.parse(localStorage.getItem(key));
    return value !== null && valid(value) ? value : null;
  } catch {
    return null;
  }
}

// Stores a value. Returns whether the storage kept it.
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
    // It counts as removed.
  }
}
