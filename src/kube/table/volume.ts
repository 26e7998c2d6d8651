/** Volumes, their sources, claims and the volumes that satisfy them. */
import { later, none, refused, type Row, type Rows, runs } from "./row.ts";

const PLAY = "test/e2e/plain/play.test.ts";
const CONFIG = "test/e2e/plain/config.test.ts";
const DRIVER: Row = refused("it needs a storage driver of a cluster: mount it on the host and use hostPath, or a PersistentVolume with local");
const REMOVED: Row = refused("Kubernetes has removed it");
const IDENTITY: Row = refused("it needs a certificate authority of a cluster");

export const VOLUME: Readonly<Record<string, Rows>> = {
  Volume: {
    name: runs("name for mounts", PLAY),
    emptyDir: runs("a new directory of the pod; this is also what a volume without a source is", PLAY),
    hostPath: runs("a file or directory of the host", PLAY),
    configMap: runs("a file for each key", CONFIG),
    secret: runs("a file for each key, in memory only", CONFIG),
    downwardAPI: later("files with fields of the pod"),
    projected: later("several sources in one directory"),
    persistentVolumeClaim: later("a volume that outlives the pod"),
    ephemeral: later("a claim of the pod's own"),
    image: later("the content of an image, read-only"),
    awsElasticBlockStore: REMOVED, azureDisk: REMOVED, azureFile: DRIVER, cephfs: REMOVED, cinder: REMOVED, csi: DRIVER, fc: DRIVER, flexVolume: DRIVER,
    flocker: REMOVED, gcePersistentDisk: REMOVED, gitRepo: refused("Kubernetes has disabled it: clone in an init container"), glusterfs: REMOVED, iscsi: DRIVER,
    nfs: DRIVER, photonPersistentDisk: REMOVED, portworxVolume: DRIVER, quobyte: REMOVED, rbd: REMOVED, scaleIO: REMOVED, storageos: REMOVED, vsphereVolume: DRIVER,
  },
  VolumeMount: {
    name: runs("a volume of the pod", PLAY),
    mountPath: runs("place in the container", PLAY),
    readOnly: runs("cannot be written through this mount", PLAY),
    recursiveReadOnly: later("mounts below it neither"),
    mountPropagation: later("None, HostToContainer or Bidirectional"),
    subPath: runs("a path below the volume, whatever links are there", PLAY),
    subPathExpr: later("the same with variables"),
  },
  VolumeDevice: { name: later("claim of mode Block"), devicePath: later("place in the container") },
  EmptyDirVolumeSource: { medium: runs("disk, or Memory: a tmpfs", PLAY), sizeLimit: runs("size of the tmpfs", PLAY) },
  HostPathVolumeSource: { path: runs("path on the host", PLAY), type: runs("what must be there, or is made", PLAY) },
  ConfigMapVolumeSource: { name: runs("ConfigMap", CONFIG), items: runs("keys and their files", CONFIG), defaultMode: runs("permission bits", CONFIG), optional: runs("missing is no error", CONFIG) },
  SecretVolumeSource: { secretName: runs("Secret", CONFIG), items: runs("keys and their files", CONFIG), defaultMode: runs("permission bits", CONFIG), optional: runs("missing is no error", CONFIG) },
  KeyToPath: { key: runs("key", CONFIG), path: runs("file", CONFIG), mode: runs("permission bits", CONFIG) },
  DownwardAPIVolumeSource: { items: later("files"), defaultMode: later("permission bits") },
  DownwardAPIVolumeFile: { path: later("file"), mode: later("permission bits"), fieldRef: later("a field of the pod"), resourceFieldRef: later("a resource of a container") },
  ProjectedVolumeSource: { sources: later("what is in it"), defaultMode: later("permission bits") },
  VolumeProjection: {
    configMap: later("keys of a ConfigMap"),
    secret: later("keys of a Secret"),
    downwardAPI: later("fields of the pod"),
    serviceAccountToken: refused("there is no API server whose tokens it could be"),
    clusterTrustBundle: IDENTITY,
    podCertificate: IDENTITY,
  },
  ConfigMapProjection: { name: later("ConfigMap"), items: later("keys and their files"), optional: later("missing is no error") },
  SecretProjection: { name: later("Secret"), items: later("keys and their files"), optional: later("missing is no error") },
  DownwardAPIProjection: { items: later("files") },
  PersistentVolumeClaimVolumeSource: { claimName: later("claim of the pod's namespace"), readOnly: later("all mounts are read-only") },
  EphemeralVolumeSource: { volumeClaimTemplate: later("the claim") },
  PersistentVolumeClaimTemplate: { metadata: later("labels and annotations"), spec: later("see PersistentVolumeClaimSpec") },
  ImageVolumeSource: { reference: later("image"), pullPolicy: later("as of containers") },
  PersistentVolumeClaimSpec: {
    accessModes: later("recorded and matched"),
    resources: later("the least capacity"),
    selector: later("labels of the volume"),
    storageClassName: later("absent: a directory of wherry's own"),
    volumeName: later("the volume"),
    volumeMode: later("Filesystem or Block"),
    volumeAttributesClassName: none("volumes have no classes"),
    dataSource: refused("it needs a storage driver of a cluster"),
    dataSourceRef: refused("it needs a storage driver of a cluster"),
  },
  VolumeResourceRequirements: { requests: later("the least capacity"), limits: later("recorded") },
  LabelSelector: { matchLabels: later("all of them"), matchExpressions: later("all of them") },
  LabelSelectorRequirement: { key: later("label"), operator: later("In, NotIn, Exists, DoesNotExist"), values: later("values") },
};
