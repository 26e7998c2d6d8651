import { expect } from "bun:test";
import { podText } from "../../harness/objects.ts";
import { openPlainRoom } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

scenario("cp copies files and directories to a container and back, volumes included", async (room) => {
  const mounts = "workingDir: /tmp\nvolumeMounts:\n- {name: data, mountPath: /data}\n- {name: conf, mountPath: /conf}";
  await room.write("/run/conf/key", "value");
  await room.write("/run/web.yaml", podText("web", { container: mounts.replace("/conf}", "/conf, readOnly: true}"), spec: "volumes:\n- {name: data, emptyDir: {}}\n- {name: conf, hostPath: {path: /run/conf}}" }));
  await room.write("/run/site/a/b.txt", "B");
  await room.write("/run/site/run.sh", "#!/bin/sh\necho ran");
  await room.run(room.reaching(["sh", "-c", "chmod 755 /run/site/run.sh; chown 1000:1001 /run/site/a/b.txt; ln -s run.sh /run/site/link; mkfifo /run/site/pipe"])); // ids as the pods have them
  await room.ok(["play", "/run/web.yaml"]);
  const there = async (script: string): Promise<string> => room.ok(["exec", "web", "--", "sh", "-c", script]);
  const first = await room.wherry(["cp", "/run/site", "web:/data"]);
  expect(first).toMatchObject({ status: 0, stdout: "", stderr: 'warning: left out "/run/site/pipe": it is a named pipe\n' });
  expect(await there("stat -c '%u %g %a' /data/site/a/b.txt; cat /data/site/a/b.txt; /data/site/run.sh; readlink /data/site/link")).toBe("1000 1001 644\nBran\nrun.sh\n");
  await room.ok(["cp", "/run/site/.", "default/web:plain", "-c", "main", "--no-preserve"]);
  expect(await there("stat -c '%u %g %a' /tmp/plain/a/b.txt")).toBe("0 0 644\n");
  expect((await room.wherry(["cp", "web:/data/site", "/run/back"])).stderr).toContain("a symbolic link");
  expect((await room.run(["sh", "-c", "cat /run/back/a/b.txt; stat -c %a /run/back/run.sh; ls /run/back"])).stdout).toBe("B755\na\nrun.sh\n");
  await room.write("/run/there/a/old", "old");
  await room.wherry(["cp", "web:/data/site", "/run/there"]);
  expect((await room.run(["ls", "/run/there", "/run/there/a"])).stdout).toBe("/run/there:\na\nrun.sh\n\n/run/there/a:\nb.txt\nold\n");
  await room.ok(["cp", "web:/conf/key", "/run/back/"]);
  expect((await room.run(["cat", "/run/back/key"])).stdout).toBe("value");
  // A file that is mounted cannot be replaced, but be written; one that is mounted read-only cannot.
  await room.write("/run/hosts", "192.0.2.1 mine\n");
  await room.ok(["cp", "/run/hosts", "web:/etc/hosts"]);
  expect(await there("cat /etc/hosts")).toBe("192.0.2.1 mine\n");
  const refused = await room.wherry(["cp", "/run/hosts", "web:/conf/new"]);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("EROFS");
});

scenario("cp stays in the container whatever links it has", async (room) => {
  await room.write("/run/trap.yaml", podText("trap", { script: "ln -s / /up; ln -s /../../../../run /out; ln -s /proc/1/root /magic; echo ready; sleep 100000" }));
  await room.ok(["play", "/run/trap.yaml"]);
  await room.write("/run/file", "mine");
  await room.ok(["cp", "/run/file", "trap:/up/up/tmp/a"]);
  expect(await room.ok(["exec", "trap", "--", "cat", "/tmp/a"])).toBe("mine");
  for (const path of ["/out/escaped", "/magic/run/escaped"]) await room.wherry(["cp", "/run/file", `trap:${path}`]);
  expect((await room.run(["ls", "/run/escaped"])).status).not.toBe(0);
  expect((await room.wherry(["cp", "trap:/magic/etc/hostname", "/run/stolen"])).status).toBe(1);
  for (const [words, said] of [[["a", "b"], "one of them must be POD:PATH"], [["trap:/a", "trap:/b"], "one of them must be POD:PATH"], [["/absent", "trap:/a"], "does not exist"], [["trap:/absent", "/run/x"], "ENOENT"]] as const) {
    const { status, stderr } = await room.wherry(["cp", ...words]);
    expect(status).not.toBe(0);
    expect(stderr).toContain(said);
  }
});

scenario("cp stays in the container while it renames what is copied and what it is copied to", async (room) => {
  const swap = "mkdir -p /d/e /real; echo mine > /d/e/f; ln -s /../../run /l; echo ready; while :; do mv /d /aside; mv /l /d; mv /d /l; mv /aside /d; done";
  await room.write("/run/swap.yaml", podText("swap", { script: swap }));
  await room.ok(["play", "/run/swap.yaml"]);
  await room.write("/run/tree/e/escaped", "spoilt");
  await room.write("/run/e/f", "of the host");
  for (let round = 0; round < 25; round += 1) {
    await room.wherry(["cp", "/run/tree/.", "swap:/d"]); // either may be refused
    await room.wherry(["cp", "swap:/d/e", "/run/taken"]);
  }
  expect((await room.run(["ls", "/run/e"])).stdout).toBe("f\n");
  expect((await room.run(["sh", "-c", "cat /run/taken/f"])).stdout).not.toContain("of the host");
});
