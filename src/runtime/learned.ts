/**
 * What the driver has learned of this machine's programs, and need not ask again until the next boot: files among the
 * records of the OCI runtime, with names that no container can have. Leak checks leave them out.
 */
export const LEARNED = { crunRefuses: ".crun-refuses", conmonLabels: ".conmon-labels", filters: ".filters" } as const;

/** Whether an entry of the OCI runtime's root is one of these files, and not the record of a container. */
export const isLearned = (name: string): boolean => Object.values(LEARNED).some((each) => each === name);
