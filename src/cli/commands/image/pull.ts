/** `wherry image pull`: images from registries. */
import { semaphore } from "../../../base/semaphore.ts";
import type { Image } from "../../../storage/storage.ts";
import type { Command, Input, Outcome } from "../../command.ts";
import type { Context } from "../../context.ts";
import { report } from "../../failure.ts";
import { output } from "../../options.ts";
import { shown } from "../../progress/shown.ts";
import { parsePlatform, REGISTRY, registryOptions } from "../../registryOptions.ts";

export const command: Command = {
  description: "Registries, mirrors, trust and credentials are those of registries.conf, policy.json and auth.json, as for podman and skopeo. Prints the id of each image. When some cannot be pulled, the others are.",
  examples: ["wherry pull nginx:1.27", "wherry pull --platform linux/arm64 registry.example:5000/shop:1"],
  options: [
    { long: "quiet", short: "q", summary: "nothing but the ids" },
    { long: "platform", value: "OS/ARCH[/VARIANT]", summary: "of an image for several platforms (default: this host's)" },
    ...REGISTRY,
    output("json"),
  ],
  words: [{ name: "NAME", repeat: true, complete: "images" }],
  run: pull,
};

/** Images that are pulled at the same time. */
const CONCURRENT = 3;

type Pulled = { readonly name: string } & ({ readonly image: Image; readonly changed: boolean } | { readonly failure: unknown });

async function pull(context: Context, input: Input): Promise<Outcome> {
  const platform = input.text("platform");
  const options = { ...registryOptions(context, input), ...(platform === undefined ? {} : { platform: parsePlatform(platform) }) };
  const names = [...new Set(input.words.map((word) => word.replace(/^docker:\/\//, "")))];
  const [driver, store] = [await context.engine.images(), await context.engine.store()];
  const few = semaphore(CONCURRENT);
  return shown(context, { quiet: input.flag("quiet") }, async (display, signal) => {
    const pulled = await Promise.all(names.map(async (name): Promise<Pulled> => {
      const progress = display.of(name);
      try {
        return { name, ...(await few.run(() => driver.pull(store, name, { ...options, signal, progress }))) };
      } catch (failure) {
        return { name, failure };
      }
    }));
    display[Symbol.dispose]();
    signal.throwIfAborted();
    return await outcome(context, input, pulled);
  });
}

/** What failed is reported like any error; several are told one after the other. */
async function outcome(context: Context, input: Input, pulled: readonly Pulled[]): Promise<Outcome> {
  const failures = pulled.flatMap((each) => ("failure" in each ? [each.failure] : []));
  const [only] = failures;
  if (pulled.length === 1 && failures.length === 1) throw only;
  let exitCode = 0;
  for (const failure of failures) exitCode = Math.max(exitCode, await report(context, failure, { json: false }));
  const images = pulled.flatMap((each) => ("failure" in each ? [] : [each]));
  if (input.text("output") !== "json") return { kind: "text", text: images.map(({ image }) => image.id).join("\n"), exitCode };
  return { kind: "value", value: images.map(({ name, changed, image: { id, names, digests } }) => ({ name, id, names, digests, changed })), exitCode };
}
