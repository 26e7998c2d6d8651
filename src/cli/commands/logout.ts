/** `wherry logout`: forgets the credentials of registries. */
import { fail } from "../../base/errors.ts";
import type { Command, Outcome } from "../command.ts";
import { AUTHFILE } from "../registryOptions.ts";

export const command: Command = {
  description: "Takes them out of the auth.json that podman, skopeo and buildah use, too.",
  options: [{ long: "all", short: "a", summary: "those of every registry" }, AUTHFILE],
  words: [{ name: "REGISTRY", optional: true }],
  async run(context, input): Promise<Outcome> {
    const { logoutWords, runLogin } = await import("../../storage/login.ts");
    const [registry] = input.words;
    if ((registry === undefined) !== input.flag("all")) fail("usage", "Cannot log out: either a registry or --all must be given");
    const authFile = input.text("authfile");
    const words = logoutWords(registry, authFile === undefined ? {} : { authFile });
    const action = registry === undefined ? "log out of all registries" : `log out of "${registry}"`;
    return { kind: "none", exitCode: (await runLogin(words, { action, environment: context.imageEnvironment, terminal: false })) ? 0 : 130 };
  },
};
