/** What is wrong with a store, one line for each. Pure. */

export interface Finding {
  /** `layer sha256:…`, `image sha256:…`, `file tmp/…` */
  readonly object: string;
  /** One sentence. */
  readonly problem: string;
}

/** What a check of the store reports, as far as lines are made of it. */
export interface Report {
  /** diff ID → what is wrong with the layer. */
  readonly damaged: ReadonlyMap<string, readonly string[]>;
  /** diff IDs of layers that cannot be checked. */
  readonly unrecorded: readonly string[];
  /** Image id → what is wrong with it beside its layers' own damage. */
  readonly images: ReadonlyMap<string, readonly string[]>;
  /** Paths below the store's directory. */
  readonly leftovers: readonly string[];
}

/** The findings of a report: damage first, then what cannot be told, then what only takes room. */
export function findingsOf({ damaged, unrecorded, images, leftovers }: Report): readonly Finding[] {
  const each = (what: string, found: ReadonlyMap<string, readonly string[]>): readonly Finding[] =>
    [...found].flatMap(([id, problems]) => problems.map((problem) => ({ object: `${what} ${id}`, problem })));
  return [
    ...each("layer", damaged),
    ...each("image", images),
    ...unrecorded.map((diffId) => ({ object: `layer ${diffId}`, problem: "it cannot be checked: it was unpacked by a version that recorded nothing" })),
    ...leftovers.map((path) => ({ object: `file ${path}`, problem: "nothing needs it" })),
  ];
}
