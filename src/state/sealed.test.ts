import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { namespace, serviceName, type Secret } from "../spec/spec.ts";
import { openDurable } from "./durable.ts";
import { objectRecord, serviceRecord, temporaryDirectory } from "./fixtures.ts";
import { textDigest } from "./sealed.ts";
import type { ObjectRecord, Vault } from "./state.ts";

const MARKER = "marker-of-a-value";
const secret = (value: string, hash = value): ObjectRecord => {
  const object: Secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "login", namespace: namespace("default"), labels: {}, annotations: {} }, type: "Opaque", data: { word: Buffer.from(value).toString("base64") } };
  return { service: serviceName("shop"), object, hash };
};

/** Turns texts around, and counts. */
function fakeVault(): Vault & { readonly calls: string[] } {
  const calls: string[] = [];
  const turned = (text: string): string => Buffer.from(text).toString("hex");
  return {
    calls,
    seal: (name, text) => (calls.push(`seal ${name}`), turned(`${name}:${text}`)),
    open(name, sealed) {
      calls.push(`open ${name}`);
      const text = Buffer.from(sealed, "hex").toString();
      if (!text.startsWith(`${name}:`)) throw new Error("another name");
      return text.slice(name.length + 1);
    },
  };
}

const record = { ...serviceRecord(), texts: [`stringData: {word: ${MARKER}}`] };

test("DurableState writes no value of a Secret, and gives all of them back", () => {
  using at = temporaryDirectory();
  const vault = fakeVault();
  using state = openDurable(`${at.path}/wherry.db`, { vault });
  state.putService(record, [objectRecord(), secret(MARKER, "h")]);
  const files = readdirSync(at.path).map((name) => readFileSync(`${at.path}/${name}`).toString("latin1")).join("");
  expect([files.includes(MARKER), files.includes(Buffer.from(MARKER).toString("base64"))]).toEqual([false, false]);
  const [, shown] = state.objects("shop");
  expect(shown?.object.kind === "Secret" ? Buffer.from(shown.object.data["word"] ?? "", "base64") : undefined).toEqual(Buffer.alloc(MARKER.length));
  expect(state.secrets("shop")).toEqual([secret(MARKER, "h").object].filter((object) => object.kind === "Secret"));
  expect(state.secrets("shop")).toHaveLength(1);
  expect(state.service("shop")?.texts).toEqual(record.texts.map(textDigest));
  expect(vault.calls).toEqual(["seal shop", "open shop"]);
});

test("DurableState seals once for the same Secrets, and anew for others", () => {
  using at = temporaryDirectory();
  const vault = fakeVault();
  using state = openDurable(`${at.path}/wherry.db`, { vault });
  state.putService(record, [secret("a")]);
  state.putService(record, [objectRecord(), secret("a")]);
  state.putService(record, [secret("b")]);
  expect([vault.calls.filter((call) => call.startsWith("seal")).length, state.secrets("shop")[0]?.data["word"]]).toEqual([2, Buffer.from("b").toString("base64")]);
  state.removeService("shop");
  expect(state.secrets("shop")).toEqual([]);
});

test("DurableState without a vault, or without Secrets, records all as it is", () => {
  using at = temporaryDirectory();
  const vault = fakeVault();
  using state = openDurable(`${at.path}/wherry.db`, { vault });
  state.putService(record, [objectRecord()]);
  expect([vault.calls, state.service("shop")?.texts]).toEqual([[], record.texts]);
  using plain = openDurable(`${at.path}/plain.db`);
  plain.putService(record, [secret(MARKER, "h")]);
  expect([plain.secrets("shop")[0]?.data["word"], plain.service("shop")?.texts]).toEqual([Buffer.from(MARKER).toString("base64"), record.texts]);
});

test("DurableState says what is missing when what is sealed cannot be opened", () => {
  using at = temporaryDirectory();
  using state = openDurable(`${at.path}/wherry.db`, { vault: fakeVault() });
  state.putService(record, [secret("a")]);
  using reader = openDurable(`${at.path}/wherry.db`, { readonly: true });
  expect(() => reader.secrets("shop")).toThrow('Cannot read the Secrets of service "shop": they are encrypted, and systemd-creds is not installed');
});
