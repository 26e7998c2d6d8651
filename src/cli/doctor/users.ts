/** What the host grants this user: ids, cgroups, a service manager. Pure. */
import { addCommand, rangesOf } from "../../rootless/ids.ts";
import { lingerCommand } from "../../systemd/linger.ts";
import { asRoot, type Facts, type Finding, isRoot, missing, ok, warning } from "./facts.ts";

/** One finding for each grant. */
export function userFindings(facts: Facts): readonly Finding[] {
  if (isRoot(facts)) return [systemd(facts), ...cgroupFindings(facts)];
  return [subordinateIds(facts), systemd(facts), userManager(facts), lingering(facts), ...stopTimeout(facts), ...cgroupFindings(facts)];
}

/** Images have users up to 65535. */
const ENOUGH_IDS = 65_536;

/** subuid(5) */
export function subordinateIds({ subordinate, user }: Pick<Facts, "subordinate" | "user">): Finding {
  const about = "subordinate ids";
  const [uids = 0, gids = 0] = [subordinate.uid, subordinate.gid].map((text) => rangesOf(text, user).reduce((sum, { count }) => sum + count, 0));
  const fewer = Math.min(uids, gids);
  const give = addCommand(subordinate, user);
  if (fewer === 0) return missing(about, `${uids === 0 ? "/etc/subuid" : "/etc/subgid"} gives user "${user.name}" none, it should give ${ENOUGH_IDS}`, give);
  if (fewer < ENOUGH_IDS) return warning(about, `${fewer}: images with users above ${fewer} do not run, ${ENOUGH_IDS} are enough for all`, give);
  return ok(about, `${fewer} for user "${user.name}"`);
}

function systemd(facts: Facts): Finding {
  return facts.systemd ? ok("systemd", "runs") : warning("systemd", "this host was not started by it: there are no units, and nothing starts at boot", asRoot(facts, "apt-get install systemd-sysv"));
}

/** pam_systemd(8): a session, or lingering, starts one. */
export function userManager(facts: Pick<Facts, "user" | "userManager">): Finding {
  const about = "user manager";
  if (facts.userManager) return ok(about, `user@${facts.user.uid}.service runs`);
  return missing(about, `no service manager of user "${facts.user.name}" runs; it hands cgroups to services`, linger(facts));
}

export const linger = ({ user }: Pick<Facts, "user">): string => lingerCommand(user.name);

function lingering(facts: Facts): Finding {
  if (facts.lingering) return ok("lingering", "services start at boot and go on after a logout");
  return warning("lingering", "off: services end when the last session does, and none starts at boot", linger(facts));
}

/** Seconds that ending a pod may take besides its grace period: SIGKILL, and taking back what it had. */
const STOP_RESERVE = 10;
/** What pods that store something ask for; it should be kept. */
const USUAL_GRACE = 120;

/** The longest grace period, in seconds, that a user's pods have at a shutdown. */
export const longestGrace = (stopTimeout: number): number => Math.max(0, Math.floor(stopTimeout) - STOP_RESERVE);

/** Of effect without a restart. 15 minutes are half of what a shutdown itself may take (systemd's poweroff.target). */
const MORE_TIME: readonly string[] = [
  "sudo mkdir -p /etc/systemd/system/user@.service.d",
  "printf '[Service]\\nTimeoutStopSec=15min\\n' | sudo tee /etc/systemd/system/user@.service.d/stop-timeout.conf",
  "sudo systemctl daemon-reload",
];

/** TimeoutStopSec= of user@.service, which no service of the user can extend. */
function stopTimeout({ stopTimeout: time, user }: Facts): readonly Finding[] {
  const about = "stop timeout";
  if (time === undefined) return [];
  if (time === Infinity) return [ok(about, "none: every grace period is kept")];
  const text = `${time} s for all services at a shutdown or the last logout`;
  if (longestGrace(time) >= USUAL_GRACE) return [ok(about, `${text}: grace periods of up to ${longestGrace(time)} s are kept`)];
  return [warning(about, `${text}, then systemd kills them: pods of user "${user.name}" with a grace period above ${longestGrace(time)} s may lose the rest of it`, ...MORE_TIME)];
}

const LIMITED: Readonly<Record<string, string>> = { cpu: "limits and requests of cpu", memory: "limits of memory", pids: "numbers of processes" };

/** One for the tree, one for every controller that limits need. */
export function cgroupFindings(facts: Pick<Facts, "user" | "cgroups">): readonly Finding[] {
  const { version, hybrid, available, delegated } = facts.cgroups;
  const tree = hybrid ? "v1 and v2 at once (hybrid)" : version;
  if (version === "v1") return [isRoot(facts) ? ok("cgroups", hybrid ? `${tree}: crun refuses that, runc is taken` : tree) : missing("cgroups", `${tree}: a user is handed none, they should be v2`, ...bootWith(facts, "systemd.unified_cgroup_hierarchy=1"))];
  const some = delegated.length === 0 ? "no controller" : delegated.join(" ");
  return [ok("cgroups", `v2, with ${some}`), ...Object.entries(LIMITED).filter(([name]) => !delegated.includes(name)).map(([name, what]) => absent(facts, { name, what, inKernel: available.includes(name) }))];
}

/** Adds a word to the kernel's command line, Debian's way (kernel-command-line(7)); of effect after a reboot. */
const bootWith = (facts: Pick<Facts, "user">, word: string): readonly string[] => [
  `echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX ${word}"' | ${asRoot(facts, `tee /etc/default/grub.d/${word.replace(/=/, "-")}.cfg`)}`,
  `${asRoot(facts, "update-grub")} && ${asRoot(facts, "reboot")}`,
];

function absent(facts: Pick<Facts, "user">, { name, what, inKernel }: { readonly name: string; readonly what: string; readonly inKernel: boolean }): Finding {
  const about = `cgroup ${name}`;
  if (!inKernel) return warning(about, `the kernel offers no such controller: ${what} have no effect`, ...bootWith(facts, `cgroup_enable=${name}`));
  return warning(about, `not handed to user "${facts.user.name}": ${what} have no effect`, ...DELEGATE, `sudo systemctl daemon-reload && sudo systemctl restart user@${facts.user.uid}.service`);
}

/** systemd.resource-control(5) */
export const DELEGATE: readonly string[] = [
  "sudo mkdir -p /etc/systemd/system/user@.service.d",
  "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee /etc/systemd/system/user@.service.d/delegate.conf",
];
