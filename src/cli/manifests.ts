/** Manifests as the command line names them: files, `-` for stdin; read whole, then checked whole. */
import { readFileSync } from "node:fs";
import { errnoOf, fail } from "../base/errors.ts";
import type { HostLacks } from "../kube/host.ts";
import type { Checked, ManifestText } from "../kube/kube.ts";
import type { Input } from "./command.ts";
import type { Context } from "./context.ts";
import { absolute } from "./changing.ts";

/** Reads every input. Fails with kind `usage` for an address, `notFound` or `failed` for a file that cannot be read. */
export async function readManifests(context: Context, words: readonly string[]): Promise<readonly ManifestText[]> {
  if (words.filter((word) => word === "-").length > 1) fail("usage", 'Cannot read the manifest: "-" may be given once');
  return await Promise.all(words.map(async (word) => ({ file: word === "-" ? "<stdin>" : word, text: word === "-" ? await context.stdin.text() : readText(context, word) })));
}

/** The files of `--configmap`, which is given several times or with commas, as podman takes it. */
export const configMapFiles = (input: Pick<Input, "texts">): readonly string[] => input.texts("configmap").flatMap((text) => text.split(",").filter((file) => file !== ""));

function readText(context: Context, word: string): string {
  if (/^https?:\/\//.test(word)) fail("usage", `Cannot read "${word}": it must be a file or -`, { hint: `curl -fsSL ${word} | wherry play -` });
  try {
    return readFileSync(absolute(context, word), "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") fail("notFound", `Cannot read "${word}": there is no such file`, { cause });
    fail("failed", `Cannot read "${word}": ${errnoOf(cause) ?? String(cause)}`, { cause });
  }
}

export interface CheckedFiles {
  readonly checked: Checked;
  readonly texts: readonly string[];
}

export interface CheckFilesOptions {
  readonly configMaps: readonly string[];
  readonly namespace: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Reads and checks. Fails with kind `invalid` that carries all problems at once. */
export async function checkFiles(context: Context, words: readonly string[], options: CheckFilesOptions): Promise<CheckedFiles> {
  const reading = readManifests(context, words);
  const [manifests, configMaps, { check }, { formatNotice, problemsError }, lacks] = await Promise.all([
    reading,
    readManifests(context, options.configMaps),
    import("../kube/check.ts"),
    import("../kube/problems.ts"),
    reading.then((texts) => lacksOf(context, texts)),
  ]);
  const result = check(manifests, { lacks, configMaps, annotations: options.annotations, ...(options.namespace === undefined ? {} : { namespace: options.namespace }) });
  if (!result.ok) throw problemsError(result.problems);
  for (const notice of result.checked.notices) await context.stderr.write(`${formatNotice(notice)}\n`);
  return { checked: result.checked, texts: manifests.map(({ text }) => text) };
}

/** What pods of this user cannot have on this host, as far as the manifests can ask for it. */
export async function lacksOf(context: Pick<Context, "uid">, manifests: readonly ManifestText[]): Promise<HostLacks> {
  const [{ hostLacks }, { gatherHost, gatherStopTimeout }] = await Promise.all([import("./doctor/lacks.ts"), import("./doctor/gather.ts")]);
  const asked = manifests.some(({ text }) => asksForTime(text)) ? gatherStopTimeout(context.uid) : {}; // a process, which runs beside this one
  return hostLacks({ ...gatherHost(context.uid), ...(await asked) });
}

/** Seconds that every pod gets, whatever the host's settings (`doctor` tells of a host that gives less). */
const USUAL_GRACE = 30;

/** Whether a text may have a pod that takes longer than usual to end. */
const asksForTime = (text: string): boolean => [...text.matchAll(/terminationGracePeriodSeconds\W+(\d+)/g)].some(([, seconds]) => Number(seconds) > USUAL_GRACE);
