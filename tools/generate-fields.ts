/**
 * Writes src/kube/generated/fields.ts: the fields of every Kubernetes type that is reachable from the kinds wherry
 * plays, read from the type declarations of the `kubernetes-models` package.
 *
 *     bun tools/generate-fields.ts            # write the file
 *     bun tools/generate-fields.ts --check    # exit status 1 when the file is not what would be written
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
const MODULES = join(ROOT, "node_modules");
const TARGET = join(ROOT, "src/kube/generated/fields.ts");
/** Where the walk starts: file below `node_modules`, without `.d.ts`. */
const STARTS = ["kubernetes-models/v1/Pod", "kubernetes-models/v1/ConfigMap", "kubernetes-models/v1/Secret", "kubernetes-models/v1/PersistentVolumeClaim", "kubernetes-models/v1/PersistentVolume", "kubernetes-models/v1/Namespace", "@kubernetes-models/apimachinery/apis/meta/v1/ListMeta"];
/** Only the API server writes these; nothing below them is ever looked at. */
const OPAQUE = new Set(["PodStatus", "PersistentVolumeClaimStatus", "PersistentVolumeStatus", "NamespaceStatus", "ManagedFieldsEntry"]);
/** Types that are written as one scalar. */
const SCALARS: Readonly<Record<string, string>> = { Quantity: "quantity", IntOrString: "scalar", Time: "string", MicroTime: "string" };

type Fields = Map<string, string>;
type Types = Map<string, Fields>;

/** Reads the declaration `file` and everything it refers to into `types`. */
function collect(file: string, types: Types): void {
  const name = file.slice(file.lastIndexOf("/") + 1);
  if (types.has(name)) return;
  const text = readFileSync(join(MODULES, `${file}.d.ts`), "utf8").replace(/\n\s*\/\*\*[\s\S]*?\*\//g, "");
  const imports = importsOf(file, text);
  const body = new RegExp(`export interface I${name}(?: extends TypeMeta)? \\{([\\s\\S]*?)\\n\\}`).exec(text)?.[1];
  if (body === undefined) throw new Error(`no interface I${name} in ${file}.d.ts`);
  const fields: Fields = new Map();
  types.set(name, fields);
  for (const [, field, type] of body.matchAll(/^ {4}"([^"]+)"\??: ([\s\S]*?);$(?=\n {4}"|\s*$(?![\s\S]))/gm)) {
    fields.set(field ?? "", compact(type ?? "", imports));
  }
  for (const [reference, target] of imports) {
    if (!OPAQUE.has(reference) && SCALARS[reference] === undefined && body.includes(target.alias)) collect(target.file, types);
  }
}

interface Import {
  readonly alias: string;
  readonly file: string;
}

function importsOf(file: string, text: string): ReadonlyMap<string, Import> {
  const imports = new Map<string, Import>();
  for (const [, alias, from] of text.matchAll(/^import \{ (IIoK8s\w+) \} from "([^"]+)";$/gm)) {
    const path = (from ?? "").replace(/\.js$/, "");
    const target = path.startsWith(".") ? join(dirname(file), path) : path;
    imports.set(target.slice(target.lastIndexOf("/") + 1), { alias: alias ?? "", file: target });
  }
  return imports;
}

/** `Array<X>` → `X[]`, `{[key: string]: X}` → `X{}`, a union of literals → `string`. */
function compact(type: string, imports: ReadonlyMap<string, Import>): string {
  const text = type.trim();
  const list = /^Array<([\s\S]+)>$/.exec(text);
  if (list !== null) return `${compact(list[1] ?? "", imports)}[]`;
  const map = /^\{\s*\[key: string\]: ([\s\S]+?);\s*\}$/.exec(text);
  if (map !== null) return `${compact(map[1] ?? "", imports)}{}`;
  if (/^("[^"]*"( \| )?)+$/.test(text)) return "string";
  if (/^(string|number|boolean)$/.test(text)) return text;
  for (const [name, { alias }] of imports) if (alias === text) return SCALARS[name] ?? name;
  throw new Error(`do not know the type ${text}`);
}

function render(types: Types): string {
  const names = [...types.keys()].sort();
  const rows = names.map((name) => {
    const fields = [...(types.get(name) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    return `  ${name}: {${fields.map(([field, type]) => ` ${JSON.stringify(field)}: ${JSON.stringify(type)}`).join(",")} },`;
  });
  return [
    "/** Made by tools/generate-fields.ts; not edited by hand. Type → field → type: `X[]` is a list, `X{}` a mapping of X, small letters a scalar. */",
    "export const FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {",
    ...rows,
    "};",
    "",
  ].join("\n");
}

function generate(): string {
  const types: Types = new Map();
  for (const start of STARTS) collect(start, types);
  types.set("List", new Map([["apiVersion", "string"], ["kind", "string"], ["metadata", "ListMeta"], ["items", "Object[]"]]));
  return render(types);
}

const wanted = generate();
if (!process.argv.includes("--check")) writeFileSync(TARGET, wanted);
else if (readFileSync(TARGET, "utf8") !== wanted) {
  console.error(`${TARGET} is out of date: run bun tools/generate-fields.ts`);
  process.exitCode = 1;
}
