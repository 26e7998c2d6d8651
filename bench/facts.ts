/** The machine and the programs that the numbers belong to. */
import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { firstLine } from "./command.ts";

/** Words and what they stand for, in the order to show them in. */
export type Facts = readonly (readonly [string, string])[];

/** The machine. */
export function machineFacts(): Facts {
  return [
    ["machine", `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? arch()}), ${Math.round(totalmem() / 2 ** 30)} GiB`],
    ["load before", loadavg().map((each) => each.toFixed(1)).join(", ")],
  ];
}

/** The system, and what is compared on it. */
export function systemFacts(wherry: string): Facts {
  return [
    ["system", `${osName()}, Linux ${release()}, cgroup v1`],
    ["engines", [firstLine([wherry, "version"]), firstLine(["podman", "--version"])].join("; ")],
  ];
}

/** The programs that take part in playing. */
export const playFacts = (): Facts => [["parts of both", [firstLine(["crun", "--version"]), firstLine(["conmon", "--version"]), firstLine(["/usr/lib/podman/netavark", "--version"])].join("; ")]];

/** The programs that take part in pulling. */
export const imageFacts = (): Facts => [["parts", [firstLine(["skopeo", "--version"]), firstLine(["bsdtar", "--version"]), firstLine(["docker-registry", "--version"])].join("; ")]];

const osName = (): string => /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux";
