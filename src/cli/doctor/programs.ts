/** The programs that wherry stands on, and the Debian packages that have them. Pure. */
import { asRoot, type Facts, type Finding, isRoot, missing, ok, warning } from "./facts.ts";

interface Needed {
  /** Any one of them will do. */
  readonly names: readonly string[];
  /** That of the first name. */
  readonly packageName: string;
  readonly what: string;
  /** Absent: both. */
  readonly who?: "root" | "user";
  /** Only some manifests need it. */
  readonly optional?: true;
}

const NEEDED: readonly Needed[] = [
  { names: ["crun", "runc"], packageName: "crun", what: "runs containers" },
  { names: ["conmon"], packageName: "conmon", what: "watches containers" },
  { names: ["netavark"], packageName: "netavark", what: "connects pods", who: "root" },
  { names: ["iptables"], packageName: "iptables", what: "lets pods out and host ports in", who: "root" },
  { names: ["nft"], packageName: "nftables", what: "lets an ordinary user's pods out", who: "user" },
  { names: ["ip"], packageName: "iproute2", what: "looks at and routes the pods' network" },
  { names: ["pasta", "slirp4netns"], packageName: "passt", what: "connects an ordinary user's pods to the outside", who: "user" },
  { names: ["skopeo"], packageName: "skopeo", what: "fetches images" },
  { names: ["bsdtar"], packageName: "libarchive-tools", what: "unpacks images" },
  { names: ["nsenter"], packageName: "util-linux", what: "enters namespaces" },
  { names: ["setpriv"], packageName: "util-linux", what: "ties processes to their parents" },
  { names: ["unshare"], packageName: "util-linux", what: "makes the user's namespaces", who: "user" },
  { names: ["setsid"], packageName: "util-linux", what: "parts the user's namespaces from a login", who: "user" },
  { names: ["systemd-creds"], packageName: "systemd", what: "encrypts Secrets at rest", who: "root", optional: true },
  { names: ["catatonit"], packageName: "catatonit", what: "needed for shareProcessNamespace", optional: true },
];

/** One finding for each program. */
export function programFindings(facts: Facts): readonly Finding[] {
  const who = isRoot(facts) ? "root" : "user";
  const found = NEEDED.filter((each) => each.who === undefined || each.who === who).map((each) => finding(facts, each));
  return [...found, ...(isRoot(facts) ? [] : ["newuidmap", "newgidmap"].map((name) => mapper(facts, name)))];
}

const install = (facts: Facts, packageName: string): string => asRoot(facts, `apt-get install ${packageName}`);

function finding(facts: Facts, { names, packageName, what, optional }: Needed): Finding {
  const name = names.find((each) => facts.programs[each] !== undefined);
  if (name !== undefined) return ok(name, facts.programs[name]?.path ?? "");
  const level = optional === true ? warning : missing;
  return level(names.join(" or "), `not installed; it ${what.replace(/^needed/, "is needed")}`, install(facts, packageName));
}

/** They may write another user's id map only with root's rights (newuidmap(1)). */
function mapper(facts: Facts, name: string): Finding {
  const program = facts.programs[name];
  if (program === undefined) return missing(name, "not installed; it maps the ids of images", install(facts, "uidmap"));
  if (!program.setuid && !program.capabilities) return missing(name, `${program.path} has neither the setuid bit nor file capabilities, so it may not map ids`, asRoot(facts, `chmod u+s ${program.path}`));
  if (facts.noNewPrivileges) return missing(name, `${program.path} gets no rights here: this process runs under no_new_privs, wherry must be started outside of that`, "systemd-run --user --pty wherry doctor");
  return ok(name, `${program.path}, ${program.setuid ? "setuid" : "with file capabilities"}`);
}
