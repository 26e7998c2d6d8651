import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { exec } from "../base/exec.ts";
import { ask } from "./client.ts";
import { serve } from "./server.ts";

const directory = mkdtempSync(`${tmpdir()}/wherry-server-`);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Connects, says something, and prints what it is told. */
const CLIENT = `import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b'{"op":"down"}\\n')
text = b""
while True:
    more = s.recv(4096)
    if not more: break
    text += more
print(text.decode())`.replaceAll("\\\\n", "\\n");

test("serve() answers the user of the process", async () => {
  const heard: string[] = [];
  const server = serve(`${directory}/own.sock`, async ({ op }) => void heard.push(op), () => {});
  expect(statSync(`${directory}/own.sock`).mode & 0o777).toBe(0o600);
  expect(await ask(`${directory}/own.sock`, { op: "down" })).toBe(true);
  expect(heard).toEqual(["down"]);
  server.close();
});

test.skipIf(process.getuid?.() !== 0)("serve() refuses another user, also where nothing else keeps that user away", async () => {
  const heard: string[] = [];
  const path = `${directory}/open.sock`;
  const server = serve(path, async ({ op }) => void heard.push(op), () => {});
  chmodSync(directory, 0o755);
  chmodSync(path, 0o666);
  const { stdout } = await exec(["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", "python3", "-c", CLIENT, path], { timeout: 10_000 });
  expect(JSON.parse(stdout)).toEqual({ type: "error", kind: "conflict", code: "ENOTYOURS", message: expect.stringContaining("another user's") });
  expect(heard).toEqual([]);
  server.close();
});
