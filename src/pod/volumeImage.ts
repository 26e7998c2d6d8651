/** The image of an image volume: fetched like a container's, but awaited with the sandbox. */
import { fail } from "../base/errors.ts";
import type { Volume } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import type { Image } from "../storage/storage.ts";
import { imageNeed } from "./image.ts";
import type { ConfigSource, PodHost } from "./pod.ts";
import { pullSecretsOf, writeAuthFiles } from "./pullSecrets.ts";

export type ImageSource = Extract<Volume, { readonly image: unknown }>["image"];

export interface Pulling {
  readonly config: ConfigSource;
  /** Nobody waits for the image any more. */
  readonly signal: AbortSignal;
}

/** Kind `notFound` when the pull policy forbids to fetch it; else as `ImagePuller.pull` fails. */
export async function volumeImage(host: PodHost, record: PodRecord, { source, config, signal }: Pulling & { readonly source: ImageSource }): Promise<Image> {
  const lookup = { images: host.images, names: (name: string) => host.puller.names(name) };
  const need = imageNeed(lookup, { image: source.reference, imagePullPolicy: source.pullPolicy });
  if (need.is === "present") return need.image;
  if (need.is === "refused") return fail("notFound", need.message, { code: need.reason });
  using auth = writeAuthFiles(host.paths, record.uid, { reference: need.reference, secrets: pullSecretsOf(record, config).found });
  try {
    const { image } = await host.puller.pull(need.reference, { secrets: auth.files, signal, onProgress: () => {} });
    return image;
  } catch (thrown) {
    if (need.otherwise !== undefined && !signal.aborted) return need.otherwise;
    throw thrown;
  }
}
