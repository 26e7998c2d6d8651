/** What wherry does with a field of the Kubernetes API: the rows of the one table that says so. */

export type Row =
  /** It has its effect; `test` is the file that sees it from outside. */
  | { readonly effect: "runs"; readonly what: string; readonly test: string }
  /** It is for a cluster: taken, listed once, without effect on a single host. */
  | { readonly effect: "none"; readonly what: string }
  /** It is refused with its line; `what` says why. */
  | { readonly effect: "refused"; readonly what: string };

/** Field → row, of one type of the API. */
export type Rows = Readonly<Record<string, Row>>;

export const runs = (what: string, test: string): Row => ({ effect: "runs", what, test });
export const none = (what: string): Row => ({ effect: "none", what });
export const refused = (what: string): Row => ({ effect: "refused", what });
