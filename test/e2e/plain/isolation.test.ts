import { expect } from "bun:test";
import { podText } from "../../harness/objects.ts";
import { openPlainRoom, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const DIRECTORIES = ["/var/lib/wherry", "/run/wherry", "/var/log/wherry"];

/** What another user may do: `may -r PATH` is test(1). */
const may = async (room: Room, ...words: readonly string[]): Promise<boolean> =>
  (await room.run(["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", "test", ...words])).status === 0;

scenario("nothing of root's wherry can be read or reached by another user", async (room) => {
  await room.run(["chmod", "755", ...DIRECTORIES]); // as a package may have made them
  const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: hunter2}\n";
  await room.write("/run/private.yaml", `${podText("private", { container: "volumeMounts: [{name: s, mountPath: /s}]", spec: "volumes: [{name: s, secret: {secretName: login}}]" })}---\n${secret}`);
  await room.ok(["play", "/run/private.yaml"]);
  const { stdout } = await room.run(["find", ...DIRECTORIES, "-type", "f", "-o", "-type", "s", "-o", "-type", "p"]);
  const hidden = stdout.trim().split("\n").filter((path) => /wherry\.db|run\.db|control\.sock|attach|ctl|config\.json|\/log|0\.log|password/.test(path));
  for (const name of ["wherry.db", "run.db", "control.sock", "0.log", "config.json", "attach", "password"]) expect(hidden.filter((path) => path.includes(name)).length).toBeGreaterThan(0);
  for (const path of hidden) expect({ path, readable: await may(room, "-r", path) }).toEqual({ path, readable: false });
  expect(await may(room, "-e", "/run/wherry/services/private/control.sock")).toBe(false);
});
