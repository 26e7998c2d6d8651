/** An image with every kind of entry that a layer may have (image-spec layer.md), and of names, owners, modes and times. */
import { type Member, tar } from "../../src/storage/fixtures.ts";
import type { ImageSource } from "./layout.ts";

/** struct vfs_ns_cap_data (capabilities(7)), revision 2, effective: CAP_NET_BIND_SERVICE. */
const CAPABILITY = Buffer.from("0100000200040000000000000000000000000000", "hex").toString("latin1");
/** The first block of a file with holes (GNU tar's sparse format 1.0) is its map: count, then offset and length of each part. */
const MAP = Buffer.alloc(512);
MAP.write("2\n4096\n5\n1048576\n6\n");

type Records = Readonly<Record<string, string>>;
const at = (seconds: string): Records => ({ mtime: seconds });
const xattr = (name: string, value: string): Records => ({ [`SCHILY.xattr.${name}`]: value });
const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
/** More than fits a header's field, less than a file name may have. */
const LONG = "n".repeat(250);
const DEEP = Array.from({ length: 12 }, (_, index) => `${"deep".repeat(10)}${index}`).join("/");

const LOWER: readonly Member[] = [
  { name: "./", type: "directory", mode: 0o755 },
  { name: "plain", content: "plain\n", pax: at("1700000000.123456789") },
  { name: "empty" },
  { name: "old", content: "o", pax: at("-86400") },
  { name: "first", content: "1", mtime: 1 },
  { name: "late", content: "l", pax: at("4102444800.000000001") },
  { name: "owned", content: "x", uid: 1000, gid: 2000 },
  { name: "owned-far", content: "x", pax: { uid: "4000000", gid: "4000001" } },
  { name: "mode-0000", content: "x", mode: 0 },
  { name: "setuid", content: "x", mode: 0o4755 },
  { name: "setgid", content: "x", mode: 0o2755, uid: 5, gid: 6 },
  { name: "sticky/", type: "directory", mode: 0o1777 },
  { name: "closed/", type: "directory", mode: 0o500, uid: 1000, mtime: 1_500_000_000 },
  { name: "closed/inside", content: "in a directory that nobody may write to\n", uid: 1000, mtime: 1_500_000_001 },
  { name: "linked", content: "one file\n", mode: 0o640, mtime: 1_600_000_000, pax: xattr("user.origin", "linked") },
  { name: "linked-too", type: "hardlink", link: "linked", mode: 0o640, mtime: 1_600_000_000 },
  { name: "sticky/linked-three", type: "hardlink", link: "linked", mode: 0o640, mtime: 1_600_000_000 },
  { name: "soft", type: "symlink", link: "plain", mode: 0o777, mtime: 1_650_000_000 },
  { name: "soft-absolute", type: "symlink", link: "/etc/passwd", mode: 0o777, uid: 7, gid: 8 },
  { name: "soft-up", type: "symlink", link: "../../../../outside", mode: 0o777 },
  { name: "soft-nowhere", type: "symlink", link: "not there", mode: 0o777, pax: at("1650000000.5") },
  { name: "character", type: "char", device: [1, 3], mode: 0o666 },
  { name: "block", type: "block", device: [7, 300], mode: 0o660, gid: 6 },
  { name: "pipe", type: "fifo", mode: 0o622, uid: 9 },
  { name: "attributes", content: "x", pax: { ...xattr("user.one", "1"), ...xattr("user.binary", "\x01\x00\xff\n") } },
  { name: "attributes-of-directory/", type: "directory", pax: xattr("user.kind", "directory") },
  { name: "capable", content: "x", mode: 0o755, pax: xattr("security.capability", CAPABILITY) },
  { name: "holes", content: Buffer.concat([MAP, latin1("start"), latin1("finish")]), pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "holes", "GNU.sparse.realsize": "1048582" } },
  { name: "long", content: "x", pax: { path: LONG } },
  { name: "deep", content: "x", pax: { path: `${DEEP}/file` } },
  { name: "long-link", type: "symlink", mode: 0o777, pax: { linkpath: `/${DEEP}` } },
  { name: latin1("byte-\xe9\xff"), content: "not UTF-8\n" },
  { name: Buffer.from("späße ☃"), content: "UTF-8\n" },
  { name: " space and 'quotes' \"\\", content: "x" },
  { name: "-dash", content: "x" },
  { name: "implicit/parents/of", content: "x" },
  { name: "replaced", content: "lower", mode: 0o600 },
  { name: "emptied/", type: "directory" },
  { name: "emptied/gone", content: "x" },
  { name: "linked-below", content: "lower\n" },
  { name: "linked-below-too", type: "hardlink", link: "linked-below" },
];

const UPPER: readonly Member[] = [
  { name: "replaced", content: "upper", mode: 0o644, uid: 1 },
  { name: "emptied/", type: "directory", mode: 0o711 },
  { name: "emptied/.wh..wh..opq" },
  { name: "emptied/new", content: "x" },
  { name: ".wh.empty" },
  { name: "linked-below", content: "upper\n" },
  { name: "closed/more", content: "x" },
];

/** Directories that the archives have no entry for, though they have entries in them: nothing says when they were changed. */
export const IMPLIED: ReadonlySet<string> = new Set(["implicit/parents/of", `${DEEP}/file`, "closed/more"].flatMap(ancestorsOf).map((path) => `./${path}`));

function ancestorsOf(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

export const everyEntry: ImageSource = { layers: [tar(LOWER), tar(UPPER)], config: { Cmd: ["/plain"] } };
