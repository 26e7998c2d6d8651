/** The words of `cp`: `[NAMESPACE/]POD:PATH` for a place in a container, anything else for one on this host. */
import { fail } from "../base/errors.ts";
import { podWord } from "./find.ts";

export interface RemotePlace {
  /** Undefined: that of `--namespace`. */
  readonly namespace: string | undefined;
  readonly pod: string;
  readonly path: string;
}

/** A string is a path of the host: one that holds a colon must begin with `/` or `.`. Kind `usage` when it is neither. */
export function parsePlace(text: string): string | RemotePlace {
  const colon = text.indexOf(":");
  if (colon < 0 || /^[./]/.test(text)) return text === "" ? fail("usage", 'Cannot copy "": it must be a path, or POD:PATH') : text;
  const [pod = "", namespace, ...more] = text.slice(0, colon).split("/").toReversed();
  const path = text.slice(colon + 1);
  if (pod === "" || namespace === "" || more.length > 0 || path === "") fail("usage", `Cannot copy "${text}": it must be a path, or [NAMESPACE/]POD:PATH; a path of the host with a colon in it must begin with "./" or "/"`);
  // `pod/web:/x` is what other commands call it.
  const isKind = namespace !== undefined && ["pod", "pods", "po"].includes(namespace);
  return { namespace: isKind ? undefined : namespace, pod: podWord(pod), path };
}
