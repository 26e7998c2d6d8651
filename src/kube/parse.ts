/** From text to YAML documents. */
import { LineCounter, parseAllDocuments, type Document, type ParsedNode, type YAMLError } from "yaml";
import { messageOf } from "../base/errors.ts";
import type { ManifestText } from "./kube.ts";
import { compose, type Complaint } from "./compose.ts";
import { strangeCharacter, withoutMark } from "./text.ts";
import { isNull, type Node, type Position } from "./tree.ts";

export interface Parsed {
  /** The documents that can be read and are not empty, in order; of a key given twice, the first counts. */
  readonly documents: readonly Node[];
  /** What is wrong with them and with the others: of those the first syntax error, as what follows is mostly its echo. */
  readonly complaints: readonly Complaint[];
}

/** Reads every YAML document of a text (JSON is YAML). Never throws. */
export function parse(manifest: ManifestText): Parsed {
  const text = withoutMark(manifest.text);
  const strange = strangeCharacter(text);
  if (strange !== undefined) return { documents: [], complaints: [{ ...strange, code: "syntax" }] };
  const documents: Node[] = [];
  const complaints: Complaint[] = [];
  const lineCounter = new LineCounter();
  const place = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    for (const document of documentsOf(text, lineCounter)) {
      const { node, wrong } = readDocument(document, place);
      complaints.push(...wrong);
      if (wrong.every(({ code }) => code === "duplicate") && node !== undefined && !isNull(node)) documents.push(node);
    }
  } catch (thrown) {
    complaints.push({ at: { line: 1, column: 1 }, code: "syntax", message: `cannot be read as YAML: ${messageOf(thrown)}` });
  }
  return { documents, complaints };
}

function documentsOf(text: string, lineCounter: LineCounter): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text, { schema: "failsafe", uniqueKeys: false, prettyErrors: false, logLevel: "silent", lineCounter });
  return Array.isArray(documents) ? documents : [];
}

function readDocument(document: Document.Parsed, place: (offset: number) => Position): { readonly node?: Node; readonly wrong: readonly Complaint[] } {
  const error = document.errors[0];
  if (error !== undefined) return { wrong: [syntaxComplaint(error, place(error.pos[0]))] };
  const contents: ParsedNode | null = document.contents;
  if (contents === null) return { wrong: [] };
  const wrong: Complaint[] = [];
  const node = compose(contents, { place, complain: (complaint) => wrong.push(complaint) });
  return { node, wrong };
}

function syntaxComplaint(error: YAMLError, at: Position): Complaint {
  const sentence = (error.message.split("\n")[0] ?? "").replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
  if (error.code === "TAB_AS_INDENT") return { at, code: "syntax", message: "is indented by a tab, should be indented by spaces" };
  if (error.code === "RESOURCE_EXHAUSTION") return { at, code: "syntax", message: "is nested too deeply to be read" };
  const hint = sentence.startsWith("nested mappings") ? { hint: 'put a value that holds ": " in quotes' } : {};
  return { at, code: "syntax", message: `is not YAML: ${sentence}`, ...hint };
}
