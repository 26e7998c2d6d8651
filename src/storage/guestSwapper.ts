/** A hostile container for guest.test.ts: `guestSwapper.ts ROOT OUTSIDE` swaps what is in ROOT with links to OUTSIDE until it is killed. Test code. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";

const [root = "", outside = ""] = process.argv.slice(2);
mkdirSync(`${root}/d/e`, { recursive: true });
for (const path of ["f", "d/f", "d/e/f"]) writeFileSync(`${root}/${path}`, "of the container");
const links = ["f", "d", "d/e", "d/f", "d/e/f"].map((path, index) => {
  const link = `${root}/link${index}`;
  symlinkSync(`${outside}/${path}`, link);
  return { path: `${root}/${path}`, link, aside: `${root}/aside${index}` };
});
process.stdout.write(".");
for (;;) {
  for (const { path, link, aside } of links) {
    tried(() => renameSync(path, aside));
    tried(() => renameSync(link, path));
    tried(() => renameSync(path, link));
    tried(() => renameSync(aside, path));
  }
}

/** The other side may have replaced a part of it; then it is made anew. */
function tried(action: () => void): void {
  try {
    action();
  } catch {
    for (const { path, link } of links) {
      try {
        symlinkSync(path.replace(root, outside), link);
      } catch {
        // it is there
      }
    }
  }
}
