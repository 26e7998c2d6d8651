/** What the tests of this folder share: scratch directories, and archives of any content, also of content no tool would write. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { exec } from "../base/exec.ts";
import { unmount } from "../base/libc.ts";
import { mountsBelow } from "./mounts.ts";

export const CHECKOUT = resolve(import.meta.dir, "../..");

/** A directory that goes away, with the mounts below it, when disposed of. */
export function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(`${tmpdir()}/wherry.`);
  return {
    path,
    [Symbol.dispose]() {
      for (const target of mountsBelow(path)) unmount(target);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** One member of a tar archive (`tar(5)`, ustar); `pax` are its extended header records. */
export interface Member {
  readonly name: string | Uint8Array;
  readonly type?: "file" | "hardlink" | "symlink" | "char" | "block" | "directory" | "fifo";
  readonly content?: string | Uint8Array;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly device?: readonly [major: number, minor: number];
  readonly pax?: Readonly<Record<string, string>>;
}

const TYPES = { file: "0", hardlink: "1", symlink: "2", char: "3", block: "4", directory: "5", fifo: "6", pax: "x" } as const;

/** The bytes of an archive. */
export function tar(members: readonly Member[]): Buffer {
  return Buffer.concat([...members.flatMap(member), Buffer.alloc(1024)]);
}

function member(member: Member): readonly Buffer[] {
  const content = typeof member.content === "object" ? Buffer.from(member.content) : Buffer.from(member.content ?? "");
  const records = Object.entries(member.pax ?? {}).map(([key, value]) => paxRecord(key, value)).join("");
  const extended = records === "" ? [] : [header({ name: "pax" }, { type: "pax", size: records.length }), padded(Buffer.from(records, "latin1"))];
  return [...extended, header(member, { type: member.type ?? "file", size: content.length }), padded(content)];
}

/** Its own length is part of the record; values are bytes, one per character. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const digits = String(rest.length + String(rest.length).length).length;
  return `${rest.length + digits}${rest}`;
}

function header(of: Member, { type, size }: { readonly type: keyof typeof TYPES; readonly size: number }): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, [at, digits]: readonly [number, number]) => block.write(value.toString(8).padStart(digits, "0"), at);
  Buffer.from(of.name).copy(block, 0, 0, 100);
  octal(of.mode ?? (type === "directory" ? 0o755 : 0o644), [100, 7]);
  octal(of.uid ?? 0, [108, 7]);
  octal(of.gid ?? 0, [116, 7]);
  octal(size, [124, 11]);
  octal(of.mtime ?? 0, [136, 11]);
  block.write(`        ${TYPES[type]}${of.link ?? ""}`, 148);
  block.write("ustar\x0000", 257);
  octal(of.device?.[0] ?? 0, [329, 7]);
  octal(of.device?.[1] ?? 0, [337, 7]);
  octal(block.reduce((sum, byte) => sum + byte, 0), [148, 6]);
  block[154] = 0;
  return block;
}

const padded = (content: Buffer): Buffer => Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);

/** Writes an archive and returns its path and diff ID. */
export function writeTar(path: string, members: readonly Member[]): { readonly archive: string; readonly diffId: string } {
  const bytes = tar(members);
  writeFileSync(path, bytes);
  return { archive: path, diffId: digestOf(bytes) };
}

/** `sha256:…` of some bytes. */
export const digestOf = (bytes: Uint8Array | string): string => `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;

/** The demo image's root filesystem archive, made by the project's own tool once per checkout. */
export async function demoTar(): Promise<string> {
  const path = `${CHECKOUT}/.cache/demo-rootfs.tar`;
  if (!existsSync(path)) await exec([`${CHECKOUT}/tools/make-demo-image`, path]);
  return path;
}

/** An OCI layout of one image with these layer archives, as an image builder writes it. */
export function writeLayout(directory: string, image: { readonly layers: readonly Uint8Array[]; readonly config: object; readonly name?: string; readonly diffIds?: readonly string[] }): string {
  mkdirSync(`${directory}/blobs/sha256`, { recursive: true });
  const blob = (bytes: Uint8Array, mediaType: string) => {
    const digest = digestOf(bytes);
    writeFileSync(`${directory}/blobs/sha256/${digest.slice(7)}`, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const json = (value: object, type: string) => blob(Buffer.from(JSON.stringify(value)), `application/vnd.oci.image.${type}.v1+json`);
  const layers = image.layers.map((bytes) => blob(bytes, "application/vnd.oci.image.layer.v1.tar"));
  const diffIds = image.diffIds ?? layers.map((layer) => layer.digest);
  const config = json({ architecture: process.arch === "x64" ? "amd64" : process.arch, os: "linux", config: image.config, rootfs: { type: "layers", diff_ids: diffIds } }, "config");
  const manifest = json({ schemaVersion: 2, config, layers }, "manifest");
  const annotations = image.name === undefined ? {} : { annotations: { "org.opencontainers.image.ref.name": image.name } };
  writeFileSync(`${directory}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(`${directory}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, ...annotations }] }));
  return directory;
}
