/**
 * A way for one HTTP request to a place that only this thread can reach. `fetch` makes its connections on a thread of
 * Bun's own, which is in the host's network namespace; but it also speaks over Unix sockets with a path, which know no
 * network namespaces. So the connection is made here, and whoever comes to the Unix socket is joined with it.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { ensureDirectory } from "../base/files.ts";
import { join, type RelayEnd, relayEnd, relayHandlers } from "../network/relay.ts";

export interface Place {
  readonly hostname: string;
  readonly port: number;
}

/** Makes a way to a place and returns the path of its Unix socket, which is there until `signal` is aborted. Fails with the error of the connection. */
export type Through = (place: Place, signal: AbortSignal) => Promise<string>;

let count = 0;

/** Ways whose sockets lie in `directory`. Those that a killed process has left there are removed. */
export function throughUnix(directory: string): Through {
  ensureDirectory(directory);
  for (const name of readdirSync(directory)) {
    if (!existsSync(`/proc/${name.split("-")[0] ?? ""}`)) rmSync(`${directory}/${name}`, { force: true });
  }
  return async (place, signal) => {
    const far = await connect(place, signal);
    const unix = `${directory}/${process.pid}-${(count += 1)}`;
    const listener = Bun.listen<RelayEnd>({ unix, allowHalfOpen: true, data: relayEnd(), socket: { ...relayHandlers, open: (near) => meet(near, far) } });
    const end = (): void => {
      listener.stop(true);
      far.terminate();
      rmSync(unix, { force: true });
    };
    signal.addEventListener("abort", end, { once: true });
    return unix;
  };
}

async function connect({ hostname, port }: Place, signal: AbortSignal): Promise<Bun.Socket<RelayEnd>> {
  const given = Promise.withResolvers<never>();
  const give = (): void => given.reject(signal.reason);
  signal.addEventListener("abort", give, { once: true });
  if (signal.aborted) give();
  const connecting = Bun.connect<RelayEnd>({ hostname, port, data: relayEnd(), socket: relayHandlers, allowHalfOpen: true });
  try {
    return await Promise.race([connecting, given.promise]);
  } catch (thrown) {
    connecting.then((late) => late.terminate(), () => undefined);
    throw thrown;
  } finally {
    signal.removeEventListener("abort", give);
  }
}

function meet(near: Bun.Socket<RelayEnd>, far: Bun.Socket<RelayEnd>): void {
  near.data = relayEnd();
  near.pause();
  join(near, far);
}
