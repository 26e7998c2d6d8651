/** Which images are in use, and by what. */
import type { RuntimeState } from "../state/state.ts";

/** Image id → the recorded pods with a container of it, as words for people. */
export function usersOf(state: RuntimeState): ReadonlyMap<string, readonly string[]> {
  const names = new Map(state.pods().map(({ uid, pod: { metadata } }) => [uid, `pod "${metadata.namespace}/${metadata.name}"`]));
  const byImage = Map.groupBy(state.containers(), (each) => each.imageId);
  return new Map([...byImage].map(([id, containers]) => [id, [...new Set(containers.flatMap((each) => names.get(each.pod) ?? []))]]));
}
