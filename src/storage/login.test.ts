import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { scratch } from "./fixtures.ts";
import { loginWords, logoutWords, runLogin } from "./login.ts";
import { registry } from "./registryFixture.ts";

setDefaultTimeout(60_000); // outside commands, on machines that do other things

describe("login", () => {
  test("loginWords() and logoutWords() never take a registry for an option, nor have a password", () => {
    expect(loginWords("-x", { username: "me", password: true, tlsVerify: false, authFile: "/a b" })).toEqual(["login", "--username=me", "--password-stdin", "--authfile=/a b", "--tls-verify=false", "--", "-x"]);
    expect(loginWords("r", { getLogin: true, certDir: "/c" })).toEqual(["login", "--get-login", "--cert-dir=/c", "--", "r"]);
    expect([logoutWords("r", {}), logoutWords(undefined, { authFile: "/a" })]).toEqual([["logout", "--", "r"], ["logout", "--authfile=/a", "--all"]]);
  });

  test("runLogin() tries credentials, keeps them where REGISTRY_AUTH_FILE says, and forgets them", async () => {
    using at = scratch();
    await using server = await registry(at.path, { user: "me", password: "secret" });
    const file = `${at.path}/auth.json`;
    const surroundings = { environment: { HOME: at.path, REGISTRY_AUTH_FILE: file }, terminal: false, action: 'log in to "r"' };
    const login = loginWords(server.address, { username: "me", password: true, tlsVerify: false });
    await expect(runLogin(login, { ...surroundings, password: "wrong" })).rejects.toThrow(/^Cannot log in to "r": logging into ".*": invalid username\/password$/);
    expect(await runLogin(login, { ...surroundings, password: "secret" })).toBe(true);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ auths: { [server.address]: { auth: Buffer.from("me:secret").toString("base64") } } });
    expect(await runLogin(loginWords(server.address, { getLogin: true }), surroundings)).toBe(true);
    expect(await runLogin(logoutWords(server.address, {}), surroundings)).toBe(true);
    expect(JSON.parse(readFileSync(file, "utf8")).auths ?? {}).toEqual({});
    await expect(runLogin(logoutWords(undefined, { authFile: `${at.path}/other.json` }), surroundings)).rejects.toThrow("no such file");
  });

  test("runLogin() puts back what skopeo leaves of a terminal when it is interrupted while it asks", async () => {
    const program = `import { runLogin } from "${import.meta.dir}/login.ts"; process.on("SIGINT", () => {}); process.exit((await runLogin(["login", "--username=me", "--authfile=/nowhere", "localhost:1"], { action: "log in", environment: {}, terminal: true })) ? 0 : 130);`;
    using at = scratch();
    await Bun.write(`${at.path}/login.ts`, program);
    const script = `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", "trap : INT; '${process.execPath}' '${at.path}/login.ts'; echo status=$?; stty -a"])
said = b""
asked = False
while True:
    try:
        part = os.read(fd, 4096)
    except OSError:
        break
    if not part:
        break
    said += part
    if not asked and b"Password" in said:
        asked = True
        os.write(fd, b"\\x03")
os.waitpid(pid, 0)
sys.stdout.write(said.decode())
`;
    const child = Bun.spawn(["python3", "-c", script], { stdout: "pipe", stderr: "inherit", timeout: 30_000 });
    const said = await new Response(child.stdout).text();
    expect(said).toContain("status=130");
    expect(said).toMatch(/ echo /);
  });
});
