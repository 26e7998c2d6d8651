/**
 * The power fails at random moments of what wherry does, and comes back: the same disk boots again, and nobody does
 * anything by hand. `CUTS=` says how often (30), `SEED=` repeats the moments of an earlier run.
 *
 * What a cut is here, and what it is not, is told in docs/decisions/0030-the-vm-room-is-emulated.md.
 */
import { afterAll, expect, test } from "bun:test";
import { messageOf } from "../../../src/base/errors.ts";
import { eventually } from "../../harness/eventually.ts";
import { IMAGE, importTestImage, packTestImage } from "../../harness/image.ts";
import { cachedLayout, changingLayers } from "../../harness/images.ts";
import { difference, type Snapshot } from "../../harness/leaks.ts";
import { paced } from "../../harness/pace.ts";
import { drawing } from "../../harness/random.ts";
import { CHECKOUT, expectStatus, openVm, type Room } from "../../harness/room.ts";
import { build } from "../../harness/scenario.ts";
import { systemctl, unitOf } from "../../harness/units.ts";
import { newUser, takeUserDown, type User } from "../../harness/users.ts";

const CUTS = Number(process.env["CUTS"] ?? 30);
const SEED = Number(process.env["SEED"] ?? Date.now() % 100_000);
const draw = drawing(SEED);

const FILES = { kept: "/srv/kept.yaml", changed: "/srv/changed.yaml" } as const;
const UNITS = Object.values(FILES).map(unitOf);
const REGISTRY = "127.0.0.1:5000";
const REFERENCE = `${REGISTRY}/layers:1`;

/** A pod with a volume that outlives it. */
const manifest = (name: string, version: number): string => `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: ${name}}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: ${IMAGE}
    command: [sh, -c, "trap 'exit 0' TERM; sleep 100000 & wait"]
    env: [{name: VERSION, value: "${version}"}]
    readinessProbe: {exec: {command: [test, -d, /data]}, periodSeconds: 5, timeoutSeconds: 20}
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: ${name}}}]
`;

interface Operation {
  /** Brings about what the operation starts from. */
  readonly before?: (room: Room) => Promise<void>;
  readonly argv: readonly string[];
  /** Milliseconds that it takes, more or less: fixed, so that a seed repeats the moments. */
  readonly takes: number;
}

const unit = unitOf(FILES.changed);

const OPERATIONS: Readonly<Record<string, Operation>> = {
  pull: { before: async (room) => void (await room.wherry(["image", "rm", REFERENCE])), argv: ["wherry", "image", "pull", "--quiet", REFERENCE], takes: 2_000 },
  play: { before: async (room) => void (await systemctl(room, "stop", unit)), argv: ["systemctl", "start", unit], takes: 2_000 },
  "re-play": { argv: ["wherry", "play", FILES.changed], takes: 1_000 },
  replacement: { before: (room) => change(room), argv: ["systemctl", "reload", unit], takes: 3_000 },
  down: { argv: ["systemctl", "stop", unit], takes: 1_500 },
  "restart by a user": { argv: ["sh", "-c", `exec setpriv --reuid alice --regid alice --init-groups env XDG_RUNTIME_DIR=/run/user/$(id -u alice) systemctl --user restart '${unitOf("/home/alice/kept.yaml")}'`], takes: 4_000 },
  idle: { argv: ["sleep", "3"], takes: 300 },
};

let version = 0;
async function change(room: Room): Promise<void> {
  version += 1;
  await written(room, FILES.changed, manifest("changed", version));
}

/** As an administrator's editor writes it: it is on the disk when it is there. */
async function written(room: Room, file: string, text: string): Promise<void> {
  await room.write(file, text);
  await room.run(["sync"]);
}

interface World {
  readonly room: Room;
  /** An ordinary user who lingers, with an enabled service of her own. */
  readonly alice: User;
  /** What the machine holds with nothing running. */
  readonly empty: Snapshot;
}

const opened = await Promise.all([build(), packTestImage()]).then(openVm).catch((cause: unknown) => ({ cause }));

async function prepare(room: Room): Promise<World> {
  await importTestImage(room);
  await serve(room);
  const alice = await newUser(room, "alice", { lingers: true });
  const empty = await room.leaks();
  for (const [name, file] of Object.entries(FILES)) {
    await written(room, file, manifest(name, 0));
    await room.ok(["enable", file], { timeout: 60_000 });
  }
  await alice.ok(["image", "import", `${CHECKOUT}/.cache/test-image.tar`, IMAGE]);
  await alice.write(`${alice.home}/kept.yaml`, manifest("kept", 0));
  await room.run(["sync"]);
  await alice.ok(["enable", `${alice.home}/kept.yaml`], { timeout: 60_000 });
  return { room, alice, empty };
}

