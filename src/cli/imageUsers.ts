/** Which images are in use, and by what. */
import type { PodRecord, RuntimeState } from "../state/state.ts";
import { findImage } from "../storage/images.ts";
import type { ImageCatalog } from "../storage/storage.ts";

/** Image id → the recorded pods with a container, or an image volume, of it, as words for people. */
export function usersOf(state: Pick<RuntimeState, "pods" | "containers">, images: ImageCatalog): ReadonlyMap<string, readonly string[]> {
  const pods = new Map(state.pods().map((record) => [record.uid, record]));
  const ofContainers = state.containers().map(({ imageId, pod }) => ({ id: imageId, record: pods.get(pod) }));
  const ofVolumes = [...pods.values()].flatMap((record) => volumeImages(record, images).map((id) => ({ id, record })));
  const byImage = Map.groupBy([...ofContainers, ...ofVolumes], ({ id }) => id);
  return new Map([...byImage].map(([id, uses]) => [id, [...new Set(uses.flatMap(({ record }) => (record === undefined ? [] : nameOf(record))))]]));
}

const nameOf = ({ pod: { metadata } }: PodRecord): string => `pod "${metadata.namespace}/${metadata.name}"`;

/** Ids of what the references of a pod's image volumes mean now. */
const volumeImages = ({ pod }: PodRecord, images: ImageCatalog): readonly string[] =>
  pod.spec.volumes.flatMap((volume) => ("image" in volume ? (findImage(images, volume.image.reference)?.id ?? []) : []));
