/** The image of a container: what its pull policy asks for, which one it is, and what it says about stopping. */
import { WherryError } from "../base/errors.ts";
import { type Signal, signalNamed } from "../spec/signals.ts";
import type { Container } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import type { Image, ImageCatalog } from "../storage/storage.ts";
import type { PodHost } from "./pod.ts";

/** A container as the manifest has it. */
export function specOf(record: PodRecord, { kind, name }: ContainerRecord): Container {
  const list = kind === "main" ? record.pod.spec.containers : record.pod.spec.initContainers;
  const found = list.find((each) => each.name === name);
  if (found === undefined) throw new Error(`container ${name} is not in its pod's spec`);
  return found;
}

/** What a start of a container needs (kubelet pkg/kubelet/images `EnsureImageExists`). */
export type ImageNeed =
  | { readonly is: "present"; readonly image: Image }
  /** `otherwise`: what is taken when it cannot be pulled. */
  | { readonly is: "pull"; readonly reference: string; readonly otherwise?: Image }
  /** `event`: reason of the event that goes before the one that the container failed. */
  | { readonly is: "refused"; readonly reason: "ErrImageNeverPull" | "InvalidImageName"; readonly event: string; readonly message: string };

/** Where images are looked up, and by which names (`ImagePuller.names`). */
export interface ImageLookup {
  readonly images: ImageCatalog;
  readonly names: (reference: string) => readonly string[];
}

/**
 * Never: it must be present. IfNotPresent: it is pulled when it is not. Always: the registry is asked at every start; but
 * an image made on this host has none, it is what other engines of the host have, else what is present; nor has an id.
 */
export function imageNeed({ images, names: resolve }: ImageLookup, { image, imagePullPolicy: policy }: Pick<Container, "image" | "imagePullPolicy">): ImageNeed {
  const names = namesOf(image, resolve);
  if ("wrong" in names) {
    const message = `Failed to apply default image tag "${image}": couldn't parse image reference "${image}": ${names.wrong}`;
    return { is: "refused", reason: "InvalidImageName", event: "InspectFailed", message };
  }
  const [first = ""] = names.right;
  const found = presentImage(images, names.right);
  if (found !== undefined && (policy !== "Always" || first.startsWith("sha256:"))) return { is: "present", image: found.image };
  if (policy === "Never") {
    return { is: "refused", reason: "ErrImageNeverPull", event: "ErrImageNeverPull", message: `Container image "${image}" is not present with pull policy of Never` };
  }
  if (found?.name.startsWith("localhost/") === true) return { is: "pull", reference: found.name, otherwise: found.image };
  return { is: "pull", reference: image };
}

function namesOf(text: string, resolve: ImageLookup["names"]): { readonly right: readonly string[] } | { readonly wrong: string } {
  try {
    return { right: resolve(text) };
  } catch (thrown) {
    if (!(thrown instanceof WherryError) || thrown.code !== "InvalidImageName") throw thrown;
    return { wrong: thrown.message.replace(/^Cannot use "[^"]*" as an image name: /, "") };
  }
}

/** The first that is there; one with a layer that is known to be damaged is not. */
function presentImage(images: ImageCatalog, names: readonly string[]): { readonly name: string; readonly image: Image } | undefined {
  for (const name of names) {
    const image = images.find(name);
    if (image !== undefined && image.layers.every((diffId) => (images.layer(diffId)?.damage ?? "") === "")) return { name, image };
  }
  return undefined;
}

/** The signal that asks a container to end: its own `lifecycle.stopSignal`, else the image's STOPSIGNAL (`SIGQUIT`, `QUIT` or `3`), else SIGTERM. */
export function stopSignalOf(host: Pick<PodHost, "images">, container: Pick<ContainerRecord, "imageId">, { lifecycle }: Pick<Container, "lifecycle">): Signal {
  const text = lifecycle?.stopSignal ?? host.images.find(container.imageId)?.config.stopSignal ?? "";
  return signalNamed(text) ?? "SIGTERM";
}
