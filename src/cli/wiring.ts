/** The one Engine: dynamic imports of the folders below, so that a command pays only for what it uses. */
import { existsSync } from "node:fs";
import { durableDatabase, type Paths, runtimeDatabase, runtimeRoot } from "../base/paths.ts";
import type { Engine } from "./engine.ts";

/** The Engine of these directories; nothing is opened yet. */
export function engineOf(paths: Paths): Engine {
  const state = (): Promise<typeof import("../state/mod.ts")> => import("../state/mod.ts");
  return {
    durable: reader(durableDatabase(paths), async (path) => (await state()).openDurable(path, { readonly: true, vault: (await import("../systemd/creds.ts")).credsVault() })),
    runtime: reader(runtimeDatabase(paths), async (path) => (await state()).openRuntime(path, { readonly: true })),
    watch: async (onChange, options) => (await state()).watch(runtimeDatabase(paths), onChange, options),
    kube: () => import("../kube/mod.ts"),
    oci: async () => (await import("../runtime/mod.ts")).ociRuntime({ root: runtimeRoot(paths) }),
    store: async () => ({ directory: paths.durable, catalog: (await state()).openDurable(durableDatabase(paths)).images }),
    images: async () => (await import("./imageWiring.ts")).imageDriver,
  };
}

/** Opens once; but one that was not there is an empty stand-in, which is opened anew the next time. */
function reader<T>(path: string, open: (path: string) => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () => {
    if (opened !== undefined) return opened;
    const there = existsSync(path);
    const result = open(path);
    if (there) opened = result;
    return result;
  };
}