/** A registry that is there after each boot, with one image of several layers. */
async function serve(room: Room): Promise<void> {
  const { directory } = await cachedLayout("powercut", () => ({ layers: changingLayers({ layers: 4, files: 60, seed: 7 }), config: { Cmd: ["/bin/true"] } }));
  const configuration = { version: 0.1, storage: { filesystem: { rootdirectory: "/srv/registry" } }, http: { addr: REGISTRY } };
  await room.write("/srv/registry.yml", JSON.stringify(configuration));
  await room.write("/etc/containers/registries.conf.d/test.conf", `[[registry]]\nlocation = "${REGISTRY}"\ninsecure = true\n`);
  await room.write("/etc/systemd/system/registry.service", "[Service]\nExecStart=/usr/bin/docker-registry serve /srv/registry.yml\n[Install]\nWantedBy=multi-user.target\n");
  await systemctl(room, "enable", "--now", "registry.service");
  await eventually(async () => void expectStatus(await room.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", `oci:${directory}`, `docker://${REFERENCE}`]), 0, ["skopeo"]), { within: 10_000 });
  await room.run(["sync"]);
}

const CHECK_DATABASES = `
import sqlite3, sys
for path in sys.argv[1:]:
    print(path, *sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone())
`;

async function checkDatabases({ room, alice }: World): Promise<void> {
  const paths = ["/var/lib/wherry/wherry.db", "/run/wherry/run.db", `${alice.home}/.local/share/wherry/wherry.db`, `/run/user/${alice.uid}/wherry/run.db`];
  expect((await room.run(["python3", "-c", CHECK_DATABASES, ...paths])).stdout).toBe(paths.map((path) => `${path} ok\n`).join(""));
}

type Wherry = Pick<Room | User, "ok">;
const inside = (whose: Wherry, script: string): Promise<string> => whose.ok(["exec", "kept", "--", "sh", "-c", script]);
const sync = (whose: Wherry, number: number): Promise<string> => inside(whose, `echo ${number} >/data/synced && sync /data/synced /data`);

/** The user's unit, as that of her manager. */
const userUnit = ({ home }: User): string => unitOf(`${home}/kept.yaml`);

/** Whatever was enabled is ready again, and what was synced is there. */
async function everythingIsBack({ room, alice }: World, number: number): Promise<void> {
  for (const each of UNITS) await eventually(async () => expect({ unit: each, state: (await systemctl(room, "show", "--value", "-p", "ActiveState", each)).trim() }).toEqual({ unit: each, state: "active" }), { within: 20_000 });
  await eventually(async () => expect((await alice.systemctl("show", "--value", "-p", "ActiveState", userUnit(alice))).trim()).toBe("active"), { within: 20_000 });
  await eventually(async () => expect(await room.ok(["ps"])).toMatch(/changed +default +changed +1\/1[\s\S]*kept +default +kept +1\/1/), { within: 5_000 });
  await eventually(async () => expect(await alice.ok(["ps"])).toMatch(/kept +default +kept +1\/1/), { within: 5_000 });
  for (const whose of [room, alice]) expect(await inside(whose, "cat /data/synced")).toBe(`${number}\n`);
}

/** With everything stopped nothing is left. */
async function nothingIsLeft({ room, alice, empty }: World): Promise<void> {
  await systemctl(room, "stop", ...UNITS);
  await takeUserDown(alice);
  await eventually(async () => expect(difference(empty, await room.leaks())).toEqual({ left: [], gone: [] }), { within: 5_000 });
}

/** Cuts the power in the midst of an operation, boots, and looks at everything. */
async function cut(world: World, { name, after, number }: { readonly name: string; readonly after: number; readonly number: number }): Promise<void> {
  const operation = OPERATIONS[name];
  if (operation === undefined) throw new Error(`There is no operation "${name}"`);
  const { room, alice } = world;
  await operation.before?.(room);
  for (const whose of [room, alice]) await sync(whose, number);
  const running = room.start(operation.argv);
  await Bun.sleep(paced(after * operation.takes));
  await room.cut();
  await running.exited;
  await room.boot();
  await everythingIsBack(world, number);
  await checkDatabases(world);
  if (name === "pull") await room.ok(["image", "pull", "--quiet", REFERENCE], { timeout: 60_000 });
  expectStatus(await room.wherry(["system", "check", "--contents"], { timeout: 60_000 }), 0, ["wherry", "system", "check"]);
  await nothingIsLeft(world);
  await systemctl(room, "start", ...UNITS);
  await alice.systemctl("start", userUnit(alice));
}

if ("missing" in opened) {
  console.log(`skipped: ${opened.missing}`);
  test.skip(`${CUTS} power cuts (${opened.missing})`, () => {});
} else if ("cause" in opened) {
  test("the VM", () => {
    throw opened.cause;
  });
} else {
  const { room } = opened;
  afterAll(() => room[Symbol.asyncDispose](), 120_000);
  console.log(`power cuts of seed ${SEED} (SEED=${SEED} repeats them)`);
  let world: Promise<World> | undefined;
  const names = Object.keys(OPERATIONS);
  let broken: string | undefined;
  for (let number = 1; number <= CUTS; number += 1) {
    const name = names[(number - 1) % names.length] ?? "";
    const after = draw(1000) / 1000;
    test(`power cut ${number} of ${CUTS}: ${name}, after ${Math.round(after * 100)} % of its time`, async () => {
      if (broken !== undefined) throw new Error(`Not tried after "${broken}"`);
      try {
        await cut(await (world ??= prepare(room)), { name, after, number });
        console.log(`power cut ${number} of ${CUTS}: ${name}, after ${Math.round(after * 100)} %`);
      } catch (thrown) {
        broken = messageOf(thrown).split("\n")[0] ?? "";
        throw thrown;
      }
    }, paced(180_000));
  }
}
