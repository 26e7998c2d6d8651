/** What crun, runc and conmon print when they fail, made into one sentence without their log dressing. */

/** Empty when there is nothing to read. */
export function sentenceOf(text: string): string {
  const sentences = text.split("\n").map((line) => undress(line.trim())).filter((line) => line !== "");
  return [...new Set(sentences)].join("; ").replace(/\.$/, "");
}

function undress(line: string): string {
  const logged = /\bmsg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  const message = logged === undefined ? line : unquote(logged);
  return message
    .replace(/^\[conmon:\w\]:?\s*/, "")
    .replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z:?\s*/, "")
    .replace(/^(runc (create|start|delete|exec) failed|unable to start container process|error executing container|container_linux\.go:\d+):\s*/g, "")
    .replace(/^unable to start container process:\s*/, "");
}

function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1);
  }
}
