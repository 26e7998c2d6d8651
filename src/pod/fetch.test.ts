import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fetchImage } from "./fetch.ts";
import type { PullProgress } from "./fetchLines.ts";


/** Fetches with a shell script in place of this program: its arguments are those of `wherry`. */
async function fetchBy(script: string, options: { readonly signal?: AbortSignal; readonly authFiles?: readonly string[] } = {}) {
  const here = mkdtempSync(`${tmpdir()}/wherry-fetch-`);
  try {
    writeFileSync(`${here}/wherry`, script);
    const progress: PullProgress[] = [];
    const fetching = fetchImage({ durable: "/d", runtime: "/r", logs: "/l", self: ["/bin/sh", `${here}/wherry`] })({
      reference: "r.example/app:1",
      authFiles: options.authFiles ?? [],
      environment: { HOME: "/home/me" },
      signal: options.signal ?? new AbortController().signal,
      onProgress: (each) => progress.push(each),
    });
    return { id: await fetching, progress };
  } finally {
    rmSync(here, { recursive: true, force: true });
  }
}

const DONE = `echo '{"image":{"id":"sha256:1","name":"x"},"changed":true}'`;

describe("fetchImage()", () => {
  test("resolves with the id of the image and tells how far it is", async () => {
    const script = `echo '{"progress":{"bytes":1,"total":3}}'; echo '{"progress":{"bytes":2,"total":3}}'; ${DONE}`;
    expect(await fetchBy(script)).toEqual({ id: "sha256:1", progress: [{ bytes: 1, total: 3 }, { bytes: 2, total: 3 }] });
  });

  test("passes the files with credentials, the directories and the environment on, and nothing else", async () => {
    const script = `printf '{"image":{"id":"%s","name":""}}\\n' "$* $HOME $WHERRY_ROOT $WHERRY_RUNROOT $WHERRY_LOGS $NOTIFY_SOCKET$HOSTNAME$USER"`;
    const { id } = await fetchBy(script, { authFiles: ["/a", "/b"] });
    expect(id).toBe("image fetch --authfile /a --authfile /b -- r.example/app:1 /home/me /d /r /l ");
  });

  test("fails with what the process says", async () => {
    const script = `echo '{"error":{"kind":"notFound","code":"ErrImagePull","message":"Cannot pull it: no","hint":"do","transient":true}}'; exit 1`;
    await expect(fetchBy(script)).rejects.toMatchObject({ kind: "notFound", code: "ErrImagePull", message: "Cannot pull it: no", hint: "do", context: { transient: true } });
  });

  test("takes a process that ends without a word for something that may pass", async () => {
    const failed = { code: "ErrImagePull", context: { transient: true } };
    await expect(fetchBy("echo out of luck >&2; exit 3")).rejects.toMatchObject({ ...failed, message: 'Cannot pull image "r.example/app:1": the process that pulls ended with status 3: out of luck' });
    await expect(fetchBy("kill -9 $$")).rejects.toMatchObject({ ...failed, message: 'Cannot pull image "r.example/app:1": the process that pulls ended with SIGKILL' });
    await expect(fetchBy(`${DONE}; exit 1`)).rejects.toMatchObject(failed);
    await expect(fetchBy("echo nonsense; sleep 100")).rejects.toMatchObject(failed);
  });

  test("ends the process when it is given up, and has ended it when it fails", async () => {
    const stop = new AbortController();
    const place = mkdtempSync(`${tmpdir()}/wherry-fetch-`);
    try {
      const fetching = fetchBy(`trap 'echo ended >${place}/ended; exit 1' TERM; echo '{"progress":{"bytes":1,"total":3}}'; : >${place}/begun; while :; do sleep 0.02; done`, { signal: stop.signal });
      while (!existsSync(`${place}/begun`)) await Bun.sleep(5);
      stop.abort(new Error("given up"));
      await expect(fetching).rejects.toThrow("given up");
      expect(readFileSync(`${place}/ended`, "utf8")).toBe("ended\n");
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });
});
