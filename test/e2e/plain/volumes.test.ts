import { expect } from "bun:test";
import { documents, identities, podText, pod } from "../../harness/objects.ts";
import { eventually } from "../../harness/eventually.ts";
import { openPlainRoom, type Room, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const claim = (name: string, spec = ""): string => `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: ${name}}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}${spec === "" ? "" : `, ${spec}`}}
`;
const withClaim = (name: string, claimName: string, more: { readonly spec?: string; readonly container?: string } = {}): string => podText(name, {
  container: `volumeMounts: [{name: data, mountPath: /data}]\n${more.container ?? ""}`,
  spec: `volumes: [{name: data, persistentVolumeClaim: {claimName: ${claimName}}}]\n${more.spec ?? ""}`,
});
const inside = (room: Room, name: string, script: string): Promise<string> => room.ok(["exec", name, "--", "sh", "-c", script]);
const volumesOf = ({ directories }: Room): string => `${directories.durable}/volumes`;
const objects = async (room: Room, kind: string): Promise<readonly { readonly metadata: { readonly name: string }; readonly status: Readonly<Record<string, unknown>> }[]> =>
  JSON.parse(await room.ok(["get", kind, "-A", "-o", "json"])).items;

scenario("a claim outlives its pod, a replacement, down, a crash and another play", async (room) => {
  await room.write("/run/data.yaml", documents(claim("data"), withClaim("db", "data")));
  await room.ok(["play", "/run/data.yaml"]);
  await inside(room, "db", "echo kept >/data/file");
  await room.ok(["play", "--replace", "/run/data.yaml"]);
  expect(await inside(room, "db", "cat /data/file")).toBe("kept\n");
  await room.run(["sh", "-c", "kill -9 $(pgrep -f 'wherry supervise')"]);
  await room.ok(["play", "/run/data.yaml"]);
  await room.ok(["down", "data"]);
  expect((await objects(room, "pvc"))[0]?.status).toMatchObject({ phase: "Bound", accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" } });
  await room.ok(["play", "/run/data.yaml"]);
  expect(await inside(room, "db", "cat /data/file")).toBe("kept\n");
  expect(await room.ok(["describe", "pvc", "data"])).toMatch(/Used By:\s+db/);
  expect(await room.ok(["events"])).toContain("its capacity 1Gi is recorded, and not enforced");
  await room.ok(["down", "data"]);
  await room.ok(["down", "data", "--volumes"]);
  expect(await objects(room, "pvc")).toEqual([]);
  expect((await room.run(["ls", volumesOf(room)])).status).not.toBe(0);
});

scenario("a PersistentVolume of the manifest satisfies the claim that it fits best, and keeps its data as its policy says", async (room) => {
  const volume = (name: string, size: string, policy: string): string => `apiVersion: v1
kind: PersistentVolume
metadata: {name: ${name}}
spec: {accessModes: [ReadWriteOnce], capacity: {storage: ${size}}, persistentVolumeReclaimPolicy: ${policy}, hostPath: {path: /run/pv/${name}, type: DirectoryOrCreate}}
`;
  await room.run(["mkdir", "-p", "/run/pv"]);
  await room.write("/run/pv.yaml", documents(volume("large", "10Gi", "Retain"), volume("fits", "2Gi", "Delete"), volume("small", "1Mi", "Retain"), claim("data", 'storageClassName: ""'), withClaim("db", "data")));
  await room.ok(["play", "/run/pv.yaml"]);
  await inside(room, "db", "echo here >/data/file");
  expect((await room.run(["cat", "/run/pv/fits/file"])).stdout).toBe("here\n");
  expect((await objects(room, "pv")).map(({ metadata, status }) => `${metadata.name} ${status["phase"]}`)).toEqual(["fits Bound", "large Available", "small Available"]);
  expect((await room.wherry(["volume", "rm", "data"])).status).toBe(125);
  await room.ok(["down", "pv"]);
  expect((await room.run(["cat", "/run/pv/fits/file"])).stdout).toBe("here\n");
  await room.ok(["volume", "rm", "data"]);
  expect((await room.run(["ls", "-A", "/run/pv/fits"])).stdout).toBe("");
  await room.run(["rm", "-r", "/run/pv"]);
});

scenario("a claim that nothing can satisfy, or that another service has, is refused before anything is touched", async (room) => {
  await room.write("/run/none.yaml", documents(claim("data", 'storageClassName: ""'), withClaim("db", "data")));
  const refused = await room.wherry(["play", "/run/none.yaml"]);
  expect([refused.status, refused.stderr]).toEqual([3, expect.stringContaining("no persistent volumes available for this claim and no storage class is set")]);
  await room.write("/run/one.yaml", documents(claim("data"), withClaim("one", "data")));
  await room.write("/run/two.yaml", documents(claim("data"), withClaim("two", "data")));
  await room.ok(["play", "/run/one.yaml"]);
  const taken = await room.wherry(["play", "/run/two.yaml"]);
  expect([taken.status, taken.stderr]).toEqual([125, expect.stringContaining('PersistentVolumeClaim "default/data" belongs to service "one"')]);
  await room.write("/run/one.yaml", documents(claim("data").replace("1Gi", "500Mi"), withClaim("one", "data")));
  expect((await room.wherry(["play", "/run/one.yaml"])).stderr).toContain("can not be less than previous value");
});

scenario("volumes are listed, exported, imported and pruned", async (room) => {
  await room.write("/run/data.yaml", documents(claim("data"), withClaim("db", "data")));
  await room.ok(["play", "/run/data.yaml"]);
  await inside(room, "db", "echo first >/data/file; chown 7:8 /data/file");
  expect(await room.ok(["volume", "ls"])).toMatch(/data\s+1Gi\s+data\s+pod\/db/);
  expect(JSON.parse(await room.ok(["volume", "inspect", "data"]))[0]).toMatchObject({ Name: "data", Mountpoint: `${volumesOf(room)}/default/data` });
  await room.ok(["volume", "export", "data", "--output", "/run/data.tar"]);
  expect((await room.wherry(["volume", "import", "data", "/run/data.tar"])).status).toBe(125);
  await inside(room, "db", "echo second >/data/file");
  await room.ok(["down", "data"]);
  await room.ok(["volume", "import", "data", "/run/data.tar"]);
  expect((await room.run(room.reaching(["sh", "-c", 'cat "$1"; stat -c %u:%g "$1"', "-", `${volumesOf(room)}/default/data/file`]))).stdout).toBe("first\n7:8\n");
  await room.run(["rm", `${volumesOf(room)}/default/data/file`]);
  const piped = await room.run(["sh", "-c", `${WHERRY} volume import data - </run/data.tar && ${WHERRY} volume export data | tar -t`]);
  expect([piped.status, piped.stdout.split("\n").filter((line) => line.endsWith("file"))]).toEqual([0, ["./file"]]);
  expect((await room.wherry(["volume", "prune"])).status).toBe(2);
  expect(await room.ok(["volume", "prune", "--force"])).toBe("data\n");
  expect(await room.ok(["volume", "ls", "-q"])).toBe("");
});

scenario("a claim of mode ReadWriteOncePod goes from one pod to the next, and is never with two", async (room) => {
  const once = claim("data").replace("ReadWriteOnce", "ReadWriteOncePod");
  await room.write("/run/once.yaml", documents(once, withClaim("first", "data")));
  await room.ok(["play", "/run/once.yaml"]);
  await inside(room, "first", "echo handed >/data/file");
  await room.write("/run/once.yaml", documents(once, withClaim("second", "data")));
  await room.ok(["play", "/run/once.yaml"]);
  expect(await inside(room, "second", "cat /data/file")).toBe("handed\n");
  await room.write("/run/once.yaml", documents(once, withClaim("second", "data"), withClaim("third", "data")));
  const refused = await room.wherry(["play", "/run/once.yaml"]);
  expect([refused.status, refused.stderr]).toEqual([3, expect.stringContaining('has access mode ReadWriteOncePod, and pods "second" and "third" use it')]);
});

scenario("a claim of mode Block is a device in the container", async (room) => {
  const { stdout } = await room.run(["sh", "-c", "truncate -s 1M /run/disk.img && losetup --find --show /run/disk.img"]);
  const device = stdout.trim();
  try {
    await room.write("/run/block.yaml", documents(
      `apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: disk}\nspec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, volumeMode: Block, local: {path: ${device}}}\n`,
      claim("raw", "volumeMode: Block"),
      podText("block", { container: "volumeDevices: [{name: raw, devicePath: /dev/raw}]", spec: "volumes: [{name: raw, persistentVolumeClaim: {claimName: raw}}]" })));
    await room.ok(["play", "/run/block.yaml"]);
    await inside(room, "block", "test -b /dev/raw && printf written | dd of=/dev/raw conv=notrunc,fsync 2>/dev/null");
    expect((await room.run(["head", "-c", "7", "/run/disk.img"])).stdout).toBe("written");
    await room.ok(["down", "block", "--volumes"]);
  } finally {
    await room.run(["sh", "-c", `losetup -d ${device}; rm /run/disk.img`]);
  }
}, { root: "a user has no devices to give" });

scenario("emptyDirs are on the medium that they ask for, and memory is of the size that they may have", async (room) => {
  await room.write("/run/media.yaml", podText("media", {
    container: "resources: {limits: {memory: 32Mi}}\nvolumeMounts: [{name: pages, mountPath: /pages}, {name: memory, mountPath: /memory}, {name: small, mountPath: /small}]",
    spec: "volumes: [{name: pages, emptyDir: {medium: HugePages-2Mi}}, {name: memory, emptyDir: {medium: Memory}}, {name: small, emptyDir: {medium: Memory, sizeLimit: 1Mi}}]",
  }));
  await room.ok(["play", "/run/media.yaml"]);
  expect(await inside(room, "media", "grep -o ' /pages hugetlbfs' /proc/mounts; for at in memory small; do df -k /$at | awk 'END { print $2 }'; done")).toBe(" /pages hugetlbfs\n32768\n1024\n");
}, { root: "a user cannot mount huge pages" });

scenario("an ephemeral volume has a claim of the pod's own, which goes with it", async (room) => {
  await room.write("/run/scratch.yaml", podText("job", {
    container: "volumeMounts: [{name: scratch, mountPath: /scratch}]",
    spec: "volumes: [{name: scratch, ephemeral: {volumeClaimTemplate: {metadata: {labels: {a: b}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}}}]",
  }));
  await room.ok(["play", "/run/scratch.yaml"]);
  await inside(room, "job", "echo x >/scratch/file");
  expect(await room.ok(["get", "pvc", "job-scratch", "-o", "name"])).toBe("persistentvolumeclaim/job-scratch\n");
  expect((await room.run(["cat", `${volumesOf(room)}/default/job-scratch/file`])).stdout).toBe("x\n");
  await room.ok(["down", "scratch"]);
  expect(await objects(room, "pvc")).toEqual([]);
  expect((await room.run(["ls", volumesOf(room)])).status).not.toBe(0);
});

const SETTINGS = (colour: string): string => `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: ${colour}}
`;
const PASSWORD = "apiVersion: v1\nkind: Secret\nmetadata: {name: password}\nstringData: {word: s3cret}\n";

scenario("projected and downwardAPI volumes hold what their sources say", async (room) => {
  await room.write("/run/projected.yaml", documents(SETTINGS("red"), PASSWORD, podText("all", {
    container: "resources: {limits: {memory: 64Mi}}\nvolumeMounts: [{name: all, mountPath: /all}, {name: own, mountPath: /own}]",
    spec: `volumes:
- name: all
  projected:
    defaultMode: 0440
    sources:
    - configMap: {name: settings, items: [{key: colour, path: a/colour}]}
    - secret: {name: password, items: [{key: word, path: word, mode: 0400}]}
    - secret: {name: absent, optional: true}
    - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
- name: own
  downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}, {path: memory, resourceFieldRef: {containerName: main, resource: limits.memory, divisor: 1Mi}}]}`,
  })));
  await room.ok(["play", "/run/projected.yaml"]);
  expect(await inside(room, "all", "cat /all/a/colour /all/word /all/labels /own/name /own/memory; stat -L -c ' %a' /all/a/colour /all/word; stat -f -c %T /all")).toBe('reds3cretapp="all"all64 440\n 400\ntmpfs\n');
  expect((await room.wherry(["exec", "all", "--", "touch", "/all/x"])).status).not.toBe(0);
});

scenario("a changed ConfigMap reaches mounted files in the running pod; variables and subPaths replace it", async (room) => {
  const manifest = (colour: string): string => documents(SETTINGS(colour),
    podText("mounted", { container: "volumeMounts: [{name: settings, mountPath: /settings}]", spec: "volumes: [{name: settings, configMap: {name: settings}}]" }),
    podText("variable", { container: "env: [{name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}]" }),
    podText("path", { container: "volumeMounts: [{name: settings, mountPath: /colour, subPath: colour}]", spec: "volumes: [{name: settings, configMap: {name: settings}}]" }));
  await room.write("/run/live.yaml", manifest("red"));
  await room.ok(["play", "/run/live.yaml"]);
  const before = await identities(room);
  expect(await inside(room, "mounted", "cat /settings/colour")).toBe("red");
  await room.write("/run/live.yaml", manifest("blue"));
  await room.ok(["play", "/run/live.yaml"]);
  const after = await identities(room);
  expect([after["mounted"] === before["mounted"], after["variable"] === before["variable"], after["path"] === before["path"]]).toEqual([true, false, false]);
  expect(await inside(room, "mounted", "cat /settings/colour")).toBe("blue");
  expect([await inside(room, "variable", "echo $COLOUR"), await inside(room, "path", "cat /colour")]).toEqual(["blue\n", "blue"]);
});

scenario("an image volume shows the content of an image, which cannot be written", async (room) => {
  await room.write("/run/image.yaml", podText("image", {
    container: "volumeMounts: [{name: image, mountPath: /image}, {name: image, mountPath: /bin2, subPath: bin}]",
    spec: "volumes: [{name: image, image: {reference: localhost/test:1, pullPolicy: IfNotPresent}}]",
  }));
  await room.ok(["play", "/run/image.yaml"]);
  expect(await inside(room, "image", "test -x /image/bin/sh && ls /bin2 | grep -c '^sh$'")).toBe("1\n");
  expect((await room.wherry(["exec", "image", "--", "touch", "/image/x"])).stderr).toContain("Read-only file system");
});

scenario("fsGroup owns the volumes, and the processes are in it", async (room) => {
  await room.write("/run/group.yaml", documents(claim("data"), PASSWORD, podText("group", {
    container: "volumeMounts: [{name: data, mountPath: /data}, {name: empty, mountPath: /empty}, {name: password, mountPath: /password}, {name: host, mountPath: /host}]",
    spec: `securityContext: {fsGroup: 4242, fsGroupChangePolicy: OnRootMismatch}
volumes:
- {name: data, persistentVolumeClaim: {claimName: data}}
- {name: empty, emptyDir: {}}
- {name: password, secret: {secretName: password, defaultMode: 0400}}
- {name: host, hostPath: {path: /run/group-host, type: DirectoryOrCreate}}`,
  })));
  await room.ok(["play", "/run/group.yaml"]);
  expect(await inside(room, "group", "id -G; stat -L -c '%a %g' /data /empty /password /password/word /host")).toBe("0 4242\n2777 4242\n2777 4242\n3777 4242\n440 4242\n755 0\n");
  await inside(room, "group", "touch /data/file; chgrp 0 /data/file");
  await room.ok(["play", "--replace", "/run/group.yaml"]);
  expect(await inside(room, "group", "stat -c %g /data/file")).toBe("0\n");
  await room.run(room.reaching(["chgrp", "0", `${volumesOf(room)}/default/data`]));
  await room.ok(["play", "--replace", "/run/group.yaml"]);
  expect(await inside(room, "group", "stat -c '%g %a' /data/file")).toBe("4242 664\n");
});

scenario("subPathExpr is expanded with the container's variables", async (room) => {
  const text = (name: string, path: string): string => podText(name, {
    container: `env: [{name: WHO, value: me}]\nvolumeMounts: [{name: data, mountPath: /data, subPathExpr: ${path}}]`,
    spec: "volumes: [{name: data, hostPath: {path: /run/expr, type: DirectoryOrCreate}}]",
  });
  await room.write("/run/expr.yaml", text("expr", "of/$(WHO)"));
  await room.ok(["play", "/run/expr.yaml"]);
  await inside(room, "expr", "echo x >/data/file");
  expect((await room.run(["cat", "/run/expr/of/me/file"])).stdout).toBe("x\n");
  await room.write("/run/expr.yaml", text("expr", "of/$(NOBODY)"));
  expect((await room.wherry(["play", "/run/expr.yaml"])).stderr).toContain('container "main" waits: CreateContainerConfigError: Cannot expand subPathExpr "of/$(NOBODY)" of volume "data": missing value for "NOBODY"');
});

scenario("mounts of the host reach a container with HostToContainer, and only a shared mount can", async (room) => {
  const text = (name: string): string => podText(name, {
    container: "volumeMounts: [{name: host, mountPath: /in, mountPropagation: HostToContainer}, {name: host, mountPath: /cut}]",
    spec: "volumes: [{name: host, hostPath: {path: /run/shared}}]",
  });
  await room.run(["sh", "-c", "mkdir -p /run/shared/sub && mount --bind /run/shared /run/shared && mount --make-private /run/shared"]);
  try {
    await room.write("/run/in.yaml", text("in"));
    expect((await room.wherry(["play", "/run/in.yaml"])).stderr).toContain('path "/run/shared" is mounted on "/run/shared" but it is not a shared or slave mount');
    await room.ok(["down", "in"]);
    await room.run(["mount", "--make-shared", "/run/shared"]);
    await room.ok(["play", "/run/in.yaml"]);
    await room.run(["sh", "-c", "mount -t tmpfs tmpfs /run/shared/sub && touch /run/shared/sub/seen"]);
    expect(await inside(room, "in", "ls /in/sub /cut/sub")).toBe("/cut/sub:\n\n/in/sub:\nseen\n");
    await room.ok(["down", "in"]);
  } finally {
    await room.run(["sh", "-c", "umount -l /run/shared/sub; umount -l /run/shared; rm -rf /run/shared"]);
  }
}, { root: "it mounts on the host" });

scenario("recursiveReadOnly leaves nothing below a read-only mount that can be written", async (room) => {
  await room.run(["sh", "-c", "mkdir -p /run/below/sub && mount -t tmpfs tmpfs /run/below/sub"]);
  try {
    await room.write("/run/below.yaml", podText("below", {
      container: "volumeMounts: [{name: host, mountPath: /only, readOnly: true, recursiveReadOnly: Enabled}, {name: host, mountPath: /top, readOnly: true}]",
      spec: "volumes: [{name: host, hostPath: {path: /run/below}}]",
    }));
    await room.ok(["play", "/run/below.yaml"]);
    expect(await inside(room, "below", "touch /top/sub/x && ls /only/sub; touch /only/sub/y 2>&1 | grep -o 'Read-only.*'")).toBe("x\nRead-only file system\n");
    await room.ok(["down", "below"]);
  } finally {
    await room.run(["sh", "-c", "umount -l /run/below/sub; rm -rf /run/below"]);
  }
}, { root: "it mounts on the host" });

scenario("a pod is evicted when its containers store more than their limit", async (room) => {
  await room.write("/run/layer.yaml", podText("layer", {
    script: "dd if=/dev/zero of=/file bs=1M count=3 2>/dev/null; trap 'exit 0' TERM; sleep 100000 & wait",
    container: "resources: {limits: {ephemeral-storage: 1Mi}}",
  }));
  await room.ok(["play", "/run/layer.yaml"]);
  await eventually(async () => {
    expect((await pod(room, "layer")).status).toMatchObject({ phase: "Failed", reason: "Evicted", message: "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. " });
  }, { within: 20_000 });
  expect(await room.ok(["events"])).toContain("Evicted");
}, { timeout: 90_000 });

scenario("a pod is evicted when an emptyDir holds more than its limit", async (room) => {
  await room.write("/run/full.yaml", podText("full", {
    script: "dd if=/dev/zero of=/data/file bs=1M count=3 2>/dev/null; trap 'exit 0' TERM; sleep 100000 & wait",
    container: "volumeMounts: [{name: data, mountPath: /data}]",
    spec: "volumes: [{name: data, emptyDir: {sizeLimit: 1Mi}}]",
  }));
  await room.ok(["play", "/run/full.yaml"]);
  await eventually(async () => {
    expect((await pod(room, "full")).status).toMatchObject({ phase: "Failed", reason: "Evicted", message: 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". ' });
  }, { within: 20_000 });
}, { timeout: 90_000 });
