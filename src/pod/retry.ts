/** Trying again at once what could not be made: somebody has mended what was wrong, perhaps. */
import type { PodUid } from "../spec/spec.ts";
import type { RuntimeState } from "../state/state.ts";
import { IMAGE_FAILURES } from "./progress.ts";

/** Reasons of containers that wait for their next try. Those that ended have their back-off from their own past. */
const UNMADE: ReadonlySet<string> = new Set([...IMAGE_FAILURES, "CreateContainerConfigError", "CreateContainerError"]);

/** Ends the back-offs of a pod's sandbox, images and containers that could not be made. Counts go on. True when there was one. */
export function endBackOffs(state: RuntimeState, uid: PodUid): boolean {
  return state.transaction(() => {
    const record = state.pod(uid);
    if (record === undefined) return false;
    const sandbox = record.sandboxAt === 0 && record.reason === "FailedCreatePodSandBox";
    if (sandbox) state.updatePod(uid, { reason: "", message: "" });
    const waiting = state.containers(uid).filter((each) => each.state.status === "waiting" && (sandbox || UNMADE.has(each.state.reason)));
    for (const { name } of waiting) state.updateContainer(uid, name, { state: { status: "waiting", reason: "ContainerCreating" } });
    return sandbox || waiting.length > 0;
  });
}
