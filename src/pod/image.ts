/** The image of a container: which one it is, and what it says about stopping. */
import { fail } from "../base/errors.ts";
import type { Container } from "../spec/spec.ts";
import type { ContainerRecord } from "../state/state.ts";
import { candidates } from "../storage/references.ts";
import type { Image } from "../storage/storage.ts";
import type { PodHost } from "./pod.ts";

/** The image that a container names. Fails with the kubelet's reason as code when it is not present: pulling is not in this version. */
export function requireImage(host: Pick<PodHost, "images">, container: Container): Image {
  for (const reference of candidates(container.image)) {
    const found = host.images.find(reference);
    if (found !== undefined) return found;
  }
  if (container.imagePullPolicy === "Never") {
    fail("notFound", `Container image "${container.image}" is not present with pull policy of Never`, { code: "ErrImageNeverPull" });
  }
  fail("notFound", `Container image "${container.image}" is not present, and this version cannot pull images`, { code: "ErrImagePull", hint: "import it: wherry image import FILE NAME" });
}

const SIGNAL = /^SIG[A-Z0-9+]+$/;
const NUMBERS: Readonly<Record<string, NodeJS.Signals>> = { "1": "SIGHUP", "2": "SIGINT", "3": "SIGQUIT", "9": "SIGKILL", "10": "SIGUSR1", "12": "SIGUSR2", "15": "SIGTERM", "28": "SIGWINCH" };

/** The signal that asks a container to end: the image's STOPSIGNAL (`SIGQUIT`, `QUIT` or `3`), else SIGTERM. */
export function stopSignalOf(host: Pick<PodHost, "images">, container: Pick<ContainerRecord, "imageId">): NodeJS.Signals {
  const text = host.images.find(container.imageId)?.config.stopSignal ?? "";
  const known = NUMBERS[text];
  if (known !== undefined) return known;
  const name = text.startsWith("SIG") ? text : `SIG${text}`;
  return isSignal(name) ? name : "SIGTERM";
}

const isSignal = (name: string): name is NodeJS.Signals => SIGNAL.test(name) && Object.values(NUMBERS).some((each) => each === name);
