/** The OCI image configuration, as far as a container needs it (image-spec config.md). */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  /** `user`, `uid`, `user:group`, `uid:gid`, or empty */
  readonly user: string;
  readonly stopSignal: string;
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly exposedPorts: readonly string[];
  /** Docker's HEALTHCHECK. Kubernetes does not act on it, nor does wherry: it is shown. */
  readonly healthcheck?: Healthcheck;
}

/** Durations in nanoseconds, as Docker writes them; absent when inherited. */
export interface Healthcheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", …]` */
  readonly test: readonly string[];
  readonly interval?: number;
  readonly timeout?: number;
  readonly startPeriod?: number;
  readonly retries?: number;
}
