/** Progress shown while it happens: redrawn in place on a terminal, line by line anywhere else. */
import type { StoreProgress } from "../../storage/storage.ts";
import type { Context } from "../context.ts";
import { changeLines, screenLines } from "./lines.ts";
import { advance, begun, type ImageProgress } from "./progress.ts";

/** Milliseconds between two frames. */
const FRAME = 100;
const HIDE_CURSOR = "\x1b[?25l", SHOW_CURSOR = "\x1b[?25h";

/** One display for all images of a command. Dispose of it before anything else is written: it shows the last state and the cursor. */
export interface Display extends Disposable {
  /** Takes the steps of one image, which stands in the display from now on. */
  of(name: string): (progress: StoreProgress) => void;
}

/** The display that suits stderr; it shows nothing when `quiet`. */
export function progressDisplay(context: Pick<Context, "stderr" | "screen" | "colour">, { quiet }: { readonly quiet: boolean }): Display {
  if (quiet) return { of: () => () => {}, [Symbol.dispose]() {} };
  return context.stderr.isTerminal ? redrawn(context) : lineByLine(context);
}

function lineByLine({ stderr }: Pick<Context, "stderr">): Display {
  return {
    of(name) {
      let image = begun(name);
      return (progress) => {
        const before = image;
        image = advance(image, progress);
        for (const line of changeLines(before, image)) void stderr.write(`${line}\n`);
      };
    },
    [Symbol.dispose]() {},
  };
}

/** Frames are drawn only when something has happened, at most one in `FRAME` milliseconds; a steady clock so that a set one does not stop it. */
function redrawn(context: Pick<Context, "stderr" | "screen" | "colour">): Display {
  const images: ImageProgress[] = [];
  let drawn = 0;
  let last = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  const draw = (): void => {
    timer = undefined;
    const lines = screenLines(images, { ...context.screen, colour: context.colour });
    const up = drawn === 0 ? HIDE_CURSOR : `\x1b[${drawn}A`;
    void context.stderr.write(`${up}\r${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
    drawn = lines.length;
    last = performance.now();
  };
  const later = (): void => {
    if (!over) timer ??= setTimeout(draw, Math.max(0, last + FRAME - performance.now()));
  };
  return {
    of(name) {
      const at = images.push(begun(name)) - 1;
      return (progress) => {
        images[at] = advance(images[at] ?? begun(name), progress);
        later();
      };
    },
    [Symbol.dispose]() {
      if (over) return;
      over = true;
      clearTimeout(timer);
      if (timer !== undefined) draw();
      if (drawn > 0) void context.stderr.write(SHOW_CURSOR);
    },
  };
}
