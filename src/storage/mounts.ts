/** The mounts that this process sees (`proc_pid_mountinfo(5)`). */
import { readFileSync, realpathSync } from "node:fs";
import { unless } from "../base/errors.ts";

/** Mount points at and below `directory`, the last mounted first, so that they can be unmounted in this order. */
export function mountsBelow(directory: string): readonly string[] {
  const root = unless("ENOENT", () => realpathSync(directory), undefined);
  if (root === undefined) return [];
  return mountPoints(readFileSync("/proc/self/mountinfo", "utf8")).filter((point) => point === root || point.startsWith(`${root}/`)).reverse();
}

/** The mount points in the text of a mountinfo file, first mounted first. */
export function mountPoints(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const point = line.split(" ")[4];
    return point === undefined ? [] : [withoutOctal(point)];
  });
}

/** The mount points of filesystems of a type in the text of a mountinfo file. */
export function mountPointsOf(text: string, type: string): readonly string[] {
  return mountPoints(text.split("\n").filter((line) => line.includes(` - ${type} `)).join("\n"));
}

/** What the mount at a mount point forbids, in the words of mount(8), from the text of a mountinfo file. */
export function forbiddenAt(text: string, point: string): readonly string[] {
  const line = text.split("\n").findLast((each) => withoutOctal(each.split(" ")[4] ?? "") === point);
  return (line?.split(" ")[5] ?? "").split(",").filter((option) => option === "nosuid" || option === "nodev" || option === "noexec");
}

/** The overlays in the text of a mountinfo file, with their lower directories as they were named when it was mounted. */
export function overlaysIn(text: string): readonly { readonly target: string; readonly lower: readonly string[] }[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [type, , options = ""] = after.split(" ");
    if (type !== "overlay") return [];
    const lower = options.split(",").filter((option) => option.startsWith("lowerdir=")).flatMap((option) => lowerNames(withoutOctal(option.slice(9))));
    return [{ target: withoutOctal(before.split(" ")[4] ?? ""), lower }];
  });
}

/** Names are separated by colons; a backslash takes a colon, a comma or a backslash literally. */
const lowerNames = (value: string): readonly string[] =>
  (value.match(/(?:[^:\\]|\\[^])+/g) ?? []).map((name) => name.replace(/\\([^])/g, "$1"));

const withoutOctal = (text: string): string => text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
export type MountPropagation = "private" | "slave" | "shared";

/** The mount that `path` (absolute, without links) is on, and which way mounts go through it, from the text of a mountinfo file. */
export function propagationOf(text: string, path: string): { readonly point: string; readonly propagation: MountPropagation } {
  const points = mountPoints(text);
  const lines = text.split("\n");
  const holds = (point: string): boolean => point === "/" || path === point || path.startsWith(`${point}/`);
  const longest = points.reduce((best, point, index) => (holds(point) && point.length >= (points[best] ?? "").length ? index : best), 0);
  const line = lines[longest] ?? "";
  const fields = line.slice(0, line.indexOf(" - "));
  const propagation = / shared:\d+/.test(fields) ? "shared" : / master:\d+/.test(fields) ? "slave" : "private";
  return { point: points[longest] ?? "/", propagation };
}
