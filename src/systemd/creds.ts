/**
 * A vault by systemd-creds(1): texts are encrypted with a key of their own, and that key with the host's
 * (`/var/lib/systemd/credential.secret`), so that a copy of the database alone is of no use. Its credentials hold at most
 * 1 MiB, and one call takes some 10 ms: that is why only the key is one.
 */
import { fail, WherryError } from "../base/errors.ts";
import { CLEAN_ENV, execNow } from "../base/exec.ts";
import { inUserNamespace } from "../base/userNamespace.ts";

export interface CredsVault {
  seal(name: string, text: string): string;
  open(name: string, sealed: string): string;
}

const PROGRAM = "systemd-creds";
const CIPHER = "aes-256-gcm";
const TIMEOUT = 30_000;

/** Whether the host has what `credsVault` needs, and lets this process use it: the host's key is root's. */
export const hasCreds = (): boolean => process.geteuid?.() === 0 && !inUserNamespace() && Bun.which(PROGRAM, { PATH: CLEAN_ENV["PATH"] ?? "" }) !== null;

/** Undefined where the host has no systemd-creds, and for an ordinary user. Nothing is called before it is used. */
export function credsVault(): CredsVault | undefined {
  return hasCreds() ? { seal, open } : undefined;
}

/** Takes a third as long to load as a short command takes: loaded by who uses it. */
const ciphers = () => process.getBuiltinModule("node:crypto");

const nameOf = (name: string): string => `wherry.${name}`;

function seal(name: string, text: string): string {
  const { createCipheriv, randomBytes } = ciphers();
  const [key, iv] = [randomBytes(32), randomBytes(12)];
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(nameOf(name)));
  const data = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  // The key goes by stdin; argv and errors can be seen by others.
  const sealed = execNow([PROGRAM, "encrypt", "--quiet", "--with-key=host", `--name=${nameOf(name)}`, "-", "-"], { stdin: key.toString("base64"), timeout: TIMEOUT });
  return JSON.stringify({ key: sealed.replaceAll(/\s/g, ""), iv: iv.toString("base64"), tag: cipher.getAuthTag().toString("base64"), data: data.toString("base64") });
}

function open(name: string, sealed: string): string {
  try {
    const { key, iv, tag, data } = partsOf(JSON.parse(sealed));
    const opened = Buffer.from(execNow([PROGRAM, "decrypt", "--quiet", `--name=${nameOf(name)}`, "-", "-"], { stdin: key, timeout: TIMEOUT }), "base64");
    const decipher = ciphers().createDecipheriv(CIPHER, opened, Buffer.from(iv, "base64")).setAAD(Buffer.from(nameOf(name))).setAuthTag(Buffer.from(tag, "base64"));
    return Buffer.concat([decipher.update(Buffer.from(data, "base64")), decipher.final()]).toString("utf8");
  } catch (cause) {
    const why = cause instanceof WherryError ? cause.message : "they have been changed";
    fail("unavailable", `Cannot decrypt the Secrets of "${name}": ${why}`, { cause, code: "ESEALED", hint: `the key of this host may be another one now: wherry down ${name}, and play it again` });
  }
}

interface Parts {
  readonly key: string;
  readonly iv: string;
  readonly tag: string;
  readonly data: string;
}

function partsOf(value: unknown): Parts {
  const fields = typeof value === "object" && value !== null ? new Map(Object.entries(value)) : new Map<string, unknown>();
  const text = (name: keyof Parts): string => {
    const found = fields.get(name);
    return typeof found === "string" ? found : fail("invalid", `Cannot read what is sealed: "${name}" is missing`);
  };
  return { key: text("key"), iv: text("iv"), tag: text("tag"), data: text("data") };
}
