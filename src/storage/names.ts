/** Names from archives in messages for people. */

/** A name in quotes, without characters that a terminal would act on or that change how the rest is read. */
export const printable = (name: string): string => `"${harmless(name)}"`;

/** A text without control characters and marks of writing direction. */
export const harmless = (text: string): string => text.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "?");
