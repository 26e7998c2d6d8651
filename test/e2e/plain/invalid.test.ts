import { expect } from "bun:test";
import { documents, podText, pods } from "../../harness/objects.ts";
import { openPlainRoom } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

interface Bad {
  readonly what: string;
  readonly text: string;
  /** `line: path: code` of every problem, in their order. */
  readonly problems: readonly string[];
  /** Said to the user. */
  readonly says?: string;
}

const HEAD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"; // lines 1 to 3
const SPEC = `${HEAD}spec:\n  containers:\n  - name: main\n    image: localhost/test:1\n`; // lines 4 to 7

const MANIFESTS: readonly Bad[] = [
  { what: "a syntax error", text: `${HEAD}spec: [\n`, problems: ["5: : syntax"] },
  { what: "an unknown field", text: `${SPEC}    comand: [sh]\n`, problems: ["8: spec.containers[0].comand: unknown-field"], says: 'did you mean "command"' },
  { what: "a field that is refused", text: `${HEAD}spec:\n  runtimeClassName: gvisor\n  containers:\n  - {name: main, image: x}\n`, problems: ["5: spec.runtimeClassName: unsupported-field"], says: "one OCI runtime" },
  { what: "a kind that is not done yet", text: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {}\n", problems: ["2: kind: unsupported-kind"], says: "Deployment" },
  { what: "a value of another type", text: `${SPEC}    ports: [{containerPort: "eighty"}]\n`, problems: ["8: spec.containers[0].ports[0].containerPort: type"] },
  { what: "a missing field", text: `${HEAD}spec:\n  containers:\n  - name: main\n`, problems: ["6: spec.containers[0].image: required"] },
  { what: "a value out of range", text: `${SPEC}    ports: [{containerPort: 70000}]\n`, problems: ["8: spec.containers[0].ports[0].containerPort: value"] },
  { what: "a name twice", text: documents(podText("web"), podText("web")), problems: ["14: metadata.name: duplicate"] },
  { what: "a reference to nothing", text: `${SPEC}    volumeMounts: [{name: data, mountPath: /data}]\n`, problems: ["8: spec.containers[0].volumeMounts[0].name: reference"], says: "data" },
  { what: "nothing", text: "", problems: ["1: : required"] },
];

for (const { what, text, problems, says } of MANIFESTS) {
  scenario(`a manifest with ${what} is refused with its place, and nothing is touched`, async (room) => {
    await room.write("/run/bad.yaml", text);
    const before = await room.leaks();
    const { status, stdout } = await room.wherry(["validate", "-o", "json", "/run/bad.yaml"]);
    expect(status).toBe(3);
    expect(problemsIn(stdout)).toEqual([...problems]);
    const play = await room.wherry(["play", "/run/bad.yaml"]);
    expect(play.status).toBe(3);
    expect(play.stderr).toContain(`bad.yaml:${problems[0]?.split(":")[0]}:`);
    if (says !== undefined) expect(play.stderr).toContain(says);
    expect(await pods(room)).toEqual([]);
    expect(await room.leaks()).toEqual(before);
  });
}

/** `line: path: code` of each problem that `validate -o json` prints. */
function problemsIn(stdout: string): readonly string[] {
  const problems: readonly Problem[] = JSON.parse(stdout);
  return problems.map(({ line, path, code }) => `${line}: ${path}: ${code}`);
}

interface Problem {
  readonly line: number;
  readonly path: string;
  readonly code: string;
}

scenario("all problems of all documents are told at once", async (room) => {
  await room.write("/run/many.yaml", documents(`${SPEC}    comand: [sh]\n`, podText("other", { spec: "nodeNam: x" }), "apiVersion: v1\nkind: Nothing\nmetadata: {name: x}\n"));
  const { status, stdout } = await room.wherry(["validate", "-o", "json", "/run/many.yaml"]);
  expect(status).toBe(3);
  expect(problemsIn(stdout).map((problem) => problem.split(": ").at(-1))).toEqual(["unknown-field", "unknown-field", "unsupported-kind"]);
});

scenario("a changed file that is wrong leaves what runs alone", async (room) => {
  await room.write("/run/running.yaml", podText("web"));
  await room.ok(["play", "/run/running.yaml"]);
  const before = await room.leaks();
  await room.write("/run/running.yaml", podText("web", { spec: "nodeNam: x" }));
  expect((await room.wherry(["play", "/run/running.yaml"])).status).toBe(3);
  expect(await room.leaks()).toEqual(before);
});

scenario("a good manifest passes validate and a file that is not there is named", async (room) => {
  await room.write("/run/good.yaml", podText("web"));
  await room.ok(["validate", "/run/good.yaml"]);
  const { status, stderr } = await room.wherry(["validate", "/run/absent.yaml"]);
  expect(status).not.toBe(0);
  expect(stderr).toContain("/run/absent.yaml");
});

scenario("a wrong command line ends with 2, says what is right, and touches nothing", async (room) => {
  const before = await room.leaks();
  for (const words of [["plai"], ["play"], ["play", "--nothing", "x"], ["logs"], ["down"]]) {
    const { status, stderr } = await room.wherry(words);
    expect({ words, status }).toEqual({ words, status: 2 });
    expect(stderr).not.toBe("");
  }
  expect((await room.wherry(["plai"])).stderr).toContain("play");
  expect(await room.leaks()).toEqual(before);
});
