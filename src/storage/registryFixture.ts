/** For tests: a registry on the loopback interface. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";

export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:PORT`; it speaks plain HTTP. */
  readonly address: string;
}

/** Starts Debian's docker-registry with its data in `directory`; its process ends when it is disposed of. With `login` it lets nobody else in. */
export async function registry(directory: string, login?: { readonly user: string; readonly password: string }): Promise<Registry> {
  const data = `${directory}/registry`;
  mkdirSync(data);
  const address = `127.0.0.1:${await freePort()}`;
  if (login !== undefined) writeFileSync(`${data}/users`, `${login.user}:${await Bun.password.hash(login.password, { algorithm: "bcrypt", cost: 4 })}\n`);
  const auth = login === undefined ? {} : { auth: { htpasswd: { realm: "test", path: `${data}/users` } } };
  writeFileSync(`${data}/config.yml`, JSON.stringify({ version: 0.1, log: { level: "error" }, storage: { filesystem: { rootdirectory: data } }, http: { addr: address }, ...auth }));
  const server = Bun.spawn(["docker-registry", "serve", `${data}/config.yml`], { stdout: "ignore", stderr: "pipe" });
  await answering(address, server);
  return {
    address,
    async [Symbol.asyncDispose]() {
      server.kill();
      await server.exited;
    },
  };
}

async function answering(address: string, server: Bun.Subprocess<"ignore", "ignore", "pipe">): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const up = await fetch(`http://${address}/v2/`).then(({ status }) => status === 200 || status === 401, () => false);
    if (up) return;
    if (server.exitCode !== null || performance.now() > deadline) {
      server.kill();
      throw new Error(`The registry does not answer: ${await new Response(server.stderr).text()}`);
    }
    await Bun.sleep(20);
  }
}

/** A port that nobody listens on. */
export const freePort = (): Promise<number> => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
});
