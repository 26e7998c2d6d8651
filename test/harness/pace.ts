/**
 * How slow the room is. An emulated machine takes some ten times as long as this one for everything but waiting; every
 * limit of time in the tests is multiplied by its pace. `WHERRY_PACE` is set by who starts tests for such a machine.
 */
export const PACE = Number(process.env["WHERRY_PACE"] ?? 1);

/** A limit, in milliseconds, as it is here. */
export const paced = (milliseconds: number): number => milliseconds * PACE;

/** A duration as wherry's options take it, as it is here: `4s`. */
export const pacedDuration = (seconds: number): string => `${seconds * PACE}s`;

/** Why tests that tell early from late by fractions of a second are left out here; undefined where they are not. */
export const UNTIMED = PACE > 1 ? "times are not those of a real machine" : undefined;
