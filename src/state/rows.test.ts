import { Database as Sqlite } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { containerRecord, podRecord, serviceRecord, temporaryDirectory } from "./fixtures.ts";
import { openDurable, openRuntime } from "./mod.ts";

const DAMAGE: readonly (readonly [sql: string, message: string])[] = [
  ["UPDATE pods SET phase = 'running'", '"pods": "phase": it is "running", it should be one of Pending, Running, Succeeded, Failed, Unknown'],
  ["UPDATE pods SET uid = 'x'", '"pods": "uid": Cannot use "x" as a pod uid: it must be a lower-case UUID'],
  ["UPDATE pods SET pod = json_set(pod, '$.kind', 'Deployment')", '"pods": "pod": it is "Deployment", it should be one of Pod, ConfigMap, Secret, PersistentVolumeClaim, PersistentVolume, Namespace'],
  ["UPDATE pods SET pod = json_remove(pod, '$.spec.containers')", '"pods": "pod": "spec": "containers": it is undefined, it should be a list'],
  ["UPDATE containers SET state = 'x'", '"containers": "state": it is not JSON'],
  ["UPDATE containers SET state = '{\"status\":\"running\",\"pid\":1,\"startedAt\":1}'", '"containers": "state": "id": it is undefined, it should be text'],
];

test.each(DAMAGE)("reading after %p names file, table and column", (sql, message) => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "run.db");
  using state = openRuntime(path);
  const pod = podRecord();
  state.addPod(pod, [containerRecord(pod.uid)], { subnet: "10.89.0.0/16", hostPorts: [] });
  {
    using raw = new Sqlite(path);
    raw.run(sql);
  }
  expect(() => [state.pods(), state.containers()]).toThrow(expect.objectContaining({ kind: "unavailable", message: `Cannot use database "${path}": ${message}` }));
});

test("reading a service checks the options in it", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "wherry.db");
  using state = openDurable(path);
  state.putService(serviceRecord(), []);
  {
    using raw = new Sqlite(path);
    raw.run("UPDATE services SET options = json_set(options, '$.exitPolicy', 'some')");
  }
  expect(() => state.services()).toThrow('"services": "options": "exitPolicy": it is "some", it should be one of none, any, all');
});
