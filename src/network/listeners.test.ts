import { expect, test } from "bun:test";
import { listenersOf, processOf, readListeners } from "./listeners.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const row = (local: string, state: string, uid = 1000): string => `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 9146420 1 0000000051c369a3 100 0 0 10 0\n`;

test("listenersOf() takes what listens, with its address and user", () => {
  const v6 = "0000000000000000FFFF00000100007F", own = "B80D0120000000000000000001000000";
  const table = HEAD + row("0100007F:53BE", "0A") + row("00000000:0050", "0A", 0) + row("0100007F:ADEC", "01") + row(`${v6}:1F90`, "0A") + row(`${own}:1F91`, "0A") + row("00000000000000000000000000000000:1F92", "0A");
  expect(listenersOf(table, "tcp").map(({ address, port, uid }) => `${address}:${port} ${uid}`)).toEqual(["127.0.0.1:21438 1000", ":80 0", "127.0.0.1:8080 1000", "2001:db8::1:8081 1000", ":8082 1000"]);
  expect(listenersOf(HEAD + row("00000000:0035", "07"), "udp")).toEqual([{ protocol: "udp", address: "", port: 53, uid: 1000, inode: "9146420" }]);
  expect(listenersOf("", "tcp")).toEqual([]);
});

test("readListeners() sees a listener of this process, and processOf() whose it is", () => {
  using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const found = readListeners().find(({ port, protocol }) => protocol === "tcp" && port === server.port);
  expect(found).toMatchObject({ address: "127.0.0.1", uid: process.getuid?.() ?? 0 });
  expect(processOf(found?.inode ?? "")).toBe(process.pid);
});
