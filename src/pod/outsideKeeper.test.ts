import { expect, test } from "bun:test";
import { eventually } from "../../test/harness/eventually.ts";
import { OutsideKeeper } from "./outsideKeeper.ts";

/** A helper that nobody can start; `why` is what it fails with next. */
function broken() {
  const state: { why: string | undefined; tries: number } = { why: "no pasta", tries: 0 };
  const keeper = new OutsideKeeper({
    helper: "/nowhere/outside",
    ensure: async () => {
      state.tries += 1;
      return state.why;
    },
  });
  return { state, keeper };
}

test("OutsideKeeper tells each pod why there is no outside, once, and tries again at growing intervals", async () => {
  const { state, keeper } = broken();
  const [one, two]: [string[], string[]] = [[], []];
  await keeper.add("1", (why) => one.push(why));
  await keeper.add("2", (why) => {
    two.push(why);
    throw new Error("this one cannot be told");
  });
  expect(state.tries).toBe(2);
  await eventually(async () => expect(state.tries).toBe(3), { within: 3_000 });
  expect([one, two]).toEqual([["no pasta"], ["no pasta"]]);
  state.why = "no network";
  await eventually(async () => expect(one).toEqual(["no pasta", "no network"]), { within: 4_000 });
  expect(two).toEqual(one);
  expect(state.tries).toBe(4);
  keeper.remove("1");
  keeper.remove("2");
  await Bun.sleep(4_500);
  expect(state.tries).toBe(4);
}, 20_000);

test("OutsideKeeper takes what ensuring fails with for the reason", async () => {
  const said: string[] = [];
  const keeper = new OutsideKeeper({ helper: "/nowhere/outside", ensure: () => Promise.reject(new Error("the lock is held")) });
  await keeper.add("1", (why) => said.push(why));
  keeper.remove("1");
  expect(said).toEqual(["the lock is held"]);
});
