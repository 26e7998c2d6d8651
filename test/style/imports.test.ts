import { describe, expect, test } from "bun:test";
import { folderOf, type Import, importsOf, LAYERS, place, sources } from "./sources.ts";

const program = (await sources()).filter(({ path }) => path.startsWith("src/"));
const imports = program.flatMap(importsOf);
const where = (each: Import): string => `${place(each.source, each.position)} imports ${each.specifier}`;
const isTest = (path: string): boolean => path.endsWith(".test.ts");

/** The one upward look: `state/` keeps the catalogue of images whose shape `storage/` defines. */
const TYPE_ONLY_EXCEPTION = { from: "state", to: "src/storage/storage.ts" };
/** `main.ts` puts everything together; what drivers and tests share is theirs to know. */
const DRIVERS = ["runtime", "network", "storage", "systemd", "rootless"];

function rank(folder: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folder));
}

/** Why an import is not allowed, or undefined. */
export function refusal(from: string, to: string): string | undefined {
  const [own, other] = [rank(from), rank(to)];
  if (from === to || from === "") return undefined;
  if (own < 0 || other < 0) return `"${own < 0 ? from : to}" is not a folder of the architecture`;
  if (DRIVERS.includes(from) && (DRIVERS.includes(to) || to === "state" || to === "kube")) return `the driver ${from} knows no other driver, state or kube`;
  return other > own ? undefined : `${from} is not above ${to}`;
}

describe("imports", () => {
  test("imports go down the list of folders, and never from one driver to another", () => {
    const wrong = imports.flatMap((each) => {
      if (each.target === undefined || !each.target.startsWith("src/")) return [];
      const [from, to] = [folderOf(each.source.path), folderOf(each.target)];
      const allowed = from === TYPE_ONLY_EXCEPTION.from && each.target === TYPE_ONLY_EXCEPTION.to && each.typeOnly;
      const why = to === "" ? "nothing imports main.ts" : refusal(from, to);
      return why === undefined || allowed ? [] : [`${where(each)}: ${why}`];
    });
    expect(wrong).toEqual([]);
  });

  test("refusal() knows every pair of folders", () => {
    expect(refusal("cli", "base")).toBeUndefined();
    expect(refusal("service", "pod")).toBeUndefined();
    expect(refusal("pod", "service")).toBe("pod is not above service");
    expect(refusal("runtime", "network")).toContain("knows no other driver");
    expect(refusal("storage", "state")).toContain("knows no other driver, state or kube");
    expect(refusal("state", "storage")).toBe("state is not above storage");
    expect(refusal("kube", "utils")).toContain("not a folder");
  });

  test("imports of the program never leave src/, and name their file with its extension", () => {
    const wrong = imports.filter(({ target, specifier, source }) =>
      target !== undefined && target !== "package.json" && ((!target.startsWith("src/") && !isTest(source.path)) || !/\.(ts|json|js|txt|sql)$/.test(specifier)));
    expect(wrong.map(where)).toEqual([]);
  });

  test("imports of the program never reach a test, except from a test", () => {
    expect(imports.filter(({ source, target }) => !isTest(source.path) && target !== undefined && isTest(target)).map(where)).toEqual([]);
  });

  test("imports have no cycle at run time", () => {
    expect(cycles(imports.filter(({ typeOnly }) => !typeOnly))).toEqual([]);
  });

  test("packages are those of package.json", async () => {
    const { dependencies } = await Bun.file(`${import.meta.dir}/../../package.json`).json();
    const builtIn = /^(node:|bun$|bun:)/;
    const wrong = imports.filter(({ target, specifier }) =>
      target === undefined && !builtIn.test(specifier) && !Object.keys(dependencies).some((name) => specifier === name || specifier.startsWith(`${name}/`)));
    expect(wrong.map(where)).toEqual([]);
  });

  test("no default exports", () => {
    const wrong = program.filter(({ text, path }) => /^export default\b/m.test(text) && !path.includes("/generated/"));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

/** Every cycle once, as `a → b → a`. */
function cycles(edges: readonly Import[]): readonly string[] {
  const targets = Map.groupBy(edges, ({ source }) => source.path);
  const found = new Set<string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.add([...trail.slice(trail.indexOf(path)), path].join(" → "));
    if (trail.includes(path) || done.has(path)) return;
    for (const { target } of targets.get(path) ?? []) if (target !== undefined) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return [...found];
}
