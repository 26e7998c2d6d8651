/** `wherry play FILE…`: runs a manifest, or brings a running service to a changed one. */
import { fail, WherryError } from "../../base/errors.ts";
import { objectRecords } from "../../service/wanted.ts";
import type { Plan, Step } from "../../service/service.ts";
import type { Engine } from "../../service/engine.ts";
import { serviceName, serviceNameOf, type ServiceName } from "../../spec/spec.ts";
import { EXIT_POLICIES, type ServiceOptions, type ServiceRecord } from "../../state/state.ts";
import { play, planPlay, type PlayRequest } from "../../supervisor/play.ts";
import type { WaitingPod } from "../../supervisor/protocol.ts";
import { INTERRUPTED } from "../../supervisor/client.ts";
import { down } from "../../supervisor/down.ts";
import { notifier } from "../../systemd/notify.ts";
import { parseDuration } from "../age.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { changing, handCgroup, progressWriter, runningUnit, supervisorEnv, absolute, waitingWriter } from "../changing.ts";
import { checkFiles, type CheckedFiles, configMapFiles } from "../manifests.ts";
import { NAMESPACE, output } from "../options.ts";

export const command: Command = {
  description: "Checks the whole manifest before anything is touched; played again, only what has changed is done. Returns when every pod is ready; a pod that waits for its configuration to be mended is told, and tried again.",
  examples: ["wherry play shop.yaml", "wherry play --dry-run shop.yaml", "kustomize build | wherry play --name shop -", "wherry play --publish 8080:80 web.yaml"],
  options: [
    { long: "name", value: "NAME", summary: "name of the service (default: from the file's name)" },
    NAMESPACE,
    { long: "dry-run", summary: "print what would be done, do nothing" },
    { long: "replace", summary: "remake every pod, changed or not" },
    { long: "start", summary: "--start=false records the pods without starting them" },
    { long: "wait", short: "w", summary: "stay until all pods have ended or the command is interrupted, then take the service down" },
    { long: "timeout", value: "DURATION", summary: "how long pods may take to become ready: 90s, 10m (default: 10m)" },
    { long: "configmap", value: "FILE", repeat: true, summary: "ConfigMaps from other files, separated by commas", complete: "files" },
    { long: "publish", value: "[[IP:]HOST:]PORT[/PROTO]", repeat: true, summary: "publish a container port on the host" },
    { long: "network", value: "MODE", choices: ["bridge", "none", "host"], summary: "network of the pods: bridge, none or host" },
    { long: "annotation", value: "KEY=VALUE", repeat: true, summary: "add an annotation to every pod" },
    { long: "service-exit-code-propagation", value: "POLICY", choices: EXIT_POLICIES, summary: "status the service ends with when containers failed: none, any, all" },
    { long: "quiet", short: "q", summary: "no progress" },
    { long: "unit", value: "UNIT", summary: "the systemd unit that plays (used by wherry@.service)" },
    output("json"),
  ],
  words: [{ name: "FILE|-", repeat: true, complete: "files" }],
  run,
};

async function run(context: Context, input: Input): Promise<Outcome> {
  const checked = await checkFiles(context, input.words, {
    configMaps: configMapFiles(input),
    namespace: input.text("namespace"),
    annotations: annotations(input.texts("annotation")),
  });
  using engine = changing(context);
  const waiting: WaitingPod[] = [];
  const request = requestOf(context, input, { engine, checked, waiting });
  const plan = await planPlay(engine, request);
  if (input.flag("dry-run")) return outcome(input, request.record.name, { plan, waiting });
  const interrupted = await playing(engine, request, plan);
  if (interrupted && !input.flag("wait")) return await goesOn(context, request);
  if (input.flag("wait")) return { ...outcome(input, request.record.name, { plan, waiting }), exitCode: await waitForEnd(engine, context, request) };
  const ended = engine.host.state.run(request.record.name);
  const exitCode = request.unit !== "" && ended?.phase === "ended" ? { exitCode: ended.exitCode } : {};
  return { ...outcome(input, request.record.name, { plan, waiting }), ...exitCode };
}

/** Plays; true when a signal came while the pods were being started, which their supervisor goes on with. */
async function playing(engine: Engine, request: PlayRequest, plan: Plan): Promise<boolean> {
  try {
    await play(engine, request, plan);
    return false;
  } catch (thrown) {
    if (thrown instanceof WherryError && thrown.code === INTERRUPTED) return true;
    throw thrown;
  }
}

