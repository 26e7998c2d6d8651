/** skopeo(1): every transport, trust and credential question is its own. How it is called, and what its failures mean. */
import { fail } from "../base/errors.ts";
import { CLEAN_ENV, exec } from "../base/exec.ts";
import { LONG } from "./layout.ts";

export interface SkopeoOptions {
  readonly signal?: AbortSignal;
  /** Variables of the user's surroundings that say where credentials, registries and other engines are (`environment.ts`). */
  readonly environment?: Readonly<Record<string, string>>;
  /** Directory for its own large temporary files. */
  readonly scratch?: string;
  /** In place of the host's own auth.json (containers-auth.json(5)). */
  readonly authFile?: string;
  readonly tlsVerify?: boolean;
  /** Certificates for the registry (containers-certs.d(5)). */
  readonly certDir?: string;
  readonly credentials?: string;
  /** Of the image to choose from an index; this host's when absent. */
  readonly platform?: Platform;
}

export interface Platform {
  readonly os: string;
  /** As Go calls it: `amd64`, `arm64` */
  readonly architecture: string;
  readonly variant?: string;
}

/** What the registry options are called depends on the side of a copy that they are for. */
export type Side = "" | "src-" | "dest-";

/** The command line, dying with its parent, so that it outlives neither us nor our locks. `words` begin with the subcommand. */
export function skopeoArgv(words: readonly string[], options: SkopeoOptions): readonly string[] {
  const { environment = {}, scratch, platform } = options;
  const registries = environment["CONTAINERS_REGISTRIES_CONF"];
  return [
    "setpriv", "--pdeathsig=KILL", "skopeo",
    ...(registries === undefined ? [] : ["--registries-conf", registries]), // skopeo 1.9 does not read the variable
    ...(scratch === undefined ? [] : ["--tmpdir", scratch]),
    ...(platform === undefined ? [] : ["--override-os", platform.os, "--override-arch", platform.architecture]),
    ...(platform?.variant === undefined ? [] : ["--override-variant", platform.variant]),
    ...words,
  ];
}

/** Flags that say how to reach the registry of one side. */
export function registryFlags(side: Side, { authFile, tlsVerify, certDir, credentials }: SkopeoOptions): readonly string[] {
  return [
    ...(authFile === undefined ? [] : [`--${side}authfile=${authFile}`]),
    ...(tlsVerify === undefined ? [] : [`--${side}tls-verify=${tlsVerify}`]),
    ...(certDir === undefined ? [] : [`--${side}cert-dir=${certDir}`]),
    ...(credentials === undefined ? [] : [`--${side}creds=${credentials}`]),
  ];
}

/** Code of what skopeo fails with; `context.reason` is its own sentence, `context.transient` whether another try may help. */
export const SKOPEO_FAILED = "ESKOPEO";

/** Runs skopeo to its end; returns stdout. Fails with kind `failed` or, when the thing is not there, `notFound`. */
export async function runSkopeo(words: readonly string[], options: SkopeoOptions): Promise<string> {
  const environment = { ...CLEAN_ENV, ...options.environment };
  const { status, stdout, stderr } = await exec(skopeoArgv(words, options), {
    env: environment,
    allowFailure: true,
    timeout: LONG,
    ...(options.signal && { signal: options.signal }),
  });
  options.signal?.throwIfAborted();
  if (status !== 0) failAs(`${words[0]} "${words.find((word) => /^[a-z-]+:/.test(word)) ?? ""}"`, { status, stderr });
  return stdout;
}

/** The reason in what skopeo has said: its last message, out of logrus' form, with no control characters. */
export function reasonOf(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const last = lines.findLast((line) => /level=(fatal|error)/.test(line)) ?? lines.at(-1) ?? "";
  const message = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1]?.replace(/\\(["\\])/g, "$1") ?? last;
  return message.replace(/\\n/g, " ").replace(/^(Error parsing image name "[^"]*"|initializing source \S+|copying system image from manifest list|trying to reuse blob \S+ at destination): /, "").replace(/[\0-\x1f\x7f]/g, "?").trim();
}

/** What registries say of a thing that will not be there the next time either, or not for this user. */
const DEFINITE = /manifest unknown|name unknown|repository .*not found|manifest .*not found|not found|unauthorized|denied|authentication required|invalid username\/password|invalid reference|rejected by policy|signature|no image found|unsupported|unknown blob|StatusCode: 40[0134]|x509|server gave HTTP response to HTTPS client/i;
/** Among the above, what only looks definite: a host that cannot be looked up or reached. */
const TRANSIENT = /no such host|connection (refused|reset)|i\/o timeout|timeout awaiting|TLS handshake timeout|EOF|network is unreachable|no route to host|toomanyrequests|StatusCode: (429|5\d\d)|received unexpected HTTP status: 5/i;
const FULL = /no space left on device|disk quota exceeded/i;
const ABSENT = /manifest unknown|name unknown|not found|no image found|does not resolve to an image ID|No such image|reference .*does not resolve/i;

/** Whether trying the same again later may end otherwise. */
export const isTransient = (reason: string): boolean => TRANSIENT.test(reason) || !DEFINITE.test(reason);

function failAs(what: string, { status, stderr }: { readonly status: number; readonly stderr: string }): never {
  const full = FULL.test(stderr);
  const reason = full ? "no space is left on the disk" : reasonOf(stderr) || `exit status ${status}`;
  const kind = ABSENT.test(reason) && !TRANSIENT.test(reason) ? "notFound" : "failed";
  const hint = full ? { hint: "wherry image prune gives back what no image needs" } : {};
  fail(kind, `Cannot ${what}: ${reason}`, { code: SKOPEO_FAILED, context: { status, reason, transient: isTransient(reason) }, ...hint });
}
