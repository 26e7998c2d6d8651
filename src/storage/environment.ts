/** Which of the user's environment variables concern images: those that skopeo may see, and the limits of unpacking. Pure. */
import { fail } from "../base/errors.ts";
import type { UnpackLimits } from "./storage.ts";

/** Where credentials, registries' settings, other engines and proxies are, as skopeo and its libraries read them. */
export const IMAGE_ENVIRONMENT: readonly string[] = [
  "HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "REGISTRY_AUTH_FILE",
  "DOCKER_CONFIG", "DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY",
  "CONTAINERS_REGISTRIES_CONF", "CONTAINERS_STORAGE_CONF", "STORAGE_DRIVER", "STORAGE_OPTS",
  "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
  "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR",
  "WHERRY_MAX_LAYER_BYTES", "WHERRY_MAX_LAYER_ENTRIES",
];

/** What a layer may hold, where the user says so. Kind `usage` when a limit is no number. */
export function limitsOf(environment: Readonly<Record<string, string>>): Partial<UnpackLimits> {
  return { ...limit(environment, "WHERRY_MAX_LAYER_BYTES", "bytes"), ...limit(environment, "WHERRY_MAX_LAYER_ENTRIES", "entries") };
}

function limit(environment: Readonly<Record<string, string>>, variable: string, name: keyof UnpackLimits): Partial<UnpackLimits> {
  const text = environment[variable];
  if (text === undefined || text === "") return {};
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0) fail("usage", `Cannot use "${text}" for ${variable}: it must be a whole number of ${name}`);
  return { [name]: value };
}

/** Those of `env` that are set. */
export function imageEnvironment(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(IMAGE_ENVIRONMENT.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value]];
  }));
}
