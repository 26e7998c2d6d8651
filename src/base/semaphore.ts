/** Bounds how many of something run at once, first come first served. */
export interface Semaphore {
  run<T>(action: () => Promise<T>): Promise<T>;
}

export function semaphore(permits: number): Semaphore {
  let free = permits;
  const waiting: (() => void)[] = [];
  const enter = async (): Promise<void> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    async run(action) {
      await enter();
      try {
        return await action();
      } finally {
        leave();
      }
    },
  };
}
