/** Connections to what listens on the loopback interface of a pod. */
import { isLostNamespace, inNetwork } from "./namespaces.ts";

export interface Dial<T> {
  /** File that pins the network namespace; the caller's own when absent. */
  readonly netns: string | undefined;
  readonly port: number;
  readonly data: T;
  readonly socket: Bun.SocketHandler<T>;
}

/**
 * Connects to a port of the loopback interface, over IPv4 or else over IPv6. Fails with Bun's error when nothing listens
 * there on either.
 *
 * A socket belongs to the network namespace that it was made in, and Bun makes it before `connect` returns when it is given
 * an address and not a name: only that moment is spent in the pod's namespace, and no other process is needed.
 */
export async function dialLoopback<T>({ netns, port, data, socket }: Dial<T>): Promise<Bun.Socket<T>> {
  const connect = async (hostname: string): Promise<Bun.Socket<T>> => {
    const begin = (): Promise<Bun.Socket<T>> => Bun.connect({ hostname, port, data, socket, allowHalfOpen: true });
    return netns === undefined ? begin() : inNetwork(netns, begin);
  };
  try {
    return await connect("127.0.0.1");
  } catch (thrown) {
    if (isLostNamespace(thrown)) throw thrown;
    return connect("::1").catch(() => Promise.reject(thrown));
  }
}
