/** `wherry image ls`: the images of the store. */
import { fail } from "../../../base/errors.ts";
import { listImages } from "../../../storage/mod.ts";
import type { Image } from "../../../storage/storage.ts";
import type { Command, Input, Listing, Outcome } from "../../command.ts";
import { ago, digestFor, nameMatches, namesOf, shortId } from "../../imageText.ts";
import { output } from "../../options.ts";
import { columns } from "../../print.ts";
import { humanSize } from "../../size.ts";

export const command: Command = {
  description: "NAME is a name with or without its tag, in full or from any of its parts on; * stands for anything but a slash. An image whose names have gone over to others is called <none>.",
  examples: ["wherry image ls nginx", "wherry image ls 'nginx:1.*'", "wherry image ls --filter dangling=true -q"],
  options: [
    { long: "all", short: "a", summary: "images without a name, too (they are shown anyway: there are no intermediate ones)" },
    { long: "digests", summary: "show the digests of their manifests" },
    { long: "filter", short: "f", value: "KEY=VALUE", repeat: true, summary: "only those with dangling=true|false or reference=NAME" },
    { long: "no-trunc", summary: "whole ids" },
    { long: "quiet", short: "q", summary: "ids only" },
    output("json", "yaml", "wide"),
  ],
  words: [{ name: "NAME", optional: true, repeat: true, complete: "images" }],
  async run(context, input): Promise<Outcome> {
    const rows = rowsOf(listImages((await context.engine.durable()).images), filterOf(input));
    const whole = input.flag("no-trunc");
    if (input.flag("quiet")) return { kind: "text", text: [...new Set(rows.map(({ image: { id } }) => (whole ? id : shortId(id))))].join("\n") };
    return { kind: "listing", listings: [listing(rows, { now: context.now(), digests: input.flag("digests"), whole })] };
  },
};

/** An image under one of its names. */
interface Named {
  readonly image: Image;
  readonly name: string;
}

interface Filter {
  readonly patterns: readonly string[];
  readonly dangling: boolean | undefined;
}

function filterOf(input: Input): Filter {
  const filters = input.texts("filter").map((text) => {
    const [, key = "", value = ""] = /^(dangling|reference)=(.+)$/.exec(text) ?? fail("usage", `Cannot use "${text}" as a filter: it must be dangling=true, dangling=false or reference=NAME`);
    if (key === "dangling" && value !== "true" && value !== "false") fail("usage", `Cannot use "${text}" as a filter: dangling must be true or false`);
    return { key, value };
  });
  const last = filters.findLast(({ key }) => key === "dangling")?.value;
  const references = filters.filter(({ key }) => key === "reference").map(({ value }) => value);
  return { patterns: [...input.words, ...references], dangling: last === undefined ? undefined : last === "true" };
}

function rowsOf(images: readonly Image[], { patterns, dangling }: Filter): readonly Named[] {
  const fitting = images.filter((image) => dangling === undefined || dangling === (image.names.length === 0));
  const all = fitting.flatMap((image) => namesOf(image).map((name) => ({ image, name })));
  return patterns.length === 0 ? all : all.filter(({ name }) => patterns.some((pattern) => nameMatches(name, pattern)));
}

function listing(rows: readonly Named[], { now, digests, whole }: { readonly now: number; readonly digests: boolean; readonly whole: boolean }): Listing {
  const cells = ({ image, name }: Named): readonly string[] => [
    name, ...(digests ? [digestFor(image, name)] : []), whole ? image.id : shortId(image.id), ago(image.created, now), humanSize(image.size),
    `${image.layers.length}`, ago(image.importedAt, now), ...(digests ? [] : [digestFor(image, name)]),
  ];
  return {
    columns: columns(digests ? "NAME,DIGEST,IMAGE ID,CREATED,SIZE|LAYERS,IMPORTED" : "NAME,IMAGE ID,CREATED,SIZE|LAYERS,IMPORTED,DIGEST"),
    rows: rows.map((row) => ({ name: row.name, cells: cells(row) })),
    value: () => [...new Set(rows.map(({ image }) => image))],
    whole,
  };
}
