/** `wherry image push`: an image to a registry. */
import type { ManifestType } from "../../../storage/export.ts";
import type { Command, Input, Outcome } from "../../command.ts";
import type { Context } from "../../context.ts";
import { output } from "../../options.ts";
import { shown } from "../../progress/shown.ts";
import { REGISTRY, registryOptions } from "../../registryOptions.ts";
import { stepWriter } from "../../steps.ts";

const FORMATS: readonly ManifestType[] = ["oci", "v2s2"];

export const command: Command = {
  description: "DESTINATION is a name in a registry, the image's own when it is left out, or has one of skopeo's transports before it (docker://, oci:, docker-daemon: …). The image keeps its id; layers are compressed unless the registry has them. Prints the digest of the manifest.",
  examples: ["wherry push registry.example/shop:1", "wherry push shop:1 registry.example/team/shop:1", "wherry push shop:1 docker-daemon:shop:1"],
  options: [
    { long: "format", short: "f", value: "FORMAT", choices: FORMATS, summary: "manifest of OCI (oci) or of Docker (v2s2); default: as who made the image would" },
    { long: "quiet", short: "q", summary: "nothing but the digest" },
    ...REGISTRY,
    output("json"),
  ],
  words: [{ name: "NAME", complete: "images" }, { name: "DESTINATION", optional: true, complete: "images" }],
  run: push,
};

async function push(context: Context, input: Input): Promise<Outcome> {
  const { pushImage } = await import("../../../storage/mod.ts");
  const [driver, store] = [await context.engine.images(), await context.engine.store()];
  const [name = "", destination] = input.words;
  const type = FORMATS.find((each) => each === input.text("format"));
  return shown(context, { quiet: true }, async (_, signal) => {
    const pushed = await pushImage(store, name, {
      ...registryOptions(context, input), signal, writeLayer: driver.writeLayer, onStep: stepWriter(context, input.flag("quiet")),
      ...(destination === undefined ? {} : { destination }),
      ...(type === undefined ? {} : { type }),
    });
    if (input.text("output") === "json") return { kind: "value", value: { id: pushed.image.id, destination: pushed.destination, digest: pushed.digest } };
    return { kind: "text", text: pushed.digest };
  });
}