/** Exit status as of a shell's command that SIGINT has ended. */
async function goesOn(context: Context, { record: { name } }: PlayRequest): Promise<Outcome> {
  await context.stderr.write(`Interrupted: service "${name}" goes on starting; "wherry ps ${name}" shows it, "wherry down ${name}" ends it\n`);
  return { kind: "none", exitCode: 130 };
}

interface Played {
  readonly engine: Engine;
  readonly checked: CheckedFiles;
  /** Filled with the pods that nobody waits for. */
  readonly waiting: WaitingPod[];
}

function requestOf(context: Context, input: Input, { engine, checked, waiting }: Played): PlayRequest {
  const [first = ""] = input.words;
  const asked = input.text("name");
  const name = asked !== undefined ? serviceName(asked) : first === "-" ? serviceName("stdin") : serviceNameOf(first);
  const before = engine.durable.service(name);
  const unit = input.text("unit") ?? "";
  const timeout = input.text("timeout");
  const options: ServiceOptions = {
    exitPolicy: EXIT_POLICIES.find((each) => each === input.text("service-exit-code-propagation")) ?? "none",
    network: networkOf(input.text("network")),
    publish: input.texts("publish"),
  };
  const record: ServiceRecord = {
    name,
    files: input.words.map((word) => (word === "-" ? "-" : absolute(context, word))),
    texts: checked.texts,
    options,
    revision: (before?.revision ?? 0) + 1,
    playedAt: context.now(),
  };
  const notify = notifier(context.notifySocket);
  const warn = waitingWriter(context);
  return {
    record,
    objects: objectRecords(name, checked.checked, options),
    replace: input.flag("replace"),
    start: input.text("start") !== "false",
    cgroup: unit === "" ? handCgroup(context, name, engine) : runningUnit(unit).cgroup,
    unit,
    env: supervisorEnv(context),
    imageEnvironment: context.imageEnvironment,
    ...(timeout === undefined ? {} : { timeout: parseDuration(timeout) }),
    onProgress: progressWriter(context, input.flag("quiet")),
    onWaiting: (pod) => {
      waiting.push(pod);
      warn(pod);
    },
    interrupted: () => context.interrupted(),
    onWait: () => notify.send({ status: "waiting for other services to start", extendTimeoutUsec: 60_000_000 }),
    onStarted: () => {
      if (waiting.length > 0) return;
      const monitor = engine.host.state.run(name)?.monitorPid ?? 0;
      if (monitor > 0) notify.send({ mainPid: monitor, ready: true });
    },
  };
}

const networkOf = (text: string | undefined): ServiceOptions["network"] => (text === "none" || text === "host" ? text : "bridge");

function annotations(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(texts.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) fail("usage", `Cannot use annotation "${text}": it must be KEY=VALUE`);
    return [text.slice(0, at), text.slice(at + 1)];
  }));
}

/** Waits until the service has ended or a signal comes, then takes it down; the status is the service's. */
async function waitForEnd(engine: Engine, context: Context, request: PlayRequest): Promise<number> {
  const service = request.record.name;
  const run = engine.host.state.run(service);
  if (run !== undefined) await Promise.race([engine.host.runtime.ended(run.bundle), context.interrupted()]);
  const exitCode = engine.host.state.run(service)?.exitCode ?? 0;
  await down(engine, service, { onProgress: request.onProgress });
  return exitCode;
}

/** kubectl's words for what was done. */
const DONE: Readonly<Record<Step["verb"], string>> = { create: "created", replace: "replaced", start: "started", configure: "configured", remove: "removed", unchanged: "unchanged" };

function outcome(input: Input, service: ServiceName, { plan, waiting }: { readonly plan: Plan; readonly waiting: readonly WaitingPod[] }): Outcome {
  const steps = plan.steps.map(({ verb, kind, namespace, name, why }) => ({ kind, namespace, name, verb, ...(why === "" ? {} : { why }) }));
  if (input.text("output") === "json") return { kind: "value", value: { service, unchanged: plan.unchanged, dryRun: input.flag("dry-run"), steps, ...(waiting.length === 0 ? {} : { waiting }) } };
  const suffix = input.flag("dry-run") ? " (dry run)" : "";
  return { kind: "text", text: steps.map((step) => `${step.kind.toLowerCase()}/${step.name} ${DONE[step.verb]}${step.why !== undefined && step.verb !== "start" ? `: ${step.why}` : ""}${suffix}`).join("\n") };
}
