/** `wherry image import`: an image from a file. */
import { fail } from "../../../base/errors.ts";
import type { ImageConfig } from "../../../spec/spec.ts";
import type { Command, Input, Outcome } from "../../command.ts";
import type { Context } from "../../context.ts";
import { shown } from "../../progress/shown.ts";

export const command: Command = {
  description: "SOURCE is a tar of a root filesystem, or an OCI or Docker archive or layout. A short NAME is of this host: hello is localhost/hello:latest. Without NAME the archive's own names are taken. The other options are for a root filesystem, which has no configuration.",
  examples: ["wherry image import rootfs.tar busybox --cmd sh", "wherry image import nginx.oci.tar"],
  options: [
    { long: "entrypoint", value: "WORD", repeat: true, summary: "entrypoint, word by word" },
    { long: "cmd", value: "WORD", repeat: true, summary: "default command, word by word" },
    { long: "env", value: "NAME=VALUE", repeat: true, summary: "environment variable" },
    { long: "workdir", value: "DIR", summary: "working directory" },
    { long: "user", value: "USER", summary: "user, and group after a colon" },
    { long: "quiet", short: "q", summary: "no progress" },
  ],
  words: [{ name: "SOURCE", complete: "files" }, { name: "NAME", optional: true, complete: "images" }],
  run: importFile,
};

async function importFile(context: Context, input: Input): Promise<Outcome> {
  const { formatReference, importImage, localReference } = await import("../../../storage/mod.ts");
  const [source = "", name] = input.words;
  const config = configOf(input);
  return shown(context, { quiet: input.flag("quiet") }, async (display, signal) => {
    const image = await importImage(await context.engine.store(), source, {
      ...(name === undefined ? {} : { name }),
      ...(Object.keys(config).length === 0 ? {} : { config }),
      signal,
      environment: context.imageEnvironment,
      progress: display.of(name ?? source),
    });
    return { kind: "text", text: [...(name === undefined ? image.names : [formatReference(localReference(name))]), image.id].join("\n") };
  });
}

function configOf(input: Input): Partial<ImageConfig> {
  const env = input.texts("env");
  const wrong = env.find((entry) => !/^[^=]+=/.test(entry));
  if (wrong !== undefined) fail("usage", `Cannot use "${wrong}" as an environment variable: it must be NAME=VALUE`);
  const [entrypoint, cmd] = [input.texts("entrypoint"), input.texts("cmd")];
  const [workingDir, user] = [input.text("workdir"), input.text("user")];
  return {
    ...(entrypoint.length === 0 ? {} : { entrypoint }),
    ...(cmd.length === 0 ? {} : { cmd }),
    ...(env.length === 0 ? {} : { env }),
    ...(workingDir === undefined ? {} : { workingDir }),
    ...(user === undefined ? {} : { user }),
  };
}
