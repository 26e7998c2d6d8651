/** The process of a container: what is run, as whom, in which environment. */
import { fail } from "../base/errors.ts";
import type { OciProcess } from "../runtime/oci.ts";
import type { ConfigInput, HostLimits } from "./container.ts";
import { DEFAULT_PATH, DEFAULT_RLIMITS } from "./defaults.ts";
import { appArmorOf } from "./appArmor.ts";
import { expand } from "./expand.ts";
import { seLinuxLabels } from "./labels.ts";
import { oomScoreAdj } from "./qos.ts";
import { capabilitiesOf, effectiveSecurity } from "./security.ts";

/**
 * `process` of the configuration. `no_new_privs` (set-uid programs and file capabilities give nothing) is set only when
 * `allowPrivilegeEscalation` is false, as in Kubernetes. Kind `invalid` when there is nothing to run.
 */
export function processOf(input: ConfigInput): OciProcess {
  const { identity, container, image, host } = input;
  const security = effectiveSecurity(input.pod, container);
  const labels = seLinuxLabels(security, host);
  return {
    terminal: container.tty === true,
    user: { uid: identity.uid, gid: identity.gid, ...(identity.additionalGids.length === 0 ? {} : { additionalGids: identity.additionalGids }) },
    args: argsOf(input),
    env: envOf(input),
    cwd: container.workingDir || image.workingDir || "/",
    capabilities: setsOf(capabilitiesOf(security, host.capabilities).given, identity.uid),
    rlimits: rlimitsOf(host),
    noNewPrivileges: security.allowPrivilegeEscalation === false,
    ...appArmorOf(security, host),
    ...(labels === undefined ? {} : { selinuxLabel: labels.process }),
    oomScoreAdj: Math.max(oomScoreAdj(input), host.lowestOomScoreAdj ?? -1000),
  };
}

/**
 * Kubernetes' rule: `command` replaces the image's entrypoint and its cmd, `args` replaces its cmd; an empty list is as
 * none. `$(VAR)` is expanded in both. Kind `invalid` when nothing is left to run.
 */
export function argsOf({ container, image, env }: Pick<ConfigInput, "container" | "image" | "env">): readonly string[] {
  const { command = [], args = [] } = container;
  const values = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  const own = (words: readonly string[]): readonly string[] => words.map((word) => expand(word, values));
  const start = command.length > 0 ? own(command) : image.entrypoint;
  const rest = args.length > 0 ? own(args) : command.length > 0 ? [] : image.cmd;
  const all = [...start, ...rest];
  if (all.length === 0) fail("invalid", `Cannot run container "${container.name}": neither image "${container.image}" nor the manifest says which command to run`);
  return all;
}

/** PATH, HOME, HOSTNAME and with a terminal TERM, the image's variables, the container's: a later one replaces an earlier of its name, as in containerd. */
function envOf({ container, image, identity, hostname, env }: ConfigInput): readonly string[] {
  const entries = [
    `PATH=${DEFAULT_PATH}`,
    `HOME=${identity.home}`,
    ...(container.tty === true ? ["TERM=xterm"] : []),
    `HOSTNAME=${hostname}`,
    ...image.env,
    ...env.map(({ name, value }) => `${name}=${value}`),
  ];
  return [...new Map(entries.map((entry) => [entry.split("=")[0] ?? "", entry])).values()];
}

/** The kernel clears the sets of a user other than root at exec; they are written as they will be. */
function setsOf(given: readonly string[], uid: number): NonNullable<OciProcess["capabilities"]> {
  const held = uid === 0 ? given : [];
  return { bounding: given, effective: held, permitted: held, inheritable: [], ambient: [] };
}

/** Silent when it clamps: the manifest did not ask for these numbers. */
function rlimitsOf(host: HostLimits): NonNullable<OciProcess["rlimits"]> {
  return Object.entries(DEFAULT_RLIMITS).map(([type, wanted]) => {
    const limit = Math.min(wanted, host.hardRlimits[type] ?? wanted);
    return { type, hard: limit, soft: limit };
  });
}
