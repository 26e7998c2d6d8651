/** Claims by name, for the commands on volumes. */
import { fail } from "../base/errors.ts";
import type { ClaimRecord, DurableState } from "../state/state.ts";
import { didYouMean } from "./suggest.ts";

/** The claim that a word means: `NAME`, or `NAMESPACE/NAME`. Fails with kind `notFound`. */
export function findClaim({ claims }: Pick<DurableState, "claims">, word: string, namespace: string): ClaimRecord {
  const [first = "", second] = word.split("/");
  const wanted = second === undefined ? { namespace, name: first } : { namespace: first, name: second };
  const found = claims.find(wanted.namespace, wanted.name);
  if (found !== undefined) return found;
  const all = claims.all().map(({ claim: { metadata } }) => metadata);
  const elsewhere = all.find(({ name }) => name === wanted.name);
  const near = didYouMean(wanted.name, all.filter((each) => each.namespace === wanted.namespace).map(({ name }) => name));
  fail("notFound", `Cannot find volume "${wanted.name}" in namespace "${wanted.namespace}": it does not exist`, elsewhere === undefined ? near : { hint: `there is one in namespace "${elsewhere.namespace}"` });
}
