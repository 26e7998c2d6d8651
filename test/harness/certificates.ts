/** A certificate authority and a server's certificate of it, made for one test; nothing on the machine learns of them. */
import { exec } from "../../src/base/exec.ts";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"] as const;

/** Writes `ca.crt`, `server.crt` and `server.key`, for 127.0.0.1, into a directory. */
export async function makeAuthority(directory: string): Promise<{ readonly certificate: string }> {
  const [certificate, key] = [`${directory}/ca.crt`, `${directory}/ca.key`];
  const make = ["openssl", "req", "-x509", ...KEY];
  await exec([...make, "-keyout", key, "-out", certificate, "-subj", "/CN=wherry test authority"]);
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];
  await exec([...make, "-CA", certificate, "-CAkey", key, "-keyout", `${directory}/server.key`, "-out", `${directory}/server.crt`, ...names]);
  return { certificate };
}
