/** Options that say how registries are reached, as podman and skopeo call them. */
import { fail } from "../base/errors.ts";
import type { Input, Option } from "./command.ts";
import type { Context } from "./context.ts";
import type { Platform } from "../storage/mod.ts";
import type { RegistryOptions } from "./imageDriver.ts";

export const AUTHFILE: Option = { long: "authfile", value: "FILE", summary: "credentials, in place of those that login keeps", complete: "files" };
export const TLS_VERIFY: Option = { long: "tls-verify", summary: "--tls-verify=false takes registries without a valid certificate, and without TLS" };
export const CERT_DIR: Option = { long: "cert-dir", value: "DIR", summary: "certificates and keys for the registry", complete: "files" };
export const CREDS: Option = { long: "creds", value: "USER[:PASSWORD]", summary: "credentials for this once" };
export const REGISTRY: readonly Option[] = [AUTHFILE, CREDS, TLS_VERIFY, CERT_DIR];

/** The values of `REGISTRY`. Fails with kind `usage`. */
export function registryOptions(context: Context, input: Input): RegistryOptions {
  const [authFile, credentials, tlsVerify, certDir] = ["authfile", "creds", "tls-verify", "cert-dir"].map((long) => input.text(long));
  if (credentials?.startsWith(":") === true || credentials === "") fail("usage", `Cannot use "${credentials}" for option "--creds": it must be USER or USER:PASSWORD`);
  return {
    ...(authFile === undefined ? {} : { authFile }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(tlsVerify === undefined ? {} : { tlsVerify: tlsVerify === "true" }),
    ...(certDir === undefined ? {} : { certDir }),
    environment: context.imageEnvironment,
  };
}

/** A platform, `linux/arm64` or `linux/arm/v7`. Fails with kind `usage`. */
export function parsePlatform(text: string): Platform {
  const [os = "", architecture = "", variant, ...more] = text.split("/");
  const whole = [os, architecture, ...(variant === undefined ? [] : [variant])].every((part) => /^[a-z0-9_.-]+$/i.test(part));
  if (!whole || more.length > 0) fail("usage", `Cannot use "${text}" as a platform: it must be OS/ARCH or OS/ARCH/VARIANT, like linux/arm64`);
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}
