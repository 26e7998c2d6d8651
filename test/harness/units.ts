/** systemd as the tests in the box use it. */
import { expectStatus, type Room } from "./room.ts";

/** `wherry@-srv-shop.yaml.service`, as systemd-escape(1) makes it. */
export function unitOf(file: string): string {
  const escaped = [...Buffer.from(file)].map((byte, index) => {
    const character = String.fromCodePoint(byte);
    if (character === "/") return "-";
    const plain = /[A-Za-z0-9:_.]/.test(character) && !(character === "." && index === 0);
    return plain ? character : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `wherry@${escaped.join("")}.service`;
}

/** Runs systemctl, which must succeed (`status` of a unit that runs does); returns stdout. */
export async function systemctl(room: Room, ...words: readonly string[]): Promise<string> {
  return expectStatus(await room.run(["systemctl", "--no-pager", "--full", ...words], { timeout: 60_000 }), 0, ["systemctl", ...words]).stdout;
}

/** Runs systemctl, which must fail; returns what it said. */
export async function failure(room: Room, ...words: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await room.run(["systemctl", "--no-pager", ...words], { timeout: 60_000 });
  if (status === 0) throw new Error(`"systemctl ${words.join(" ")}" succeeded`);
  return stdout + stderr;
}

export async function property(room: Room, unit: string, name: string): Promise<string> {
  return (await systemctl(room, "show", "--value", "-p", name, unit)).trim();
}

/** Entries of the unit's journal, oldest first. */
export async function journal(room: Room, unit: string): Promise<readonly Readonly<Record<string, string>>[]> {
  await room.run(["journalctl", "--sync"]);
  const { stdout } = await room.run(["journalctl", "--no-pager", "-o", "json", "-u", unit]);
  return stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}
