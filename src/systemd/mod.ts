/** The systemd driver: notifications, unit names, systemctl, and what the host has of systemd. */
export * from "./systemd.ts";
export { escapeName, escapePath, unescapeName, unescapePath } from "./escape.ts";
export { isJournalRunning, isSystemdRunning, unitOfProcess, type ProcessUnit } from "./host.ts";
export { notifier } from "./notify.ts";
export { disableUnit, enableUnit, systemctl, unitNameOf, type Manager, type UnitOptions } from "./units.ts";
