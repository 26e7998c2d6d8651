/** `resources` of containers and pods (core/v1 `ValidateContainerResourceRequirements`). */
import { parseQuantity, type ResourceRequirements } from "../spec/spec.ts";
import { complain, entries, field, join, type Cursor } from "./cursor.ts";
import { present } from "./present.ts";
import { quantityText, RULES } from "./rules.ts";
import { didYouMean } from "./suggest.ts";
import { quoted } from "./tree.ts";

/** Those that have their effect. */
const isEnforced = (name: string): boolean => NATIVE.some((known) => known === name) || HUGEPAGES.test(name) || CDI.test(name);
const NATIVE = ["cpu", "memory", "ephemeral-storage"] as const;
/** `hugepages-2Mi`: native too, in whole pages. */
const HUGEPAGES = /^hugepages-(\d+[KMG]i)$/;
/** `vendor.example/class=device`: a device by its CDI name, which cannot be a resource of a cluster. */
const CDI = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[A-Za-z]([-\w]*[A-Za-z0-9])?=[A-Za-z0-9]([-\w.:]*[A-Za-z0-9])?$/;

/** Limits and requests, with the requests that follow from limits left out: they are as the limits. */
export function readResources(container: Cursor, options: { readonly pod: boolean } = { pod: false }): ResourceRequirements {
  const cursor = field(container, "resources");
  const limits = readQuantities(field(cursor, "limits"), options);
  const requests = readQuantities(field(cursor, "requests"), options);
  for (const [name, amount] of Object.entries(requests)) checkRequest(field(field(cursor, "requests"), name), { name, amount, limit: limits[name] });
  return { limits, ...present("requests", Object.keys(requests).length === 0 ? undefined : requests) };
}

function readQuantities(cursor: Cursor | undefined, { pod }: { readonly pod: boolean }): Readonly<Record<string, string>> {
  const found: [string, string][] = [];
  for (const { key, keyAt, value } of entries(cursor)) {
    const at = { ...value, path: join(cursor?.path ?? "", key) };
    if (isKnown(key, pod) && !isEnforced(key)) complain(at, { code: "unsupported-field", message: "resource that wherry does not support" }, keyAt);
    if (isKnown(key, pod)) {
      const amount = quantityText(value, key === "cpu" ? "cores" : "bytes");
      if (amount !== undefined) found.push([key, amount]);
      checkPages(value, key, amount);
      continue;
    }
    const extended = !pod && RULES.labelKey.accepts(key) && key.includes("/");
    const message = extended
      ? "is a resource of a device plugin, of which this host has none, should be cpu, memory, ephemeral-storage, hugepages-SIZE or a CDI device (vendor/class=device)"
      : `unknown resource, should be ${pod ? "cpu, memory or hugepages-SIZE" : "cpu, memory, ephemeral-storage or hugepages-SIZE"}`;
    complain(at, { code: extended ? "unsupported-field" : "unknown-field", message, hint: didYouMean(key, NATIVE) }, keyAt);
  }
  return Object.fromEntries(found);
}

const isKnown = (name: string, pod: boolean): boolean =>
  (pod ? name === "cpu" || name === "memory" : NATIVE.some((known) => known === name) || CDI.test(name)) || HUGEPAGES.test(name);

function checkPages(cursor: Cursor, name: string, amount: string | undefined): void {
  const size = HUGEPAGES.exec(name)?.[1];
  if (size === undefined || amount === undefined || parseQuantity(amount) % parseQuantity(size) === 0) return;
  complain(cursor, { code: "value", message: `is ${quoted(amount)}, should be a multiple of ${size}` });
}

function checkRequest(cursor: Cursor | undefined, { name, amount, limit }: { readonly name: string; readonly amount: string; readonly limit: string | undefined }): void {
  if (cursor === undefined) return;
  const whole = HUGEPAGES.test(name) || CDI.test(name);
  if (whole && limit === undefined) return complain(cursor, { code: "value", message: `is ${quoted(amount)}, should come with a limit: what cannot be shared is requested by its limit` });
  if (limit === undefined) return;
  if (parseQuantity(amount) > parseQuantity(limit)) complain(cursor, { code: "value", message: `is ${quoted(amount)}, should be at most its limit ${limit}` });
  else if (whole && parseQuantity(amount) !== parseQuantity(limit)) complain(cursor, { code: "value", message: `is ${quoted(amount)}, should be its limit ${limit}` });
}
