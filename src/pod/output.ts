/** Reading a bounded part of something that may have no end. */

/** The first `bytes` of a stream as text; the rest is not read. */
export async function limited(stream: ReadableStream<Uint8Array>, bytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  try {
    while (size < bytes) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value.subarray(0, bytes - size));
      size += value.length;
    }
  } finally {
    reader.cancel().catch(() => {}); // its source has ended already
  }
  return Buffer.concat(parts).toString();
}
