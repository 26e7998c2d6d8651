/** `wherry pod start`. */
import { podCommand } from "./changePods.ts";

export const command = podCommand("start");
