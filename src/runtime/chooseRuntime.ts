/** Which OCI runtime works on this host. crun where it can: it starts a container in half the time of runc. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { CLEAN_ENV, exec } from "../base/exec.ts";
import { ensureDirectory, readIfExists, writeAtomically } from "../base/files.ts";
import { cgroupHost, type CgroupLayout, ownCgroup } from "./cgroup.ts";
import { removeCgroup } from "./cgroupTree.ts";
import { LEARNED } from "./learned.ts";
import { hardRlimits } from "./rlimits.ts";

export interface RuntimeChoice {
  /** `--root` directory; what was learned by trying is kept there until the next boot. */
  readonly root: string;
  /** `crun`, `runc`, or a path: taken as it is. */
  readonly wanted?: string;
  readonly cgroups?: CgroupLayout;
  /** Hard limit of RLIMIT_MEMLOCK that may not be raised; undefined: may be raised or is unlimited. */
  readonly memlock?: number | undefined;
}

/**
 * The absolute path of the runtime to use. runc is taken when crun is absent, when the cgroups are hybrid (crun refuses),
 * and when crun cannot load its device filter: on v2 it first lifts RLIMIT_MEMLOCK, which not every host allows. Only
 * there it is tried, once. Kind `unavailable` when nothing fits.
 */
export async function chooseRuntime(choice: RuntimeChoice): Promise<string> {
  if (choice.wanted !== undefined) return pathOf(choice.wanted) ?? fail("unavailable", `Cannot use OCI runtime "${choice.wanted}": it is not installed`);
  const crun = pathOf("crun");
  const runc = pathOf("runc");
  const reason = crun === undefined ? "crun is not installed" : await whyNot(crun, choice);
  if (crun !== undefined && reason === undefined) return crun;
  return runc ?? fail("unavailable", `Cannot find an OCI runtime: ${reason}, and runc is not installed`, { hint: 'install the package "crun" or "runc"' });
}

/** The absolute path of a program of the usual directories, or undefined. */
export const pathOf = (program: string): string | undefined => Bun.which(program, { PATH: CLEAN_ENV["PATH"] ?? "" }) ?? undefined;

/** Words before a command whose process the kernel ends with SIGTERM when this one dies. */
export function tied(): readonly string[] {
  const setpriv = pathOf("setpriv");
  return setpriv === undefined ? [] : [setpriv, "--pdeathsig", "TERM", "--"];
}

async function whyNot(crun: string, choice: RuntimeChoice): Promise<string | undefined> {
  const cgroups = choice.cgroups ?? cgroupHost();
  if (cgroups.hybrid) return "crun does not support hybrid cgroups";
  const memlock = "memlock" in choice ? choice.memlock : hardRlimits()["RLIMIT_MEMLOCK"];
  if (cgroups.version === "v1" || memlock === undefined) return undefined;
  const remembered = `${choice.root}/${LEARNED.crunRefuses}`;
  const known = readIfExists(remembered);
  const answer = known ?? (await tryCrun(crun, choice.root));
  if (known === undefined) {
    ensureDirectory(choice.root);
    writeAtomically(remembered, answer, { durable: false });
  }
  return answer === "" ? undefined : answer;
}

/** Runs `true` under a device rule, in a cgroup below our own; returns crun's complaint about the filter, or nothing. */
async function tryCrun(crun: string, root: string): Promise<string> {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const bundle = mkdtempSync(`${root}/.try-`);
  const id = `wherry-try-${process.pid}`;
  const cgroup = `${ownCgroup().replace(/\/$/, "")}/${id}`;
  try {
    writeFileSync(`${bundle}/config.json`, JSON.stringify(trialConfig(cgroup)));
    const { status, stderr } = await exec([crun, "--root", bundle, "run", "--bundle", bundle, id], { allowFailure: true, timeout: 10_000 });
    const filter = /RLIM(IT)?_MEMLOCK|bpf/i.test(stderr);
    return status !== 0 && filter ? `crun cannot load its device filter (${stderr.trim()})` : "";
  } finally {
    rmSync(bundle, { recursive: true, force: true });
    await removeCgroup(cgroup);
  }
}

const trialConfig = (cgroupsPath: string): unknown => ({
  ociVersion: "1.0.2",
  process: { terminal: false, user: { uid: 0, gid: 0 }, args: ["/bin/true"], env: [], cwd: "/", noNewPrivileges: true },
  root: { path: "/", readonly: false },
  mounts: [],
  linux: { namespaces: [], cgroupsPath, resources: { devices: [{ allow: false, access: "rwm" }] } },
});
