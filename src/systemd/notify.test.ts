import { dlopen, FFIType, ptr } from "bun:ffi";
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { notifier, notifyMessage } from "./notify.ts";
import type { Notification } from "./systemd.ts";

const MESSAGES: readonly (readonly [notification: Notification, text: string])[] = [
  [{ ready: true, mainPid: 42, status: "2/2 pods ready" }, "MAINPID=42\nREADY=1\nSTATUS=2/2 pods ready"],
  [{ stopping: true, extendTimeoutUsec: 30_000_000 }, "STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000"],
  [{ reloading: true }, "RELOADING=1"],
  [{ watchdog: true }, "WATCHDOG=1"],
  [{ errno: 2, status: "first\n  second\r\nthird\n" }, "STATUS=first second third\nERRNO=2"],
  [{ status: "" }, "STATUS="],
  [{}, ""],
];

test.each(MESSAGES)("notifyMessage() of %j", (notification, text) => {
  expect(notifyMessage(notification)).toBe(text);
});

test.each([undefined, "", "/", "vsock:2:1234", "relative"])("notifier() of %p is inactive", (path) => {
  const { active, send } = notifier(path);
  expect([active, send({ ready: true })]).toEqual([false, false]);
});

test("notifier() says that nobody listens", () => {
  const { active, send } = notifier("/nowhere/notify.sock");
  expect([active, send({ ready: true })]).toEqual([true, false]);
});

/** A datagram socket bound to `path`; `receive` takes one message, which must already be there. */
function receiver(path: string): Disposable & { readonly receive: () => string } {
  const { i32, u32, u64, i64, pointer } = FFIType;
  const { symbols: libc, close: unload } = dlopen("libc.so.6", {
    socket: { args: [i32, i32, i32], returns: i32 },
    bind: { args: [i32, pointer, u32], returns: i32 },
    recv: { args: [i32, pointer, u64, i32], returns: i64 },
    close: { args: [i32], returns: i32 },
  });
  const AF_UNIX = 1, SOCK_DGRAM = 2, MSG_DONTWAIT = 0x40;
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : path)]);
  if (libc.bind(fd, ptr(address), address.length) !== 0) throw new Error(`bind ${path}`);
  const buffer = new Uint8Array(4096);
  return {
    receive: () => Buffer.from(buffer.subarray(0, Number(libc.recv(fd, ptr(buffer), BigInt(buffer.length), MSG_DONTWAIT)))).toString(),
    [Symbol.dispose]: () => {
      libc.close(fd);
      unload();
    },
  };
}

test("notifier() sends to a socket in the file system and to an abstract one", () => {
  const directory = mkdtempSync(join(tmpdir(), "wherry-notify-"));
  try {
    for (const path of [join(directory, "notify.sock"), `@wherry-test-${process.pid}`]) {
      using socket = receiver(path);
      const { send } = notifier(path);
      for (const [notification, text] of MESSAGES.filter(([, text]) => text !== "")) {
        expect(send(notification)).toBe(true);
        expect(socket.receive()).toBe(text);
      }
      expect(send({})).toBe(false);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
