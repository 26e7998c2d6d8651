/** The door of the storage driver. */
export * from "./storage.ts";
export { candidates, formatReference, localReference, parseReference, type Reference } from "./references.ts";
export { importImage, loadImages, type ImportOptions, type LoadOptions } from "./import.ts";
export { pullImage, type Pulled, type PullOptions } from "./pull.ts";
export { resolveName } from "./shortNames.ts";
export { type Platform, type SkopeoOptions } from "./skopeo.ts";
export { collectGarbage, findImage, listImages, removeImage, type Removed } from "./images.ts";
export { layerDirectory, recoverStorage } from "./layout.ts";
export { mountRootfs, type Rootfs, unmountRootfs } from "./rootfs.ts";
export { lookupIdentity, type Identity } from "./identity.ts";
export { makeConfigVolume, makeEmptyDir, makeMemoryVolume, makeSecretVolume, removePodVolumes } from "./volumes.ts";
export { prepareHostPath } from "./hostPath.ts";
export { configMapFiles, secretFiles, type VolumeFile } from "./volumeFiles.ts";
export { openSubPath, type SubPath } from "./subPath.ts";
