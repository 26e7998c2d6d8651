/** Lists, metadata, Namespaces, ConfigMaps and Secrets. */
import { none, refused, type Rows, runs } from "./row.ts";

const CHECK = "src/kube/check.test.ts";
const CONFIG = "test/e2e/plain/config.test.ts";
const SERVER = "the API server of a cluster sets it: remove it";

export const META: Readonly<Record<string, Rows>> = {
  List: {
    apiVersion: runs("`v1`", CHECK),
    kind: runs("`List`", CHECK),
    items: runs("each item is an object of the service", CHECK),
    metadata: refused(SERVER),
  },
  ListMeta: {},
  ObjectMeta: {
    name: runs("name of the object, unique in its kind and namespace on this host", CHECK),
    namespace: runs("scope of names; `default` when absent, or `--namespace`; it needs no Namespace object: what names a namespace makes it", CHECK),
    labels: runs("shown, selected by, and given to pods by the downward API", CHECK),
    annotations: runs("shown, and given to pods by the downward API", CHECK),
    finalizers: none("nobody but an API server waits for them"),
    ownerReferences: refused(SERVER),
    generateName: refused("give metadata.name"),
    creationTimestamp: refused(SERVER),
    deletionGracePeriodSeconds: refused(SERVER),
    deletionTimestamp: refused(SERVER),
    generation: refused(SERVER),
    managedFields: refused(SERVER),
    resourceVersion: refused(SERVER),
    selfLink: refused(SERVER),
    uid: refused(SERVER),
  },
  Namespace: {
    apiVersion: runs("`v1`", CHECK),
    kind: runs("`Namespace`", CHECK),
    metadata: runs("see ObjectMeta; recorded and shown; its name is a DNS label, and several services may declare it", CHECK),
    spec: none("it holds finalizers, which nobody but an API server waits for"),
    status: refused(SERVER),
  },
  ConfigMap: {
    apiVersion: runs("`v1`", CHECK),
    kind: runs("`ConfigMap`", CHECK),
    metadata: runs("see ObjectMeta", CHECK),
    data: runs("text by key", CONFIG),
    binaryData: runs("bytes by key, in base64; not used for variables", CONFIG),
    immutable: runs("recorded and shown", CHECK),
  },
  Secret: {
    apiVersion: runs("`v1`", CHECK),
    kind: runs("`Secret`", CHECK),
    metadata: runs("see ObjectMeta", CHECK),
    type: runs("the keys that a known type must have are demanded", CHECK),
    data: runs("bytes by key, in base64; never shown by `inspect`", CONFIG),
    stringData: runs("text by key, wins over `data`", CONFIG),
    immutable: runs("recorded and shown", CHECK),
  },
};
