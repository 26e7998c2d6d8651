/** `wherry pod restart`. */
import { podCommand } from "./changePods.ts";

export const command = podCommand("restart");
