/** What the commands on images ask of the storage driver beyond its catalog. `imageWiring.ts` is the real one; tests bring their own. */
import type { Collected, Image, LayerWriter, LoadOptions, Platform, Store, StoreProgress } from "../storage/mod.ts";
import type { Finding } from "./findings.ts";

/** How a registry is reached, as `registryOptions.ts` reads it from the command line. */
export interface RegistryOptions {
  readonly authFile?: string;
  readonly tlsVerify?: boolean;
  readonly certDir?: string;
  /** `USER[:PASSWORD]` */
  readonly credentials?: string;
  /** Variables for skopeo: `Context.imageEnvironment` */
  readonly environment: Readonly<Record<string, string>>;
}

export interface PullOptions extends RegistryOptions {
  readonly signal: AbortSignal;
  readonly progress: (progress: StoreProgress) => void;
  readonly platform?: Platform;
}

export interface ImageDriver {
  /** Makes sure that the image is there as its registry has it now; `changed`: it was not before. */
  pull(store: Store, reference: string, options: PullOptions): Promise<{ readonly image: Image; readonly changed: boolean }>;
  /** Every image of an archive or a layout. */
  load(store: Store, source: string, options: LoadOptions): Promise<readonly Image[]>;
  readonly writeLayer: LayerWriter;
  /** Everything that is wrong with the store. Damaged layers are marked in the catalog; nothing is removed. */
  check(store: Store, options: { readonly contents: boolean; readonly signal: AbortSignal }): Promise<readonly Finding[]>;
  /** Removes what no image reaches, and what crashes left. Undefined, having done nothing, while another process adds to the store. */
  collect(store: Store): Promise<Collected | undefined>;
}
