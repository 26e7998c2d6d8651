import { describe, expect, test } from "bun:test";
import { type FakeHost, fakeHost } from "./fake.ts";
import type { AuthFile } from "./pod.ts";

/** Asks for an image; what becomes of it, and who says so. */
function ask(world: FakeHost, reference: string, secrets: readonly AuthFile[] = []) {
  const stop = new AbortController();
  const progress: number[] = [];
  const outcome = world.host.puller.pull(reference, { secrets, signal: stop.signal, onProgress: ({ bytes }) => progress.push(bytes) }).then(
    ({ image }) => image.names[0] ?? "",
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
  );
  return { outcome, stop: () => stop.abort(new Error("gone")), progress };
}

const tick = (): Promise<void> => Bun.sleep(1);
const references = (world: FakeHost): readonly string[] => world.fetches.map(({ reference }) => reference);

describe("imagePuller()", () => {
  test("pull() fetches once what several want, and tells all how far it is", async () => {
    using world = fakeHost();
    const lines: string[] = [];
    using _ = world.host.puller.listen((line) => lines.push(line));
    const first = ask(world, "r.example/app:1");
    await tick();
    world.fetches[0]?.onProgress({ bytes: 34, total: 100 });
    expect(world.host.puller.underway()).toEqual(['pulling image "r.example/app:1": 34%']);
    const second = ask(world, "r.example/app:1");
    world.fetches[0]?.onProgress({ bytes: 39, total: 100 });
    world.fetches[0]?.onProgress({ bytes: 41, total: 100 });
    world.fetches[0]?.come();
    expect(await Promise.all([first.outcome, second.outcome])).toEqual(["r.example/app:1", "r.example/app:1"]);
    expect([references(world), world.host.puller.underway()]).toEqual([["r.example/app:1"], []]);
    expect([first.progress, second.progress]).toEqual([[34, 39, 41], [34, 39, 41]]);
    expect(lines.map((line) => line.replace(/in \d.*/, "in"))).toEqual([
      'pulling image "r.example/app:1"', 'pulling image "r.example/app:1": 34%', 'pulling image "r.example/app:1": 41%', 'pulled image "r.example/app:1" in',
    ]);
  });

  test("pull() counts megabytes while the whole is unknown", async () => {
    using world = fakeHost();
    const lines: string[] = [];
    using _ = world.host.puller.listen((line) => lines.push(line));
    const asked = ask(world, "a");
    await tick();
    for (const bytes of [9_999_999, 25_000_000, 29_000_000]) world.fetches[0]?.onProgress({ bytes, total: 0 });
    world.fetches[0]?.come();
    await asked.outcome;
    expect(lines.slice(1, -1)).toEqual(['pulling image "a": 25MB']);
  });

  test("pull() fetches again what is asked for later, and for others what needs other credentials", async () => {
    using world = fakeHost();
    const asked = [ask(world, "a"), ask(world, "a", [{ path: "/dev/null", digest: "1" }]), ask(world, "a", [{ path: "/dev/null", digest: "2" }])];
    await tick();
    expect(world.fetches).toHaveLength(3);
    for (const each of world.fetches) each.come();
    await Promise.all(asked.map(({ outcome }) => outcome));
    const later = ask(world, "a");
    await tick();
    expect(world.fetches).toHaveLength(4);
    world.fetches[3]?.come();
    await later.outcome;
  });

  test("pull() fetches four images at a time, first come first served", async () => {
    using world = fakeHost();
    const asked = ["a", "b", "c", "d", "e", "f", "g"].map((name) => ask(world, name));
    asked[5]?.stop();
    await tick();
    expect(references(world)).toEqual(["a", "b", "c", "d"]);
    world.fetches[1]?.come();
    world.fetches[2]?.fail(new Error("no"));
    await tick();
    expect(references(world)).toEqual(["a", "b", "c", "d", "e", "g"]);
    for (const each of world.fetches) each.come();
    expect(await Promise.all(asked.map(({ outcome }) => outcome))).toEqual(["a", "b", "no", "d", "e", "gone", "g"]);
  });

  test("pull() that is given up ends the fetch, unless somebody else wants the image", async () => {
    using world = fakeHost();
    const [one, two] = [ask(world, "a"), ask(world, "a")];
    await tick();
    one.stop();
    expect(await one.outcome).toBe("gone");
    expect(world.fetches[0]?.signal.aborted).toBe(false);
    two.stop();
    expect(await two.outcome).toBe("gone");
    expect(world.fetches[0]?.signal.aborted).toBe(true);
    const three = ask(world, "a");
    await tick();
    world.fetches[1]?.come();
    expect(await three.outcome).toBe("a");
  });

  test("pull() begins anew for who still wants it when it fails for the lack of what went with the first", async () => {
    using world = fakeHost();
    const [one, two] = [ask(world, "a"), ask(world, "a")];
    await tick();
    one.stop();
    await one.outcome;
    world.fetches[0]?.fail(new Error("no such file"));
    await tick();
    world.fetches[1]?.fail(new Error("not found"));
    expect(await two.outcome).toBe("not found");
    expect(world.fetches).toHaveLength(2);
  });

  test("use() gives the pulls that begin later another environment", async () => {
    using world = fakeHost();
    const one = ask(world, "a");
    await tick();
    world.host.puller.use({ REGISTRY_AUTH_FILE: "/new" });
    const two = ask(world, "b");
    await tick();
    expect(world.fetches.map(({ environment }) => environment)).toEqual([{}, { REGISTRY_AUTH_FILE: "/new" }]);
    for (const each of world.fetches) each.come();
    await Promise.all([one.outcome, two.outcome]);
  });
});
