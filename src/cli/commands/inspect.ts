/** `wherry inspect`: everything that is recorded of services, pods and containers, secret values excepted. */
import type { Command, Outcome } from "../command.ts";
import { inspectOne } from "../inspect.ts";
import { NAMESPACE, namespaceOf, output } from "../options.ts";

export const command: Command = {
  description:
    "NAME is a service, a pod, POD/CONTAINER, the beginning of a container id, or SERVICE-service for the service container. service/NAME and pod/NAME say which. Prints an array with one value for each name.",
  examples: ["wherry inspect shop", "wherry inspect pod/web -o yaml", "wherry inspect web/nginx", "wherry inspect shop-service"],
  options: [NAMESPACE, output("json", "yaml")],
  words: [{ name: "NAME", repeat: true, complete: "pods-or-services" }],
  async run(context, input): Promise<Outcome> {
    const namespace = namespaceOf(input, { all: false }) ?? "default";
    return { kind: "value", value: await Promise.all(input.words.map((word) => inspectOne(context, { word, namespace }))) };
  },
};
