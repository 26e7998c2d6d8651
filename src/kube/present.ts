/** `{ key: value }`, or nothing at all for undefined: for spreading into objects with optional fields. */
export function present<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  if (value === undefined) return {};
  const one: Record<string, V> = { [key]: value };
  return one as { readonly [P in K]?: V }; // a computed key has the type string; it is K here
}
