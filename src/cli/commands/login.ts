/** `wherry login`: credentials for a registry, where podman, skopeo and buildah find them, too. */
import { fail } from "../../base/errors.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { AUTHFILE, CERT_DIR, TLS_VERIFY } from "../registryOptions.ts";

export const command: Command = {
  description: "Asks for what is not given. The credentials are tried, then kept in the auth.json of podman, skopeo and buildah (containers-auth.json(5)).",
  examples: ["wherry login registry.example", "wherry login -u me --password-stdin registry.example < token"],
  options: [
    { long: "username", short: "u", value: "USER", summary: "user name" },
    { long: "password-stdin", summary: "read the password from the standard input" },
    { long: "password", short: "p", value: "PASSWORD", summary: "password; other users of the host can read it while the command runs" },
    { long: "get-login", summary: "print who is logged in, change nothing" },
    AUTHFILE, TLS_VERIFY, CERT_DIR,
  ],
  words: [{ name: "REGISTRY" }],
  run: login,
};

async function login(context: Context, input: Input): Promise<Outcome> {
  const { loginWords, runLogin } = await import("../../storage/login.ts");
  const [registry = ""] = input.words;
  const password = await passwordOf(context, input);
  const username = input.text("username");
  if (password !== undefined && username === undefined) fail("usage", `Cannot log in to "${registry}" with a password only: --username is missing`);
  const getLogin = input.flag("get-login");
  const words = loginWords(registry, { ...options(input), ...(username === undefined ? {} : { username }), password: password !== undefined, getLogin });
  void context.interrupted(); // the terminal's interrupt ends skopeo, and we see to the terminal
  const done = await runLogin(words, {
    action: `${getLogin ? "tell who is logged in" : "log in"} to "${registry}"`, environment: context.imageEnvironment, terminal: context.stdin.isTerminal, ...(password === undefined ? {} : { password }),
  });
  return { kind: "none", exitCode: done ? 0 : 130 };
}

async function passwordOf(context: Context, input: Input): Promise<string | undefined> {
  const given = input.text("password");
  if (given !== undefined && input.flag("password-stdin")) fail("usage", "Cannot use --password and --password-stdin at once: one password is needed");
  if (given !== undefined) await context.stderr.write("WARNING! Using --password on the command line is insecure. Use --password-stdin.\n");
  return input.flag("password-stdin") ? (await context.stdin.text()).replace(/\r?\n$/, "") : given;
}

function options(input: Input): { readonly authFile?: string; readonly tlsVerify?: boolean; readonly certDir?: string } {
  const [authFile, tlsVerify, certDir] = ["authfile", "tls-verify", "cert-dir"].map((long) => input.text(long));
  return {
    ...(authFile === undefined ? {} : { authFile }),
    ...(tlsVerify === undefined ? {} : { tlsVerify: tlsVerify === "true" }),
    ...(certDir === undefined ? {} : { certDir }),
  };
}
