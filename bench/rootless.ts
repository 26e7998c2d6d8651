/**
 * Compares an ordinary user's wherry with an ordinary user's Podman, one after the other, in one emulated machine with a
 * kernel of its own (tools/room-vm), and prints the table:
 *
 *   bun bench/rootless.ts [--write] [--pods 1,10] [--rounds 3]
 *
 * --write puts the table into docs/performance.md too.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { packTestImage } from "../test/harness/image.ts";
import { openVm, type Room } from "../test/harness/room.ts";
import type { EngineName } from "./engine.ts";
import { IMAGE, type Manifest, writeManifest } from "./manifest.ts";
import { partText, withoutMarkers, writeParts } from "./document.ts";
import { type Facts, machineFacts } from "./facts.ts";
import { table } from "./report.ts";
import { downKey, playKey, ROOTLESS_ROWS } from "./rows.ts";
import { Samples } from "./samples.ts";

const CHECKOUT = resolve(import.meta.dir, "..");
const USER = "alice";
/** Where the user's files are in the machine. */
const THERE = "/srv/bench";
const LONG = 900_000;

const { values: options } = parseArgs({ options: { pods: { type: "string", default: "1,10" }, rounds: { type: "string", default: "3" }, write: { type: "boolean", default: false } } });

type Engine = Readonly<Record<"play" | "down", (manifest: Manifest) => string>>;
const ENGINES: Readonly<Record<Exclude<EngineName, "floor">, Engine>> = {
  wherry: { play: ({ service }) => `wherry play --quiet ${THERE}/${service}.yaml`, down: ({ service }) => `wherry down ${service}` },
  Podman: { play: ({ service }) => `podman play kube --quiet --service-container ${THERE}/${service}.yaml`, down: ({ service }) => `podman play kube --down ${THERE}/${service}.yaml` },
};

/** Runs a shell line as the user, and fails unless it succeeds. */
async function asUser(room: Room, line: string): Promise<string> {
  const uid = (await room.run(["id", "-u", USER])).stdout.trim();
  const env = ["env", "-i", `HOME=/home/${USER}`, `USER=${USER}`, `XDG_RUNTIME_DIR=/run/user/${uid}`, `DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/${uid}/bus`, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"];
  const { status, stdout, stderr } = await room.run(["setpriv", "--reuid", USER, "--regid", USER, "--init-groups", "--", ...env, "sh", "-euc", `cd; ${line}`], { timeout: LONG });
  if (status !== 0) throw new Error(`"${line}" ended with ${status}: ${stderr || stdout}`);
  return stdout;
}

/** Seconds that a line takes, by the clock of the machine. */
async function timed(room: Room, line: string): Promise<number> {
  const said = await asUser(room, `begin=$(date +%s%N); ${line} >/dev/null; end=$(date +%s%N); echo "$((end - begin))"`);
  return Number(said.trim().split("\n").at(-1)) / 1e9;
}

/** What is in the machine. */
async function vmFacts(room: Room): Promise<Facts> {
  const said = async (line: string): Promise<string> => (await room.run(["sh", "-c", line])).stdout.trim().split("\n").join("; ");
  return [
    ["emulated", await said('. /etc/os-release; echo "$(nproc) cores, $PRETTY_NAME, Linux $(uname -r), cgroup v2"')],
    ["engines", await said("wherry version; podman --version")],
    ["parts of both", await said("crun --version | head -n 1; conmon --version | head -n 1")],
  ];
}

async function furnish(room: Room, manifests: readonly Manifest[]): Promise<void> {
  for (const { service, file } of manifests) await room.write(`${THERE}/${service}.yaml`, readFileSync(file, "utf8"));
  await room.run(["sh", "-euc", `loginctl enable-linger ${USER}; chmod -R a+rX ${THERE}`]);
  await asUser(room, `wherry image import ${CHECKOUT}/.cache/test-image.tar ${IMAGE}; podman import --quiet ${CHECKOUT}/.cache/test-image.tar ${IMAGE}`);
}

async function measure(room: Room, manifests: readonly Manifest[]): Promise<Samples> {
  const samples = new Samples();
  for (let round = 0; round <= Number(options.rounds); round++) {
    for (const manifest of manifests) {
      for (const name of ["wherry", "Podman"] as const) {
        const [play, down] = [await timed(room, ENGINES[name].play(manifest)), await timed(room, ENGINES[name].down(manifest))];
        console.error(`${round === 0 ? "warm-up" : `round ${round}`}: ${name}, ${manifest.size} pods: play ${play.toFixed(2)} s, down ${down.toFixed(2)} s`);
        if (round === 0) continue; // what is made once for the user, and read from the disk for the first time
        samples.add(playKey(manifest.size), name, play);
        samples.add(downKey(manifest.size, "obeying"), name, down);
      }
    }
  }
  return samples;
}

if (!existsSync(`${CHECKOUT}/dist/wherry`)) throw new Error('Cannot measure "dist/wherry": it is not there, run "make build" first');
await packTestImage();
const opened = await openVm();
if ("missing" in opened) throw new Error(opened.missing);
const directory = mkdtempSync(`${tmpdir()}/wherry-bench.`);
try {
  const manifests = options.pods.split(",").map((size) => writeManifest(directory, Number(size), "obeying"));
  await furnish(opened.room, manifests);
  const facts = [...machineFacts(), ...(await vmFacts(opened.room))];
  const report = partText("rootless", facts, table(await measure(opened.room, manifests), ROOTLESS_ROWS));
  process.stdout.write(withoutMarkers(report));
  if (options.write) writeParts(report, ["rootless"]);
} finally {
  rmSync(directory, { recursive: true, force: true });
  await opened.room[Symbol.asyncDispose]();
}
