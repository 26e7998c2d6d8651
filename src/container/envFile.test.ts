import { expect, test } from "bun:test";
import { WherryError } from "../base/errors.ts";
import { envFileValue } from "./envFile.ts";

const FILE = "# comment\nA='1'\n\n  B = 'two # $A \"x\"'  \nC='line 1\nline 2'\r\nD=''\nA='again'";
const VALUES: readonly (readonly [string, string | undefined])[] = [["A", "again"], ["B", 'two # $A "x"'], ["C", "line 1\nline 2"], ["D", ""], ["E", undefined], ["line", undefined]];
for (const [key, value] of VALUES) test(`envFileValue gives ${key} as ${JSON.stringify(value)}`, () => expect(envFileValue(FILE, key)).toBe(value));

for (const text of ["A=1", 'A="1"', "A='1''2'", "A='1'$B", "A='open", "export A='1'"]) {
  test(`envFileValue refuses ${JSON.stringify(text)}, with its line`, () => {
    expect(() => envFileValue(`B='2'\n${text}\n`, "A")).toThrow(WherryError);
    expect(() => envFileValue(`B='2'\n${text}\n`, "A")).toThrow(/line 2/);
  });
}
