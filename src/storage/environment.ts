/** Which of the user's environment variables the programs that fetch and send images may see. Pure. */

/** Where credentials, registries' settings, other engines and proxies are, as skopeo and its libraries read them. */
export const IMAGE_ENVIRONMENT: readonly string[] = [
  "HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "REGISTRY_AUTH_FILE",
  "DOCKER_CONFIG", "DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY",
  "CONTAINERS_REGISTRIES_CONF", "CONTAINERS_STORAGE_CONF", "STORAGE_DRIVER", "STORAGE_OPTS",
  "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
  "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR",
];

/** Those of `env` that are set. */
export function imageEnvironment(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(IMAGE_ENVIRONMENT.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value]];
  }));
}
