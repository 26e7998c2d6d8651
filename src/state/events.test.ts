import { expect, test } from "bun:test";
import { join } from "node:path";
import { serviceName } from "../spec/spec.ts";
import { newEvent, temporaryDirectory } from "./fixtures.ts";
import { openRuntime } from "./mod.ts";
import type { NewEvent, RuntimeState } from "./state.ts";

function runtime(): Disposable & { readonly state: RuntimeState } {
  const directory = temporaryDirectory();
  const state = openRuntime(join(directory.path, "run.db"));
  return {
    state,
    [Symbol.dispose]() {
      state[Symbol.dispose]();
      directory[Symbol.dispose]();
    },
  };
}

const BLOG = serviceName("blog");

test("RuntimeState.addEvent() counts an equal event of the last ten minutes up, in its place", () => {
  using it = runtime();
  it.state.addEvent(newEvent(), 0);
  it.state.addEvent(newEvent({ reason: "Killing" }), 1);
  it.state.addEvent(newEvent(), 600_000);
  it.state.addEvent(newEvent(), 1_200_000);
  expect(it.state.events()).toEqual([
    { ...newEvent(), sequence: 4, count: 3, firstAt: 0, lastAt: 1_200_000 },
    { ...newEvent({ reason: "Killing" }), sequence: 2, count: 1, firstAt: 1, lastAt: 1 },
  ]);
});

test("RuntimeState.addEvent() starts a new event after ten minutes", () => {
  using it = runtime();
  it.state.addEvent(newEvent(), 0);
  it.state.addEvent(newEvent(), 600_001);
  expect(it.state.events().map(({ count }) => count)).toEqual([1, 1]);
});

const DIFFERENT: readonly Partial<NewEvent>[] = [
  { service: BLOG }, { kind: "Service" }, { name: "db" }, { uid: "v" }, { fieldPath: "spec.containers{a}" }, { type: "Warning" }, { reason: "Killing" }, { message: "other" },
];

test.each(DIFFERENT)("RuntimeState.addEvent() does not mix up an event with another %p", (change) => {
  using it = runtime();
  it.state.addEvent(newEvent(), 0);
  it.state.addEvent(newEvent(change), 0);
  expect(it.state.events().map(({ count }) => count)).toEqual([1, 1]);
});

test("RuntimeState.events() after the largest number seen gives what was added or counted up since, once", () => {
  using it = runtime();
  let seen = 0;
  const fresh = (): readonly string[] => {
    const events = it.state.events({ after: seen });
    seen = Math.max(seen, ...events.map(({ sequence }) => sequence));
    return events.map(({ message, count }) => `${message} ${count}`);
  };
  it.state.addEvent(newEvent({ message: "a" }), 0);
  it.state.addEvent(newEvent({ message: "b" }), 0);
  expect([fresh(), fresh()]).toEqual([["a 1", "b 1"], []]);
  it.state.addEvent(newEvent({ message: "a" }), 1);
  expect([fresh(), fresh()]).toEqual([["a 2"], []]);
  it.state.removeEvents(newEvent().service);
  it.state.addEvent(newEvent({ message: "c" }), 1);
  expect(fresh()).toEqual(["c 1"]);
});

test("RuntimeState.addEvent() keeps the newest 1,000 events of a service, and all of the others", () => {
  using it = runtime();
  it.state.transaction(() => {
    it.state.addEvent(newEvent({ service: BLOG }), 0);
    for (let number = 0; number < 1001; number += 1) it.state.addEvent(newEvent({ message: `${number}` }), 0);
    it.state.addEvent(newEvent({ message: "1" }), 1);
    it.state.addEvent(newEvent({ message: "last" }), 1);
  });
  const kept = it.state.events({ service: "shop" }).map(({ message }) => message);
  expect([kept.length, kept[0], kept[1], kept.at(-1)]).toEqual([1000, "1", "3", "last"]);
  expect(it.state.events({ service: "blog" })).toHaveLength(1);
});

test("RuntimeState.events() and removeEvents() tell services apart", () => {
  using it = runtime();
  it.state.addEvent(newEvent(), 0);
  it.state.addEvent(newEvent({ service: BLOG, name: "db" }), 0);
  const names = (filter: Parameters<RuntimeState["events"]>[0]): readonly string[] => it.state.events(filter).map(({ name }) => name);
  expect([names({ service: "shop" }), names({ namespace: "default" }), names({ name: "db" }), names({ namespace: "x" })]).toEqual([["web"], ["web", "db"], ["db"], []]);
  it.state.removeEvents(BLOG);
  expect(names({})).toEqual(["web"]);
});
