/** A shutdown that takes two minutes, in a box of its own: it goes on beside the scenarios of another one. */
import { importTestImage, IMAGE, packTestImage } from "./image.ts";
import { podText } from "./objects.ts";
import { CHECKOUT, openOwnBox, type Room } from "./room.ts";
import { build } from "./scenario.ts";
import { systemctl, unitOf } from "./units.ts";
import { newUser, type User } from "./users.ts";

/** What the pods have said of their ends; or why there is no such box. */
export type LongShutdown = { readonly root: string; readonly user: string } | { readonly missing: string };

/** Grace periods, and how long the ends take within them. The user's end takes longer than systemd gives a user's manager by itself. */
const ROOT = { name: "root", grace: 120, end: 110 }, USER = { name: "user", grace: 130, end: 123 };

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
  for (const { name, grace, end } of [ROOT, USER]) await room.write(`/srv/${name}.yaml`, slowPod(name, { grace, end }));
  await room.run(["sh", "-euc", `install -d /srv/root; install -d -o ${user.name} /srv/user`]);
  await Promise.all([systemctl(room, "start", unitOf("/srv/root.yaml")), user.run(["systemctl", "--user", "start", unitOf("/srv/user.yaml")], { timeout: 60_000 })]);
  await room.reboot();
  const said = async (name: string): Promise<string> => (await room.run(["cat", `/srv/${name}/said`])).stdout;
  return { root: await said(ROOT.name), user: await said(USER.name) };
}

const slowPod = (name: string, { grace, end }: { readonly grace: number; readonly end: number }): string => podText(name, {
  grace,
  script: `trap 'echo ending >/data/said; sleep ${end}; echo ended >>/data/said; exit 0' TERM; echo running >/data/said; sleep 100000 & wait`,
  container: "volumeMounts: [{name: data, mountPath: /data}]",
  spec: `volumes: [{name: data, hostPath: {path: /srv/${name}}}]`,
});

/** Gives the user the time that doctor says is lacking, by doctor's own commands. */
async function mend(room: Room, user: User): Promise<void> {
  const told: { readonly findings: readonly { readonly about: string; readonly level: string; readonly mend: readonly string[] }[] } = JSON.parse(await user.ok(["doctor", "-o", "json"]));
  const commands = told.findings.filter(({ about, level }) => about === "stop timeout" && level === "warning").flatMap((finding) => finding.mend);
  for (const command of commands) await room.run(["sh", "-euc", command.replaceAll("sudo ", "")]);
}
