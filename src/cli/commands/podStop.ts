/** `wherry pod stop`. */
import { podCommand } from "./changePods.ts";

export const command = podCommand("stop");
