/** Joins parts of a component into one; getters stay getters. */
export function mix(...parts) {
  return parts.reduce((whole, part) => Object.defineProperties(whole, Object.getOwnPropertyDescriptors(part)), {});
}
