/** `describe namespace`, as kubectl prints it. Pure. */
import { labelsOf, type NamespaceUse } from "../kinds/namespaces.ts";
import { line, list, pairs, render } from "./lines.ts";

export function describeNamespace({ object, services }: NamespaceUse): string {
  return render([
    line("Name", object.metadata.name),
    ...pairs("Labels", labelsOf(object), "="),
    ...pairs("Annotations", object.metadata.annotations, ": "),
    line("Status", "Active"),
    ...list("Services", services),
  ]);
}
