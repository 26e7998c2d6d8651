/** A shutdown that takes two minutes, in a box of its own: it goes on beside the scenarios of another one. */
import { importTestImage, IMAGE, packTestImage } from "./image.ts";
import { podText } from "./objects.ts";
import { CHECKOUT, openOwnBox, type Room } from "./room.ts";
import { build } from "./scenario.ts";
import { systemctl, unitOf } from "./units.ts";
import { newUser, type User } from "./users.ts";

/** What the pods have said of their ends, by name; or why there is no such box. */
export type LongShutdown = Readonly<Record<string, string>> | { readonly missing: string };

interface Slow {
  readonly name: string;
  /** Seconds. */
  readonly grace: number;
  /** Seconds that the end takes within them. */
  readonly end: number;
}

/** The user's ends take longer than systemd gives a user's manager by itself. */
const ROOT = { grace: 120, end: 110 }, USER = { grace: 130, end: 123 };
/** Each as a unit, and played by hand. */
const SLOW = { rootUnit: { name: "root-unit", ...ROOT }, rootHand: { name: "root-hand", ...ROOT }, userUnit: { name: "user-unit", ...USER }, userHand: { name: "user-hand", ...USER } };

/** Begins at once; `awaited` is to be the body of a test. */
export function longShutdown(): { readonly awaited: () => Promise<LongShutdown> } {
  const running = shutDown().then((value) => ({ value }), (thrown: unknown) => ({ thrown }));
  return {
    awaited: async () => {
      const outcome = await running;
      if ("thrown" in outcome) throw outcome.thrown;
      return outcome.value;
    },
  };
}

async function shutDown(): Promise<LongShutdown> {
  await Promise.all([build(), packTestImage()]);
  const opened = await openOwnBox();
  if (!("room" in opened)) return opened;
  await using room = opened.room;
  const user = await newUser(room, "dora", { lingers: true });
  await mend(room, user);
  await Promise.all([importTestImage(room), user.ok(["image", "import", `${CHECKOUT}/.cache/test-image.tar`, IMAGE])]);
  for (const slow of Object.values(SLOW)) {
    await room.write(`/srv/${slow.name}.yaml`, slowPod(slow));
    await room.run(["install", "-d", "-m", "0777", `/srv/${slow.name}`]);
  }
  await systemctl(room, "start", unitOf(fileOf(SLOW.rootUnit)));
  await user.systemctl("start", unitOf(fileOf(SLOW.userUnit)));
  await room.ok(["play", fileOf(SLOW.rootHand)], { timeout: 60_000 });
  await user.ok(["play", fileOf(SLOW.userHand)], { timeout: 60_000 });
  await room.reboot();
  const said = async ({ name }: Slow): Promise<readonly [string, string]> => [name, (await room.run(["cat", `/srv/${name}/said`])).stdout];
  return Object.fromEntries(await Promise.all(Object.values(SLOW).map(said)));
}

const fileOf = ({ name }: Slow): string => `/srv/${name}.yaml`;

/** At a shutdown all processes of a scope get SIGTERM, and the first of a container gets the one that its monitor passes on, too. */
const slowPod = ({ name, grace, end }: Slow): string => podText(name, {
  grace,
  script: `trap 'trap "" TERM; echo ending >/data/said; sleep ${end}; echo ended >>/data/said; exit 0' TERM; echo running >/data/said; sleep 100000 & wait`,
  container: "volumeMounts: [{name: data, mountPath: /data}]",
  spec: `volumes: [{name: data, hostPath: {path: /srv/${name}}}]`,
});

/** Gives the user the time that doctor says is lacking, by doctor's own commands. */
async function mend(room: Room, user: User): Promise<void> {
  const told: { readonly findings: readonly { readonly about: string; readonly level: string; readonly mend: readonly string[] }[] } = JSON.parse(await user.ok(["doctor", "-o", "json"]));
  const commands = told.findings.filter(({ about, level }) => about === "stop timeout" && level === "warning").flatMap((finding) => finding.mend);
  for (const command of commands) await room.run(["sh", "-euc", command.replaceAll("sudo ", "")]);
}
