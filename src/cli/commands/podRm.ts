/** `wherry pod rm`. */
import { podCommand } from "./changePods.ts";

export const command = podCommand("remove");
