/** `wherry rm CONTAINER`: containers go with their pods; a service container goes when no pod of its service exists. */
import { fail } from "../../base/errors.ts";
import { serviceName } from "../../spec/spec.ts";
import { down } from "../../supervisor/down.ts";
import type { Command } from "../command.ts";
import { changing, progressWriter } from "../changing.ts";
import { GRACE, gracePeriod } from "../options.ts";

export const command: Command = {
  description: "A service container cannot be removed while a pod of its service exists; --depend removes those first.",
  options: [{ long: "depend", summary: "remove the pods of the service first" }, { long: "force", short: "f", summary: "does not lift the refusal, as in podman" }, GRACE],
  words: [{ name: "SERVICE-service" }],
  async run(context, input) {
    const [word = ""] = input.words;
    using engine = changing(context);
    if (!word.endsWith("-service")) fail("usage", `Cannot remove "${word}": containers go with their pod (wherry pod rm); only a service container, NAME-service, can be named`);
    const service = serviceName(word.slice(0, -"-service".length));
    const run = engine.host.state.run(service) ?? fail("notFound", `Cannot remove "${word}": there is no such service container`);
    const pods = engine.host.state.pods({ service }).map(({ pod }) => `${pod.metadata.namespace}/${pod.metadata.name}`);
    if (pods.length > 0 && !input.flag("depend")) {
      fail("conflict", `Cannot remove "${word}": it is the service container of pods ${pods.join(", ")}, which must be removed first`, { hint: `wherry down ${run.service}` });
    }
    const grace = gracePeriod(input);
    await down(engine, service, { onProgress: progressWriter(context, false), ...(grace === undefined ? {} : { grace }) });
    return { kind: "text", text: `${word} removed` };
  },
};
