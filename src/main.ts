/**
 * The composition root: the only reader of the environment, the only place that exits.
 * Environment: WHERRY_ROOT, WHERRY_RUNROOT, WHERRY_LOGS (directories), NO_COLOR, COLUMNS, NOTIFY_SOCKET, WATCHDOG_USEC,
 * XDG_DATA_HOME, XDG_RUNTIME_DIR, HOME, WHERRY_ROOTLESS (set by wherry itself); and, handed to skopeo only, what `storage/environment.ts` lists.
 */
import { homedir } from "node:os";
import { terminalSize } from "./base/terminal.ts";
import { contextOf, type Surroundings } from "./cli/context.ts";
import { thisNode } from "./pod/node.ts";
import { run } from "./cli/run.ts";
import { engineOf } from "./cli/wiring.ts";
import { isTerminal, writerTo } from "./cli/writer.ts";
import { ROOTLESS_VARIABLE } from "./rootless/rootless.ts";

/** A compiled program is itself; otherwise bun must be told what to run. */
const compiled = Bun.main.startsWith("/$bunfs/");

const self = compiled ? [process.execPath] : [process.execPath, Bun.main];
/** Inside of a user's namespaces the user is root, and says who it is on the host. */
const uid = Number(process.env[ROOTLESS_VARIABLE] ?? process.getuid?.() ?? 0);

let interruption: Promise<void> | undefined;
const firstSignal = (): Promise<void> => new Promise((resolve) => ["SIGINT", "SIGTERM"].forEach((signal) => process.once(signal, () => resolve())));

const surroundings: Surroundings = {
  env: process.env,
  uid,
  home: homedir(),
  cwd: process.cwd(),
  self,
  inside: process.env[ROOTLESS_VARIABLE] !== undefined,
  enter: async (paths, options) => {
    const { entryOf } = await import("./cli/entry.ts");
    const { enterNamespaces } = await import("./rootless/enter.ts");
    await enterNamespaces(entryOf(paths, { ...options, uid, home: homedir(), argv: [...self, ...process.argv.slice(2)], cwd: process.cwd(), env: process.env }));
  },
  stdout: writerTo(1),
  stderr: writerTo(2),
  stdin: { isTerminal: isTerminal(0), text: () => Bun.stdin.text(), chunks: () => Bun.stdin.stream() },
  columns: () => terminalSize(1)?.columns ?? 0,
  // A terminal that does not say how large it is (0 columns) is taken for the usual one.
  screen: () => terminalSize(2) ?? { columns: 80, rows: 24 },
  now: Date.now,
  node: thisNode,
  interrupted: () => (interruption ??= firstSignal()),
  engine: engineOf,
};

void run(process.argv.slice(2), (globals) => contextOf(surroundings, globals)).then((status) => process.exit(status));
