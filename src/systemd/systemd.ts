/**
 * The systemd driver: sd_notify(3), unit names, systemctl, and what a unit gives its processes. Without systemd every
 * notification is a no-op, so that callers need not ask.
 */

/** Messages of sd_notify(3) that wherry sends. */
export interface Notification {
  readonly ready?: true;
  readonly reloading?: true;
  readonly stopping?: true;
  readonly status?: string;
  readonly mainPid?: number;
  readonly watchdog?: true;
  /** microseconds from now */
  readonly extendTimeoutUsec?: number;
  readonly errno?: number;
}

/** A way to the manager; `send` returns false when nobody listens or no socket was given. */
export interface Notifier {
  readonly active: boolean;
  send(notification: Notification): boolean;
}
