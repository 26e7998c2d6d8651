/** UDP from one port to another by one connected socket for each client, as long as somebody says something. */
import type { SocketAddress } from "../base/sockets.ts";
import type { Dial } from "./publish.ts";

/** Milliseconds of silence after which a client is forgotten (the kernel's nf_conntrack_udp_timeout_stream), and between looks for it. */
const SILENCE = 120_000, LOOK = 30_000;
/** Clients that are known at once; another one takes the place of the first. */
const CLIENTS_MAX = 4096;
/** Bun's flag for it, which its types do not know. */
const IPV6_ONLY = 8;

interface Flow {
  heard: number;
  readonly far: Promise<Bun.Socket<undefined>>;
}

class Flows {
  readonly #flows = new Map<string, Flow>();
  readonly #dial: Dial;

  constructor(dial: Dial) {
    this.#dial = dial;
    setInterval(() => this.#look(), LOOK).unref();
  }

  /** Passes on what a client has said. */
  pass(data: Buffer, client: SocketAddress, back: (data: Buffer) => void): void {
    const key = `${client.address} ${client.port}`;
    const flow = this.#flows.get(key) ?? this.#begin(key, client, back);
    flow.heard = performance.now();
    flow.far.then((far) => void far.write(data), () => this.#forget(key));
  }

  #begin(key: string, client: SocketAddress, back: (data: Buffer) => void): Flow {
    const [oldest] = this.#flows.keys();
    if (this.#flows.size >= CLIENTS_MAX && oldest !== undefined) this.#forget(oldest);
    const forget = (): void => this.#forget(key);
    const data = (_: Bun.Socket<undefined>, said: Buffer): void => {
      flow.heard = performance.now();
      back(said);
    };
    const flow: Flow = { heard: 0, far: this.#dial(client, { data: undefined, socket: { data, close: forget, error: forget } }) };
    this.#flows.set(key, flow);
    return flow;
  }

  #forget(key: string): void {
    const flow = this.#flows.get(key);
    if (this.#flows.delete(key)) flow?.far.then((far) => far.terminate(), () => undefined);
  }

  #look(): void {
    const now = performance.now();
    for (const [key, { heard }] of this.#flows) if (now - heard > SILENCE) this.#forget(key);
  }
}

/** Listens in the network namespace of the calling thread; dials whenever a new client comes. */
export async function relayDatagrams(at: { readonly hostname: string; readonly port: number }, dial: Dial): Promise<void> {
  const flows = new Flows(dial);
  const where = { ...at, flags: IPV6_ONLY }; // IPv4 has a socket of its own
  await Bun.udpSocket({
    ...where,
    socket: {
      data: (socket, data, ...[port, address]) => flows.pass(data, { address, port }, (said) => void socket.send(said, port, address)),
    },
  });
}
