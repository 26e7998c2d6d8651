/** Messages to the manager: sd_notify(3). */
import { sendDatagram } from "../base/libc.ts";
import type { Notification, Notifier } from "./systemd.ts";

/**
 * A way to the manager that listens at `socketPath` (`$NOTIFY_SOCKET`: a path, or `@name` in the abstract namespace).
 * Without a path nothing is sent. The unit must have `NotifyAccess=all`, or the sender be its main process.
 */
export function notifier(socketPath: string | undefined): Notifier {
  if (socketPath === undefined || !/^[/@]./.test(socketPath)) return { active: false, send: () => false };
  return {
    active: true,
    send: (notification) => {
      const message = notifyMessage(notification);
      return message !== "" && sendDatagram(socketPath, message);
    },
  };
}

/** The text of a notification: one assignment a line, in the order of this list. */
export function notifyMessage(notification: Notification): string {
  const assignments: readonly (readonly [name: string, value: string | number | undefined])[] = [
    ["MAINPID", notification.mainPid],
    ["READY", flag(notification.ready)],
    ["RELOADING", flag(notification.reloading)],
    ["STOPPING", flag(notification.stopping)],
    ["STATUS", notification.status === undefined ? undefined : oneLine(notification.status)],
    ["ERRNO", notification.errno],
    ["WATCHDOG", flag(notification.watchdog)],
    ["EXTEND_TIMEOUT_USEC", notification.extendTimeoutUsec],
  ];
  return assignments.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])).join("\n");
}

const flag = (value: true | undefined): 1 | undefined => (value === undefined ? undefined : 1);

/** A line break in a status would begin another assignment. */
const oneLine = (text: string): string => text.replace(/\s*[\r\n]+\s*/g, " ").trim();
