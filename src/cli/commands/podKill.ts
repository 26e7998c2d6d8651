/** `wherry pod kill`. */
import { podCommand } from "./changePods.ts";

export const command = podCommand("kill");
