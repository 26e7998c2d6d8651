/** The mount table (proc(5), `/proc/PID/mountinfo`). Pure. */

export interface Mounted {
  readonly point: string;
  readonly type: string;
  /** Of the mount and of its filesystem. */
  readonly options: readonly string[];
}

/** What `path`, which is absolute and free of symbolic links, is on: the last mount on the nearest mount point above it. */
export function mountOf(mountinfo: string, path: string): Mounted | undefined {
  const above = mountinfo.split("\n").flatMap(parsed).filter(({ point }) => path === point || path.startsWith(point === "/" ? "/" : `${point}/`));
  return above.reduce<Mounted | undefined>((found, each) => (found === undefined || each.point.length >= found.point.length ? each : found), undefined);
}

function parsed(line: string): readonly Mounted[] {
  const [left = "", right = ""] = line.split(" - ");
  const [, , , , point = "", own = ""] = left.split(" ");
  const [type = "", , shared = ""] = right.split(" ");
  if (point === "") return [];
  return [{ point: point.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))), type, options: [...own.split(","), ...shared.split(",")] }];
}
