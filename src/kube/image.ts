/** Image references as registries and engines write them (the `reference` grammar of distribution). */
const HOST = String.raw`(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])`;
const DOMAIN = String.raw`(?:${HOST}(?:\.${HOST})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?`;
const PART = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const TAG = String.raw`[\w][\w.-]{0,127}`;
const DIGEST = String.raw`[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}`;
const REFERENCE = new RegExp(`^((?:${DOMAIN}/)?${PART}(?:/${PART})*)(?::(${TAG}))?(?:@(${DIGEST}))?$`);

/** Longer than any name (255), tag (128) and digest together. */
const LENGTH_MAX = 600;

interface Reference {
  readonly name: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

function parse(text: string): Reference | undefined {
  const match = text.length > LENGTH_MAX ? null : REFERENCE.exec(text);
  const name = match?.[1];
  return name === undefined || name.length > 255 ? undefined : { name, tag: match?.[2], digest: match?.[3] };
}

export const IMAGE = {
  /** True for a reference of this grammar. */
  accepts: (text: string): boolean => parse(text) !== undefined,
  /** True when the reference means "whatever is newest": the tag `latest`, or neither tag nor digest. */
  isMoving(text: string): boolean {
    const reference = parse(text);
    return reference?.tag === "latest" || (reference?.tag === undefined && reference?.digest === undefined);
  },
};
